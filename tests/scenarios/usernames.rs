//! Usernames: taking another, and those that nobody gets.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, World, at_once, fresh_id};

fn takes(person: &Person, username: &str) -> Answer {
    person.tries("changeUsername", json!({ "username": username }), "account { username }")
}

fn named(person: &Person, username: &str) -> Value {
    let query = format!("{{ account(username: \"{username}\") {{ id }} }}");
    person.asks(&query, json!({})).data()["account"]["id"].clone()
}

#[test]
fn a_username_is_changed_and_the_one_before_stays_reserved() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let mut feed = ann.on_another_device().subscribes();
    let id = fresh_id();
    let input = json!({ "clientId": id, "username": "Anna" });
    for _ in 0..2 {
        let changed = ann.tries("changeUsername", input.clone(), "account { username }");
        assert_eq!(changed.data()["changeUsername"]["account"]["username"], "anna");
    }
    let events: Vec<_> = (0..2).map(|_| feed.next().event().to_owned()).collect();
    assert_eq!(events, ["UsernameChangeBegun", "UsernameChanged"]);
    assert_eq!((named(&bob, "anna"), named(&bob, "ann")), (json!(ann.id), Value::Null));
    assert!(Person::signs_in(&world.client, "anna", PASSWORD).failure().is_none());
    assert_eq!(Person::signs_in(&world.client, "ann", PASSWORD).code(), "SESSIONS_SIGN_IN_FAILED");
    assert_eq!(takes(&bob, "ann").code(), "ACCOUNTS_USERNAME_TAKEN");
    let other = Person::registers(&world.client, &fresh_id(), "ann", PASSWORD);
    assert_eq!(other.code(), "ACCOUNTS_USERNAME_TAKEN");
    // Its owner may go back.
    takes(&ann, "ann").data();
    assert_eq!(takes(&ann, "annie").code(), "ACCOUNTS_USERNAME_CHANGED_OFTEN");
}

#[test]
fn names_that_look_alike_are_one_and_some_speak_for_the_server() {
    let world = World::new();
    let [mike, bob] = world.people(["mike", "bob"]);
    for alike in ["rnike", "rnlke"] {
        let expected = if alike == "rnike" { Some("ACCOUNTS_USERNAME_TAKEN") } else { None };
        let answer = Person::registers(&world.client, &fresh_id(), alike, PASSWORD);
        assert_eq!(answer.failure(), expected, "{alike}");
    }
    assert_eq!(takes(&bob, "rnike").code(), "ACCOUNTS_USERNAME_TAKEN");
    takes(&mike, "rnike").data();
    for name in ["support", "he1p", "everyone"] {
        assert_eq!(takes(&bob, name).code(), "ACCOUNTS_USERNAME_RESERVED", "{name}");
        let answer = Person::registers(&world.client, &fresh_id(), name, PASSWORD);
        assert_eq!(answer.code(), "ACCOUNTS_USERNAME_RESERVED", "{name}");
    }
}

#[test]
fn one_of_many_gets_a_username() {
    let world = World::new();
    let people = world.people(["ann", "bob", "eve", "dan"]);
    let take = |it| move || takes(it, "mallory").failure().map(str::to_owned);
    let outcomes = at_once(people.iter().map(take));
    let taken = Some("ACCOUNTS_USERNAME_TAKEN".to_owned());
    assert_eq!(outcomes.iter().filter(|it| it.is_none()).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|it| **it == taken).count(), 3, "{outcomes:?}");
}

/// A claim that was let go is not taken for one that is held, however often it is repeated.
#[test]
fn a_wish_that_failed_is_not_fulfilled_by_repeating_it() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let id = fresh_id();
    let wish = |person: &Person| {
        let input = json!({ "clientId": id, "username": "mallory" });
        person.tries("changeUsername", input, "account { username }")
    };
    wish(&ann).data();
    assert!(takes(&ann, "ann").failure().is_none());
    world.passes(Duration::from_secs(31 * 24 * 3_600));
    let [ann, bob] = [ann.on_another_device(), bob.on_another_device()];
    takes(&bob, "mallory").data();
    assert!(takes(&ann, "mallory").failure().is_some());
    assert!(wish(&ann).failure().is_some());
    assert_eq!(named(&bob, "mallory"), json!(bob.id));
    assert_eq!(named(&bob, "ann"), json!(ann.id));
}
