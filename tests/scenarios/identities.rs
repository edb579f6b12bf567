//! Identities: signing in, registering and linking by a provider, which here is another instance.

use std::time::Duration;

use serde_json::{Value, json};
use server::config::{Config, Provider};
use tests::bridge::{sent, text};
use tests::{Answer, Person, Relay, World, at_once};

/// An instance that is the provider, somebody who owns it, and an instance that trusts it.
struct Worlds {
    provider: World,
    owner: Person,
    world: World,
}

fn worlds(change: impl FnOnce(&mut Config)) -> Worlds {
    let relay = Relay::new();
    let issuer = relay.url.clone();
    let provider = World::with(|it| it.public_url.clone_from(&issuer));
    relay.leads_to(provider.client.http.address);
    let owner = provider.owner("owner");
    let home = format!("{}/signed-in", Config::default().public_url);
    let input = json!({ "name": "Chat", "redirectUris": [home], "confidential": true });
    let made = owner.does("registerApplication", input, "application { id } secret");
    let world = World::with(|it| {
        let mut known = Provider::new("corp", &issuer, &text(&made["application"]["id"]));
        known.client_secret = Some(text(&made["secret"]).as_str().into());
        known.registers = true;
        it.identity_providers.push(known);
        change(it);
    });
    Worlds { provider, owner, world }
}

const WANTED: &str = "signIn { accessToken refreshToken secondFactor { challenge methods } } \
                      newcomer { ticket username displayName }";

/// Begins to sign in, or to link; gives where the browser is sent, and what it keeps.
fn starts(world: &World, as_whom: Option<&Person>) -> (String, String) {
    let name = if as_whom.is_some() { "startLinkingIdentity" } else { "startSignInWith" };
    let query =
        format!("mutation {{ {name}(input: {{ provider: \"corp\" }}) {{ url ceremony until }} }}");
    let answer = world.client.ask(as_whom.map(|it| it.token.as_str()), &query, json!({}));
    let begun = &answer.data()[name];
    (text(&begun["url"]), text(&begun["ceremony"]))
}

/// Somebody lets the provider tell who they are; gives what comes back with the browser.
fn allows(person: &Person, url: &str) -> Value {
    let request = url.split_once('?').expect("a query").1;
    let allowed = person.does("allowApplication", json!({ "request": request }), "redirectUri");
    let back = text(&allowed["redirectUri"]);
    assert!(back.starts_with("http://localhost:8080/signed-in?"), "{back}");
    json!({ "code": sent(&back, "code"), "state": sent(&back, "state"), "iss": sent(&back, "iss") })
}

/// Goes to the provider and comes back; gives the answer with its ceremony.
fn comes_back(worlds: &Worlds, person: &Person, as_whom: Option<&Person>) -> Value {
    let (url, ceremony) = starts(&worlds.world, as_whom);
    let mut answer = allows(person, &url);
    answer["ceremony"] = ceremony.into();
    answer
}

fn finishes(world: &World, answer: &Value) -> Answer {
    let input = json!({ "answer": answer, "device": "phone" });
    world.client.change(None, "finishSignInWith", input, WANTED)
}

fn links(person: &Person, answer: &Value) -> Answer {
    person.tries(
        "linkIdentity",
        json!({ "answer": answer }),
        "identities { provider label usedAt }",
    )
}

/// Signs in; gives the token.
fn signs_in(worlds: &Worlds, person: &Person) -> String {
    let answer = comes_back(worlds, person, None);
    let finished = finishes(&worlds.world, &answer);
    let payload = &finished.data()["finishSignInWith"];
    assert_eq!(payload["newcomer"], Value::Null);
    text(&payload["signIn"]["accessToken"])
}

fn ticket(worlds: &Worlds, person: &Person) -> Value {
    let answer = comes_back(worlds, person, None);
    let finished = finishes(&worlds.world, &answer);
    let payload = &finished.data()["finishSignInWith"];
    assert_eq!(payload["signIn"], Value::Null);
    payload["newcomer"].clone()
}

fn registers(world: &World, ticket: &Value, name: &str) -> Answer {
    let input = json!({ "ticket": ticket, "username": name, "displayName": name });
    world.client.change(None, "registerWith", input, "account { id username } accessToken")
}

