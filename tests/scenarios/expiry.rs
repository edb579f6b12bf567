//! Messages that are gone when their time has come: at once, for everyone, whatever happens.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Feed, Frame, Person, Sent, World, fresh_id, long, until};

const MINUTE: Duration = Duration::from_secs(60);

const GONE: &str = "text markdown deleted versions { text } entities { kind } reactions { emoji }";

fn sends(person: &Person, conversation: &str, text: &str, seconds: u32) -> Sent {
    let input = json!({ "clientId": fresh_id(), "conversationId": conversation, "text": text,
        "expiresIn": seconds });
    let sent = person.does("sendMessage", input, "message { id number seq }")["message"].clone();
    let id = sent["id"].as_str().expect("an id").to_owned();
    Sent { id, number: long(&sent["number"]), seq: long(&sent["seq"]) }
}

/// Sends what expires so many seconds after it is read.
fn confides(person: &Person, conversation: &str, text: &str, seconds: i64) -> Answer {
    let input = json!({ "conversationId": conversation, "text": text,
        "expiresAfterRead": seconds });
    person.tries("sendMessage", input, "message { id expiresAt expiresAfterRead }")
}

fn confided(answer: &Answer) -> String {
    answer.data()["sendMessage"]["message"]["id"].as_str().expect("an id").to_owned()
}

/// The next frame of an event.
fn comes(feed: &mut Feed, event: &str) -> Frame {
    loop {
        let frame = feed.next();
        if frame.event() == event {
            return frame;
        }
    }
}

fn sets(person: &Person, conversation: &str, seconds: Value) -> Answer {
    let input = json!({ "conversationId": conversation, "expiresIn": seconds });
    person.tries("setExpiry", input, "conversation { expiresIn }")
}

fn expires(person: &Person, message: &str) -> bool {
    person.sees_message(message, "expiresAt")["expiresAt"].is_string()
}

/// What is left of a message that is gone.
fn nothing() -> Value {
    json!({ "text": null, "markdown": null, "deleted": true, "versions": [], "entities": [],
        "reactions": [] })
}

#[test]
fn it_is_hidden_at_once_and_leaves_a_tombstone() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let sent = sends(&ann, &group, "**secret** @bob", 120);
    ann.edits(&sent.id, "**secrets** @bob");
    let answer = json!({ "conversationId": group, "text": "oh", "replyTo": sent.id });
    let answer = bob.does("sendMessage", answer, "message { id seq }")["message"].clone();
    bob.does("addReaction", json!({ "messageId": sent.id, "emoji": "👍" }), "__typename");
    world.passes(MINUTE);
    assert_eq!(bob.sees_message(&sent.id, "text")["text"], "secrets @bob");
    assert_eq!(ann.sees(&group, "lastNumber")["lastNumber"], "2");
    world.passes(MINUTE);
    // However late the timer may be: it is read by nobody from now on.
    for who in [&ann, &bob] {
        assert_eq!(who.sees_message(&sent.id, GONE), nothing());
        let page = who.sees(&group, "messages(first: 10) { nodes { text replyTo { text } } }");
        assert!(!page.to_string().contains("secret"), "{page}");
        let id = answer["id"].as_str().expect("an id");
        assert_eq!(who.sees_message(id, "replyTo { text }")["replyTo"]["text"], Value::Null);
    }
    let gone = comes(&mut feed, "MessageDeleted");
    assert_eq!((&gone.change()["id"], &gone.change()["text"]), (&json!(sent.id), &Value::Null));
    assert_eq!(gone.seq(), long(&ann.sees(&group, "seq")["seq"]));
    assert_eq!(bob.all_messages(&group).len(), 1, "only the answer is left");
    let edit = json!({ "messageId": sent.id, "text": "x" });
    assert_eq!(ann.tries("editMessage", edit, "message { id }").code(), "MESSAGES_GONE");
}

#[test]
fn a_conversation_has_a_time_for_what_is_sent_from_then_on() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let before = ann.sends(&group, "stays");
    assert_eq!(sets(&bob, &group, json!(60)).code(), "EXPIRY_FORBIDDEN");
    for seconds in [59, 31_536_001] {
        assert_eq!(sets(&ann, &group, json!(seconds)).code(), "EXPIRY_OUT_OF_RANGE");
    }
    let set = sets(&ann, &group, json!(60));
    assert_eq!(set.data()["setExpiry"]["conversation"]["expiresIn"], 60);
    assert_eq!(bob.sees(&group, "expiresIn")["expiresIn"], 60);
    assert_eq!([feed.next().event(), feed.next().event()], ["MessageSent", "ExpirySet"]);
    let after = bob.sends(&group, "goes");
    assert_eq!([&before, &after].map(|it| expires(&bob, &it.id)), [false, true]);
    world.passes(MINUTE);
    assert_eq!(ann.sees_message(&after.id, GONE), nothing());
    assert_eq!(ann.sees_message(&before.id, "text")["text"], "stays");
    sets(&ann, &group, Value::Null).data();
    assert!(!expires(&bob, &ann.sends(&group, "stays too").id));
    let direct = ann.opens_direct(&bob);
    sets(&bob, &direct, json!(31_536_000)).data();
    assert!(expires(&bob, &ann.sends(&direct, "in a year").id));
}

