//! Second factors that were lost: asking for their removal, waiting, cancelling, completing.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Client, Feed, PASSWORD, Person, World};

use crate::addresses::{MAIL, PHONE, asks_for_reset, resets, token_in};
use crate::codes::{challenge, code, completes, sets_up};

const HOUR: Duration = Duration::from_secs(3_600);

fn requests(client: &Client, challenge: &str) -> Answer {
    let input = json!({ "challenge": challenge });
    client.change(None, "requestFactorRecovery", input, "recovery { takesEffectAt }")
}

fn recovers(client: &Client, name: &str) -> Answer {
    let (challenged, _) = challenge(client, name);
    completes(client, &challenged, "recover", json!(true))
}

/// Ann, who has codes sent by mail, and a phone.
fn set_up(world: &World) -> Person {
    let ann = world.person("ann");
    world.proves(&ann, "phone", PHONE);
    sets_up(world, &ann, MAIL);
    ann
}

/// Somebody who knows Ann's password asks; gives what the link in the letter holds.
fn asked(world: &World) -> String {
    let before = world.letters(MAIL).len();
    let (challenged, _) = challenge(&world.client, "ann");
    requests(&world.client, &challenged).data();
    link_in(&world.letter(MAIL, before).1)
}

fn link_in(text: &str) -> String {
    let link = text.split_whitespace().find(|it| it.contains("/keep-factor#")).expect("a link");
    link.split_once('#').expect("a token").1.to_owned()
}

fn recovery(person: &Person) -> Value {
    let asked = "{ secondFactors { recovery { requestedAt takesEffectAt } } }";
    person.asks(asked, json!({})).data()["secondFactors"]["recovery"].clone()
}

fn sees(feed: &mut Feed, event: &str) {
    let found = (0..12).any(|_| feed.next().event() == event);
    assert!(found, "no {event}");
}

fn refreshes(world: &World, person: &Person) -> Answer {
    let input = json!({ "refreshToken": person.refresh_token });
    world.client.change(None, "refresh", input, "accessToken")
}

#[test]
fn lost_factors_are_removed_after_three_days_and_everybody_was_told() {
    let world = World::new();
    let ann = set_up(&world);
    let client = &world.client;
    let mut feed = ann.subscribes();
    let (mails, texts) = (world.letters(MAIL).len(), world.letters(PHONE).len());
    asked(&world);
    sees(&mut feed, "FactorRecoveryRequested");
    assert!(recovery(&ann)["takesEffectAt"].is_string());
    let activity = ann.asks("{ activity(first: 3) { edges { node { kind } } } }", json!({}));
    assert!(activity.0.to_string().contains("FACTOR_RECOVERY_REQUESTED"), "{activity:?}");
    link_in(&world.letter(PHONE, texts).1);
    assert_eq!(recovers(client, "ann").code(), "LOST_FACTORS_NOT_DUE");
    world.passes(HOUR * 72 - Duration::from_secs(60));
    assert_eq!(recovers(client, "ann").code(), "LOST_FACTORS_NOT_DUE");
    world.passes(Duration::from_secs(60));
    let input = json!({ "username": "ann", "password": PASSWORD });
    let first = client.change(None, "signIn", input, "accessToken secondFactor { recoveryAt }");
    assert_eq!(first.data()["signIn"]["accessToken"], Value::Null, "nothing happens unasked");
    assert!(first.data()["signIn"]["secondFactor"]["recoveryAt"].is_string());
    let challenges: Vec<_> = (0..4).map(|_| challenge(client, "ann").0).collect();
    let at_once = challenges.iter().map(|it| move || completes(client, it, "recover", json!(true)));
    let answers = tests::at_once(at_once);
    let opened = answers.iter().filter(|it| it.failure().is_none()).count();
    assert_eq!(opened, 1, "{answers:?}");
    assert_eq!(refreshes(&world, &ann).code(), "SESSIONS_ENDED");
    assert!(world.letter(MAIL, mails + 1).0.contains("was removed"));
    world.letter(PHONE, texts + 1);
    let ann = ann.on_another_device();
    assert_eq!(recovery(&ann), Value::Null);
}

#[test]
fn a_session_cancels_it_and_nobody_completes_it_any_more() {
    let world = World::new();
    let ann = set_up(&world);
    asked(&world);
    let mut feed = ann.subscribes();
    ann.does("cancelFactorRecovery", json!({}), "");
    sees(&mut feed, "FactorRecoveryCancelled");
    assert_eq!(recovery(&ann), Value::Null);
    world.passes(HOUR * 72);
    assert_eq!(recovers(&world.client, "ann").code(), "LOST_FACTORS_NOT_DUE");
    refreshes(&world, &ann).data();
}

