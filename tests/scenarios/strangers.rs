//! Strangers: another person's ids are answered as ids that do not exist, and change nothing.

use serde_json::{Value, json};
use tests::{Answer, Person, World, fresh_id};

/// Ids that a stranger has got hold of, or made up.
struct Ids {
    conversation: String,
    message: String,
    account: String,
}

/// Every query field that takes an id, with the id in it.
fn queries(ids: &Ids) -> Vec<(&'static str, Value)> {
    vec![
        (
            "query($id: ID!) { conversation(id: $id) { id title lastNumber } }",
            json!(ids.conversation),
        ),
        (
            "query($id: ID!) { viewerMembership(conversationId: $id) { role } }",
            json!(ids.conversation),
        ),
        (
            "query($id: ID!) { readState(conversationId: $id) { number unreadCount } }",
            json!(ids.conversation),
        ),
        (
            "query($id: ID!) { message(id: $id) { id text number sender { id } } }",
            json!(ids.message),
        ),
    ]
}

/// Every mutation that takes an id.
fn mutations(ids: &Ids) -> Vec<(&'static str, Value)> {
    let Ids { conversation, message, account } = ids;
    vec![
        ("sendMessage", json!({ "conversationId": conversation, "text": "hi" })),
        (
            "sendMessage",
            json!({ "conversationId": conversation, "text": "hi", "replyTo": message }),
        ),
        ("editMessage", json!({ "messageId": message, "text": "hi" })),
        ("deleteMessage", json!({ "messageId": message })),
        ("deleteMessage", json!({ "messageId": message, "forEveryone": true })),
        ("markRead", json!({ "conversationId": conversation, "number": "1" })),
        ("renameGroup", json!({ "conversationId": conversation, "title": "Mine" })),
        ("removeConversationPicture", json!({ "conversationId": conversation })),
        ("addMembers", json!({ "conversationId": conversation, "accountIds": [account] })),
        ("removeMember", json!({ "conversationId": conversation, "accountId": account })),
        (
            "changeRole",
            json!({ "conversationId": conversation, "accountId": account, "role": "ADMIN" }),
        ),
        ("leaveConversation", json!({ "conversationId": conversation })),
        ("joinGroup", json!({ "conversationId": conversation })),
    ]
}

fn tries(eve: &Person, name: &str, input: &Value) -> Answer {
    eve.tries(name, input.clone(), "__typename")
}

/// Everything that a member can see of a group.
fn everything(person: &Person, group: &str) -> Value {
    let fields = "title seq lastNumber memberCount unreadCount lastMessage { text } \
        members { edges { node { account { id } role active } } } \
        messages(first: 50) { edges { node { id text versions { text } } } }";
    person.sees(group, fields)
}

fn world() -> (World, [Person; 3], Ids, Ids) {
    let world = World::new();
    let [ann, bob, eve] = world.people(["ann", "bob", "eve"]);
    let group = ann.creates_group("Lunch", &[&bob]);
    let sent = ann.sends(&group, "a secret");
    let real = Ids { conversation: group, message: sent.id, account: bob.id.clone() };
    let other = |id: &str| {
        let (prefix, _) = id.split_once('_').expect("an id has a prefix");
        format!("{prefix}_{}", "01h455vb4pex5vsknk084sn02q")
    };
    let made_up = Ids {
        conversation: other(&real.conversation),
        message: other(&real.message),
        account: bob.id.clone(),
    };
    (world, [ann, bob, eve], real, made_up)
}

#[test]
fn a_strangers_queries_find_what_queries_for_nothing_find() {
    let (_world, [.., eve], real, made_up) = world();
    for ((query, real), (_, made_up)) in queries(&real).into_iter().zip(queries(&made_up)) {
        let real = eve.asks(query, json!({ "id": real }));
        assert_eq!(real, eve.asks(query, json!({ "id": made_up })), "{query}");
        assert!(!real.0.to_string().contains("secret"));
    }
}

#[test]
fn a_strangers_mutations_are_refused_as_those_for_nothing_and_change_nothing() {
    let (_world, [ann, _bob, eve], real, made_up) = world();
    let before = everything(&ann, &real.conversation);
    for ((name, real), (_, made_up)) in mutations(&real).into_iter().zip(mutations(&made_up)) {
        let refused = tries(&eve, name, &real);
        assert_eq!(refused, tries(&eve, name, &made_up), "{name}");
        assert_eq!(refused.code(), "NOT_FOUND", "{name}");
    }
    assert_eq!(everything(&ann, &real.conversation), before);
}

