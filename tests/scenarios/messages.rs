//! Messages: sending exactly once, formatting, editing, deleting and mentions.

use serde_json::{Value, json};
use std::time::Duration;
use tests::{Person, World, fresh_id};

#[test]
fn twenty_retries_at_once_send_one_message() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let id = fresh_id();
    let job = || ann.tries_hard_to_send(&group, &id, "once").expect("an acknowledgement");
    let sent = tests::at_once((0..20).map(|_| job));
    assert!(sent.iter().all(|it| *it == sent[0]), "{sent:?}");
    assert_eq!(bob.all_messages(&group), [(1, sent[0].id.clone())].into());
    assert_eq!(bob.unread(&group), 1);
    let other = ann.tries_to_send(&group, &id, "twice");
    assert_eq!(other.code(), "IDEMPOTENCY_MISMATCH");
    let next = ann.sends(&group, "next");
    assert_eq!((next.number, next.seq), (sent[0].number + 1, sent[0].seq + 1));
    assert_eq!(ann.tries_hard_to_send(&group, &id, "once").as_ref(), Ok(&sent[0]));
}

#[test]
fn a_client_id_is_scoped_to_its_person_and_conversation() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let id = fresh_id();
    let one = ann.tries_hard_to_send(&group, &id, "one").expect("sent");
    let two = bob.tries_hard_to_send(&group, &id, "two").expect("sent");
    let three = ann.tries_hard_to_send(&direct, &id, "three").expect("sent");
    assert_eq!([one.number, two.number, three.number], [1, 2, 1]);
    assert!(one.id != two.id && two.id != three.id && one.id != three.id);
}

#[test]
fn a_retry_after_the_message_was_deleted_gives_its_place_and_not_its_text() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let id = fresh_id();
    let sent = ann.tries_hard_to_send(&group, &id, "secret").expect("sent");
    ann.deletes(&sent.id);
    assert_eq!(ann.tries_hard_to_send(&group, &id, "secret").as_ref(), Ok(&sent));
    assert_eq!(
        bob.sees_message(&sent.id, "text deleted"),
        json!({ "text": null, "deleted": true })
    );
    assert!(bob.all_messages(&group).is_empty());
}

#[test]
fn entities_are_counted_in_utf16_units() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    // A family of four is eleven units, a thumb with a skin four, an accent one of its own.
    let cases = [
        ("plain", "plain", json!([])),
        ("**bold**", "bold", json!([["BOLD", 0, 4]])),
        ("👨‍👩‍👧‍👦 **bold**", "👨‍👩‍👧‍👦 bold", json!([["BOLD", 12, 4]])),
        ("👍🏽 *i* ~~s~~", "👍🏽 i s", json!([["ITALIC", 5, 1], ["STRIKE", 7, 1]])),
        ("e\u{301} `x`", "e\u{301} x", json!([["CODE", 3, 1]])),
        ("שלום **עולם**", "שלום עולם", json!([["BOLD", 5, 4]])),
        ("**a *b* c**", "a b c", json!([["BOLD", 0, 5], ["ITALIC", 2, 1]])),
        ("||😀|| end", "😀 end", json!([["SPOILER", 0, 2]])),
        ("<u>under</u>", "under", json!([["UNDERLINE", 0, 5]])),
        ("😀 @bob!", "😀 @bob!", json!([["MENTION", 3, 4]])),
        ("see https://x.org/a_b.", "see https://x.org/a_b.", json!([["LINK", 4, 17]])),
        ("[😀](https://x.org)", "😀", json!([["LINK", 0, 2]])),
        ("[x](javascript:alert(1))", "x", json!([])),
        ("```rust\nlet x;\n```", "let x;", json!([["PRE", 0, 6]])),
        ("> said", "said", json!([["QUOTE", 0, 4]])),
    ];
    for (markdown, text, expected) in cases {
        let sent = ann.sends(&group, markdown);
        let seen = bob.sees_message(&sent.id, "text markdown entities { kind offset length }");
        assert_eq!(seen["text"], text);
        assert_eq!(seen["markdown"], markdown);
        let entities = seen["entities"].as_array().expect("a list").iter();
        let entities: Vec<Value> =
            entities.map(|it| json!([it["kind"], it["offset"], it["length"]])).collect();
        assert_eq!(json!(entities), expected, "{markdown}");
    }
}