#[test]
fn a_message_says_itself_when_it_goes_and_within_what_limits() {
    let world = World::new();
    let ([ann, _], group) = world.group("Lunch", ["ann", "bob"]);
    for (seconds, code) in [
        (59, Some("MESSAGES_EXPIRY_INVALID")),
        (60, None),
        (31_536_000, None),
        (31_536_001, Some("MESSAGES_EXPIRY_INVALID")),
    ] {
        let input = json!({ "conversationId": group, "text": "x", "expiresIn": seconds });
        assert_eq!(ann.tries("sendMessage", input, "message { id }").failure(), code);
    }
}

/// Waits until the server has deleted what is due.
fn deleted(person: &Person, group: &str, left: usize) {
    until("something is still there", || person.all_messages(group).len() <= left);
}

#[test]
fn over_restarts_and_jumps_of_the_clock_each_goes_once() {
    let mut world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    for n in 0..20 {
        sends(&ann, &group, &format!("short {n}"), 60);
    }
    let long_lived = sends(&ann, &group, "long", 10_800);
    let stays = ann.sends(&group, "stays");
    let before = long(&ann.sees(&group, "seq")["seq"]);
    world.passes(MINUTE);
    for _ in 0..2 {
        world.restarts();
    }
    deleted(&bob, &group, 2);
    assert_eq!(long(&ann.sees(&group, "seq")["seq"]), before + 20, "each was deleted once");
    world.passes(Duration::from_secs(3_600));
    world.goes_back(Duration::from_secs(3_600));
    world.restarts();
    assert_eq!(long(&ann.sees(&group, "seq")["seq"]), before + 20);
    assert_eq!(bob.sees_message(&long_lived.id, "text")["text"], "long");
    assert_eq!(bob.sees_message(&stays.id, "text")["text"], "stays");
}

#[test]
fn after_it_is_read_by_the_other_person_it_is_there_for_its_time() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let mut feeds = [ann.subscribes(), bob.subscribes()];
    let answer = confides(&ann, &direct, "**secret**", 120);
    let message = &answer.data()["sendMessage"]["message"];
    assert_eq!((&message["expiresAt"], &message["expiresAfterRead"]), (&Value::Null, &json!(120)));
    let sent = confided(&answer);
    ann.reads(&direct, 1);
    world.passes(2 * MINUTE);
    assert_eq!(bob.sees_message(&sent, "text")["text"], "secret");
    assert!(!expires(&bob, &sent));
    assert_eq!(bob.reads(&direct, 1), 0);
    for feed in &mut feeds {
        let begun = comes(feed, "ExpiryBegun");
        assert_eq!(
            (&begun.change()["id"], &begun.change()["text"]),
            (&json!(sent), &json!("secret"))
        );
    }
    assert!(expires(&ann, &sent));
    bob.reads(&direct, 1);
    world.passes(MINUTE);
    assert_eq!(ann.sees_message(&sent, "text")["text"], "secret");
    world.passes(MINUTE);
    // However late the timer may be: it is read by nobody from now on.
    for who in [&ann, &bob] {
        assert_eq!(who.sees_message(&sent, GONE), nothing());
        let page = who.sees(&direct, "messages(first: 10) { nodes { text } }");
        assert!(!page.to_string().contains("secret"), "{page}");
    }
    for feed in &mut feeds {
        let gone = comes(feed, "MessageDeleted");
        assert_eq!((&gone.change()["id"], &gone.change()["text"]), (&json!(sent), &Value::Null));
    }
    assert!(bob.all_messages(&direct).is_empty());
    // Whoever answers has read.
    let other = confided(&confides(&bob, &direct, "another", 600));
    ann.sends(&direct, "an answer");
    assert!(expires(&bob, &other));
}

#[test]
fn only_one_other_person_reads_it_and_within_what_limits() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let (direct, saved) = (ann.opens_direct(&bob), ann.opens_direct(&ann));
    for (conversation, seconds, code) in [
        (&direct, 0, Some("MESSAGES_EXPIRY_AFTER_READ_INVALID")),
        (&direct, 1, None),
        (&direct, 604_800, None),
        (&direct, 604_801, Some("MESSAGES_EXPIRY_AFTER_READ_INVALID")),
        (&group, 1, Some("MESSAGES_EXPIRY_NOT_DIRECT")),
        (&saved, 1, Some("MESSAGES_EXPIRY_NOT_DIRECT")),
    ] {
        assert_eq!(confides(&ann, conversation, "x", seconds).failure(), code, "{seconds}");
    }
}

#[test]
fn over_restarts_what_was_read_begins_once() {
    let mut world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let seq = |it: &Person| long(&it.sees(&direct, "seq")["seq"]);
    let sent: Vec<_> =
        (0..20).map(|n| confided(&confides(&ann, &direct, &n.to_string(), 300))).collect();
    let (before, place) = (seq(&ann), ann.position());
    for number in [7, 20] {
        bob.reads(&direct, number);
        world.restarts();
    }
    let mut feed = ann.resumes(&place);
    sent.iter().for_each(|_| drop(comes(&mut feed, "ExpiryBegun")));
    assert!(sent.iter().all(|it| expires(&ann, it)));
    world.restarts();
    assert_eq!(seq(&ann), before + 20, "each began once");
    world.passes(5 * MINUTE);
    world.restarts();
    deleted(&bob, &direct, 0);
    assert_eq!(seq(&ann), before + 40, "each was deleted once");
}