#[test]
fn one_who_was_removed_is_a_stranger() {
    let (_world, [ann, bob, _eve], real, made_up) = world();
    ann.removes(&real.conversation, &bob).data();
    let before = everything(&ann, &real.conversation);
    for ((query, real), (_, made_up)) in queries(&real).into_iter().zip(queries(&made_up)) {
        let found = bob.asks(query, json!({ "id": real }));
        assert_eq!(found, bob.asks(query, json!({ "id": made_up })), "{query}");
    }
    for ((name, real), (_, made_up)) in mutations(&real).into_iter().zip(mutations(&made_up)) {
        let refused = tries(&bob, name, &real);
        assert_eq!(refused, tries(&bob, name, &made_up), "{name}");
        assert_eq!(refused.code(), "NOT_FOUND", "{name}");
    }
    assert_eq!(everything(&ann, &real.conversation), before);
}

#[test]
fn a_strangers_commands_over_plain_http_are_not_found() {
    let (_world, [ann, _bob, eve], real, made_up) = world();
    let before = everything(&ann, &real.conversation);
    let bodies = |ids: &Ids| {
        let Ids { conversation, message, account } = ids;
        vec![
            ("SendMessage", json!({ "conversationId": conversation, "text": "hi" })),
            (
                "EditMessage",
                json!({ "conversationId": conversation, "messageId": message, "text": "x" }),
            ),
            ("DeleteMessage", json!({ "conversationId": conversation, "messageId": message })),
            ("HideMessage", json!({ "conversationId": conversation, "messageId": message })),
            ("MarkRead", json!({ "conversationId": conversation, "number": 1 })),
            ("RenameGroup", json!({ "conversationId": conversation, "title": "Mine" })),
            ("RemoveConversationPicture", json!({ "conversationId": conversation })),
            ("AddMembers", json!({ "conversationId": conversation, "accountIds": [account] })),
            ("RemoveMember", json!({ "conversationId": conversation, "accountId": account })),
            ("LeaveConversation", json!({ "conversationId": conversation })),
            ("JoinGroup", json!({ "conversationId": conversation })),
        ]
    };
    for ((name, real), (_, made_up)) in bodies(&real).into_iter().zip(bodies(&made_up)) {
        let refused = eve.commands(name, &fresh_id(), &real);
        assert_eq!(
            (refused.status, refused.json()["code"].as_str()),
            (404, Some("NOT_FOUND")),
            "{name}"
        );
        assert_eq!(refused.json(), eve.commands(name, &fresh_id(), &made_up).json(), "{name}");
    }
    let own = real.conversation.clone();
    let theirs = json!({ "conversationId": own, "messageId": real.message });
    let elsewhere = eve.opens_direct(&eve);
    let moved = json!({ "conversationId": elsewhere, "messageId": real.message });
    for name in ["DeleteMessage", "HideMessage"] {
        assert_eq!(eve.commands(name, &fresh_id(), &theirs).status, 404, "{name}");
        assert_eq!(eve.commands(name, &fresh_id(), &moved).status, 404, "{name} from elsewhere");
    }
    assert_eq!(everything(&ann, &real.conversation), before);
}

#[test]
fn nobody_without_a_token_sees_or_does_anything() {
    let (world, [ann, ..], real, _) = world();
    let before = everything(&ann, &real.conversation);
    let mut asked = queries(&real);
    asked.push(("query($id: ID) { account(id: $id) { username } }", json!(real.account)));
    for (query, id) in asked {
        let refused = world.client.ask(None, query, json!({ "id": id }));
        assert_eq!(refused.code(), "UNAUTHENTICATED", "{query}");
    }
    for query in
        ["{ viewer { id } }", "{ sessions { id } }", "{ conversations { edges { cursor } } }"]
    {
        assert_eq!(world.client.ask(None, query, json!({})).code(), "UNAUTHENTICATED", "{query}");
    }
    for (name, input) in mutations(&real) {
        let refused = world.client.change(None, name, input, "__typename");
        assert_eq!(refused.code(), "UNAUTHENTICATED", "{name}");
    }
    assert_eq!(everything(&ann, &real.conversation), before);
}
