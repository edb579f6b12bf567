//! Addresses: proving them, signing in by them, and a password that was forgotten.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, World, fresh_id};

pub(crate) const MAIL: &str = "ann@example.org";
pub(crate) const PHONE: &str = "+4915112345678";

fn proposes(person: &Person, field: &str, address: &str) -> Answer {
    person.tries("proposeAddress", json!({ field: address }), "addressId")
}

fn confirms(person: &Person, id: &Value, code: &str) -> Answer {
    let input = json!({ "addressId": id, "code": code });
    person.tries("confirmAddress", input, "addresses { id email phone }")
}

/// The id of a proposal.
fn proposed(answer: &Answer) -> Value {
    answer.data()["proposeAddress"]["addressId"].clone()
}

pub(crate) fn asks_for_reset(world: &World, address: &str) -> Answer {
    let query = "mutation($input: RequestPasswordResetInput!) { \
                 requestPasswordReset(input: $input) { ok } }";
    let input = json!({ "clientId": fresh_id(), "email": address });
    world.client.ask(None, query, json!({ "input": input }))
}

/// What the link of a letter holds.
pub(crate) fn token_in(text: &str) -> String {
    let link = text.split_whitespace().find(|it| it.contains("/reset#")).expect("a link");
    link.split_once('#').expect("a token").1.to_owned()
}

pub(crate) fn resets(world: &World, token: &str, password: &str, more: Value) -> Answer {
    let mut input = json!({ "token": token, "newPassword": password });
    input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    world.client.change(None, "resetPassword", input, "")
}

#[test]
fn an_address_is_ones_own_once_its_code_was_shown() {
    let world = World::new();
    let ann = world.person("ann");
    let id = proposed(&proposes(&ann, "email", " Ann@Example.org "));
    let (subject, text) = world.letter(MAIL, 0);
    let code = tests::code_in(&text);
    assert!(subject.starts_with(&code) && text.starts_with("Hello ann,"), "{subject}: {text}");
    let none = ann.asks("{ addresses { email } }", json!({}));
    assert_eq!(none.data()["addresses"], json!([]));
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(confirms(&ann, &id, wrong).code(), "ADDRESSES_CODE_INVALID");
    let mine = confirms(&ann, &id, &code).data()["confirmAddress"]["addresses"].clone();
    assert_eq!(mine, json!([{ "id": id, "email": MAIL, "phone": null }]));
    confirms(&ann, &id, &code).data();
    let input = json!({ "username": "ANN@example.org", "password": PASSWORD });
    world.client.change(None, "signIn", input, "accessToken").data();
}

#[test]
fn a_phone_is_proved_like_a_mail_address() {
    let world = World::new();
    let ann = world.person("ann");
    let id = proposed(&proposes(&ann, "phone", "+49 (151) 123-45678"));
    let (_, text) = world.letter(PHONE, 0);
    let mine = confirms(&ann, &id, &tests::code_in(&text));
    let mine = &mine.data()["confirmAddress"]["addresses"][0];
    assert_eq!((&mine["phone"], &mine["email"]), (&json!(PHONE), &Value::Null));
}

#[test]
fn what_is_no_address_is_refused() {
    let world = World::new();
    let ann = world.person("ann");
    let long = format!("{}@example.org", "a".repeat(243));
    for bad in
        ["", "ann", "ann@", "@b", "Ann <ann@example.org>", "a b@c.de", "ünn@example.org", &long]
    {
        assert_eq!(proposes(&ann, "email", bad).code(), "ADDRESSES_INVALID", "{bad}");
    }
    for bad in ["", "0151123456", "+0151123456", "+4912345", "+1234567890123456", "+49151abc"] {
        assert_eq!(proposes(&ann, "phone", bad).code(), "ADDRESSES_INVALID", "{bad}");
    }
    let both = json!({ "email": MAIL, "phone": PHONE });
    assert_eq!(ann.tries("proposeAddress", both, "addressId").code(), "ADDRESSES_INVALID");
}

#[test]
fn a_code_is_good_for_ten_minutes_and_five_tries() {
    let world = World::new();
    let ann = world.person("ann");
    let id = proposed(&proposes(&ann, "email", MAIL));
    let code = tests::code_in(&world.letter(MAIL, 0).1);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert_eq!(confirms(&ann, &id, wrong).code(), "ADDRESSES_CODE_INVALID");
    }
    assert_eq!(confirms(&ann, &id, &code).code(), "ADDRESSES_CODE_INVALID", "five were tried");
    let id = proposed(&proposes(&ann, "email", MAIL));
    let code = tests::code_in(&world.letter(MAIL, 1).1);
    world.passes(Duration::from_secs(580));
    let ann = ann.on_another_device();
    confirms(&ann, &id, &code).data();
    let id = proposed(&proposes(&ann, "email", "late@example.org"));
    let code = tests::code_in(&world.letter("late@example.org", 0).1);
    world.passes(Duration::from_secs(601));
    let ann = ann.on_another_device();
    assert_eq!(confirms(&ann, &id, &code).code(), "ADDRESSES_CODE_INVALID");
}

