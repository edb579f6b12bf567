//! Members: adding, removing, leaving, joining and roles.

use serde_json::json;
use tests::World;

#[test]
fn an_admin_adds_people_and_is_told_who_was_not_added() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let cat = world.person("cat");
    let missing = "acc_00000000000000000000000000";
    let input = json!({ "conversationId": group, "accountIds": [cat.id, bob.id, missing] });
    let added = ann.does("addMembers", input, "added failed { accountId code }");
    assert_eq!(added["added"], json!([cat.id]));
    let expected = json!([
        { "accountId": bob.id, "code": "ALREADY_MEMBER" },
        { "accountId": missing, "code": "NOT_FOUND" },
    ]);
    assert_eq!(added["failed"], expected);
    assert_eq!(
        cat.sees(&group, "title memberCount"),
        json!({ "title": "Lunch", "memberCount": 3 })
    );
    let refused = bob.tries(
        "addMembers",
        json!({ "conversationId": group, "accountIds": [cat.id] }),
        "added",
    );
    assert_eq!(refused.code(), "MEMBERS_FORBIDDEN");
}

#[test]
fn adding_again_with_the_same_client_id_gives_the_same_answer() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    let bob = world.person("bob");
    let input =
        json!({ "clientId": tests::fresh_id(), "conversationId": group, "accountIds": [bob.id] });
    let first = ann.does("addMembers", input.clone(), "added failed { code }");
    let again = ann.does("addMembers", input, "added failed { code }");
    assert_eq!((&first["added"], &first["failed"]), (&again["added"], &again["failed"]));
    assert_eq!(ann.sees(&group, "memberCount")["memberCount"], 2);
}

#[test]
fn a_removed_member_sees_nothing_any_more() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = ann.sends(&group, "hello");
    assert_eq!(ann.removes(&group, &bob).data()["removeMember"]["member"]["active"], false);
    assert_eq!(bob.sees(&group, "id"), json!(null));
    assert_eq!(bob.sees_message(&sent.id, "text"), json!(null));
    assert_eq!(bob.tries_to_send(&group, &tests::fresh_id(), "still here").code(), "NOT_FOUND");
    let membership = "query($id: ID!) { viewerMembership(conversationId: $id) { role } }";
    let found = bob.asks(membership, json!({ "id": group }));
    assert_eq!(found.data()["viewerMembership"], json!(null));
    assert_eq!(ann.removes(&group, &bob).code(), "NOT_FOUND");
    ann.adds(&group, &[&bob]);
    assert_eq!(bob.sees_message(&sent.id, "text"), json!({ "text": "hello" }));
}

#[test]
fn the_owner_leaves_last() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    assert_eq!(ann.leaves(&group).code(), "MEMBERS_OWNER_STAYS");
    assert_eq!(bob.leaves(&group).data()["leaveConversation"]["member"]["active"], false);
    assert_eq!(bob.leaves(&group).code(), "NOT_FOUND");
    ann.leaves(&group).data();
    assert_eq!(ann.sees(&group, "id"), json!(null));
}

#[test]
fn anyone_joins_an_open_group_and_nobody_a_closed_one() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let open = ann.creates_open_group("Everyone");
    let closed = ann.creates_group("Few", &[]);
    let joined = bob.joins(&open);
    assert_eq!(joined.data()["joinGroup"]["conversation"]["memberCount"], 2);
    bob.joins(&open).data();
    assert_eq!(ann.sees(&open, "memberCount")["memberCount"], 2);
    let missing = "conv_00000000000000000000000000";
    let refused = [bob.joins(&closed), bob.joins(missing)].map(|it| it.code().to_owned());
    assert_eq!(refused[0], refused[1], "a stranger can't tell a closed group from none");
}

#[test]
fn roles_are_the_owners_to_give_and_bound_what_one_may_do() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    assert_eq!(bob.makes(&group, &cat, "ADMIN").code(), "MEMBERS_FORBIDDEN");
    assert_eq!(bob.removes(&group, &cat).code(), "MEMBERS_FORBIDDEN");
    ann.makes(&group, &bob, "ADMIN").data();
    assert_eq!(bob.makes(&group, &cat, "ADMIN").code(), "MEMBERS_FORBIDDEN");
    assert_eq!(bob.removes(&group, &ann).code(), "MEMBERS_FORBIDDEN");
    assert_eq!(ann.makes(&group, &bob, "OWNER").code(), "MEMBERS_FORBIDDEN");
    assert_eq!(ann.makes(&group, &ann, "MEMBER").code(), "MEMBERS_FORBIDDEN");
    let members = "viewerRole members { edges { node { account { username } role } } }";
    let seen = bob.sees(&group, members);
    assert_eq!(seen["viewerRole"], "ADMIN");
    let edges = seen["members"]["edges"].as_array().expect("a list").iter();
    let roles: Vec<_> = edges
        .map(|it| (it["node"]["account"]["username"].clone(), it["node"]["role"].clone()))
        .collect();
    let expected =
        [("ann", "OWNER"), ("bob", "ADMIN"), ("cat", "MEMBER")].map(|(a, b)| (json!(a), json!(b)));
    assert_eq!(roles, expected);
    bob.removes(&group, &cat).data();
    ann.makes(&group, &bob, "MEMBER").data();
    assert_eq!(bob.removes(&group, &cat).code(), "NOT_FOUND");
}