fn viewer(world: &World, token: &str) -> Value {
    world.client.ask(Some(token), "{ viewer { username } }", json!({})).data()["viewer"].clone()
}

#[test]
fn who_has_no_account_registers_by_a_provider_and_signs_in_with_it_from_then_on() {
    let worlds = worlds(|_| ());
    let world = &worlds.world;
    let shown = world.client.ask(None, "{ signInProviders { id label registers } }", json!({}));
    let expected = json!([{ "id": "corp", "label": "corp", "registers": true }]);
    assert_eq!(shown.data()["signInProviders"], expected);
    let ann = worlds.provider.person("ann");
    let newcomer = ticket(&worlds, &ann);
    assert_eq!((&newcomer["username"], &newcomer["displayName"]), (&json!("ann"), &json!("ann")));
    world.person("taken");
    let again = registers(world, &newcomer["ticket"], "taken");
    assert_eq!(again.code(), "ACCOUNTS_USERNAME_TAKEN");
    let made = registers(world, &newcomer["ticket"], "ann_here");
    assert_eq!(made.data()["registerWith"]["account"]["username"], "ann_here");
    let token = text(&made.data()["registerWith"]["accessToken"]);
    assert_eq!(viewer(world, &token)["username"], "ann_here");
    let token = signs_in(&worlds, &ann);
    assert_eq!(viewer(world, &token)["username"], "ann_here");
    let listed = "{ identities { provider label linkedAt usedAt } \
                  activity { edges { node { kind } } } }";
    let listed = world.client.ask(Some(&token), listed, json!({}));
    let identity = &listed.data()["identities"][0];
    assert_eq!((&identity["provider"], &identity["label"]), (&json!("corp"), &json!("ann")));
    assert!(identity["usedAt"].is_string());
    let kinds = listed.data()["activity"]["edges"].as_array().expect("a list");
    let kinds: Vec<_> = kinds.iter().map(|it| text(&it["node"]["kind"])).collect();
    let expected = ["SIGNED_IN", "IDENTITY_USED", "SIGNED_IN", "IDENTITY_USED", "IDENTITY_LINKED"];
    assert_eq!(kinds, expected);
    let input = json!({ "username": "ann_here", "password": "" });
    let guessed = world.client.change(None, "signIn", input, "accessToken");
    assert_eq!(guessed.code(), "SESSIONS_SIGN_IN_FAILED", "there is no password");
    let stale = registers(world, &newcomer["ticket"], "another");
    assert_eq!(stale.code(), "IDENTITIES_TAKEN", "an identity has one account");
}

#[test]
fn who_has_an_account_links_an_identity_and_unlinks_it() {
    let worlds = worlds(|_| ());
    let (world, peer) = (&worlds.world, worlds.provider.person("peer"));
    let [ann, bob] = world.people(["ann", "bob"]);
    let linked = links(&ann, &comes_back(&worlds, &peer, Some(&ann)));
    assert_eq!(linked.data()["linkIdentity"]["identities"][0]["label"], "peer");
    assert_eq!(viewer(world, &signs_in(&worlds, &peer))["username"], "ann");
    let other = worlds.provider.person("other");
    let second = links(&ann, &comes_back(&worlds, &other, Some(&ann)));
    assert_eq!(second.code(), "IDENTITIES_ALREADY_LINKED");
    assert_eq!(ticket(&worlds, &other)["username"], "other", "what was refused claims nothing");
    let stolen = links(&bob, &comes_back(&worlds, &peer, Some(&bob)));
    assert_eq!(stolen.code(), "IDENTITIES_TAKEN");
    assert!(bob.asks("{ identities { provider } }", json!({})).data()["identities"][0].is_null());
    let unlink = json!({ "provider": "corp" });
    ann.does("unlinkIdentity", unlink.clone(), "identities { provider }");
    assert_eq!(ann.tries("unlinkIdentity", unlink, "").code(), "NOT_FOUND");
    assert!(ticket(&worlds, &peer)["ticket"].is_string(), "it signs in no more");
    links(&bob, &comes_back(&worlds, &peer, Some(&bob))).data();
    assert_eq!(viewer(world, &signs_in(&worlds, &peer))["username"], "bob");
    world.passes(Duration::from_secs(601));
    let input = json!({ "refreshToken": ann.refresh_token });
    let renewed = world.client.change(None, "refresh", input, "accessToken");
    let ann = Person { token: text(&renewed.data()["refresh"]["accessToken"]), ..ann };
    let late = links(&ann, &comes_back(&worlds, &other, Some(&ann)));
    assert_eq!(late.code(), "SESSIONS_CONFIRM_FIRST");
}