#[test]
fn an_address_belongs_to_one_account_until_it_is_given_up() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let id = world.proves(&ann, "email", MAIL);
    let theirs = proposed(&proposes(&bob, "email", MAIL));
    let code = tests::code_in(&world.letter(MAIL, 1).1);
    assert_eq!(confirms(&bob, &theirs, &code).code(), "ADDRESSES_TAKEN");
    assert_eq!(bob.tries("removeAddress", json!({ "addressId": id }), "").code(), "NOT_FOUND");
    ann.does("removeAddress", json!({ "addressId": id }), "addresses { email }");
    confirms(&bob, &theirs, &code).data();
    let found = Person::signs_in(&world.client, MAIL, PASSWORD);
    let token = found.data()["signIn"]["accessToken"].as_str().expect("a token");
    let viewer = world.client.ask(Some(token), "{ viewer { id } }", json!({}));
    assert_eq!(viewer.data()["viewer"]["id"], bob.id);
}

#[test]
fn an_account_has_five_addresses_and_not_one_more() {
    let world = World::new();
    let ann = world.person("ann");
    for n in 0..5 {
        world.proves(&ann, "email", &format!("ann{n}@example.org"));
    }
    assert_eq!(proposes(&ann, "email", "more@example.org").code(), "ADDRESSES_TOO_MANY");
    world.proves(&ann, "email", "ann3@example.org");
}

#[test]
fn a_forgotten_password_is_set_anew_by_a_link_that_is_good_once() {
    let world = World::new();
    let ann = world.person("ann");
    world.proves(&ann, "email", MAIL);
    let (known, unknown) = (asks_for_reset(&world, MAIL), asks_for_reset(&world, "x@example.org"));
    assert_eq!(known.data(), unknown.data(), "whether there is an account is not told");
    let (_, text) = world.letter(MAIL, 1);
    let token = token_in(&text);
    let new = "a new horse for ann";
    assert_eq!(resets(&world, &token, "password", json!({})).code(), "ACCOUNTS_PASSWORD_WEAK");
    for forged in ["", "x", &"A".repeat(86), &ann.token, &format!("{token}A")] {
        assert_eq!(resets(&world, forged, new, json!({})).code(), "RECOVERY_LINK_INVALID");
    }
    let mut socket = ann.greeted_socket();
    resets(&world, &token, new, json!({})).data();
    assert_eq!(socket.close_code(), Some(4401), "every session ends");
    let again = resets(&world, &token, "another horse for eve", json!({}));
    assert_eq!(again.code(), "RECOVERY_LINK_INVALID");
    Person::signs_in(&world.client, "ann", new).data();
    let (subject, _) = world.letter(MAIL, 2);
    assert!(subject.contains("was changed"), "{subject}");
    assert_eq!(world.letters("x@example.org").len(), 0);
}

#[test]
fn a_link_is_good_for_an_hour_and_does_not_stand_in_for_a_second_factor() {
    let world = World::new();
    let ann = world.person("ann");
    world.proves(&ann, "email", MAIL);
    asks_for_reset(&world, MAIL).data();
    let old = token_in(&world.letter(MAIL, 1).1);
    world.passes(Duration::from_secs(3_601));
    let new = "a new horse for ann";
    assert_eq!(resets(&world, &old, new, json!({})).code(), "RECOVERY_LINK_INVALID");
    let ann = ann.on_another_device();
    let enrolled = ann.does("enrolTotp", json!({}), "secret");
    let secret = totp_rs::Secret::try_from_base32(enrolled["secret"].as_str().expect("one"));
    let totp = totp_rs::Builder::new().with_secret(secret.expect("base32")).build().expect("one");
    let seconds = u64::try_from(world.now_ms() / 1_000).expect("a time after 1970");
    let code = totp.generate(seconds).to_string();
    let made = ann.does("confirmTotp", json!({ "code": code }), "backupCodes");
    asks_for_reset(&world, MAIL).data();
    let token = token_in(&world.letter(MAIL, 2).1);
    assert_eq!(resets(&world, &token, new, json!({})).code(), "FACTORS_NEEDED");
    let wrong = resets(&world, &token, new, json!({ "code": code }));
    assert_eq!(wrong.code(), "FACTORS_CODE_INVALID", "it was used");
    resets(&world, &token, new, json!({ "backupCode": made["backupCodes"][0] })).data();
}

#[test]
fn so_many_codes_go_to_an_address_in_an_hour_and_not_one_more() {
    let world = World::with(|it| it.rate_codes = 2);
    let [ann, bob] = world.people(["ann", "bob"]);
    for person in [&ann, &bob] {
        proposes(person, "email", MAIL).data();
    }
    assert_eq!(proposes(&ann, "email", MAIL).code(), "RATE_LIMITED");
    for _ in 0..2 {
        asks_for_reset(&world, MAIL).data();
    }
    assert_eq!(asks_for_reset(&world, MAIL).code(), "RATE_LIMITED");
    proposes(&ann, "email", "other@example.org").data();
    let id = fresh_id();
    let input = json!({ "clientId": id, "email": "third@example.org" });
    ann.tries("proposeAddress", input, "addressId").data();
}
