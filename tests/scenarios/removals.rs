//! What moderators take out of sight, give back within a day, and how many are deleted at once.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Person, World, fresh_id, long, until};

const DAY: Duration = Duration::from_secs(24 * 3_600);

const REMOVED: &str = "removedMessages(first: 100) { nodes { messageId number text \
    sender { username } removedBy { username } removedAt restorableUntil } }";

const GONE: &str = "text markdown deleted pinned versions { text } reactions { emoji }";

/// What somebody sees of what is removed.
fn removed(who: &Person, group: &str) -> Value {
    who.sees(group, REMOVED)["removedMessages"]["nodes"].clone()
}

fn restores(who: &Person, group: &str, messages: &[&str]) -> Answer {
    let input = json!({ "conversationId": group, "messageIds": messages });
    who.tries("restoreMessages", input, "messages { id text deleted }")
}

/// Deletes for everyone what is named; whether there are others.
fn deletes(who: &Person, group: &str, which: &Value) -> Answer {
    tries(who, group, which, true)
}

fn tries(who: &Person, group: &str, which: &Value, for_everyone: bool) -> Answer {
    let mut input = json!({ "conversationId": group, "forEveryone": for_everyone });
    for (name, it) in which.as_object().expect("fields") {
        input[name] = it.clone();
    }
    who.tries("deleteMessages", input, "more position")
}

fn more(answer: &Answer) -> bool {
    answer.data()["deleteMessages"]["more"].as_bool().expect("it says")
}

fn nothing() -> Value {
    json!({ "text": null, "markdown": null, "deleted": true, "pinned": false, "versions": [],
        "reactions": [] })
}

fn mentions(who: &Person, group: &str) -> Value {
    who.sees(group, "mentionCount")["mentionCount"].clone()
}

#[test]
fn it_is_hidden_from_all_at_once_and_comes_back_as_it_was() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let sent = bob.sends(&group, "**rude** @cat");
    bob.edits(&sent.id, "**very rude** @cat");
    cat.does("addReaction", json!({ "messageId": sent.id, "emoji": "👎" }), "__typename");
    ann.does("pinMessage", json!({ "messageId": sent.id }), "__typename");
    let before = cat.sees_message(&sent.id, "text markdown versions { text }");
    assert_eq!((cat.unread(&group), mentions(&cat, &group)), (1, json!(1)));
    let mut feed = cat.subscribes();
    assert_eq!(ann.deletes(&sent.id)["deleted"], true);
    let frame = feed.next();
    assert_eq!((frame.event(), frame.unread()), ("MessageRemoved", 0));
    assert_eq!(frame.change()["text"], Value::Null);
    for who in [&ann, &bob, &cat] {
        assert_eq!(who.sees_message(&sent.id, GONE), nothing());
        assert!(who.all_messages(&group).is_empty());
    }
    assert_eq!((cat.unread(&group), mentions(&cat, &group)), (0, json!(0)));
    let seen = removed(&ann, &group);
    assert_eq!(
        (&seen[0]["messageId"], &seen[0]["text"]),
        (&json!(sent.id), &json!("very rude @cat"))
    );
    let by = (&seen[0]["sender"]["username"], &seen[0]["removedBy"]["username"]);
    assert_eq!(by, (&json!("bob"), &json!("ann")));
    for who in [&bob, &cat] {
        assert_eq!(who.sees(&group, REMOVED)["removedMessages"], Value::Null);
        assert_eq!(restores(who, &group, &[&sent.id]).code(), "REMOVALS_FORBIDDEN");
    }
    let answer = restores(&ann, &group, &[&sent.id]);
    let expected = json!([{ "id": sent.id, "text": "very rude @cat", "deleted": false }]);
    assert_eq!(answer.data()["restoreMessages"]["messages"], expected);
    let frame = feed.next();
    assert_eq!((frame.event(), frame.unread()), ("MessageRestored", 1));
    assert_eq!(frame.change()["text"], "very rude @cat");
    assert_eq!(cat.sees_message(&sent.id, "text markdown versions { text }"), before);
    let given = cat.sees_message(&sent.id, "pinned reactions { emoji count }");
    let expected = json!({ "pinned": false, "reactions": [{ "emoji": "👎", "count": 1 }] });
    assert_eq!(given, expected);
    assert_eq!((cat.unread(&group), mentions(&cat, &group)), (1, json!(1)));
    assert_eq!(removed(&ann, &group), json!([]));
}

#[test]
fn after_a_day_it_is_gone_for_good_and_nobody_reads_it() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let [kept, lost] = ["kept", "lost"].map(|it| bob.sends(&group, it));
    let start = bob.position();
    ann.deletes(&kept.id);
    ann.deletes(&lost.id);
    world.passes(DAY - Duration::from_secs(60));
    let (ann, bob) = (ann.on_another_device(), bob.on_another_device());
    restores(&ann, &group, &[&kept.id]).data();
    assert_eq!(removed(&ann, &group)[0]["text"], "lost");
    world.passes(Duration::from_secs(60));
    let left = removed(&ann, &group);
    assert!(left.as_array().is_some_and(|it| it.iter().all(|it| it["text"].is_null())), "{left}");
    assert_eq!(restores(&ann, &group, &[&lost.id]).code(), "REMOVALS_TOO_LATE");
    until("it is still there", || removed(&ann, &group) == json!([]));
    let mut feed = bob.resumes(&start);
    for expected in ["MessageRemoved", "MessageRemoved", "MessageRestored", "MessageDestroyed"] {
        let frame = feed.next_of(&group);
        assert_eq!(frame.event(), expected);
        assert!(!frame.0.to_string().contains("lost"), "{}", frame.0);
    }
    assert_eq!(bob.all_messages(&group).into_values().collect::<Vec<_>>(), [kept.id]);
}