#[test]
fn of_those_who_want_an_identity_at_once_one_has_it() {
    let worlds = worlds(|_| ());
    let (world, peer) = (&worlds.world, worlds.provider.person("peer"));
    let ticket = ticket(&worlds, &peer)["ticket"].clone();
    let ticket = &ticket;
    let people = world.people(["ann", "bob"]);
    let linking = people.each_ref().map(|it| comes_back(&worlds, &peer, Some(it)));
    let registering = ["one", "two"].map(|name| {
        Box::new(move || registers(world, ticket, name)) as Box<dyn FnOnce() -> Answer + Send>
    });
    let linking = people.iter().zip(&linking).map(|(person, answer)| {
        Box::new(move || links(person, answer)) as Box<dyn FnOnce() -> Answer + Send>
    });
    let answers = at_once(registering.into_iter().chain(linking));
    let good = answers.iter().filter(|it| it.failure().is_none()).count();
    assert_eq!(good, 1, "{answers:?}");
    let refused = answers.iter().filter_map(Answer::failure);
    assert!(refused.into_iter().all(|it| it == "IDENTITIES_TAKEN"), "{answers:?}");
    let token = signs_in(&worlds, &peer);
    let whose = text(&viewer(world, &token)["username"]);
    assert!(["ann", "bob", "one", "two"].contains(&whose.as_str()));
    world.passes(Duration::from_secs(61));
    assert_eq!(viewer(world, &signs_in(&worlds, &peer))["username"], whose.as_str());
    // A name that was claimed on the way is free again once nobody can be on the way.
    let names = ["one", "two"].into_iter().filter(|it| *it != whose);
    names.for_each(|name| drop(world.person(name)));
}

#[test]
fn the_last_way_in_stays() {
    let worlds = worlds(|_| ());
    let (world, ann) = (&worlds.world, worlds.provider.person("ann"));
    let made = registers(world, &ticket(&worlds, &ann)["ticket"], "ann");
    let token = text(&made.data()["registerWith"]["accessToken"]);
    let input = json!({ "provider": "corp" });
    let kept = world.client.change(Some(&token), "unlinkIdentity", input, "");
    assert_eq!(kept.code(), "SESSIONS_LAST_WAY");
}

/// Somebody proves a mail address.
fn proves(world: &World, person: &Person, address: &str) {
    let input = json!({ "email": address });
    let id = text(&person.does("proposeAddress", input, "addressId")["addressId"]);
    let subject = world.letter(address, 0).0;
    let code = subject.split(' ').next().expect("a code");
    let input = json!({ "addressId": id, "code": code });
    person.does("confirmAddress", input, "addresses { email }");
}

#[test]
fn who_links_or_unlinks_is_told_by_mail() {
    let worlds = worlds(|it| it.identity_providers[0].label = "Corp".to_owned());
    let (world, peer) = (&worlds.world, worlds.provider.person("peer"));
    let ann = world.person("ann");
    proves(world, &ann, "ann@example.org");
    links(&ann, &comes_back(&worlds, &peer, Some(&ann))).data();
    let (subject, text) = world.letter("ann@example.org", 1);
    assert_eq!(subject, "Corp signs in to localhost:8080 now");
    assert!(text.contains("signing in at Corp"), "{text}");
    ann.does("unlinkIdentity", json!({ "provider": "corp" }), "");
    let (subject, _) = world.letter("ann@example.org", 2);
    assert_eq!(subject, "Corp no longer signs in to localhost:8080");
}

#[test]
fn nothing_is_linked_by_a_mail_address() {
    let worlds = worlds(|it| it.identity_providers[0].scopes.push("email".to_owned()));
    let eve = worlds.provider.person("eve");
    let ann = worlds.world.person("ann");
    proves(&worlds.provider, &eve, "same@example.org");
    proves(&worlds.world, &ann, "same@example.org");
    assert!(ticket(&worlds, &eve)["ticket"].is_string(), "she is nobody here");
}

