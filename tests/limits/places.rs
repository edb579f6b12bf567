//! Positions: only those that this log gave, and they grant nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tests::{Answer, Person, World};

/// Checks that neither a query nor a subscription takes a position.
fn is_refused(person: &Person, position: &str, why: &str) {
    let body = json!({ "query": "{ position }" }).to_string();
    let reply = person.client.post(Some(&person.token), Some(position), body.as_bytes());
    assert_eq!(Answer(reply.json()).code(), "POSITION_INVALID", "{why}");
    let mut socket = person.greeted_socket();
    socket.subscribe("1", tests::UPDATES, json!({ "after": position }));
    let error = socket.expect_for("1", "error");
    assert_eq!(error["payload"][0]["extensions"]["code"], "POSITION_INVALID", "{why}");
}

#[test]
fn what_is_no_position_is_invalid() {
    let world = World::new();
    let ann = world.person("ann");
    let good = ann.position();
    let bytes = URL_SAFE_NO_PAD.decode(&good).expect("base64");
    for text in
        ["x", "AAAA", "!!!!", &good[..good.len() - 1], &format!("{good}A"), &"A".repeat(5_000)]
    {
        is_refused(&ann, text, text);
    }
    for (at, why) in [(0, "version"), (1, "log"), (8, "log"), (9, "epoch"), (12, "epoch")] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        is_refused(&ann, &URL_SAFE_NO_PAD.encode(bytes), why);
    }
    let with = |rest: &[u8]| URL_SAFE_NO_PAD.encode([&bytes[..13], rest].concat());
    is_refused(&ann, &with(&[0, 0]), "an ordinal of zero");
    is_refused(&ann, &with(&[200, 1, 1]), "a partition that is not there");
    is_refused(&ann, &with(&[1, 1, 0, 1]), "partitions out of order");
    is_refused(&ann, &with(&[0, 1, 0, 2]), "a partition twice");
    is_refused(&ann, &with(&[0]), "a partition without an ordinal");
    is_refused(&ann, &with(&[0, 0x80]), "a number without an end");
    is_refused(&ann, &with(&[[0].as_slice(), &[0xff; 10]].concat()), "a number without measure");
}

#[test]
fn a_position_of_another_log_is_invalid() {
    let [here, there] = [World::new(), World::new()];
    let [ann, bob] = [here.person("ann"), there.person("bob")];
    is_refused(&ann, &bob.position(), "another log's");
}

#[test]
fn a_position_that_is_not_reached_yet_is_unavailable_and_one_that_was_is_not() {
    let world = World::new();
    let ann = world.person("ann");
    let bytes = URL_SAFE_NO_PAD.decode(ann.position()).expect("base64");
    let far = URL_SAFE_NO_PAD.encode([&bytes[..13], &[0, 0xff, 0xff, 0x7f]].concat());
    let asks = |after: &str| {
        let body = json!({ "query": "{ position }" }).to_string();
        Answer(ann.client.post(Some(&ann.token), Some(after), body.as_bytes()).json())
    };
    assert_eq!(asks(&far).code(), "UNAVAILABLE");
    let beginning = URL_SAFE_NO_PAD.encode(&bytes[..13]);
    asks(&beginning).data();
}

#[test]
fn a_position_that_somebody_else_was_given_shows_nothing_of_theirs() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let notes = eve.opens_direct(&eve);
    let theirs = bob.position();
    ann.sends(&group, "not for eve");
    let mark = eve.sends(&notes, "mark").seq;
    let frames = eve.resumes(&theirs).until(&notes, mark);
    assert_eq!(frames.len(), 1, "{frames:?}");
    let bytes = URL_SAFE_NO_PAD.decode(&theirs).expect("base64");
    let beginning = URL_SAFE_NO_PAD.encode(&bytes[..13]);
    let frames = eve.resumes(&beginning).until(&notes, mark);
    assert!(frames.iter().all(|it| [&notes, ""].contains(&it.conversation())));
}