#[test]
fn an_edit_is_seen_with_its_history_and_only_the_author_makes_it() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = ann.sends(&group, "early");
    let edited = ann.edits(&sent.id, "first");
    assert_eq!(edited["text"], "first");
    assert!(edited["editedAt"].is_string());
    ann.edits(&sent.id, "**first**");
    let seen = bob.sees_message(&sent.id, "text number versions { revision text }");
    let expected = json!({ "text": "first", "number": "1", "versions": [
        { "revision": "0", "text": "early" },
        { "revision": "1", "text": "first" },
        { "revision": "2", "text": "first" },
    ] });
    assert_eq!(seen, expected);
    let edit = json!({ "messageId": sent.id, "text": "mine" });
    assert_eq!(bob.tries("editMessage", edit.clone(), "position").code(), "MESSAGES_NOT_AUTHOR");
}

#[test]
fn a_message_is_edited_for_48_hours_and_not_a_second_longer() {
    let world = World::new();
    let [ann] = world.people(["ann"]);
    let saved = ann.opens_direct(&ann);
    let sent = ann.sends(&saved, "first");
    world.passes(Duration::from_secs(48 * 3_600 - 60));
    let ann = ann.on_another_device();
    ann.edits(&sent.id, "second");
    world.passes(Duration::from_secs(61));
    let edit = json!({ "messageId": sent.id, "text": "third" });
    assert_eq!(ann.tries("editMessage", edit, "position").code(), "MESSAGES_TOO_LATE");
    assert_eq!(ann.sees_message(&sent.id, "text"), json!({ "text": "second" }));
}

#[test]
fn a_group_says_for_how_long_messages_are_edited_and_who_sees_what_they_said() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let policy = "editPolicy { minutes historyVisible }";
    let before = json!({ "editPolicy": { "minutes": 2_880, "historyVisible": true } });
    assert_eq!(cat.sees(&group, policy), before);
    let sent = bob.sends(&group, "first");
    bob.edits(&sent.id, "second");
    let sets = |minutes: Option<u32>, visible: bool| {
        let input =
            json!({ "conversationId": group, "minutes": minutes, "historyVisible": visible });
        ann.does("setEditPolicy", input, &format!("conversation {{ {policy} }}"))
    };
    let mut heard = bob.subscribes();
    let after = json!({ "editPolicy": { "minutes": 0, "historyVisible": false } });
    assert_eq!(sets(Some(0), false)["conversation"], after);
    assert_eq!(heard.next().event(), "EditPolicySet");
    let edit = json!({ "messageId": sent.id, "text": "third" });
    assert_eq!(bob.tries("editMessage", edit.clone(), "position").code(), "MESSAGES_TOO_LATE");
    let versions =
        |who: &Person| who.sees_message(&sent.id, "versions { text }")["versions"].clone();
    let all = json!([{ "text": "first" }, { "text": "second" }]);
    let seen = [&ann, &bob, &cat].map(versions);
    assert_eq!(seen, [all.clone(), all, json!(null)]);
    sets(None, false);
    bob.tries("editMessage", edit, "position").data();
    assert_eq!(bob.sees_message(&sent.id, "text"), json!({ "text": "third" }));
}

#[test]
fn every_version_of_a_message_is_shown_page_by_page() {
    let world = World::new();
    let [ann] = world.people(["ann"]);
    let saved = ann.opens_direct(&ann);
    let sent = ann.sends(&saved, "text 0");
    for n in 1..=120 {
        ann.edits(&sent.id, &format!("text {n}"));
    }
    let page = |after: &str| {
        let wanted = format!("versions{after} {{ revision text }}");
        let versions = ann.sees_message(&sent.id, &wanted)["versions"].clone();
        versions.as_array().expect("a page").clone()
    };
    let (first, second) = (page(""), page("(after: 99)"));
    assert_eq!((first.len(), second.len(), page("(after: 120)").len()), (100, 21, 0));
    for (n, it) in first.iter().chain(&second).enumerate() {
        assert_eq!(it, &json!({ "revision": n.to_string(), "text": format!("text {n}") }));
    }
}

