//! Drafts: on all devices of whoever writes them, and on nobody else's.

use serde_json::{Value, json};
use tests::bridge::Bridge;
use tests::{Answer, Person, World, at_once, fresh_id};

fn tries(person: &Person, conversation: &str, text: &str) -> Answer {
    let input = json!({ "conversationId": conversation, "text": text });
    person.tries("saveDraft", input, "draft { text }")
}

fn saves(person: &Person, conversation: &str, text: &str) -> Value {
    tries(person, conversation, text).data()["saveDraft"]["draft"]["text"].clone()
}

fn clears(person: &Person, conversation: &str) -> Answer {
    person.tries("clearDraft", json!({ "conversationId": conversation }), "draft { text }")
}

fn draft(person: &Person, conversation: &str) -> Value {
    let fields = "viewerDraft { text replyTo { text } }";
    person.sees(conversation, fields)["viewerDraft"].clone()
}

fn text(text: &str) -> Value {
    json!({ "text": text, "replyTo": null })
}

#[test]
fn a_draft_is_on_all_devices_of_its_writer_and_on_nobody_elses() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let phone = ann.on_another_device();
    let (mut own, mut other) = (phone.subscribes(), bob.subscribes());
    assert_eq!(saves(&ann, &group, "he"), "he");
    assert_eq!(draft(&phone, &group), text("he"));
    assert_eq!(draft(&bob, &group)["text"], Value::Null);
    let frame = own.next();
    let told = |text: Value| {
        let id = &group;
        json!({ "__typename": "Draft", "conversationId": id, "threadId": null, "text": text,
            "replyTo": null })
    };
    assert_eq!((frame.event(), frame.change()), ("DraftSaved", &told(json!("he"))));
    assert_eq!(frame.conversation(), "", "it is no event of the conversation");
    saves(&phone, &group, "hello");
    assert_eq!(draft(&ann, &group), text("hello"));
    assert_eq!(own.next().change(), &told(json!("hello")));
    clears(&ann, &group).data();
    let frame = own.next();
    assert_eq!((frame.event(), frame.change()), ("DraftCleared", &told(Value::Null)));
    assert_eq!(draft(&ann, &group)["text"], Value::Null);
    // The next that anybody else hears is a message: they were told of no draft.
    let sent = ann.sends(&group, "hello");
    assert_eq!(other.next().seq(), sent.seq);
}

#[test]
fn saving_on_many_devices_at_once_leaves_one_of_them_the_same_on_all() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let phones = [(); 3].map(|()| ann.on_another_device());
    let saved = &saved;
    at_once(phones.iter().enumerate().map(|(n, it)| {
        move || (0..10).for_each(|time| drop(saves(it, saved, &format!("{n} {time}"))))
    }));
    let found = draft(&ann, saved);
    let last = found["text"].as_str().expect("a text");
    assert!(last.ends_with(" 9"), "{last}");
    assert!(phones.iter().all(|it| draft(it, saved) == found));
}

#[test]
fn sending_takes_the_draft_along_when_asked_to() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sends = |text: &str, clear: bool, id: &str| {
        let input = json!({
            "clientId": id, "conversationId": group, "text": text, "clearDraft": clear,
        });
        ann.does("sendMessage", input, "message { text conversationId }")["message"].clone()
    };
    saves(&ann, &group, "hello");
    saves(&bob, &group, "of Bob");
    sends("something else", false, &fresh_id());
    assert_eq!(draft(&ann, &group), text("hello"));
    let id = fresh_id();
    assert_eq!(sends("hello", true, &id)["text"], "hello");
    assert_eq!(draft(&ann, &group)["text"], Value::Null);
    assert_eq!(draft(&bob, &group), text("of Bob"));
    saves(&ann, &group, "the next");
    assert_eq!(sends("hello", true, &id)["text"], "hello");
    assert_eq!(draft(&ann, &group), text("the next"), "repeated, both were done once");
    let sent = sends("nothing to clear", true, &fresh_id());
    assert_eq!(sent["text"], "nothing to clear");
}