#[test]
fn an_answer_is_good_once_and_in_the_browser_that_asked() {
    let worlds = worlds(|_| ());
    let (world, ann) = (&worlds.world, worlds.provider.person("ann"));
    let invalid = |answer: &Value, why: &str| {
        assert_eq!(finishes(world, answer).code(), "IDENTITIES_INVALID", "{why}");
    };
    let with = |answer: &Value, name: &str, value: Value| {
        let mut answer = answer.clone();
        answer[name] = value;
        answer
    };
    let (mine, hers) = (comes_back(&worlds, &ann, None), comes_back(&worlds, &ann, None));
    invalid(&with(&mine, "ceremony", hers["ceremony"].clone()), "another browser's");
    let mixed = with(&mine, "ceremony", hers["ceremony"].clone());
    invalid(&with(&mixed, "state", hers["state"].clone()), "the code of another ceremony");
    for (name, value) in [
        ("ceremony", json!("x")),
        ("state", json!("")),
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("code", json!("x".repeat(4_097))),
    ] {
        invalid(&with(&mine, name, value), name);
    }
    let answers = at_once((0..4).map(|_| || finishes(world, &mine)));
    let good = answers.iter().filter(|it| it.failure().is_none()).count();
    assert_eq!(good, 1, "{answers:?}");
    invalid(&mine, "used before");
    let person = world.person("bob");
    let linking = comes_back(&worlds, &ann, Some(&person));
    invalid(&linking, "it was to link");
    let eve = world.person("eve");
    assert_eq!(links(&eve, &linking).code(), "IDENTITIES_INVALID", "another's account");
    let signing = comes_back(&worlds, &ann, None);
    assert_eq!(links(&eve, &signing).code(), "IDENTITIES_INVALID", "it was to sign in");
    links(&person, &linking).data();
    let late = comes_back(&worlds, &ann, None);
    world.passes(Duration::from_secs(600));
    invalid(&late, "too late");
    let ticket = ticket(&worlds, &worlds.owner);
    world.passes(Duration::from_secs(600));
    assert_eq!(registers(world, &ticket["ticket"], "late").code(), "IDENTITIES_INVALID");
}

#[test]
fn a_second_factor_and_the_state_of_the_account_count_as_with_a_password() {
    let worlds = worlds(|_| ());
    let (world, peer) = (&worlds.world, worlds.provider.person("peer"));
    let owner = world.owner("owner");
    let ann = world.person("ann");
    links(&ann, &comes_back(&worlds, &peer, Some(&ann))).data();
    let secret = text(&ann.does("enrolTotp", json!({}), "secret")["secret"]);
    let secret = totp_rs::Secret::try_from_base32(&secret).expect("base32");
    let codes = totp_rs::Builder::new().with_secret(secret).build().expect("a secret");
    let code = || {
        let seconds = u64::try_from(world.now_ms() / 1_000).expect("a time after 1970");
        codes.generate(seconds).to_string()
    };
    ann.does("confirmTotp", json!({ "code": code() }), "backupCodes");
    let finished = finishes(world, &comes_back(&worlds, &peer, None));
    let sign_in = &finished.data()["finishSignInWith"]["signIn"];
    assert_eq!(sign_in["accessToken"], Value::Null);
    assert_eq!(sign_in["secondFactor"]["methods"], json!(["TOTP", "BACKUP_CODE"]));
    world.passes(Duration::from_secs(30));
    let challenge = &sign_in["secondFactor"]["challenge"];
    let completes = |code: &str| {
        let input = json!({ "challenge": challenge, "code": code });
        world.client.change(None, "completeSignIn", input, "accessToken")
    };
    assert_eq!(completes("000000").code(), "FACTORS_CODE_INVALID");
    let token = text(&completes(&code()).data()["completeSignIn"]["accessToken"]);
    assert_eq!(viewer(world, &token)["username"], "ann");
    world.passes(Duration::from_secs(30));
    assert_eq!(completes(&code()).code(), "IDENTITIES_INVALID", "a challenge is good once");
    let bob = world.person("bob");
    let other = worlds.provider.person("other");
    links(&bob, &comes_back(&worlds, &other, Some(&bob))).data();
    bob.does("deactivateAccount", json!({}), "");
    assert_eq!(viewer(world, &signs_in(&worlds, &other))["username"], "bob", "he came back");
    let input = json!({ "accountId": bob.id, "reason": "x" });
    owner.does("suspendAccount", input, "");
    let refused = finishes(world, &comes_back(&worlds, &other, None));
    assert_eq!(refused.code(), "SESSIONS_SUSPENDED");
}

