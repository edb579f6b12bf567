//! Second factors: setting up, signing in with one, and what no code gets away with.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Client, PASSWORD, Person, World};
use totp_rs::{Builder, Secret};

/// A program that makes one-time passwords.
struct Authenticator(totp_rs::Totp);

impl Authenticator {
    fn of(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret).expect("base32");
        Self(Builder::new().with_secret(secret).build().expect("a secret of 160 bits"))
    }

    fn code(&self, world: &World) -> String {
        let seconds = u64::try_from(world.now_ms() / 1_000).expect("a time after 1970");
        self.0.generate(seconds).to_string()
    }
}

/// Waits for the next code.
fn next(world: &World) {
    world.passes(Duration::from_secs(30));
}

/// Sets one-time passwords up; gives what makes them, and the backup codes.
fn sets_up(world: &World, person: &Person) -> (Authenticator, Vec<String>) {
    let enrolled = person.does("enrolTotp", json!({}), "secret uri qrSvg");
    let secret = enrolled["secret"].as_str().expect("a secret");
    assert!(enrolled["uri"].as_str().is_some_and(|it| it.contains(secret)));
    assert!(enrolled["qrSvg"].as_str().is_some_and(|it| it.contains("<svg")));
    let authenticator = Authenticator::of(secret);
    let code = authenticator.code(world);
    let made = person.does("confirmTotp", json!({ "code": code }), "backupCodes");
    let codes = made["backupCodes"].as_array().expect("a list").iter();
    let codes: Vec<_> = codes.map(|it| it.as_str().expect("a code").to_owned()).collect();
    assert_eq!(codes.len(), 10);
    (authenticator, codes)
}

/// Proves the password and gives the challenge.
fn challenge(client: &Client, name: &str) -> String {
    let input = json!({ "username": name, "password": PASSWORD });
    let wanted = "accessToken secondFactor { challenge methods }";
    let answer = client.change(None, "signIn", input, wanted);
    let payload = &answer.data()["signIn"];
    assert_eq!(payload["accessToken"], Value::Null);
    assert_eq!(payload["secondFactor"]["methods"], json!(["TOTP", "BACKUP_CODE"]));
    payload["secondFactor"]["challenge"].as_str().expect("a challenge").to_owned()
}

fn completes(client: &Client, challenge: &str, field: &str, code: &str) -> Answer {
    let input = json!({ "challenge": challenge, field: code });
    client.change(None, "completeSignIn", input, "accessToken refreshToken")
}

#[test]
fn a_one_time_password_signs_in_once() {
    let world = World::new();
    let ann = world.person("ann");
    let (authenticator, _) = sets_up(&world, &ann);
    let challenged = challenge(&world.client, "ann");
    let used = authenticator.code(&world);
    let replayed = completes(&world.client, &challenged, "code", &used);
    assert_eq!(replayed.code(), "FACTORS_CODE_INVALID", "it has set the factor up");
    next(&world);
    let code = authenticator.code(&world);
    let client = &world.client;
    let answers = tests::at_once((0..4).map(|_| {
        let (challenged, code) = (&challenged, &code);
        move || completes(client, challenged, "code", code)
    }));
    let opened = answers.iter().filter(|it| it.failure().is_none()).count();
    assert_eq!(opened, 1, "{answers:?}");
}

#[test]
fn a_backup_code_signs_in_once_however_it_is_written() {
    let world = World::new();
    let ann = world.person("ann");
    let (_, codes) = sets_up(&world, &ann);
    let challenged = challenge(&world.client, "ann");
    let written = codes[3].replace('-', " ").to_uppercase();
    completes(&world.client, &challenged, "backupCode", &written).data();
    let again = completes(&world.client, &challenged, "backupCode", &codes[3]);
    assert_eq!(again.code(), "FACTORS_CODE_INVALID");
    let left = ann.asks("{ secondFactors { backupCodesLeft demanded } }", json!({}));
    assert_eq!(left.data()["secondFactors"], json!({ "backupCodesLeft": 9, "demanded": false }));
    let made = ann.does("makeBackupCodes", json!({}), "backupCodes");
    let old = completes(&world.client, &challenged, "backupCode", &codes[4]);
    assert_eq!(old.code(), "FACTORS_CODE_INVALID");
    let new = made["backupCodes"][0].as_str().expect("a code");
    completes(&world.client, &challenged, "backupCode", new).data();
}

