//! Passkeys: adding them, proving oneself with one, and what no device gets away with.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Client, Device, PASSWORD, Person, World, at_once};

fn device(world: &World) -> Device {
    Device::at(&world.config.public_url)
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// Asks a device to make a passkey, and shows what it answers.
fn tries_to_add(person: &Person, device: &mut Device, name: &str) -> Answer {
    let asked =
        person.asks("mutation { beginPasskeyRegistration { ceremony options } }", json!({}));
    let begun = &asked.data()["beginPasskeyRegistration"];
    let response = device.makes(begun["options"].as_str().expect("options"));
    let input = json!({ "name": name, "ceremony": begun["ceremony"], "response": response });
    person.tries("addPasskey", input, "passkey { id name usedAt }")
}

/// Adds a passkey; gives its id.
fn adds(person: &Person, device: &mut Device) -> String {
    let added = tries_to_add(person, device, "phone");
    let passkey = &added.data()["addPasskey"]["passkey"];
    assert_eq!((&passkey["name"], &passkey["usedAt"]), (&json!("phone"), &Value::Null));
    text(&passkey["id"])
}

/// What a device shows that is asked to use its passkey.
fn shows(client: &Client, device: &Device) -> Value {
    let asked = client.ask(None, "mutation { beginPasskey { ceremony options } }", json!({}));
    let begun = &asked.data()["beginPasskey"];
    let response = device.uses(begun["options"].as_str().expect("options"));
    json!({ "ceremony": begun["ceremony"], "response": response })
}

fn signs_in(client: &Client, shown: &Value) -> Answer {
    let input = json!({ "passkey": shown, "device": "phone" });
    client.change(None, "signInWithPasskey", input, "accessToken secondFactor { challenge }")
}

fn is_refused(client: &Client, device: &Device, why: &str) {
    assert_eq!(signs_in(client, &shows(client, device)).code(), "PASSKEYS_INVALID", "{why}");
}

#[test]
fn a_passkey_signs_in_by_itself_and_several_are_listed() {
    let world = World::new();
    let ann = world.person("ann");
    let (mut phone, mut key) = (device(&world), device(&world));
    world.proves(&ann, "email", "ann@example.org");
    let first = adds(&ann, &mut phone);
    adds(&ann, &mut key);
    world.told_of_factors("ann@example.org", 2);
    for device in [&phone, &key] {
        let opened = signs_in(&world.client, &shows(&world.client, device));
        let token = text(&opened.data()["signInWithPasskey"]["accessToken"]);
        let viewer = world.client.ask(Some(&token), "{ viewer { id } }", json!({}));
        assert_eq!(viewer.data()["viewer"]["id"], ann.id.as_str());
    }
    ann.does("removePasskey", json!({ "passkeyId": first }), "position");
    is_refused(&world.client, &phone, "it was removed");
    signs_in(&world.client, &shows(&world.client, &key)).data();
    let listed =
        ann.asks("{ passkeys { id name usedAt } activity { edges { node { kind } } } }", json!({}));
    let passkeys = listed.data()["passkeys"].as_array().expect("a list");
    assert_eq!(passkeys.len(), 1);
    assert!(passkeys[0]["usedAt"].is_string());
    let activity = listed.data()["activity"].to_string();
    for kind in ["PASSKEY_ADDED", "PASSKEY_USED", "PASSKEY_REMOVED"] {
        assert!(activity.contains(kind), "{kind}");
    }
}

#[test]
fn a_ceremony_is_good_once_whoever_shows_it_and_for_two_minutes() {
    let world = World::new();
    let ann = world.person("ann");
    let mut phone = device(&world);
    adds(&ann, &mut phone);
    let shown = shows(&world.client, &phone);
    let client = &world.client;
    let answers = at_once((0..4).map(|_| {
        let shown = &shown;
        move || signs_in(client, shown)
    }));
    let opened = answers.iter().filter(|it| it.failure().is_none()).count();
    assert_eq!(opened, 1, "{answers:?}");
    let late = shows(client, &phone);
    world.passes(Duration::from_secs(119));
    signs_in(client, &late).data();
    let late = shows(client, &phone);
    world.passes(Duration::from_secs(120));
    assert_eq!(signs_in(client, &late).code(), "PASSKEYS_INVALID");
}

#[test]
fn no_device_gets_away_with_what_is_not_its_owners_here_and_now() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let (mut phone, mut other) = (device(&world), device(&world));
    adds(&ann, &mut phone);
    adds(&bob, &mut other);
    let client = &world.client;
    let home = phone.origin.clone();
    for origin in ["http://localhost:8081", "https://localhost:8080", "http://evil.example"] {
        phone.origin = origin.to_owned();
        is_refused(client, &phone, origin);
    }
    phone.origin = home;
    phone.unlocked = false;
    is_refused(client, &phone, "nobody unlocked it");
    phone.unlocked = true;
    let own = std::mem::replace(&mut phone.user, other.user.clone());
    is_refused(client, &phone, "it says that it is somebody else's");
    phone.user = vec![7; 16];
    is_refused(client, &phone, "there is no such account");
    phone.user = own;
    is_refused(client, &device(&world), "it was never added");
    let fresh = shows(client, &phone);
    for (field, value) in [
        ("ceremony", json!("AAAA")),
        ("ceremony", json!("x".repeat(9_000))),
        ("response", json!("{}")),
        ("response", json!(format!("{{\"x\":\"{}\"}}", "x".repeat(16_384)))),
    ] {
        let mut shown = fresh.clone();
        shown[field] = value;
        assert_eq!(signs_in(client, &shown).code(), "PASSKEYS_INVALID", "{field}");
    }
    let mut padded = shows(client, &phone);
    let answer = text(&padded["response"]);
    padded["response"] = json!(format!("{answer:<16385}"));
    assert_eq!(signs_in(client, &padded).code(), "PASSKEYS_INVALID", "over 16 KiB");
    padded["response"] = json!(format!("{answer:<16384}"));
    signs_in(client, &padded).data();
    let mut crossed = fresh.clone();
    crossed["ceremony"] = shows(client, &phone)["ceremony"].clone();
    assert_eq!(signs_in(client, &crossed).code(), "PASSKEYS_INVALID", "another's challenge");
    signs_in(client, &fresh).data();
    let asked = ann.asks("mutation { beginPasskeyRegistration { ceremony options } }", json!({}));
    let begun = &asked.data()["beginPasskeyRegistration"];
    let response = device(&world).makes(begun["options"].as_str().expect("options"));
    let input = json!({ "name": "x", "ceremony": begun["ceremony"], "response": response });
    assert_eq!(bob.tries("addPasskey", input, "position").code(), "PASSKEYS_INVALID");
    let mut locked = device(&world);
    locked.unlocked = false;
    assert_eq!(tries_to_add(&ann, &mut locked, "x").code(), "PASSKEYS_INVALID");
}