#[test]
fn what_is_deleted_for_everyone_is_nowhere_any_more() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let start = bob.position();
    let sent = ann.sends(&group, "a secret word");
    ann.edits(&sent.id, "another secret word");
    let answer = json!({ "conversationId": group, "text": "yes", "replyTo": sent.id });
    let answer = bob.does("sendMessage", answer, "message { id }")["message"]["id"].clone();
    let forbidden = json!({ "messageId": sent.id, "forEveryone": true });
    assert_eq!(cat.tries("deleteMessage", forbidden, "position").code(), "MESSAGES_FORBIDDEN");
    let deleted = ann.deletes(&sent.id);
    assert_eq!(deleted, json!({ "id": sent.id, "text": null, "deleted": true }));
    ann.deletes(&sent.id);
    let everything = "text markdown entities { kind } versions { text } deleted";
    let seen = bob.sees_message(&sent.id, everything);
    let nothing = json!({ "text": null, "markdown": null, "entities": [], "versions": [],
        "deleted": true });
    assert_eq!(seen, nothing);
    let replied = bob.sees_message(answer.as_str().expect("an id"), "replyTo { text deleted }");
    assert_eq!(replied["replyTo"], json!({ "text": null, "deleted": true }));
    assert!(!bob.all_messages(&group).contains_key(&sent.number));
    let mut resumed = bob.resumes(&start);
    for expected in ["MessageSent", "MessageEdited", "MessageSent", "MessageDeleted"] {
        let frame = resumed.next();
        assert_eq!(frame.event(), expected);
        assert!(!frame.0.to_string().contains("secret"), "{}", frame.0);
    }
    let edit = json!({ "messageId": sent.id, "text": "again" });
    assert_eq!(ann.tries("editMessage", edit, "position").code(), "MESSAGES_GONE");
}

#[test]
fn an_admin_deletes_what_others_wrote() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = bob.sends(&group, "rude");
    assert_eq!(ann.deletes(&sent.id)["deleted"], true);
    assert_eq!(bob.sees_message(&sent.id, "text"), json!({ "text": null }));
}

#[test]
fn what_is_deleted_for_oneself_stays_for_the_others() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let first = ann.sends(&group, "first");
    let second = ann.sends(&group, "second");
    bob.hides(&second.id);
    bob.hides(&second.id);
    assert_eq!(bob.all_messages(&group), [(1, first.id.clone())].into());
    assert_eq!(bob.unread(&group), 1);
    assert_eq!(bob.sees(&group, "lastMessage { id }")["lastMessage"]["id"], first.id);
    assert_eq!(cat.all_messages(&group).len(), 2);
    assert_eq!(cat.unread(&group), 2);
}

#[test]
fn mentions_are_found_counted_and_taken_back() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let mentions = || bob.sees(&group, "mentionCount")["mentionCount"].clone();
    let sent = ann.sends(&group, "@bob and @BOB and @nobody and x@bob.org `@cat`");
    let entities = "entities { kind offset length accountId }";
    let seen = cat.sees_message(&sent.id, entities)["entities"].clone();
    let mention =
        |offset| json!({ "kind": "MENTION", "offset": offset, "length": 4, "accountId": bob.id });
    let found: Vec<Value> = seen.as_array().expect("a list").clone();
    let found: Vec<&Value> = found.iter().filter(|it| it["kind"] == "MENTION").collect();
    assert_eq!(found, [&mention(0), &mention(9)]);
    assert_eq!(mentions(), 1);
    assert_eq!(cat.sees(&group, "mentionCount")["mentionCount"], 0);
    ann.sends(&group, "@bob again");
    assert_eq!(mentions(), 2);
    ann.edits(&sent.id, "nobody at all");
    assert_eq!(mentions(), 1);
    ann.edits(&sent.id, "@bob after all");
    assert_eq!(mentions(), 2);
    ann.deletes(&sent.id);
    assert_eq!(mentions(), 1);
    bob.reads(&group, 2);
    assert_eq!(mentions(), 0);
}