#[test]
fn its_author_deletes_it_for_good_before() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = bob.sends(&group, "rude");
    ann.deletes(&sent.id);
    bob.deletes(&sent.id);
    assert_eq!(removed(&ann, &group), json!([]));
    assert_eq!(restores(&ann, &group, &[&sent.id]).code(), "REMOVALS_TOO_LATE");
}

#[test]
fn all_that_somebody_wrote_is_deleted_a_hundred_at_a_time_the_newest_first() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let stays = ann.sends(&group, "stays");
    for n in 0..205 {
        bob.sends(&group, &format!("spam {n}"));
    }
    let which = json!({ "accountId": bob.id, "clientId": fresh_id() });
    let first = deletes(&ann, &group, &which);
    assert!(more(&first));
    let left: Vec<u64> = ann.all_messages(&group).into_keys().collect();
    assert_eq!(left, (1..=106).collect::<Vec<_>>(), "the newest are gone");
    let seq = long(&ann.sees(&group, "seq")["seq"]);
    let again = deletes(&ann, &group, &which);
    assert!(more(&again), "there are others still");
    assert_eq!(long(&ann.sees(&group, "seq")["seq"]), seq, "the same id does it once");
    let which = json!({ "accountId": bob.id });
    assert_eq!([(); 2].map(|()| more(&deletes(&ann, &group, &which))), [true, false]);
    assert!(!more(&deletes(&ann, &group, &which)), "nothing is left");
    assert_eq!(ann.all_messages(&group).into_values().collect::<Vec<_>>(), [stays.id]);
    assert_eq!(long(&ann.sees(&group, "seq")["seq"]), seq + 105);
    assert_eq!(bob.unread(&group), 0);
    let page = "removedMessages(last: 1) { nodes { text } pageInfo { hasPreviousPage } }";
    let last = ann.sees(&group, page)["removedMessages"].clone();
    assert_eq!(last["nodes"][0]["text"], "spam 4");
    assert_eq!(last["pageInfo"]["hasPreviousPage"], true);
}

#[test]
fn a_stretch_of_numbers_is_deleted_all_or_none() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    for n in 1..=6 {
        if n % 2 == 0 { &ann } else { &bob }.sends(&group, &format!("{n}"));
    }
    let numbers = |who: &Person| who.all_messages(&group).into_keys().collect::<Vec<_>>();
    let some = json!({ "fromNumber": "2", "toNumber": "4" });
    assert_eq!(deletes(&bob, &group, &some).code(), "REMOVALS_FORBIDDEN");
    assert_eq!(numbers(&bob), [1, 2, 3, 4, 5, 6]);
    assert!(!more(&deletes(&ann, &group, &some)));
    assert_eq!(numbers(&bob), [1, 5, 6]);
    assert_eq!(removed(&ann, &group).as_array().map(Vec::len), Some(1), "her own is gone for good");
    let own = json!({ "fromNumber": "2", "accountId": bob.id });
    assert!(!more(&deletes(&bob, &group, &own)));
    assert_eq!(numbers(&ann), [1, 6]);
    assert!(!more(&deletes(&bob, &group, &json!({ "toNumber": "1" }))));
    assert_eq!(numbers(&ann), [6]);
}

#[test]
fn many_are_hidden_from_oneself_and_stay_for_the_others() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent: Vec<_> = (0..103).map(|n| ann.sends(&group, &format!("{n}")).id).collect();
    assert_eq!(bob.unread(&group), 103);
    let two = json!({ "messageIds": [sent[102], sent[101]] });
    assert!(!more(&tries(&bob, &group, &two, false)));
    assert_eq!(bob.unread(&group), 101);
    let all = json!({ "accountId": ann.id });
    assert!(more(&tries(&bob, &group, &all, false)));
    assert_eq!(bob.all_messages(&group).into_keys().collect::<Vec<_>>(), [1]);
    assert!(!more(&tries(&bob, &group, &all, false)));
    assert!(!more(&tries(&bob, &group, &all, false)));
    assert_eq!((bob.unread(&group), bob.all_messages(&group).len()), (0, 0));
    assert_eq!(ann.all_messages(&group).len(), 103);
}

#[test]
fn what_admins_take_out_and_give_back_is_in_the_log_of_audit() {
    let world = World::new();
    let ann = world.owner("ann");
    let bob = world.person("bob");
    let group = ann.creates_group("Lunch", &[&bob]);
    let sent = bob.sends(&group, "rude");
    ann.deletes(&sent.id);
    restores(&ann, &group, &[&sent.id]).data();
    bob.deletes(&sent.id);
    let query = "query($id: ID) { auditLog(targetId: $id, first: 10) { nodes { action actorId \
        targetId sessionId changes { field before after } } } }";
    let answer = ann.asks(query, json!({ "id": group }));
    let nodes = answer.data()["auditLog"]["nodes"].as_array().expect("a list").clone();
    let told: Vec<_> = nodes.iter().map(|it| (&it["action"], &it["changes"][0])).collect();
    let id = &sent.id;
    let restored = json!({ "field": "message", "before": null, "after": id });
    let removed = json!({ "field": "message", "before": id, "after": null });
    let expected = [
        (&json!("GROUP_MESSAGE_RESTORED"), &restored),
        (&json!("GROUP_MESSAGE_REMOVED"), &removed),
    ];
    assert_eq!(told, expected);
    for it in &nodes {
        assert_eq!((&it["actorId"], &it["targetId"]), (&json!(ann.id), &json!(bob.id)));
        assert!(it["sessionId"].is_string());
    }
}
