//! Second factors that are sent: by mail and by text message.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Client, PASSWORD, Person, World, fresh_id};

use crate::addresses::{MAIL, PHONE, asks_for_reset, resets, token_in};

/// Asks for a code with what is given, and gives it.
pub(crate) fn code(world: &World, token: Option<&str>, given: Value, to: &str) -> String {
    let before = world.letters(to).len();
    world.client.change(token, "sendFactorCode", given, "until").data();
    tests::code_in(&world.letter(to, before).1)
}

/// Has codes sent to an address from here on, and proves it in the session that asked.
pub(crate) fn sets_up(world: &World, person: &Person, address: &str) {
    let id =
        world.proves(person, if address.starts_with('+') { "phone" } else { "email" }, address);
    person.does("enableCodeFactor", json!({ "addressId": id }), "backupCodes");
    let (method, field) = kind(address);
    let shown = code(world, Some(&person.token), json!({ "method": method }), address);
    person.does("confirm", json!({ "password": PASSWORD, field: shown }), "until");
}

fn kind(address: &str) -> (&'static str, &'static str) {
    if address.starts_with('+') { ("SMS", "smsCode") } else { ("EMAIL", "emailCode") }
}

/// Proves the password; gives the challenge and how it may be met.
pub(crate) fn challenge(client: &Client, name: &str) -> (String, Value) {
    let input = json!({ "username": name, "password": PASSWORD });
    let wanted = "secondFactor { challenge methods recoveryAt }";
    let answer = client.change(None, "signIn", input, wanted);
    let asked = &answer.data()["signIn"]["secondFactor"];
    (asked["challenge"].as_str().expect("a challenge").to_owned(), asked["methods"].clone())
}

pub(crate) fn completes(client: &Client, challenge: &str, field: &str, shown: Value) -> Answer {
    let input = json!({ "challenge": challenge, field: shown });
    client.change(None, "completeSignIn", input, "accessToken refreshToken")
}

/// Another code than this one.
fn other(code: &str) -> String {
    (if code == "000000" { "000001" } else { "000000" }).to_owned()
}

#[test]
fn a_code_that_was_sent_signs_in_once() {
    let world = World::new();
    let ann = world.person("ann");
    let client = &world.client;
    for address in [MAIL, PHONE] {
        sets_up(&world, &ann, address);
        let (method, field) = kind(address);
        let (challenged, methods) = challenge(client, "ann");
        assert!(methods.as_array().expect("a list").contains(&json!(method)), "{methods}");
        let given = json!({ "challenge": challenged, "method": method });
        let first = code(&world, None, given.clone(), address);
        world.passes(Duration::from_secs(61));
        let second = code(&world, None, given, address);
        let old = completes(client, &challenged, field, json!(first));
        assert!(first == second || old.code() == "FACTORS_CODE_INVALID", "{old:?}");
        let answers = tests::at_once((0..4).map(|_| {
            let (challenged, shown) = (&challenged, json!(second));
            move || completes(client, challenged, field, shown)
        }));
        let opened = answers.iter().filter(|it| it.failure().is_none()).count();
        assert_eq!(opened, 1, "{answers:?}");
    }
    let asked = "{ secondFactors { emailSince smsSince totpSince } }";
    let asked = ann.asks(asked, json!({})).data()["secondFactors"].clone();
    assert!(asked["emailSince"].is_string() && asked["smsSince"].is_string());
    assert_eq!(asked["totpSince"], Value::Null);
}

#[test]
fn the_code_on_its_way_is_good_however_often_another_is_asked_for() {
    let world = World::new();
    let ann = world.person("ann");
    sets_up(&world, &ann, MAIL);
    world.told_of_factors(MAIL, 1);
    let (challenged, _) = challenge(&world.client, "ann");
    let given = json!({ "challenge": challenged, "method": "EMAIL" });
    let shown = code(&world, None, given.clone(), MAIL);
    for _ in 0..2 {
        world.client.change(None, "sendFactorCode", given.clone(), "until").data();
    }
    completes(&world.client, &challenged, "emailCode", json!(shown)).data();
}

#[test]
fn backup_codes_come_with_the_first_factor_of_codes() {
    let world = World::new();
    let ann = world.person("ann");
    let enables = |kind: &str, address: &str| {
        let id = world.proves(&ann, kind, address);
        ann.does("enableCodeFactor", json!({ "addressId": id }), "backupCodes")["backupCodes"]
            .clone()
    };
    let codes = enables("email", MAIL);
    assert_eq!(codes.as_array().map(Vec::len), Some(10));
    let (challenged, _) = challenge(&world.client, "ann");
    completes(&world.client, &challenged, "backupCode", codes[0].clone()).data();
    let shown = codes[1].clone();
    ann.does("confirm", json!({ "password": PASSWORD, "backupCode": shown }), "until");
    assert_eq!(enables("phone", PHONE), json!([]), "there are some");
}

#[test]
fn asking_again_under_the_same_id_sends_one_letter() {
    let world = World::new();
    let ann = world.person("ann");
    sets_up(&world, &ann, MAIL);
    let (challenged, _) = challenge(&world.client, "ann");
    let before = world.letters(MAIL).len();
    let given = json!({ "clientId": fresh_id(), "challenge": challenged, "method": "EMAIL" });
    for _ in 0..3 {
        world.client.change(None, "sendFactorCode", given.clone(), "until").data();
    }
    let shown = tests::code_in(&world.letter(MAIL, before).1);
    assert_eq!(world.letters(MAIL).len(), before + 1);
    completes(&world.client, &challenged, "emailCode", json!(shown)).data();
}

