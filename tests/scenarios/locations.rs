//! Places: sent once, or followed for a while with few events in the log.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Feed, Person, World, long};

const LIVE: &str = "content { __typename ... on Location { latitude longitude accuracyM } \
    ... on LiveLocation { location { latitude longitude accuracyM } ended } }";

fn point(latitude: f64) -> Value {
    json!({ "latitude": latitude, "longitude": 2.5 })
}

/// Shares a live location and gives the id of its message.
fn shares(person: &Person, conversation: &str, duration: Duration) -> String {
    let input = json!({
        "conversationId": conversation, "point": point(48.0),
        "durationMs": duration.as_millis().to_string(),
    });
    let shared = person.does("shareLiveLocation", input, "message { id }");
    shared["message"]["id"].as_str().expect("an id").to_owned()
}

/// Moves a live location; whether others were told.
fn moves(person: &Person, message: &str, latitude: f64) -> bool {
    let input = json!({ "messageId": message, "point": point(latitude) });
    person.does("moveLiveLocation", input, "told")["told"] == true
}

fn seen(person: &Person, message: &str) -> Value {
    person.sees_message(message, LIVE)["content"].clone()
}

fn seq(person: &Person, conversation: &str) -> u64 {
    long(&person.sees(conversation, "seq")["seq"])
}

/// Waits until a feed follows: what passes is not caught up on, so it must not come before.
fn follows(feed: &mut Feed, person: &Person, group: &str) {
    for text in ["one", "two"] {
        let sent = person.sends(group, text);
        assert_eq!(feed.next().seq(), sent.seq);
    }
}

#[test]
fn a_place_is_sent_and_seen() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let place = json!({ "latitude": 48.85837, "longitude": 2.29448, "accuracyM": 12.5 });
    let input = json!({ "conversationId": group, "point": place });
    let sent = ann.does("sendLocation", input, "message { id text }")["message"].clone();
    assert_eq!(sent["text"], "48.85837, 2.29448");
    let id = sent["id"].as_str().expect("an id");
    let mut expected = place;
    expected["__typename"] = json!("Location");
    assert_eq!(seen(&bob, id), expected);
    ann.deletes(id);
    assert_eq!(seen(&bob, id), Value::Null);
}

#[test]
fn a_live_location_is_told_as_it_moves() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let live = shares(&ann, &group, Duration::from_secs(3_600));
    let mut heard = bob.subscribes();
    follows(&mut heard, &ann, &group);
    let before = seq(&ann, &group);
    assert!(moves(&ann, &live, 48.1));
    assert!(!moves(&ann, &live, 48.2), "one telling a second");
    let frame = heard.next();
    assert_eq!((frame.event(), &frame.0["seq"]), ("LiveLocationMove", &Value::Null));
    let expected = json!({ "latitude": 48.1, "longitude": 2.5 });
    assert_eq!(frame.change()["location"], expected);
    assert_eq!(frame.change()["messageId"], json!(live));
    assert_eq!(seq(&ann, &group), before, "the log holds nothing of it");
    assert_eq!(seen(&bob, &live)["location"]["latitude"], 48.0);
    let input = json!({ "messageId": live, "point": point(1.0) });
    assert_eq!(bob.tries("moveLiveLocation", input, "told").code(), "LOCATIONS_NOT_AUTHOR");
}

#[test]
fn a_live_hour_adds_few_log_events() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let live = shares(&ann, &group, Duration::from_secs(3_600));
    let begun = seq(&ann, &group);
    let (mut ann, mut last) = (ann, 48.0);
    for minute in 1..60 {
        world.passes(Duration::from_secs(60));
        if minute % 5 == 0 {
            // An access token is good for ten minutes.
            ann = ann.on_another_device();
        }
        last = 48.0 + f64::from(minute) / 100.0;
        moves(&ann, &live, last);
    }
    let (ann, bob) = (ann.on_another_device(), bob.on_another_device());
    let added = seq(&ann, &group) - begun;
    assert!((10..=12).contains(&added), "{added} events");
    let recorded = seen(&bob, &live)["location"]["latitude"].as_f64().expect("a number");
    assert!(last - recorded < 0.06, "{recorded} is minutes old");
    world.passes(Duration::from_secs(61));
    assert_eq!(seen(&bob, &live)["ended"], true);
    let input = json!({ "messageId": live, "point": point(1.0) });
    assert_eq!(ann.tries("moveLiveLocation", input, "told").code(), "LOCATIONS_ENDED");
}

#[test]
fn what_does_not_move_is_not_recorded() {
    let world = World::new();
    let ([ann, _bob], group) = world.group("Lunch", ["ann", "bob"]);
    let live = shares(&ann, &group, Duration::from_secs(3_600));
    let begun = seq(&ann, &group);
    world.passes(Duration::from_secs(300));
    assert!(moves(&ann, &live, 48.000_05));
    assert_eq!(seq(&ann, &group), begun);
    world.passes(Duration::from_secs(2));
    assert!(moves(&ann, &live, 48.000_2));
    assert_eq!(seq(&ann, &group), begun + 1);
}

#[test]
fn a_live_location_is_stopped_by_its_author() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let live = shares(&ann, &group, Duration::from_secs(3_600));
    let mut heard = bob.subscribes();
    let stops = |who: &Person| {
        who.tries("stopLiveLocation", json!({ "messageId": live }), "liveLocation { ended }")
    };
    assert_eq!(stops(&bob).code(), "LOCATIONS_NOT_AUTHOR");
    assert_eq!(stops(&ann).data()["stopLiveLocation"]["liveLocation"]["ended"], true);
    let frame = heard.next();
    assert_eq!((frame.event(), &frame.change()["ended"]), ("LiveLocationStopped", &json!(true)));
    let input = json!({ "messageId": live, "point": point(1.0) });
    assert_eq!(ann.tries("moveLiveLocation", input, "told").code(), "LOCATIONS_ENDED");
    ann.deletes(&live);
    assert_eq!(seen(&bob, &live), Value::Null);
    assert_eq!(stops(&ann).code(), "LOCATIONS_MESSAGE_GONE");
}