#[test]
fn five_codes_are_looked_at_however_many_are_tried_at_once() {
    let world = World::new();
    let ann = world.person("ann");
    let (authenticator, codes) = sets_up(&world, &ann);
    next(&world);
    let challenged = challenge(&world.client, "ann");
    let client = &world.client;
    let answers = tests::at_once((0..12).map(|at| {
        let challenged = &challenged;
        move || completes(client, challenged, "code", &format!("{at:06}"))
    }));
    let looked_at = answers.iter().filter(|it| it.code() == "FACTORS_CODE_INVALID").count();
    assert_eq!(looked_at, 5, "{answers:?}");
    let right =
        || completes(client, &challenge(client, "ann"), "code", &authenticator.code(&world));
    assert_eq!(right().code(), "FACTORS_TOO_MANY_TRIES");
    // Whoever guesses does not keep the owner from a backup code.
    completes(client, &challenge(client, "ann"), "backupCode", &codes[0]).data();
    // And those who don't know the password keep nobody out.
    for _ in 0..8 {
        Person::signs_in(client, "ann", "wrong horse");
    }
    right().data();
}

#[test]
fn a_challenge_is_good_for_five_minutes_and_for_one_password() {
    let world = World::new();
    let ann = world.person("ann");
    let (authenticator, codes) = sets_up(&world, &ann);
    let early = challenge(&world.client, "ann");
    world.passes(Duration::from_secs(301));
    let late = completes(&world.client, &early, "code", &authenticator.code(&world));
    assert_eq!(late.code(), "SESSIONS_CHALLENGE_INVALID");
    for forged in ["", "x", &"A".repeat(86), &ann.token, &format!("{early}A"), "é"] {
        let refused = completes(&world.client, forged, "code", "000000");
        assert_eq!(refused.code(), "SESSIONS_CHALLENGE_INVALID", "{forged}");
    }
    let before = challenge(&world.client, "ann");
    let input = json!({ "currentPassword": PASSWORD, "newPassword": "a new horse for ann" });
    ann.does("changePassword", input, "");
    let refused = completes(&world.client, &before, "backupCode", &codes[0]);
    assert_eq!(refused.code(), "SESSIONS_SIGN_IN_FAILED");
}

#[test]
fn a_fresh_proof_takes_the_second_factor_and_removing_it_takes_a_fresh_proof() {
    let world = World::new();
    let ann = world.person("ann");
    let (authenticator, codes) = sets_up(&world, &ann);
    next(&world);
    let challenged = challenge(&world.client, "ann");
    let opened = completes(&world.client, &challenged, "code", &authenticator.code(&world));
    let token = opened.data()["completeSignIn"]["accessToken"].as_str().expect("a token");
    let change = |name: &str, input: Value, wanted: &str| {
        world.client.change(Some(token), name, input, wanted)
    };
    let bare = change("confirm", json!({ "password": PASSWORD }), "until");
    assert_eq!(bare.code(), "FACTORS_NEEDED");
    let both = json!({ "password": PASSWORD, "code": "1", "backupCode": "2" });
    assert_eq!(change("confirm", both, "until").code(), "INVALID");
    let proof = json!({ "password": PASSWORD, "backupCode": codes[0] });
    change("confirm", proof, "until").data();
    change("removeTotp", json!({}), "").data();
    let answer = Person::signs_in(&world.client, "ann", PASSWORD);
    assert!(answer.data()["signIn"]["accessToken"].is_string());
}

#[test]
fn where_it_is_demanded_one_can_do_nothing_but_set_it_up() {
    let world = World::new();
    let ann = world.owner("ann");
    let bob = world.person("bob");
    let input = json!({ "secondFactor": true });
    ann.does("changeSettings", input, "settings { secondFactor }");
    let limited = bob.on_another_device();
    let needed = "FACTORS_SET_UP_FIRST";
    let list = limited.asks("{ conversations { edges { cursor } } }", json!({}));
    assert_eq!(list.code(), needed);
    let group = json!({ "title": "Lunch" });
    assert_eq!(limited.tries("createGroup", group.clone(), "conversation { id }").code(), needed);
    let command =
        limited.commands("EndSessions", &tests::fresh_id(), &json!({ "keepCurrent": true }));
    assert_eq!(command.status, 403);
    let mut socket = limited.greeted_socket();
    socket.subscribe("one", tests::UPDATES, json!({}));
    let refused = socket.expect_for("one", "error");
    assert_eq!(refused["payload"][0]["extensions"]["code"], needed);
    limited.asks("{ viewer { id } secondFactors { demanded } }", json!({})).data();
    sets_up(&world, &limited);
    limited.does("createGroup", group, "conversation { id }");
    let removed = limited.tries("removeTotp", json!({}), "");
    assert_eq!(removed.code(), "FACTORS_DEMANDED");
}
