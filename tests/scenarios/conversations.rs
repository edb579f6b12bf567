//! Conversations: groups, direct conversations, saved messages and the chat list.

use serde_json::json;
use tests::{World, fresh_id};

#[test]
fn both_sides_meet_in_one_direct_conversation() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    assert_eq!(bob.opens_direct(&ann), direct);
    let seen = bob.sees(&direct, "kind title peer { id } memberCount seq");
    let expected = json!({
        "kind": "DIRECT", "title": null, "peer": { "id": ann.id }, "memberCount": 2, "seq": "1",
    });
    assert_eq!(seen, expected);
    ann.sends(&direct, "hello");
    assert_eq!(bob.unread(&direct), 1);
}

#[test]
fn opening_from_both_sides_at_once_opens_one() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let sides = [(&ann, &bob), (&bob, &ann), (&ann, &bob), (&bob, &ann)];
    let ids = tests::at_once(sides.map(|(one, other)| move || one.opens_direct(other)));
    assert!(ids.iter().all(|it| *it == ids[0]), "{ids:?}");
    assert_eq!(ann.sees(&ids[0], "seq")["seq"], "1");
}

#[test]
fn saved_messages_are_a_conversation_with_oneself() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let saved = ann.opens_direct(&ann);
    assert_eq!(ann.opens_direct(&ann), saved);
    let note = ann.sends(&saved, "remember");
    let seen = ann.sees(&saved, "kind memberCount unreadCount peer { id }");
    let expected = json!({ "kind": "SAVED", "memberCount": 1, "unreadCount": 0, "peer": null });
    assert_eq!(seen, expected);
    assert_eq!(bob.sees(&saved, "id"), json!(null));
    assert_eq!(bob.sees_message(&note.id, "id"), json!(null));
}

#[test]
fn creating_a_group_again_with_the_same_client_id_is_the_same_group() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let id = fresh_id();
    let input = |title| json!({ "clientId": id, "title": title, "memberIds": [bob.id] });
    let wanted = "conversation { id memberCount }";
    let first = ann.does("createGroup", input("Lunch"), wanted);
    assert_eq!(ann.does("createGroup", input("Lunch"), wanted), {
        let mut same = first.clone();
        same["position"] = ann.does("createGroup", input("Lunch"), wanted)["position"].clone();
        same
    });
    assert_eq!(first["conversation"]["memberCount"], 2);
    let other = ann.tries("createGroup", input("Dinner"), wanted);
    assert_eq!(other.code(), "IDEMPOTENCY_MISMATCH");
    let list = bob.asks("{ conversations { edges { node { id } } } }", json!({}));
    assert_eq!(list.data()["conversations"]["edges"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_chat_list_begins_with_what_was_active_last() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let mut groups = Vec::new();
    for title in ["one", "two", "three", "four", "five"] {
        world.passes(std::time::Duration::from_secs(1));
        groups.push(ann.creates_group(title, &[&bob]));
    }
    world.passes(std::time::Duration::from_secs(1));
    ann.sends(&groups[1], "up again");
    let mut listed = Vec::new();
    let mut after = json!(null);
    loop {
        let query = "query($after: String) { conversations(first: 2, after: $after) { \
                     edges { node { id unreadCount lastMessage { text } } } \
                     pageInfo { hasNextPage endCursor } } }";
        let page = bob.asks(query, json!({ "after": after })).data()["conversations"].clone();
        let edges = page["edges"].as_array().expect("a list").clone();
        listed.extend(edges.into_iter().map(|it| it["node"].clone()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let titles = [1, 4, 3, 2, 0].map(|it: usize| groups[it].clone());
    assert_eq!(listed.iter().map(|it| it["id"].clone()).collect::<Vec<_>>(), titles);
    assert_eq!(listed[0]["lastMessage"]["text"], "up again");
    assert_eq!(listed[0]["unreadCount"], 1);
}

#[test]
fn admins_rename_a_group_and_members_do_not() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let rename = json!({ "conversationId": group, "title": "Dinner" });
    let refused = bob.tries("renameGroup", rename.clone(), "conversation { title }");
    assert_eq!(refused.code(), "CONVERSATIONS_FORBIDDEN");
    ann.makes(&group, &bob, "ADMIN").data();
    bob.does("renameGroup", rename, "conversation { title }");
    assert_eq!(ann.sees(&group, "title")["title"], "Dinner");
    let direct = ann.opens_direct(&bob);
    let rename = json!({ "conversationId": direct, "title": "Us" });
    let refused = ann.tries("renameGroup", rename, "conversation { title }");
    assert_eq!(refused.code(), "CONVERSATIONS_NOT_A_GROUP");
}