#[test]
fn a_draft_answers_a_message_and_clears_when_nothing_is_left() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = bob.sends(&group, "what?").id;
    let answer = |text: &str, reply: &str| {
        let input = json!({ "conversationId": group, "text": text, "replyTo": reply });
        ann.tries("saveDraft", input, "draft { text replyTo { text } }")
    };
    let found = answer("", &message).data()["saveDraft"]["draft"].clone();
    assert_eq!(found, json!({ "text": "", "replyTo": { "text": "what?" } }));
    let elsewhere = ann.opens_direct(&ann);
    let other = ann.sends(&elsewhere, "not here").id;
    assert_eq!(answer("x", &other).code(), "DRAFTS_REPLY_NOT_FOUND");
    assert_eq!(saves(&ann, &group, ""), Value::Null);
    assert_eq!(draft(&ann, &group)["text"], Value::Null);
    clears(&ann, &group).data();
    let eve = world.person("eve");
    assert_eq!(tries(&eve, &group, "x").code(), "NOT_FOUND");
    assert_eq!(clears(&eve, &group).code(), "NOT_FOUND");
}

#[test]
fn a_draft_has_at_most_16384_bytes() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let most = "é".repeat(8_192);
    assert_eq!(saves(&ann, &saved, &most), json!(most));
    assert_eq!(tries(&ann, &saved, &format!("{most}a")).code(), "DRAFTS_TOO_LONG");
    assert_eq!(tries(&ann, &saved, "a\u{0}b").code(), "DRAFTS_TEXT_INVALID");
    assert_eq!(draft(&ann, &saved)["text"], json!(most));
}

/// The draft for a thread, as it is found by the message that it begins at.
fn draft_for(person: &Person, conversation: &str, thread: &str) -> Value {
    let fields = format!("viewerDraft(threadId: \"{thread}\") {{ threadId text }}");
    person.sees(conversation, &fields)["viewerDraft"].clone()
}

#[test]
fn a_thread_has_a_draft_of_its_own_on_all_devices_before_it_begins_and_after() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = bob.sends(&group, "soup?").id;
    let phone = ann.on_another_device();
    let mut own = phone.subscribes();
    let input = |text: &str| json!({ "conversationId": group, "threadId": root, "text": text });
    let wanted = "draft { threadId text }";
    let of = |text: Value| json!({ "threadId": root, "text": text });
    saves(&ann, &group, "here");
    assert_eq!(ann.does("saveDraft", input("there"), wanted)["draft"], of(json!("there")));
    assert_eq!(draft_for(&phone, &group, &root), of(json!("there")));
    assert_eq!(draft_for(&bob, &group, &root), of(Value::Null));
    assert_eq!(draft(&phone, &group), text("here"));
    assert_eq!(own.next().change()["threadId"], Value::Null);
    let frame = own.next();
    assert_eq!((frame.event(), frame.conversation()), ("DraftSaved", ""));
    let told = json!({ "__typename": "Draft", "conversationId": group, "threadId": root,
        "text": "there", "replyTo": null });
    assert_eq!(frame.change(), &told);
    let sends = |clear: bool, id: &str| {
        let input = json!({ "clientId": id, "conversationId": group, "threadId": root,
            "text": "there", "clearDraft": clear });
        ann.does("sendMessage", input, "message { threadId }")["message"].clone()
    };
    let id = fresh_id();
    assert_eq!(sends(true, &id), json!({ "threadId": root }));
    assert_eq!(draft_for(&phone, &group, &root), of(Value::Null));
    assert_eq!(draft(&phone, &group), text("here"), "the conversation's own stays");
    ann.does("saveDraft", input("the next"), wanted);
    sends(true, &id);
    let seen = ann.sees_message(&root, "thread { viewerDraft { threadId text } }");
    assert_eq!(seen["thread"]["viewerDraft"], of(json!("the next")), "it was sent once");
    let clear = json!({ "conversationId": group, "threadId": root });
    assert_eq!(phone.does("clearDraft", clear, wanted)["draft"], of(Value::Null));
}

