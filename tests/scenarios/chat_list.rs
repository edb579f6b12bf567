//! The chat list: kept the same way on all devices of a person, and known to nobody else.

use std::time::Duration;

use serde_json::{Value, json};
use tests::bridge::Bridge;
use tests::{Answer, Person, World, at_once, fresh_id};

const LISTING: &str = "viewerListing { mutedUntil markedUnread archived pinnedRank }";

fn tries(person: &Person, name: &str, conversation: &str) -> Answer {
    let input = json!({ "conversationId": conversation });
    person.tries(name, input, &format!("conversation {{ {LISTING} }}"))
}

/// Does something with a conversation; gives how it is kept then.
fn does(person: &Person, name: &str, conversation: &str) -> Value {
    tries(person, name, conversation).data()[name]["conversation"]["viewerListing"].clone()
}

fn mutes(person: &Person, conversation: &str, until: Option<&str>) -> Answer {
    let input = json!({ "conversationId": conversation, "until": until });
    person.tries("muteConversation", input, "position")
}

fn listing(person: &Person, conversation: &str) -> Value {
    person.sees(conversation, LISTING)["viewerListing"].clone()
}

/// The titles of those that are archived, or that are not.
fn list(person: &Person, archived: bool) -> Vec<String> {
    let query = "query($it: Boolean!) { conversations(archived: $it) { nodes { title } } }";
    let found = person.asks(query, json!({ "it": archived }));
    let nodes = found.data()["conversations"]["nodes"].as_array().expect("a list").clone();
    nodes.iter().map(|it| it["title"].as_str().expect("a title").to_owned()).collect()
}

/// Conversations, messages and mentions.
fn badge(person: &Person) -> [i64; 3] {
    let fields = "conversationCount messageCount mentionCount complete";
    let found = person.asks(&format!("{{ badge {{ {fields} }} }}"), json!({}));
    let badge = found.data()["badge"].clone();
    assert_eq!(badge["complete"], true);
    ["conversationCount", "messageCount", "mentionCount"]
        .map(|it| badge[it].as_i64().expect("a count"))
}

fn groups<const N: usize>(ann: &Person, bob: &Person, titles: [&str; N]) -> [String; N] {
    titles.map(|it| ann.creates_group(it, &[bob]))
}

#[test]
fn it_is_kept_on_all_devices_of_a_person_and_on_nobody_elses() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let phone = bob.on_another_device();
    let (mut own, mut other) = (phone.subscribes(), ann.subscribes());
    let plain =
        json!({ "mutedUntil": null, "markedUnread": false, "archived": false, "pinnedRank": null });
    assert_eq!(listing(&phone, &group), plain);
    mutes(&bob, &group, None).data();
    does(&bob, "markUnread", &group);
    does(&bob, "archiveConversation", &group);
    does(&bob, "pinConversation", &group);
    let kept = json!({
        "mutedUntil": "9999-12-30T22:00:00Z", "markedUnread": true, "archived": true,
        "pinnedRank": 1,
    });
    assert_eq!(listing(&phone, &group), kept);
    assert_eq!(listing(&ann, &group), plain);
    let mut told = Vec::new();
    for event in ["ConversationMuted", "MarkedUnread", "ConversationArchived"] {
        let frame = own.next();
        assert_eq!(frame.event(), event);
        assert_eq!(frame.change()["conversationId"], group);
        told.push(frame.change().clone());
    }
    assert_eq!(told[0]["mutedUntil"], "9999-12-30T22:00:00Z");
    assert_eq!([&told[1]["markedUnread"], &told[2]["archived"]], [true, true]);
    let pinned = own.next();
    let expected = json!({ "__typename": "PinnedConversations", "conversationIds": [group] });
    assert_eq!((pinned.event(), pinned.change()), ("ConversationsPinned", &expected));
    for name in ["unmuteConversation", "unarchiveConversation", "unpinConversation"] {
        does(&phone, name, &group);
    }
    phone.reads(&group, 0);
    assert_eq!(listing(&bob, &group), plain);
    let undone = [
        "ConversationUnmuted",
        "ConversationUnarchived",
        "ConversationsPinned",
        "UnreadMarkCleared",
    ];
    assert_eq!([(); 4].map(|()| own.next().event().to_owned()), undone);
    // The next that anybody else hears is a message.
    let sent = bob.sends(&group, "hello");
    assert_eq!(other.next().seq(), sent.seq);
}