#[test]
fn a_counter_that_falls_back_is_told_and_not_refused() {
    let world = World::new();
    let ann = world.person("ann");
    let mut phone = device(&world);
    adds(&ann, &mut phone);
    for counter in [7, 8, 3] {
        phone.counter = counter;
        signs_in(&world.client, &shows(&world.client, &phone)).data();
    }
    let kinds = ann.asks("{ activity { edges { node { kind } } } }", json!({})).data()["activity"]
        .to_string();
    assert_eq!(kinds.matches("PASSKEY_COPIED").count(), 1);
    assert_eq!(kinds.matches("PASSKEY_USED").count(), 2);
}

#[test]
fn where_a_factor_is_demanded_a_passkey_is_asked_for_beside_the_password() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let mut phone = device(&world);
    let passkey = adds(&ann, &mut phone);
    Person::signs_in(&world.client, "ann", PASSWORD).data();
    owner.does("changeSettings", json!({ "secondFactor": true }), "position");
    let input = json!({ "username": "ann", "password": PASSWORD });
    let wanted = "accessToken secondFactor { challenge methods }";
    let asked = world.client.change(None, "signIn", input, wanted);
    let asked = &asked.data()["signIn"];
    assert_eq!(asked["accessToken"], Value::Null);
    assert_eq!(asked["secondFactor"]["methods"], json!(["PASSKEY"]));
    let challenge = &asked["secondFactor"]["challenge"];
    let completes = |passkey: Value| {
        let input = json!({ "challenge": challenge, "passkey": passkey });
        world.client.change(None, "completeSignIn", input, "accessToken")
    };
    let mut other = device(&world);
    adds(&world.person("bob"), &mut other);
    let others = completes(shows(&world.client, &other));
    assert_eq!(others.code(), "PASSKEYS_INVALID", "somebody else's");
    completes(shows(&world.client, &phone)).data();
    let removed = ann.tries("removePasskey", json!({ "passkeyId": passkey }), "position");
    assert_eq!(removed.code(), "FACTORS_DEMANDED");
}

#[test]
fn a_passkey_confirms_without_the_password() {
    let world = World::new();
    let mut ann = world.person("ann");
    let mut phone = device(&world);
    adds(&ann, &mut phone);
    world.passes(Duration::from_secs(601));
    let input = json!({ "refreshToken": ann.refresh_token });
    let refreshed = world.client.change(None, "refresh", input, "accessToken");
    ann.token = text(&refreshed.data()["refresh"]["accessToken"]);
    let code = |it: Answer| it.code().to_owned();
    assert_eq!(code(tries_to_add(&ann, &mut device(&world), "x")), "SESSIONS_CONFIRM_FIRST");
    assert_eq!(code(ann.tries("confirm", json!({}), "until")), "SESSIONS_CONFIRM_FAILED");
    let passkey = shows(&world.client, &phone);
    ann.does("confirm", json!({ "passkey": passkey }), "until");
    adds(&ann, &mut device(&world));
    let both = json!({ "passkey": shows(&world.client, &phone), "code": "123456" });
    assert_eq!(code(ann.tries("confirm", both, "until")), "INVALID");
}

#[test]
fn an_account_has_twenty_passkeys_of_names_that_fit() {
    let world = World::new();
    let ann = world.person("ann");
    for name in ["", &"x".repeat(65)] {
        let refused = tries_to_add(&ann, &mut device(&world), name);
        assert_eq!(refused.code(), "PASSKEYS_NAME_INVALID");
    }
    tries_to_add(&ann, &mut device(&world), &"ü".repeat(64)).data();
    for _ in 0..19 {
        adds(&ann, &mut device(&world));
    }
    let one_more = tries_to_add(&ann, &mut device(&world), "one more");
    assert_eq!(one_more.code(), "PASSKEYS_TOO_MANY");
}

#[test]
fn a_server_without_a_name_has_no_passkeys() {
    let world = World::with(|it| it.public_url = "http://127.0.0.1:8080".to_owned());
    let asked = world.client.ask(None, "mutation { beginPasskey { options } }", json!({}));
    assert_eq!(asked.code(), "PASSKEYS_NO_HOST");
}
