//! What messages hold beside text, at its limits and one past them.

use serde_json::{Value, json};
use tests::{Answer, Person, World, fresh_id};

fn asks(person: &Person, group: &str, question: &str, options: &[String]) -> Answer {
    let input = json!({ "conversationId": group, "question": question, "options": options });
    person.tries("sendPoll", input, "message { id }")
}

#[test]
fn a_poll_has_2_to_12_options_of_100_characters_and_a_question_of_255() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let many = |count: usize, chars: usize| vec!["👍".repeat(chars); count];
    let longest = "é".repeat(255);
    asks(&ann, &saved, &longest, &many(12, 100)).data();
    asks(&ann, &saved, "?", &many(2, 1)).data();
    let bad = [many(13, 1), many(1, 1), many(0, 1), many(2, 101), many(2, 0), many(10_000, 1)];
    for options in bad {
        assert_eq!(asks(&ann, &saved, "?", &options).code(), "POLLS_OPTIONS_INVALID");
    }
    for question in [&format!("{longest}é"), "", " ", "a\u{0}"] {
        assert_eq!(asks(&ann, &saved, question, &many(2, 1)).code(), "POLLS_QUESTION_INVALID");
    }
    assert_eq!(ann.all_messages(&saved).len(), 2);
}

#[test]
fn a_ballot_has_at_most_12_options_of_the_poll() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let options: Vec<_> = (0..12).map(|it| it.to_string()).collect();
    let input = json!({
        "conversationId": saved, "question": "?", "options": options, "multiple": true,
        "revotable": true,
    });
    let poll = ann.does("sendPoll", input, "message { id }")["message"]["id"].clone();
    let votes = |options: Vec<i64>| {
        let input = json!({ "messageId": poll, "options": options });
        ann.tries("votePoll", input, "poll { viewerChoices }")
    };
    let all = votes((0..12).collect());
    assert_eq!(all.data()["votePoll"]["poll"]["viewerChoices"].as_array().map(Vec::len), Some(12));
    for bad in [(0..13).collect(), vec![12], vec![-1], vec![0; 13], vec![0; 100_000]] {
        assert_eq!(votes(bad).code(), "POLLS_BALLOT_INVALID");
    }
}

#[test]
fn a_poll_closes_within_366_days() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let closing = |ms: i64| {
        let at = chat::kernel::Timestamp(world.now_ms() + ms).rfc3339();
        let (question, options) = ("?", ["a", "b"]);
        let input = json!({
            "conversationId": saved, "question": question, "options": options, "closesAt": at,
        });
        ann.tries("sendPoll", input, "message { id }")
    };
    let year = 366 * 24 * 3_600_000;
    closing(year - 1_000).data();
    assert_eq!(closing(year + 60_000).code(), "POLLS_CLOSES_AT_INVALID");
    assert_eq!(closing(-1).code(), "POLLS_CLOSES_AT_INVALID");
}

#[test]
fn a_place_lies_on_earth() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let sends = |latitude: Value, longitude: Value, accuracy: Value| {
        let point = json!({ "latitude": latitude, "longitude": longitude, "accuracyM": accuracy });
        ann.tries("sendLocation", json!({ "conversationId": saved, "point": point }), "")
    };
    sends(json!(90), json!(-180), json!(100_000)).data();
    sends(json!(-90.0), json!(180.0), json!(0)).data();
    let bad = [
        (json!(90.000_001), json!(0), Value::Null),
        (json!(0), json!(-180.000_001), Value::Null),
        (json!(0), json!(0), json!(100_000.1)),
        (json!(0), json!(0), json!(-1)),
        (json!(1e308), json!(0), Value::Null),
    ];
    for (latitude, longitude, accuracy) in bad {
        assert_eq!(sends(latitude, longitude, accuracy).code(), "LOCATIONS_POINT_INVALID");
    }
    let shares = |ms: u64| {
        let (point, duration) = (json!({ "latitude": 0, "longitude": 0 }), ms.to_string());
        let input = json!({ "conversationId": saved, "point": point, "durationMs": duration });
        ann.tries("shareLiveLocation", input, "")
    };
    shares(15 * 60_000).data();
    shares(90 * 86_400_000).data();
    for bad in [15 * 60_000 - 1, 90 * 86_400_000 + 1, 0, i64::MAX as u64] {
        assert_eq!(shares(bad).code(), "LOCATIONS_DURATION_INVALID");
    }
}

#[test]
fn a_card_has_10_phone_numbers_and_10_mail_addresses() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let sends = |name: &str, phones: usize, emails: usize| {
        let phones: Vec<_> = (0..phones).map(|it| format!("+491511234{it:04}")).collect();
        let emails: Vec<_> = (0..emails).map(|it| format!("eve{it}@example.org")).collect();
        let input = json!({
            "conversationId": saved, "name": name, "phones": phones, "emails": emails,
        });
        ann.tries("sendContact", input, "")
    };
    sends(&"é".repeat(128), 10, 10).data();
    assert_eq!(sends("Eve", 11, 0).code(), "CONTACT_CARDS_TOO_MANY");
    assert_eq!(sends("Eve", 0, 11).code(), "CONTACT_CARDS_TOO_MANY");
    assert_eq!(sends("Eve", 0, 0).code(), "CONTACT_CARDS_EMPTY");
    assert_eq!(sends(&"é".repeat(129), 1, 0).code(), "CONTACT_CARDS_NAME_INVALID");
}

#[test]
fn commands_refuse_what_no_client_could_mean() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let huge = format!(
        "{{\"conversationId\":\"{saved}\",\"point\":{{\"latitude\":1e999,\"longitude\":0}}}}"
    );
    let bearer = format!("Bearer {}", ann.token);
    let id = fresh_id();
    let headers = [
        ("authorization", bearer.as_str()),
        ("idempotency-key", id.as_str()),
        ("content-type", "application/json"),
    ];
    let path = "/v1/commands/SendLocation";
    let reply = ann.client.http.request("POST", path, &headers, huge.as_bytes());
    assert_eq!(reply.expect("the server answers").status, 400);
    assert_eq!(ann.all_messages(&saved).len(), 0);
}

#[test]
fn a_hundred_that_expire_after_they_are_read_wait_to_be_read() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let confides = || {
        let input = json!({ "conversationId": direct, "text": "x", "expiresAfterRead": 604_800 });
        ann.tries("sendMessage", input, "message { id }")
    };
    for _ in 0..100 {
        confides().data();
    }
    assert_eq!(confides().code(), "MESSAGES_TOO_MANY_UNREAD");
    bob.sends(&direct, "read");
    confides().data();
}