#[test]
fn what_is_pinned_stands_first_in_the_order_that_it_is_given() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let ids = groups(&ann, &bob, ["a", "b", "c", "d"]);
    ann.sends(&ids[0], "the last activity");
    assert_eq!(list(&bob, false), ["a", "d", "c", "b"]);
    assert_eq!(does(&bob, "pinConversation", &ids[1])["pinnedRank"], 1);
    assert_eq!(does(&bob, "pinConversation", &ids[2])["pinnedRank"], 1);
    assert_eq!(list(&bob, false), ["c", "b", "a", "d"]);
    let order = |ids: &[&String]| {
        let input = json!({ "conversationIds": ids });
        bob.tries("orderPinnedConversations", input, "pinned { conversationIds }")
    };
    let found = order(&[&ids[1], &ids[2]]);
    let pinned = &found.data()["orderPinnedConversations"]["pinned"]["conversationIds"];
    assert_eq!(*pinned, json!([ids[1], ids[2]]));
    assert_eq!(list(&bob, false), ["b", "c", "a", "d"]);
    assert_eq!(order(&[&ids[1]]).code(), "CHAT_LIST_ORDER_DIFFERS");
    assert_eq!(order(&[&ids[1], &ids[3]]).code(), "CHAT_LIST_ORDER_DIFFERS");
    assert_eq!(list(&ann, false), ["a", "d", "c", "b"], "it is nobody else's order");
    // A page begins where the one before it ended, also within what is pinned.
    let (mut titles, mut after) = (Vec::new(), Value::Null);
    for _ in 0..4 {
        let query = "query($it: String) { conversations(first: 1, after: $it) \
                     { nodes { title } pageInfo { endCursor hasNextPage } } }";
        let page = bob.asks(query, json!({ "it": after })).data()["conversations"].clone();
        titles.push(page["nodes"][0]["title"].clone());
        after = page["pageInfo"]["endCursor"].clone();
        assert_eq!(page["pageInfo"]["hasNextPage"], titles.len() < 4);
    }
    assert_eq!(titles, ["b", "c", "a", "d"]);
}

#[test]
fn devices_that_pin_at_once_end_with_one_order() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let ids = groups(&ann, &bob, ["a", "b", "c", "d", "e", "f"]);
    let phones = [(); 3].map(|()| bob.on_another_device());
    let ids = &ids;
    at_once(phones.iter().enumerate().map(|(n, it)| {
        move || {
            does(it, "pinConversation", &ids[n]);
            does(it, "pinConversation", &ids[n + 3]);
            does(it, "unpinConversation", &ids[n]);
        }
    }));
    let ranks = |it: &Person| ids.clone().map(|id| listing(it, &id)["pinnedRank"].clone());
    let found = ranks(&bob);
    assert!(found[..3].iter().all(Value::is_null), "{found:?}");
    let mut places: Vec<_> = found[3..].iter().map(|it| it.as_i64()).collect();
    places.sort_unstable();
    assert_eq!(places, [Some(1), Some(2), Some(3)]);
    assert!(phones.iter().all(|it| ranks(it) == found));
}

#[test]
fn an_archived_conversation_comes_back_with_a_message_unless_it_is_muted() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let [one, other] = groups(&ann, &bob, ["one", "other"]);
    does(&bob, "archiveConversation", &one);
    does(&bob, "archiveConversation", &other);
    mutes(&bob, &other, Some(&world.in_seconds(60))).data();
    assert_eq!((list(&bob, true).len(), list(&bob, false).len()), (2, 0));
    ann.sends(&one, "hello");
    ann.sends(&other, "hello");
    assert_eq!((list(&bob, true), list(&bob, false)), (vec!["other".into()], vec!["one".into()]));
    world.passes(Duration::from_secs(61));
    assert_eq!(list(&bob, true), ["other"], "the end of the mute brings nothing back");
    assert_eq!(listing(&bob, &other)["mutedUntil"], Value::Null);
    ann.sends(&other, "hello again");
    assert_eq!(list(&bob, false), ["other", "one"]);
    assert_eq!(list(&ann, true).len(), 0);
}

#[test]
fn a_mark_is_over_when_one_has_come_back() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = ann.sends(&group, "hello");
    bob.reads(&group, sent.number);
    let marked = || listing(&bob, &group)["markedUnread"].clone();
    assert_eq!(does(&bob, "markUnread", &group)["markedUnread"], true);
    assert_eq!((bob.unread(&group), badge(&bob)), (0, [1, 1, 0]));
    bob.reads(&group, 0);
    assert_eq!(marked(), true, "an older number changes nothing");
    bob.reads(&group, sent.number);
    assert_eq!((marked(), badge(&bob)), (json!(false), [0, 0, 0]));
    does(&bob, "markUnread", &group);
    bob.sends(&group, "here I am");
    assert_eq!(marked(), false);
    does(&bob, "markUnread", &group);
    let next = ann.sends(&group, "welcome");
    assert_eq!((marked(), badge(&bob)), (json!(true), [1, 1, 0]));
    bob.reads(&group, next.number);
    assert_eq!(marked(), false);
}

