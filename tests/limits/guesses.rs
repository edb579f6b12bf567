//! Guesses: however many are made at once, from wherever and at whichever node, exactly as many are
//! looked at as are allowed.

use serde_json::{Value, json};
use tests::{Answer, Client, Http, PASSWORD, Person, Way, World, at_once};
use totp_rs::{Builder, Secret};

use super::rates::retry_after_ms;

/// Somebody who comes from an address of loopback.
fn from(world: &World, last: u8) -> Client {
    Client::new(Http::over(Way::to(world.client.http.address).from([127, 0, 2, last].into())))
}

/// How many were looked at, and that all others were told how long to wait.
fn looked_at(answers: &[Answer], code: &str, wait_ms_max: u64) -> usize {
    let (looked_at, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|it| it.code() == code);
    for it in refused {
        assert!((1..=wait_ms_max).contains(&retry_after_ms(&it.0)), "{}", it.0);
    }
    looked_at.len()
}

#[test]
fn passwords_that_are_guessed_at_once_from_several_addresses_are_counted_exactly() {
    let world = World::with(|it| it.rate_sign_in = 3);
    let _ann = world.person("ann");
    let guessers: Vec<_> = (1..=4).map(|it| from(&world, it)).collect();
    let guesses = guessers.iter().flat_map(|it| std::iter::repeat_n(it, 8));
    let answers = at_once(guesses.map(|it| move || Person::signs_in(it, "ann", "wrong horse")));
    for own in answers.chunks(8) {
        assert_eq!(looked_at(own, "SESSIONS_SIGN_IN_FAILED", 60_000), 3, "of each address");
    }
    let right = Person::signs_in(&guessers[0], "ann", PASSWORD);
    retry_after_ms(&right.0);
}

#[test]
fn passwords_that_are_guessed_at_once_from_everywhere_are_counted_exactly() {
    let world = World::with(|it| it.rate_sign_in = 1);
    let _ann = world.person("ann");
    let guessers: Vec<_> = (1..=80).map(|it| from(&world, it)).collect();
    let guesses = guessers.iter().map(|it| move || Person::signs_in(it, "ann", "wrong horse"));
    let answers = at_once(guesses);
    assert_eq!(looked_at(&answers, "SESSIONS_SIGN_IN_FAILED", 3_600_000), 60);
}

#[test]
fn proofs_that_are_guessed_at_once_in_several_sessions_are_counted_exactly() {
    let world = World::with(|it| it.rate_sign_in = 4);
    let ann = world.person("ann");
    let stolen = [ann.on_another_device(), ann.on_another_device()];
    let guessers: Vec<_> = (11..=14).map(|it| from(&world, it)).collect();
    let tries = (0..16).map(|at| {
        let (client, token) = (&guessers[at % 4], &stolen[at % 2].token);
        let input = json!({ "password": format!("wrong horse {at}") });
        move || client.change(Some(token), "confirm", input, "until")
    });
    let answers = at_once(tries);
    assert_eq!(looked_at(&answers, "SESSIONS_CONFIRM_FAILED", 60_000), 4);
}

/// Sets one-time passwords up.
fn sets_up(world: &World, person: &Person) {
    let enrolled = person.does("enrolTotp", json!({}), "secret");
    let secret = Secret::try_from_base32(enrolled["secret"].as_str().expect("a secret"));
    let totp = Builder::new().with_secret(secret.expect("base32")).build().expect("one");
    let seconds = u64::try_from(world.now_ms() / 1_000).expect("a time after 1970");
    let code = totp.generate(seconds).to_string();
    person.does("confirmTotp", json!({ "code": code }), "backupCodes");
}

/// Proves the password and gives the challenge.
fn challenge(client: &Client) -> Value {
    let input = json!({ "username": "ann", "password": PASSWORD });
    let answer = client.change(None, "signIn", input, "secondFactor { challenge }");
    answer.data()["signIn"]["secondFactor"]["challenge"].clone()
}

#[test]
fn codes_that_are_guessed_at_once_in_several_sign_ins_are_counted_exactly() {
    let world = World::new();
    let ann = world.person("ann");
    sets_up(&world, &ann);
    let guessers: Vec<_> = (21..=24).map(|it| from(&world, it)).collect();
    let challenges: Vec<_> = guessers.iter().map(challenge).collect();
    // Letters and digits that are no code of anybody, so that no guess is right by chance.
    let tries = (0..24).map(|at| {
        let input = json!({ "challenge": challenges[at % 4], "code": format!("x{at:05}") });
        let client = &guessers[at % 4];
        move || client.change(None, "completeSignIn", input, "accessToken")
    });
    let answers = at_once(tries);
    let of = |code: &str| answers.iter().filter(|it| it.code() == code).count();
    assert_eq!((of("FACTORS_CODE_INVALID"), of("FACTORS_TOO_MANY_TRIES")), (5, 19), "{answers:?}");
}
