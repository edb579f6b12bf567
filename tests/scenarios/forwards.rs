//! Forwards: whole and in order, saying who wrote them as far as those let it be known.

use serde_json::{Value, json};
use tests::{Answer, Person, World, at_once, fresh_id};

const SHOWN: &str =
    "messages { text sender { username } forwarded { account { username } sentAt } }";

fn tries(person: &Person, to: &str, messages: &[&str], attributed: bool) -> Answer {
    let input = json!({ "conversationId": to, "messageIds": messages, "attributed": attributed });
    person.tries("forwardMessages", input, SHOWN)
}

fn forwards(person: &Person, to: &str, messages: &[&str]) -> Vec<Value> {
    let answer = tries(person, to, messages, true);
    let found = answer.data()["forwardMessages"]["messages"].as_array();
    found.expect("messages").clone()
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|it| it["text"].as_str().expect("a text")).collect()
}

/// Who wrote it first, as it says.
fn author(message: &Value) -> &Value {
    &message["forwarded"]["account"]["username"]
}

#[test]
fn messages_arrive_whole_and_in_order_and_say_who_wrote_them() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let direct = bob.opens_direct(&eve);
    let one = ann.sends(&group, "*one* @eve").id;
    let two = bob.sends(&group, "two").id;
    let three = ann.sends(&group, "three").id;
    let mut heard = eve.subscribes();
    let arrived = forwards(&bob, &direct, &[&three, &one, &two]);
    assert_eq!(texts(&arrived), ["three", "one @eve", "two"]);
    let authors: Vec<_> = arrived.iter().map(author).collect();
    assert_eq!(authors, ["ann", "ann", "bob"]);
    assert!(arrived.iter().all(|it| it["sender"]["username"] == "bob"));
    let frames: Vec<_> = (0..3).map(|_| heard.next_of(&direct)).collect();
    let told: Vec<_> = frames.iter().map(|it| it.change()["text"].clone()).collect();
    assert_eq!(told, ["three", "one @eve", "two"]);
    assert_eq!(eve.unread(&direct), 3);
    assert_eq!(eve.sees(&direct, "mentionCount")["mentionCount"], 0, "nobody is mentioned again");
    let page = "messages(last: 2) { nodes { text entities { kind } forwarded { sentAt } } }";
    let nodes = eve.sees(&direct, page)["messages"]["nodes"].clone();
    assert_eq!(nodes[0]["entities"][0]["kind"], "ITALIC", "formatting goes along");
    let sent_at = ann.sees_message(&one, "sentAt")["sentAt"].clone();
    assert_eq!(nodes[0]["forwarded"]["sentAt"], sent_at);
}

#[test]
fn without_attribution_nothing_is_said() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let saved = bob.opens_direct(&bob);
    let message = ann.sends(&group, "hello").id;
    let answer = tries(&bob, &saved, &[&message], false);
    let arrived = answer.data()["forwardMessages"]["messages"][0].clone();
    let expected = json!({ "text": "hello", "sender": { "username": "bob" }, "forwarded": null });
    assert_eq!(arrived, expected);
}

#[test]
fn an_author_may_not_let_it_be_known_and_is_not_found_by_forwarding_further() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let saved = bob.opens_direct(&bob);
    let message = ann.sends(&group, "hello").id;
    let known = forwards(&bob, &saved, &[&message]);
    assert_eq!(author(&known[0]), "ann");
    ann.does("setPrivacy", json!({ "setting": "FORWARDS", "rules": [] }), "");
    let hidden = forwards(&bob, &saved, &[&message]);
    assert_eq!((author(&hidden[0]), hidden[0]["forwarded"].is_null()), (&Value::Null, false));
    let page = "messages(last: 2) { nodes { id } }";
    let nodes = bob.sees(&saved, page)["messages"]["nodes"].clone();
    let ids = [0, 1].map(|it| nodes[it]["id"].as_str().expect("an id").to_owned());
    let further = forwards(&bob, &saved, &[&ids[0], &ids[1]]);
    assert!(further.iter().all(|it| author(it).is_null() && !it["forwarded"].is_null()));
    ann.does(
        "setPrivacy",
        json!({ "setting": "FORWARDS", "rules": [
        { "allow": true, "who": "EVERYONE" },
    ] }),
        "",
    );
    let further = forwards(&bob, &saved, &[&ids[0], &ids[1]]);
    let authors: Vec<_> = further.iter().map(author).collect();
    assert_eq!(authors, [&json!("ann"), &Value::Null], "what was left out is not there");
}