#[test]
fn the_link_cancels_its_own_and_no_other() {
    let world = World::new();
    let ann = set_up(&world);
    let cancel = |token: &str| {
        world.client.change(None, "cancelFactorRecovery", json!({ "token": token }), "")
    };
    let invalid = "LOST_FACTORS_LINK_INVALID";
    let first = asked(&world);
    for forged in ["", "x", &"A".repeat(86), &ann.token, &format!("{first}A")] {
        assert_eq!(cancel(forged).code(), invalid, "{forged}");
    }
    assert!(recovery(&ann).is_object());
    cancel(&first).data();
    assert_eq!(cancel(&first).code(), invalid);
    let second = asked(&world);
    assert_eq!(cancel(&first).code(), invalid, "it is of an earlier one");
    assert!(recovery(&ann).is_object());
    cancel(&second).data();
    assert_eq!(recovery(&ann), Value::Null);
    let nobody = world.client.change(None, "cancelFactorRecovery", json!({}), "");
    assert_eq!(nobody.code(), "UNAUTHENTICATED");
}

#[test]
fn whoever_shows_the_factor_has_not_lost_it() {
    let world = World::new();
    let ann = set_up(&world);
    asked(&world);
    let (challenged, _) = challenge(&world.client, "ann");
    let given = json!({ "challenge": challenged, "method": "EMAIL" });
    let shown = code(&world, None, given, MAIL);
    assert!(recovery(&ann).is_object());
    completes(&world.client, &challenged, "emailCode", json!(shown)).data();
    assert_eq!(recovery(&ann), Value::Null);
}

#[test]
fn one_waits_at_a_time_and_three_are_asked_for_in_a_day() {
    let world = World::new();
    let ann = set_up(&world);
    let before = world.letters(MAIL).len();
    let challenges: Vec<_> = (0..6).map(|_| challenge(&world.client, "ann").0).collect();
    let client = &world.client;
    let answers = tests::at_once(challenges.iter().map(|it| move || requests(client, it)));
    assert!(answers.iter().all(|it| it.failure().is_none()), "{answers:?}");
    world.letter(MAIL, before);
    let cancels = || ann.does("cancelFactorRecovery", json!({}), "");
    cancels();
    for _ in 0..2 {
        asked(&world);
        cancels();
    }
    assert_eq!(world.letters(MAIL).len(), before + 3, "six at once were one");
    let many = requests(client, &challenge(client, "ann").0);
    assert_eq!(many.code(), "LOST_FACTORS_TOO_MANY");
}

#[test]
fn nobody_asks_without_a_proof_and_with_nothing_to_lose() {
    let world = World::new();
    let ann = world.person("ann");
    for forged in ["", "x", &"A".repeat(86), &ann.token] {
        let refused = requests(&world.client, forged);
        assert_eq!(refused.code(), "SESSIONS_CHALLENGE_INVALID", "{forged}");
    }
    world.proves(&ann, "email", MAIL);
    asks_for_reset(&world, MAIL).data();
    let token = token_in(&world.letter(MAIL, 1).1);
    assert_eq!(requests(&world.client, &token).code(), "LOST_FACTORS_NOTHING_LOST");
}

#[test]
fn who_has_lost_the_password_too_waits_and_sets_a_new_one_by_mail() {
    let world = World::with(|it| it.factor_recovery_hours = 1);
    let ann = set_up(&world);
    let reset = || {
        let before = world.letters(MAIL).len();
        asks_for_reset(&world, MAIL).data();
        token_in(&world.letter(MAIL, before).1)
    };
    let (token, before) = (reset(), world.letters(MAIL).len());
    requests(&world.client, &token).data();
    link_in(&world.letter(MAIL, before).1);
    let new = "a new horse for ann";
    let early = resets(&world, &reset(), new, json!({ "recover": true }));
    assert_eq!(early.code(), "LOST_FACTORS_NOT_DUE");
    world.passes(HOUR);
    let bare = resets(&world, &reset(), new, json!({}));
    assert_eq!(bare.code(), "FACTORS_NEEDED");
    resets(&world, &reset(), new, json!({ "recover": true })).data();
    assert_eq!(refreshes(&world, &ann).code(), "SESSIONS_ENDED");
    let answer = Person::signs_in(&world.client, "ann", new);
    assert!(answer.data()["signIn"]["accessToken"].is_string());
}

#[test]
fn a_changed_password_voids_it() {
    let world = World::with(|it| it.factor_recovery_hours = 1);
    let ann = set_up(&world);
    asked(&world);
    let new = "a new horse for ann";
    let input = json!({ "currentPassword": PASSWORD, "newPassword": new });
    ann.does("changePassword", input, "");
    assert_eq!(recovery(&ann), Value::Null);
    world.passes(HOUR);
    let input = json!({ "username": "ann", "password": new });
    let first = world.client.change(None, "signIn", input, "secondFactor { challenge }");
    let challenged = first.data()["signIn"]["secondFactor"]["challenge"].as_str().expect("one");
    let refused = completes(&world.client, challenged, "recover", json!(true));
    assert_eq!(refused.code(), "LOST_FACTORS_NOT_DUE");
}