#[test]
fn who_may_register_is_for_the_server_and_for_the_provider() {
    let closed = worlds(|it| it.identity_providers[0].registers = false);
    let ann = closed.provider.person("ann");
    assert_eq!(ticket(&closed, &ann)["ticket"], Value::Null);
    let invited = worlds(|_| ());
    let world = &invited.world;
    let owner = world.owner("owner");
    owner.does("changeSettings", json!({ "registration": "INVITATION" }), "");
    let ann = invited.provider.person("ann");
    let ticket = &ticket(&invited, &ann)["ticket"];
    assert_eq!(registers(world, ticket, "ann").code(), "INSTANCE_INVITATION_NEEDED");
    let made = owner.does("invitePeople", json!({ "uses": 1 }), "invitation { code }");
    let code = &made["invitation"]["code"];
    let input = json!({
        "ticket": ticket, "username": "ann", "displayName": "Ann", "invitation": code,
    });
    world.client.change(None, "registerWith", input, "account { id }").data();
    owner.does("changeSettings", json!({ "registration": "CLOSED" }), "");
    assert!(!signs_in(&invited, &ann).is_empty(), "who has an account signs in");
}

#[test]
fn who_signs_in_by_a_provider_is_sent_codes_by_phone_and_recovers_from_their_loss() {
    let worlds = worlds(|_| ());
    let (world, peer) = (&worlds.world, worlds.provider.person("peer"));
    let ticket = ticket(&worlds, &peer)["ticket"].clone();
    let registered = registers(world, &ticket, "dan");
    let token = text(&registered.data()["registerWith"]["accessToken"]);
    let does = |name: &str, input: Value, wanted: &str| {
        world.client.change(Some(&token), name, input, wanted).data()[name].clone()
    };
    for (kind, address) in [("email", "dan@example.org"), ("phone", "+4915112345679")] {
        let id = does("proposeAddress", json!({ kind: address }), "addressId")["addressId"].clone();
        let code = tests::code_in(&world.letter(address, 0).1);
        does("confirmAddress", json!({ "addressId": id, "code": code }), "");
        if kind == "phone" {
            does("enableCodeFactor", json!({ "addressId": id }), "");
        }
    }
    let alone = world.client.change(Some(&token), "confirm", json!({ "smsCode": "123456" }), "");
    assert_eq!(alone.code(), "SESSIONS_CONFIRM_FAILED", "a code alone proves nothing");
    let asks = |peer: &Person| {
        let finished = finishes(world, &comes_back(&worlds, peer, None));
        finished.data()["finishSignInWith"]["signIn"]["secondFactor"].clone()
    };
    let asked = asks(&peer);
    assert_eq!(asked["methods"], json!(["SMS", "BACKUP_CODE"]), "it may be the same mailbox");
    let challenge = &asked["challenge"];
    let send = |method: &str| {
        let input = json!({ "challenge": challenge, "method": method });
        world.client.change(None, "sendFactorCode", input, "until")
    };
    assert_eq!(send("EMAIL").code(), "FACTORS_MAIL_TWICE");
    send("SMS").data();
    let code = tests::code_in(&world.letter("+4915112345679", 1).1);
    let input = json!({ "challenge": challenge, "smsCode": code });
    world.client.change(None, "completeSignIn", input, "accessToken").data();
    let lost = json!({ "challenge": asks(&peer)["challenge"] });
    world.client.change(None, "requestFactorRecovery", lost, "position").data();
    for it in [world, &worlds.provider] {
        it.passes(Duration::from_secs(72 * 3_600));
    }
    let later = asks(&peer.on_another_device());
    let input = json!({ "challenge": later["challenge"], "recover": true });
    let opened = world.client.change(None, "completeSignIn", input, "accessToken");
    let token = text(&opened.data()["completeSignIn"]["accessToken"]);
    assert_eq!(viewer(world, &token)["username"], "dan");
}