#[test]
fn the_badge_counts_of_what_is_quiet_the_mentions_only() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let [loud, muted, archived] = groups(&ann, &bob, ["loud", "muted", "archived"]);
    ann.sends(&archived, "before");
    mutes(&bob, &muted, None).data();
    does(&bob, "archiveConversation", &archived);
    assert_eq!(badge(&bob), [0, 0, 0]);
    ann.sends(&loud, "one");
    let second = ann.sends(&loud, "two, @bob");
    ann.sends(&muted, "one");
    assert_eq!(badge(&bob), [1, 2, 1]);
    let mention = ann.sends(&muted, "two, @bob");
    assert_eq!(badge(&bob), [2, 3, 2]);
    bob.hides(&mention.id);
    assert_eq!(badge(&bob), [1, 2, 1], "what is hidden mentions nobody");
    ann.edits(&second.id, "two");
    assert_eq!(badge(&bob), [1, 2, 0]);
    does(&bob, "unmuteConversation", &muted);
    assert_eq!(badge(&bob), [2, 3, 0]);
    bob.reads(&loud, second.number);
    assert_eq!(badge(&bob), [1, 1, 0]);
    bob.leaves(&muted).data();
    assert_eq!((badge(&bob), badge(&ann)), ([0, 0, 0], [0, 0, 0]));
}

#[test]
fn what_is_unread_is_told_in_the_frame_of_what_happened() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let selection = "eventName viewerUnreadCount change { \
                     ... on Message { conversation { unreadCount mentionCount } } }";
    let mut socket = bob.hears(selection);
    let mut next = |text: &str| {
        ann.sends(&group, text);
        let frame = socket.expect_for("own", "next")["payload"]["data"]["updates"].clone();
        let there = &frame["change"]["conversation"];
        let counts = [&frame["viewerUnreadCount"], &there["unreadCount"], &there["mentionCount"]];
        counts.map(|it| it.as_i64().expect("a count"))
    };
    assert_eq!(next("hello"), [1, 1, 0]);
    assert_eq!(next("hello @bob"), [2, 2, 1]);
}

#[test]
fn ten_conversations_are_pinned_and_none_is_muted_until_what_is_over() {
    let world = World::new();
    let ann = world.person("ann");
    let ids: Vec<_> = (0..11).map(|it| ann.creates_group(&format!("{it}"), &[])).collect();
    ids[..10].iter().for_each(|it| drop(does(&ann, "pinConversation", it)));
    assert_eq!(tries(&ann, "pinConversation", &ids[10]).code(), "CHAT_LIST_TOO_MANY_PINNED");
    does(&ann, "unpinConversation", &ids[3]);
    assert_eq!(does(&ann, "pinConversation", &ids[10])["pinnedRank"], 1);
    let past = mutes(&ann, &ids[0], Some(&world.in_seconds(-1)));
    assert_eq!(past.code(), "CHAT_LIST_MUTED_UNTIL_PAST");
    mutes(&ann, &ids[0], Some(&world.in_seconds(60))).data();
}

#[test]
fn a_stranger_keeps_nothing() {
    let world = World::new();
    let ([_ann], group) = world.group("Own", ["ann"]);
    let eve = world.person("eve");
    assert_eq!(mutes(&eve, &group, None).code(), "NOT_FOUND");
    for name in [
        "unmuteConversation",
        "markUnread",
        "archiveConversation",
        "unarchiveConversation",
        "pinConversation",
        "unpinConversation",
    ] {
        assert_eq!(tries(&eve, name, &group).code(), "NOT_FOUND", "{name}");
    }
}

#[test]
fn no_application_hears_how_a_person_keeps_their_conversations() {
    let world = World::new();
    let bridge = Bridge::registered(&world, &world.owner("owner"), true);
    let [ann, bob] = world.people(["ann", "bob"]);
    let [one, other] = groups(&ann, &bob, ["one", "other"]);
    does(&bob, "pinConversation", &one);
    does(&bob, "archiveConversation", &other);
    let token = bridge.tokens(&bob, "chat:read chat:write")["access_token"].clone();
    let asks = |query: &str| bridge.asks(token.as_str().expect("a token"), query);
    let fields = "nodes { title viewerListing { archived } unseenReactionCount }";
    let found = asks(&format!("{{ conversations {{ {fields} }} }}"));
    let shown =
        |title: &str| json!({ "title": title, "viewerListing": null, "unseenReactionCount": null });
    let expected = json!([shown("other"), shown("one")]);
    assert_eq!(found.data()["conversations"]["nodes"], expected, "by activity, all of them");
    assert_eq!(asks("{ badge { messageCount } }").code(), "APPLICATIONS_SCOPE_MISSING");
    for name in ["muteConversation", "markUnread", "unpinConversation", "archiveConversation"] {
        let input = format!("clientId: \"{}\", conversationId: \"{one}\"", fresh_id());
        let answer = asks(&format!("mutation {{ {name}(input: {{ {input} }}) {{ position }} }}"));
        assert_eq!(answer.code(), "APPLICATIONS_SCOPE_MISSING", "{name}");
    }
}
