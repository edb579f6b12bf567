//! Presence: typing and being about reach the others, and never the log.

use serde_json::{Value, json};
use tests::{Person, World};

/// Tells something that passes: it has no client id and no position.
fn tells(person: &Person, name: &str, input: &Value) -> Value {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ ok }} }}");
    person.asks(&query, json!({ "input": input })).data()[name].clone()
}

/// Waits until a feed follows: what passes is not caught up on, so it must not come before.
fn follows(feed: &mut tests::Feed, person: &Person, group: &str) {
    for text in ["one", "two"] {
        let sent = person.sends(group, text);
        assert_eq!(feed.next().seq(), sent.seq);
    }
}

#[test]
fn others_see_who_types_and_oneself_does_not() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let (mut own, mut other) = (ann.subscribes(), bob.subscribes());
    follows(&mut other, &ann, &group);
    own.next();
    own.next();
    let input = json!({ "conversationId": group, "typing": true });
    let told = tells(&ann, "setTyping", &input);
    assert_eq!(told["ok"], true);
    let frame = other.next();
    assert_eq!(frame.event(), "Typing");
    assert_eq!(frame.0["seq"], json!(null));
    assert_eq!(frame.conversation(), group);
    let told = json!({ "__typename": "Typing", "typing": true, "kind": "TEXT" });
    assert_eq!(frame.change(), &told);
    // The next that the typist hears is an event: nothing of the typing came before it.
    let sent = bob.sends(&group, "hello");
    assert_eq!(own.next().seq(), sent.seq);
}

#[test]
fn typing_is_throttled_and_strangers_are_told_nothing() {
    let world = World::new();
    let ([ann, _bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let input = json!({ "conversationId": group, "typing": true });
    let both = [tells(&ann, "setTyping", &input), tells(&ann, "setTyping", &input)];
    assert_eq!(both[1]["ok"], false, "{both:?}");
    let query = "mutation($input: SetTypingInput!) { setTyping(input: $input) { ok } }";
    assert_eq!(eve.asks(query, json!({ "input": input })).code(), "NOT_FOUND");
}

#[test]
fn somebody_who_comes_is_seen_by_those_who_share_a_conversation() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut seen = bob.subscribes();
    follows(&mut seen, &ann, &group);
    tells(&ann, "setPresence", &json!({ "online": true }));
    let frame = seen.next();
    assert_eq!(frame.event(), "Presence");
    let query = "query($ids: [ID!]!) { presence(accountIds: $ids) { online lastSeenAt } }";
    let ids = json!({ "ids": [ann.id, bob.id] });
    let found = bob.asks(query, ids).data()["presence"].clone();
    assert_eq!((&found[0]["online"], &found[1]["online"]), (&json!(true), &json!(false)));
}

#[test]
fn others_see_what_somebody_is_about_to_send() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut other = bob.subscribes();
    follows(&mut other, &ann, &group);
    let input = json!({ "conversationId": group, "typing": true, "kind": "VOICE" });
    assert_eq!(tells(&ann, "setTyping", &input)["ok"], true);
    assert_eq!(other.next().change()["kind"], "VOICE");
    let input = json!({ "conversationId": group, "typing": false, "kind": "FILE" });
    assert_eq!(tells(&ann, "setTyping", &input)["ok"], true);
    let told = json!({ "__typename": "Typing", "typing": false, "kind": "FILE" });
    assert_eq!(other.next().change(), &told);
}