#[test]
fn there_is_no_draft_for_a_thread_of_elsewhere_or_one_that_can_not_be() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = bob.sends(&group, "soup?").id;
    let input = json!({ "conversationId": group, "threadId": root, "text": "salad" });
    let reply = bob.does("sendMessage", input, "message { id }")["message"]["id"].clone();
    let reply = reply.as_str().expect("an id");
    let hers = ann.opens_direct(&ann);
    let missing = root.replacen(&root[4..8], "0000", 1);
    let tries = |conversation: &str, thread: &str| {
        let input = json!({ "conversationId": conversation, "threadId": thread, "text": "x" });
        let clear = json!({ "conversationId": conversation, "threadId": thread });
        let clear = ann.tries("clearDraft", clear, "position").code().to_owned();
        (ann.tries("saveDraft", input, "position").code().to_owned(), clear)
    };
    let not_found = "DRAFTS_THREAD_NOT_FOUND".to_owned();
    for thread in [&root, &missing] {
        assert_eq!(tries(&hers, thread), (not_found.clone(), not_found.clone()));
        assert_eq!(draft_for(&ann, &hers, thread), Value::Null);
    }
    assert_eq!(tries(&group, reply).0, "DRAFTS_THREAD_NESTED");
    assert_eq!(draft_for(&ann, &group, reply), Value::Null);
    let eve = world.person("eve");
    let input = json!({ "conversationId": group, "threadId": root, "text": "x" });
    assert_eq!(eve.tries("saveDraft", input, "position").code(), "NOT_FOUND");
}

#[test]
fn who_has_left_is_not_shown_the_message_that_their_draft_answers() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "before").id;
    let start = bob.position();
    let input = json!({ "conversationId": group, "text": "mine", "replyTo": message });
    bob.does("saveDraft", input, "draft { text }");
    bob.leaves(&group).data();
    ann.edits(&message, "after");
    let mut feed = bob.resumes(&start);
    let frame = loop {
        let frame = feed.next();
        if frame.event() == "DraftSaved" {
            break frame;
        }
    };
    let expected = json!({
        "__typename": "Draft", "conversationId": group, "threadId": null, "text": "mine",
        "replyTo": null,
    });
    assert_eq!((frame.event(), frame.change()), ("DraftSaved", &expected));
    clears(&bob, &group).data();
}

#[test]
fn no_application_reads_or_clears_a_draft() {
    let world = World::new();
    let bridge = Bridge::registered(&world, &world.owner("owner"), true);
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    saves(&ann, &saved, "hello");
    let token = bridge.tokens(&ann, "chat:read chat:write")["access_token"].clone();
    let asks = |query: &str| bridge.asks(token.as_str().expect("a token"), query);
    let query = format!("{{ conversation(id: \"{saved}\") {{ kind viewerDraft {{ text }} }} }}");
    let found = asks(&query).data()["conversation"].clone();
    assert_eq!(found, json!({ "kind": "SAVED", "viewerDraft": null }));
    let given =
        |input: &str| format!("clientId: \"{}\", conversationId: \"{saved}\"{input}", fresh_id());
    for (name, input) in [
        ("clearDraft", given("")),
        ("saveDraft", given(", text: \"x\"")),
        ("sendMessage", given(", text: \"x\", clearDraft: true")),
    ] {
        let answer = asks(&format!("mutation {{ {name}(input: {{ {input} }}) {{ position }} }}"));
        assert_eq!(answer.code(), "APPLICATIONS_SCOPE_MISSING", "{name}");
    }
    assert_eq!(draft(&ann, &saved), text("hello"));
    assert_eq!(ann.all_messages(&saved).len(), 0, "nothing was sent");
}
