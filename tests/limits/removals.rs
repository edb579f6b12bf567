//! Deleting and restoring many: how they are named, how many, how often, and where.

use serde_json::{Value, json};
use tests::{Answer, Person, World, fresh_id};

fn deletes(who: &Person, group: &str, which: &Value) -> Answer {
    let mut input = json!({ "conversationId": group, "forEveryone": true });
    for (name, it) in which.as_object().expect("fields") {
        input[name] = it.clone();
    }
    who.tries("deleteMessages", input, "more")
}

fn restores(who: &Person, group: &str, ids: &[String]) -> Answer {
    let input = json!({ "conversationId": group, "messageIds": ids });
    who.tries("restoreMessages", input, "position")
}

#[test]
fn one_to_a_hundred_are_named_in_one_way() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let ids: Vec<_> = (0..101).map(|_| bob.sends(&group, "x").id).collect();
    for ids in [&ids[..0], &ids[..]] {
        let which = json!({ "messageIds": ids });
        assert_eq!(deletes(&ann, &group, &which).code(), "REMOVALS_COUNT_INVALID");
        assert_eq!(restores(&ann, &group, ids).code(), "REMOVALS_COUNT_INVALID");
    }
    let one = &ids[..1];
    for which in [
        json!({}),
        json!({ "messageIds": one, "fromNumber": "1" }),
        json!({ "messageIds": one, "toNumber": "1" }),
        json!({ "messageIds": one, "accountId": bob.id }),
    ] {
        assert_eq!(deletes(&ann, &group, &which).code(), "REMOVALS_SELECTION_INVALID");
    }
    assert_eq!(bob.all_messages(&group).len(), 101);
    deletes(&ann, &group, &json!({ "messageIds": ids[..100] })).data();
    assert_eq!(bob.all_messages(&group).len(), 1);
    restores(&ann, &group, &ids[..100]).data();
    assert_eq!(bob.all_messages(&group).len(), 101);
}

#[test]
fn who_is_elsewhere_deletes_and_restores_nothing_and_is_told_nothing() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let own = eve.creates_group("Own", &[]);
    let ids = [bob.sends(&group, "x").id];
    for which in [
        json!({ "messageIds": ids }),
        json!({ "accountId": bob.id }),
        json!({ "fromNumber": "1" }),
        json!({}),
    ] {
        assert_eq!(deletes(&eve, &group, &which).code(), "NOT_FOUND");
    }
    assert_eq!(deletes(&eve, &own, &json!({ "messageIds": ids })).code(), "NOT_FOUND");
    deletes(&eve, &own, &json!({ "accountId": bob.id })).data();
    assert_eq!(ann.all_messages(&group).len(), 1);
    ann.deletes(&ids[0]);
    for at in [&group, &own] {
        assert_eq!(restores(&eve, at, &ids).code(), "NOT_FOUND");
    }
    assert_eq!(restores(&bob, &group, &ids).code(), "REMOVALS_FORBIDDEN");
    // Only the server gives these.
    for name in ["DeleteMessages", "HideMessages", "DestroyMessage"] {
        let body = json!({ "conversationId": group, "which": "ids", "messageIds": ids });
        assert_eq!(ann.commands(name, &fresh_id(), &body).status, 404, "{name}");
    }
    bob.leaves(&group).data();
    assert_eq!(deletes(&bob, &group, &json!({ "accountId": bob.id })).code(), "NOT_FOUND");
}

#[test]
fn one_deletes_many_a_tenth_as_often_as_one_does_anything() {
    let world = World::with(|it| it.rate_per_account = 20);
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let answers = [(); 3].map(|()| deletes(&ann, &saved, &json!({ "fromNumber": "1" })));
    let failures: Vec<_> = answers.iter().map(Answer::failure).collect();
    assert_eq!(failures, [None, None, Some("RATE_LIMITED")]);
}
