//! Answers that quote a piece of what they answer, for as long as that is there.

use serde_json::{Value, json};
use tests::{Answer, Person, World, fresh_id};

fn tries(
    who: &Person,
    (client_id, conversation, message): (&str, &str, &str),
    (text, offset): (&str, u32),
) -> Answer {
    let input = json!({
        "clientId": client_id, "conversationId": conversation, "text": "so it is",
        "replyTo": message, "quote": { "text": text, "offset": offset },
    });
    who.tries("sendMessage", input, "message { id }")
}

/// Answers a message with a piece of it; the id of the answer.
fn quotes(who: &Person, at: (&str, &str), piece: (&str, u32)) -> String {
    let answer = tries(who, (&fresh_id(), at.0, at.1), piece);
    answer.data()["sendMessage"]["message"]["id"].as_str().expect("an id").to_owned()
}

fn seen(who: &Person, answer: &str) -> Value {
    who.sees_message(answer, "quote { text offset revision }")["quote"].clone()
}

#[test]
fn a_quote_shows_what_was_quoted_also_after_an_edit() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let soup = ann.sends(&group, "**soup** 🍜 or salad?");
    let answer = quotes(&bob, (&group, &soup.id), ("🍜 or", 5));
    let quote = json!({ "text": "🍜 or", "offset": 5, "revision": "0" });
    assert_eq!(seen(&ann, &answer), quote);
    assert_eq!(seen(&ann, &soup.id), Value::Null);
    ann.edits(&soup.id, "nothing");
    assert_eq!(seen(&ann, &answer), quote, "the texts that it had are shown to members");
    let after = quotes(&bob, (&group, &soup.id), ("thing", 2));
    ann.edits(&soup.id, "something");
    let later = json!({ "text": "thing", "offset": 2, "revision": "1" });
    assert_eq!(seen(&ann, &after), later);
    let policy = json!({ "conversationId": group, "minutes": null, "historyVisible": false });
    ann.does("setEditPolicy", policy, "__typename");
    assert_eq!(seen(&bob, &answer), Value::Null, "that was edited away");
    assert_eq!(seen(&bob, &after), later, "that still stands there");
    assert_eq!(seen(&ann, &answer), quote, "its author sees what they have said");
}

#[test]
fn a_quote_goes_with_what_it_quotes_and_comes_back_with_it() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = bob.sends(&group, "a secret word");
    let answer = quotes(&ann, (&group, &sent.id), ("secret", 2));
    let start = ann.position();
    ann.deletes(&sent.id);
    assert_eq!(seen(&bob, &answer), Value::Null);
    let input = json!({ "conversationId": group, "messageIds": [sent.id] });
    ann.does("restoreMessages", input, "__typename");
    assert_eq!(seen(&bob, &answer)["text"], "secret");
    bob.deletes(&sent.id);
    for who in [&ann, &bob] {
        let message = who.sees_message(&answer, "text quote { text } replyTo { text deleted }");
        let gone = json!({ "text": null, "deleted": true });
        assert_eq!(message, json!({ "text": "so it is", "quote": null, "replyTo": gone }));
    }
    let mut feed = bob.resumes(&start);
    for _ in 0..3 {
        let frame = feed.next_of(&group);
        assert!(!frame.0.to_string().contains("secret"), "{}", frame.0);
    }
}

#[test]
fn what_is_quoted_stands_there_and_asking_again_is_asking_once() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = ann.sends(&group, "soup 🍜");
    let id = fresh_id();
    let at = (&*id, &*group, &*sent.id);
    for (text, offset) in [("salad", 0), ("soup", 1), ("🍜 ", 5)] {
        assert_eq!(tries(&bob, at, (text, offset)).code(), "MESSAGES_QUOTE_NOT_FOUND");
    }
    let first = tries(&bob, at, ("🍜", 5)).data()["sendMessage"].clone();
    ann.edits(&sent.id, "soup");
    let again = tries(&bob, at, ("🍜", 5)).data()["sendMessage"].clone();
    assert_eq!(first["message"], again["message"]);
    let input = json!({ "conversationId": group, "text": "x",
        "quote": { "text": "soup", "offset": 0 } });
    let code = bob.tries("sendMessage", input, "position");
    assert_eq!(code.code(), "MESSAGES_QUOTE_INVALID", "nothing is answered");
    let long = ann.sends(&group, &"é".repeat(1_025));
    let at = |id: &str| (id.to_owned(), group.clone(), long.id.clone());
    for (count, code) in [(1_025, Some("MESSAGES_QUOTE_INVALID")), (1_024, None)] {
        let (id, group, message) = at(&fresh_id());
        let answer = tries(&bob, (&id, &group, &message), (&"é".repeat(count), 0));
        assert_eq!(answer.failure(), code);
    }
}