#[test]
fn five_codes_are_looked_at_and_then_another_one_is_needed() {
    let world = World::new();
    let ann = world.person("ann");
    sets_up(&world, &ann, MAIL);
    let client = &world.client;
    let (challenged, _) = challenge(client, "ann");
    let given = json!({ "challenge": challenged, "method": "EMAIL" });
    let right = code(&world, None, given, MAIL);
    let answers = tests::at_once((0..12).map(|_| {
        let (challenged, shown) = (&challenged, json!(other(&right)));
        move || completes(client, challenged, "emailCode", shown)
    }));
    let looked_at = answers.iter().filter(|it| it.code() == "FACTORS_CODE_INVALID").count();
    assert_eq!(looked_at, 5, "{answers:?}");
    let late = completes(client, &challenged, "emailCode", json!(right));
    assert_eq!(late.code(), "FACTORS_TOO_MANY_TRIES");
    world.passes(Duration::from_secs(600));
    let (challenged, _) = challenge(client, "ann");
    let late = completes(client, &challenged, "emailCode", json!(right));
    assert_eq!(late.code(), "FACTORS_CODE_INVALID", "it is ten minutes old");
    let given = json!({ "challenge": challenged, "method": "EMAIL" });
    let right = code(&world, None, given, MAIL);
    completes(client, &challenged, "emailCode", json!(right)).data();
}

#[test]
fn a_code_is_good_for_its_own_account_only_and_goes_to_nobody_without_a_proof() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    sets_up(&world, &ann, MAIL);
    sets_up(&world, &bob, "bob@example.org");
    let client = &world.client;
    let (of_ann, of_bob) = (challenge(client, "ann").0, challenge(client, "bob").0);
    let given = json!({ "challenge": of_ann, "method": "EMAIL" });
    let shown = code(&world, None, given, MAIL);
    let refused = completes(client, &of_bob, "emailCode", json!(shown));
    assert_eq!(refused.code(), "FACTORS_CODE_INVALID");
    let refused = completes(client, &of_ann, "smsCode", json!(shown));
    assert_eq!(refused.code(), "FACTORS_CODE_INVALID");
    let send = |given: Value| client.change(None, "sendFactorCode", given, "until");
    for forged in ["", "x", &"A".repeat(86), &ann.token, &format!("{of_ann}A")] {
        let refused = send(json!({ "challenge": forged, "method": "EMAIL" }));
        assert_eq!(refused.code(), "SESSIONS_CHALLENGE_INVALID");
    }
    assert_eq!(send(json!({ "method": "EMAIL" })).code(), "UNAUTHENTICATED");
    assert_eq!(send(json!({ "challenge": of_ann, "method": "SMS" })).code(), "NOT_FOUND");
    world.passes(Duration::from_secs(301));
    let late = send(json!({ "challenge": of_ann, "method": "EMAIL" }));
    assert_eq!(late.code(), "SESSIONS_CHALLENGE_INVALID");
}

#[test]
fn so_many_codes_go_to_an_account_in_an_hour_and_not_one_more() {
    let world = World::with(|it| it.rate_codes = 2);
    let [ann, bob] = world.people(["ann", "bob"]);
    sets_up(&world, &ann, MAIL);
    sets_up(&world, &bob, "bob@example.org");
    let (challenged, _) = challenge(&world.client, "ann");
    let given = json!({ "challenge": challenged, "method": "EMAIL" });
    code(&world, None, given.clone(), MAIL);
    let refused = world.client.change(None, "sendFactorCode", given, "until");
    assert_eq!(refused.code(), "RATE_LIMITED");
    let wait = refused.0["errors"][0]["extensions"]["retryAfterMs"].as_u64();
    assert!(wait.is_some_and(|it| it > 0 && it <= 3_600_000), "{refused:?}");
    let (challenged, _) = challenge(&world.client, "bob");
    let given = json!({ "challenge": challenged, "method": "EMAIL" });
    code(&world, None, given, "bob@example.org");
}

#[test]
fn a_code_by_mail_adds_nothing_to_a_link_by_mail() {
    let world = World::new();
    let ann = world.person("ann");
    sets_up(&world, &ann, MAIL);
    let before = world.letters(MAIL).len();
    asks_for_reset(&world, MAIL).data();
    let token = token_in(&world.letter(MAIL, before).1);
    let given = json!({ "challenge": token, "method": "EMAIL" });
    let sent = world.client.change(None, "sendFactorCode", given, "until");
    assert_eq!(sent.code(), "FACTORS_MAIL_TWICE");
    let (challenged, _) = challenge(&world.client, "ann");
    let given = json!({ "challenge": challenged, "method": "EMAIL" });
    let shown = code(&world, None, given, MAIL);
    let new = "a new horse for ann";
    let refused = resets(&world, &token, new, json!({ "emailCode": shown }));
    assert_eq!(refused.code(), "FACTORS_MAIL_TWICE");
    sets_up(&world, &ann, PHONE);
    let given = json!({ "challenge": token, "method": "SMS" });
    let shown = code(&world, None, given, PHONE);
    resets(&world, &token, new, json!({ "smsCode": shown })).data();
}

#[test]
fn an_address_that_codes_go_to_stays_until_the_codes_are_given_up() {
    let world = World::new();
    let ann = world.person("ann");
    sets_up(&world, &ann, MAIL);
    let found = ann.asks("{ addresses { id } }", json!({}));
    let id = &found.data()["addresses"][0]["id"];
    let remove = || ann.tries("removeAddress", json!({ "addressId": id }), "");
    assert_eq!(remove().code(), "ADDRESSES_IS_FACTOR");
    ann.does("disableCodeFactor", json!({ "method": "EMAIL" }), "");
    remove().data();
    ann.on_another_device();
}
