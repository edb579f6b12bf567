//! Rates: exactly as many as allowed, then a refusal that says how long to wait.

use serde_json::{Value, json};
use tests::{Client, Http, Person, Way, World, fresh_id};

/// How long a refusal says to wait.
pub(crate) fn retry_after_ms(answer: &Value) -> u64 {
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED", "{answer}");
    assert_eq!(extensions["kind"], "LIMIT_EXCEEDED");
    extensions["retryAfterMs"].as_u64().expect("a refusal says how long to wait")
}

#[test]
fn an_account_gives_so_many_commands_and_not_one_more() {
    let world = World::with(|it| it.rate_per_account = 5);
    let [ann, bob] = world.people(["ann", "bob"]);
    let answers = tests::at_once((0..12).map(|at| {
        let ann = &ann;
        move || ann.tries("updateProfile", json!({ "bio": at.to_string() }), "position")
    }));
    let refused: Vec<_> = answers.iter().filter(|it| it.failure().is_some()).collect();
    assert_eq!(refused.len(), 7);
    for it in refused {
        assert!((1..=60_000).contains(&retry_after_ms(&it.0)));
    }
    bob.does("updateProfile", json!({ "bio": "mine" }), "");
    ann.asks("{ viewer { id } }", json!({})).data();
    let command = ann.commands("UpdateProfile", &fresh_id(), &json!({ "bio": "again" }));
    assert_eq!(command.status, 429);
    assert_eq!(command.json()["code"], "RATE_LIMITED");
    let wait = command.json()["retryAfterMs"].as_u64().expect("a wait");
    let header = command.header("retry-after").and_then(|it| it.parse::<u64>().ok());
    assert_eq!(header, Some(wait.div_ceil(1_000)));
}

#[test]
fn an_address_makes_so_many_requests_and_not_one_more() {
    let world = World::with(|it| it.rate_per_ip = 10);
    let ask = || {
        let body = json!({ "query": "{ position }" }).to_string();
        world.client.post(None, None, body.as_bytes())
    };
    let statuses: Vec<u16> = (0..12).map(|_| ask().status).collect();
    assert_eq!(statuses, [[200; 10].as_slice(), &[429; 2]].concat());
    assert!((1..=60_000).contains(&retry_after_ms(&ask().json())));
}

/// What twelve requests from an address of loopback answer, each with another invented header.
fn statuses(world: &World, last: u8) -> Vec<u16> {
    let way = Way::to(world.client.http.address).from([127, 0, 0, last].into());
    let client = Client::new(Http::over(way));
    let ask = |at: u8| {
        let body = json!({ "query": "{ position }" }).to_string();
        let invented = format!("203.0.113.{at}");
        let headers =
            [("content-type", "application/json"), ("x-forwarded-for", invented.as_str())];
        let reply = client.http.request("POST", "/graphql", &headers, body.as_bytes());
        reply.expect("an answer").status
    };
    (0..12).map(ask).collect()
}

#[test]
fn addresses_have_rates_of_their_own_that_they_do_not_choose() {
    let world = World::with(|it| it.rate_per_ip = 10);
    let until_refused = [[200; 10].as_slice(), &[429; 2]].concat();
    assert_eq!(statuses(&world, 2), until_refused);
    assert_eq!(statuses(&world, 3), until_refused);
}

#[test]
fn an_address_registers_so_many_and_not_one_more() {
    let world = World::with(|it| it.rate_register = 2);
    let _two = world.people(["ann", "bob"]);
    let third = Person::registers(&world.client, &fresh_id(), "cat", "correct horse");
    retry_after_ms(&third.0);
}

#[test]
fn a_name_is_tried_so_often_and_other_names_go_on() {
    let world = World::with(|it| it.rate_sign_in = 2);
    let _people = world.people(["ann", "bob"]);
    for _ in 0..2 {
        let wrong = Person::signs_in(&world.client, "ann", "wrong horse");
        assert_eq!(wrong.code(), "SESSIONS_SIGN_IN_FAILED");
    }
    for name in ["ann", "ANN"] {
        let refused = Person::signs_in(&world.client, name, "correct horse");
        retry_after_ms(&refused.0);
    }
    Person::signs_in(&world.client, "bob", "correct horse").data();
}

#[test]
fn an_address_tries_six_times_as_many_names() {
    let world = World::with(|it| it.rate_sign_in = 1);
    for at in 0..6 {
        let wrong = Person::signs_in(&world.client, &format!("nobody{at}"), "wrong horse");
        assert_eq!(wrong.code(), "SESSIONS_SIGN_IN_FAILED");
    }
    let refused = Person::signs_in(&world.client, "nobody6", "wrong horse");
    retry_after_ms(&refused.0);
}

#[test]
fn guesses_at_one_account_are_counted_over_all_addresses_and_however_it_is_named() {
    let world = World::with(|it| it.rate_sign_in = 1);
    let _ann = world.person("ann");
    let guess = |at: u8| {
        let way = Way::to(world.client.http.address).from([127, 0, 1, at].into());
        let client = Client::new(Http::over(way));
        let name = [" ann", "ANN", "ann ", "\tAnn"][usize::from(at % 4)];
        Person::signs_in(&client, name, "wrong horse")
    };
    for at in 1..=60 {
        assert_eq!(guess(at).code(), "SESSIONS_SIGN_IN_FAILED", "{at}");
    }
    let refused = guess(61);
    assert!((60_001..=3_600_000).contains(&retry_after_ms(&refused.0)), "it waits for the hour");
}
