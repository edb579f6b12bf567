//! Accounts: registering, and what others see of a person.

use serde_json::json;
use tests::{Person, World, fresh_id};

#[test]
fn registering_again_with_the_same_client_id_and_password_is_the_same_account() {
    let world = World::new();
    let id = fresh_id();
    let first = Person::registers(&world.client, &id, "ann", "correct horse");
    let again = Person::registers(&world.client, &id, "ann", "correct horse");
    let account = |it: &tests::Answer| it.data()["register"]["account"]["id"].clone();
    assert_eq!(account(&first), account(&again));
    let token = again.data()["register"]["accessToken"].as_str().expect("a token").to_owned();
    let viewer = world.client.ask(Some(&token), "{ viewer { id username } }", json!({}));
    assert_eq!(viewer.data()["viewer"]["username"], "ann");
    assert_eq!(viewer.data()["viewer"]["id"], account(&first));
}

#[test]
fn registering_again_with_another_password_or_name_is_a_mismatch() {
    let world = World::new();
    let id = fresh_id();
    Person::registers(&world.client, &id, "ann", "correct horse").data();
    let other = Person::registers(&world.client, &id, "ann", "another horse");
    assert_eq!(other.code(), "IDEMPOTENCY_MISMATCH");
    let other = Person::registers(&world.client, &id, "bea", "correct horse");
    assert_eq!(other.code(), "IDEMPOTENCY_MISMATCH");
    let bea = world.client.ask(None, "{ viewer { id } }", json!({}));
    assert_eq!(bea.code(), "UNAUTHENTICATED");
}

#[test]
fn a_username_is_one_persons_in_any_case() {
    let world = World::new();
    let ann = world.person("ann");
    for name in ["ann", "ANN", "Ann"] {
        let other = Person::registers(&world.client, &fresh_id(), name, "another horse");
        assert_eq!(other.code(), "ACCOUNTS_USERNAME_TAKEN", "{name}");
    }
    let found = ann.asks("{ account(username: \"Ann\") { id } }", json!({}));
    assert_eq!(found.data()["account"]["id"], json!(ann.id));
}

#[test]
fn many_who_want_a_name_at_once_get_it_once() {
    let world = World::new();
    let register = || {
        let id = fresh_id();
        move |client| Person::registers(client, &id, "ann", "correct horse")
    };
    let jobs = (0..4).map(|_| register());
    let client: &tests::Client = &world.client;
    let answers = tests::at_once(jobs.map(|job| move || job(client)));
    let taken = answers.iter().filter_map(tests::Answer::failure).collect::<Vec<_>>();
    assert_eq!(taken, ["ACCOUNTS_USERNAME_TAKEN"; 3]);
}

#[test]
fn a_new_display_name_is_seen_by_others_and_arrives_in_ones_own_feed() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let mut seen = ann.subscribes();
    ann.does("updateProfile", json!({ "displayName": "Ann B.", "bio": "here" }), "");
    let query = "query($id: ID!) { account(id: $id) { displayName bio username } }";
    let account = bob.asks(query, json!({ "id": ann.id })).data()["account"].clone();
    assert_eq!(account, json!({ "displayName": "Ann B.", "bio": "here", "username": "ann" }));
    let frame = seen.next();
    assert_eq!(frame.event(), "ProfileUpdated");
    assert_eq!(frame.change()["displayName"], "Ann B.");
}
