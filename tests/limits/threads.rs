//! Threads: how many messages are moved at once, how often, and by whom.

use serde_json::{Value, json};
use tests::{Answer, Person, World};

fn moves(who: &Person, group: &str, thread: Option<&str>, ids: &[String]) -> Answer {
    let input = json!({ "conversationId": group, "threadId": thread, "messageIds": ids });
    who.tries("moveToThread", input, "position")
}

fn count(who: &Person, root: &str) -> Value {
    who.sees_message(root, "thread { replyCount }")["thread"]["replyCount"].clone()
}

#[test]
fn one_to_a_hundred_are_moved_at_once() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = ann.sends(&group, "soup?").id;
    let ids: Vec<_> = (0..101).map(|_| bob.sends(&group, "x").id).collect();
    for ids in [&ids[..0], &ids[..]] {
        assert_eq!(moves(&ann, &group, Some(&root), ids).code(), "THREADS_COUNT_INVALID");
    }
    moves(&ann, &group, Some(&root), &ids[..100]).data();
    assert_eq!(count(&ann, &root), 100);
    moves(&ann, &group, None, &ids[..100]).data();
    assert_eq!(count(&ann, &root), 0);
}

#[test]
fn who_is_elsewhere_moves_and_reads_nothing_and_is_told_nothing() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let own = eve.creates_group("Own", &[]);
    let [root, aside] = ["soup?", "aside"].map(|it| bob.sends(&group, it).id);
    let theirs = eve.sends(&own, "mine").id;
    let ids = [aside];
    assert_eq!(moves(&eve, &group, Some(&root), &ids).code(), "NOT_FOUND");
    assert_eq!(moves(&eve, &own, Some(&theirs), &ids).code(), "NOT_FOUND");
    assert_eq!(moves(&eve, &own, Some(&root), &ids).code(), "THREADS_NOT_FOUND");
    moves(&ann, &group, Some(&root), &ids).data();
    let mark = |who: &Person, number: &str| {
        let input = json!({ "threadId": root, "number": number });
        who.tries("markThreadRead", input, "position")
    };
    assert_eq!(mark(&eve, "1").code(), "NOT_FOUND");
    assert_eq!(mark(&bob, "3").code(), "THREADS_NUMBER_AHEAD");
    mark(&bob, "2").data();
    assert_eq!(eve.sees_message(&root, "thread { id }"), Value::Null);
}

#[test]
fn one_moves_many_a_tenth_as_often_as_one_does_anything() {
    let world = World::with(|it| it.rate_per_account = 20);
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let ids = [ann.sends(&saved, "x").id];
    let answers = [(); 3].map(|()| moves(&ann, &saved, None, &ids));
    let failures: Vec<_> = answers.iter().map(Answer::failure).collect();
    assert_eq!(failures, [None, None, Some("RATE_LIMITED")]);
}