#[test]
fn deleting_one_that_was_forwarded_leaves_those_beside_it() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent: Vec<_> = (0..3).map(|it| ann.sends(&group, &format!("{it}")).id).collect();
    let saved = bob.opens_direct(&bob);
    let all: Vec<&str> = sent.iter().map(String::as_str).collect();
    forwards(&bob, &saved, &all);
    let ids: Vec<String> = bob.all_messages(&saved).into_values().collect();
    for it in [1, 0] {
        bob.deletes(&ids[it]);
    }
    let left = bob.sees_message(&ids[2], "text deleted");
    assert_eq!(left, json!({ "text": "2", "deleted": false }));
    ann.deletes(&sent[2]);
    assert_eq!(bob.sees_message(&ids[2], "text")["text"], "2", "it is Bob's by now");
    let refused = tries(&bob, &saved, &[&sent[0], &sent[2]], true);
    assert_eq!(refused.code(), "FORWARDS_MESSAGE_GONE");
    assert_eq!(bob.all_messages(&saved).len(), 1, "none of them arrived");
}

#[test]
fn one_forwards_what_one_may_read_to_where_one_may_write() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let message = ann.sends(&group, "a secret").id;
    let (own, direct) = (eve.opens_direct(&eve), bob.opens_direct(&eve));
    let others = eve.sends(&own, "not yours").id;
    assert_eq!(tries(&eve, &own, &[&message], true).code(), "NOT_FOUND");
    assert_eq!(tries(&eve, &own, &[&others, &message], true).code(), "NOT_FOUND");
    assert_eq!(tries(&eve, &group, &[&others], true).code(), "NOT_FOUND");
    eve.does("blockAccount", json!({ "accountId": bob.id }), "");
    assert_eq!(tries(&bob, &direct, &[&message], true).code(), "FORWARDS_REFUSED");
    assert_eq!(tries(&eve, &direct, &[&others], true).code(), "FORWARDS_BLOCKED");
    bob.leaves(&group).data();
    let saved = bob.opens_direct(&bob);
    assert_eq!(tries(&bob, &saved, &[&message], true).code(), "NOT_FOUND");
}

#[test]
fn nobody_forges_who_wrote_something() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "hello").id;
    let body = json!({ "conversationId": group, "attributed": true, "messages": [{
        "conversationId": group, "messageId": message,
        "body": { "markdown": "I am a fool", "text": "I am a fool", "entities": [] },
    }] });
    assert_eq!(bob.commands("ForwardMessages", &fresh_id(), &body).status, 404);
    forwards(&bob, &group, &[&message]);
    let last = bob.all_messages(&group).into_values().next_back().expect("a message");
    let edit = json!({ "messageId": last, "text": "I am a fool" });
    assert_eq!(bob.tries("editMessage", edit, "position").code(), "MESSAGES_FORWARDED");
}

#[test]
fn the_same_id_forwards_once_whatever_became_of_the_texts() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let saved = bob.opens_direct(&bob);
    let message = ann.sends(&group, "before").id;
    let id = fresh_id();
    let again = || {
        let input = json!({ "clientId": id, "conversationId": saved, "messageIds": [message] });
        bob.tries("forwardMessages", input, "messages { id text }")
    };
    let all = at_once((0..4).map(|_| again));
    let shown = |it: &Answer| it.data()["forwardMessages"]["messages"].clone();
    let first = shown(&all[0]);
    assert!(all.iter().all(|it| shown(it) == first), "{all:?}");
    ann.edits(&message, "after");
    assert_eq!(shown(&again()), first);
    ann.deletes(&message);
    assert_eq!(shown(&again()), first);
    bob.leaves(&group).data();
    assert_eq!(shown(&again()), first);
    assert_eq!(bob.all_messages(&saved).len(), 1);
    let anew = json!({ "conversationId": saved, "messageIds": [message] });
    assert_eq!(bob.tries("forwardMessages", anew, "position").code(), "NOT_FOUND");
    let other = json!({ "clientId": id, "conversationId": saved, "messageIds": [message],
        "attributed": false });
    assert_eq!(bob.tries("forwardMessages", other, "position").code(), "IDEMPOTENCY_MISMATCH");
}

#[test]
fn a_hundred_are_forwarded_at_once_and_512_kib() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let short = ann.sends(&saved, "short").id;
    let many = |count: usize| tries(&ann, &saved, &vec![short.as_str(); count], true);
    assert_eq!(many(0).code(), "FORWARDS_COUNT_INVALID");
    assert_eq!(many(101).code(), "FORWARDS_COUNT_INVALID");
    many(100).data();
    assert_eq!(ann.all_messages(&saved).len(), 101);
    // Markdown and text are each as long, so 15 of these are under 512 KiB, and 17 are over.
    let long = ann.sends(&saved, &"a".repeat(16_384)).id;
    tries(&ann, &saved, &[long.as_str(); 15], true).data();
    let over = tries(&ann, &saved, &[long.as_str(); 17], true);
    assert_eq!(over.code(), "FORWARDS_TOO_LARGE");
}

#[test]
fn one_forwards_a_tenth_as_often_as_one_does_anything() {
    let world = World::with(|it| it.rate_per_account = 20);
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let message = ann.sends(&saved, "hello").id;
    let answers = [(); 3].map(|()| tries(&ann, &saved, &[&message], true));
    let failures: Vec<_> = answers.iter().map(Answer::failure).collect();
    assert_eq!(failures, [None, None, Some("RATE_LIMITED")]);
}
