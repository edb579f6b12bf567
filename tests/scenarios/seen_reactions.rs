//! Seen reactions: what others gave one's messages since one looked.

use serde_json::{Value, json};
use tests::{Answer, Person, World};

fn reacts(person: &Person, name: &str, message: &str, emoji: &str) {
    person.does(name, json!({ "messageId": message, "emoji": emoji }), "position");
}

fn gives(person: &Person, message: &str, emoji: &str) {
    reacts(person, "addReaction", message, emoji);
}

fn takes_back(person: &Person, message: &str, emoji: &str) {
    reacts(person, "removeReaction", message, emoji);
}

fn unseen(person: &Person, conversation: &str) -> i64 {
    let found = person.sees(conversation, "unseenReactionCount");
    found["unseenReactionCount"].as_i64().expect("a count")
}

fn tries_to_see(person: &Person, conversation: &str, seq: &Value) -> Answer {
    let input = json!({ "conversationId": conversation, "seq": seq });
    person.tries("markReactionsSeen", input, "conversation { unseenReactionCount }")
}

/// Sees everything; gives what is unseen then.
fn sees_all(person: &Person, conversation: &str) -> Value {
    let seq = person.sees(conversation, "seq")["seq"].clone();
    let seen = tries_to_see(person, conversation, &seq);
    seen.data()["markReactionsSeen"]["conversation"]["unseenReactionCount"].clone()
}

#[test]
fn what_others_gave_ones_messages_is_unseen_until_one_looks() {
    let world = World::new();
    let ([ann, bob, eve], group) = world.group("Lunch", ["ann", "bob", "eve"]);
    let (hers, his) = (ann.sends(&group, "hers").id, bob.sends(&group, "his").id);
    gives(&bob, &hers, "👍");
    gives(&eve, &hers, "👍");
    gives(&eve, &his, "🚀");
    gives(&ann, &hers, "🎉");
    assert_eq!([&ann, &bob, &eve].map(|it| unseen(it, &group)), [2, 1, 0]);
    takes_back(&eve, &hers, "👍");
    assert_eq!(unseen(&ann, &group), 1);
    let phone = ann.on_another_device();
    let (mut own, mut other) = (phone.subscribes(), bob.subscribes());
    assert_eq!(sees_all(&ann, &group), 0);
    let frame = own.next();
    let expected =
        json!({ "__typename": "SeenReactions", "conversationId": group, "unseenCount": 0 });
    assert_eq!((frame.event(), frame.change()), ("ReactionsSeen", &expected));
    assert_eq!((unseen(&phone, &group), unseen(&bob, &group)), (0, 1));
    gives(&eve, &hers, "👍");
    assert_eq!(unseen(&phone, &group), 1);
    // Whoever was not asked has heard nothing of it.
    assert_eq!(other.next().event(), "ReactionAdded");
}

#[test]
fn what_is_gone_was_given_nothing() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let ids = ["a", "b", "c", "d"].map(|it| bob.sends(&group, it).id);
    ids.iter().for_each(|it| gives(&ann, it, "👍"));
    assert_eq!(unseen(&bob, &group), 4);
    bob.deletes(&ids[0]);
    assert_eq!(unseen(&bob, &group), 3);
    bob.hides(&ids[1]);
    assert_eq!(unseen(&bob, &group), 2);
    ann.deletes(&ids[2]);
    assert_eq!(unseen(&bob, &group), 1, "a moderator has removed it");
    let input = json!({ "conversationId": group, "messageIds": [ids[2]] });
    ann.does("restoreMessages", input, "position");
    assert_eq!(unseen(&bob, &group), 2);
    bob.leaves(&group).data();
    ann.adds(&group, &[&bob]);
    assert_eq!(unseen(&bob, &group), 0, "what was before joining counts as seen");
    gives(&ann, &ids[3], "🚀");
    assert_eq!(unseen(&bob, &group), 1);
}

#[test]
fn what_is_unseen_is_told_in_the_frame_of_the_reaction() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "hers").id;
    let selection = "eventName change { \
                     ... on Reactions { conversation { unseenReactionCount } } }";
    let mut sockets = [&ann, &bob].map(|it| it.hears(selection));
    let mut next = || {
        sockets.each_mut().map(|it| {
            let frame = it.expect_for("own", "next")["payload"]["data"]["updates"].clone();
            frame["change"]["conversation"]["unseenReactionCount"].clone()
        })
    };
    gives(&bob, &message, "👍");
    assert_eq!(next(), [1, 0]);
    gives(&bob, &message, "🚀");
    assert_eq!(next(), [2, 0]);
    takes_back(&bob, &message, "👍");
    assert_eq!(next(), [1, 0]);
}

#[test]
fn nothing_is_seen_before_it_has_happened_nor_by_a_stranger() {
    let world = World::new();
    let ([ann], group) = world.group("Own", ["ann"]);
    let seq: u64 = tests::long(&ann.sees(&group, "seq")["seq"]);
    let at = |seq: u64| json!(seq.to_string());
    assert_eq!(tries_to_see(&ann, &group, &at(seq + 1)).code(), "SEEN_REACTIONS_SEQ_AHEAD");
    tries_to_see(&ann, &group, &at(seq)).data();
    let eve = world.person("eve");
    assert_eq!(tries_to_see(&eve, &group, &at(seq)).code(), "NOT_FOUND");
}