const ENTITIES: &str = "subscription($after: String) { updates(after: $after) { \
    eventName viewerUnreadCount change { ... on Message { entities { kind offset length } } } } }";

#[test]
fn everyone_is_mentioned_by_who_manages_the_group() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let mentions = |who: &Person| who.sees(&group, "mentionCount")["mentionCount"].clone();
    let counts = || [&ann, &bob, &cat].map(mentions);
    let mut feed = cat.greeted_socket();
    feed.subscribe("feed", ENTITIES, json!({ "after": cat.position() }));
    let mut told = || feed.expect_for("feed", "next")["payload"]["data"]["updates"].clone();
    let first = ann.sends(&group, "hi @bob, @Everyone and `@everyone`");
    assert_eq!(counts(), [0, 1, 1], "once each, and not its author");
    let entity = |kind, offset, length| json!({ "kind": kind, "offset": offset, "length": length });
    let entities = [entity("MENTION", 3, 4), entity("EVERYONE", 9, 9), entity("CODE", 23, 9)];
    let sent = json!({ "eventName": "MessageSent", "viewerUnreadCount": 1,
        "change": { "entities": entities } });
    assert_eq!(told(), sent);
    let second = bob.sends(&group, "@everyone").id;
    assert_eq!((counts(), &told()["change"]["entities"]), ([0, 0, 1].map(Value::from), &json!([])));
    ann.makes(&group, &bob, "ADMIN").data();
    bob.edits(&second, "really, @everyone");
    assert_eq!(counts(), [1, 0, 2], "as its author may now");
    assert_eq!(told()["eventName"], "RoleChanged");
    assert_eq!(told()["change"]["entities"], json!([entity("EVERYONE", 8, 9)]));
    cat.hides(&second);
    assert_eq!(counts(), [1, 0, 1]);
    ann.deletes(&second);
    assert_eq!(counts(), [0, 0, 1]);
    let restored = json!({ "conversationId": group, "messageIds": [second] });
    ann.does("restoreMessages", restored, "__typename");
    assert_eq!(counts(), [1, 0, 1]);
    ann.edits(&first.id, "hi @bob");
    assert_eq!(counts(), [1, 0, 0]);
    ann.edits(&first.id, "hi @everyone");
    assert_eq!(counts(), [1, 0, 1]);
    cat.reads(&group, 2);
    bob.deletes(&second);
    assert_eq!(counts(), [0, 0, 0]);
    let direct = ann.opens_direct(&bob);
    let text = ann.sends(&direct, "@everyone").id;
    assert_eq!(bob.sees_message(&text, "entities { kind }")["entities"], json!([]));
    assert_eq!(bob.sees(&direct, "mentionCount")["mentionCount"], 0);
}

#[test]
fn a_reply_names_a_message_of_its_own_conversation() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let elsewhere = ann.sends(&direct, "elsewhere");
    let reply = |to: &str| {
        let input = json!({ "conversationId": group, "text": "yes", "replyTo": to });
        bob.tries("sendMessage", input, "message { replyTo { text } }")
    };
    assert_eq!(reply(&elsewhere.id).code(), "MESSAGES_REPLY_NOT_FOUND");
    let here = ann.sends(&group, "here");
    assert_eq!(reply(&here.id).data()["sendMessage"]["message"]["replyTo"]["text"], "here");
}

#[test]
fn a_message_is_read_as_html_that_is_safe_to_show() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = ann.sends(&group, "**a** <script>alert(1)</script> @bob");
    let html = "<strong>a</strong> &lt;script&gt;alert(1)&lt;/script&gt; \
                <span class=\"mention\">@bob</span>";
    assert_eq!(bob.sees_message(&sent.id, "html")["html"], html);
    ann.deletes(&sent.id);
    assert_eq!(bob.sees_message(&sent.id, "html")["html"], json!(null));
}
