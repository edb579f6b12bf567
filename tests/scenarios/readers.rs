//! Receipts of others: who has read what, as far as each shows it, asked for and told in passing.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Feed, Person, World, at_once};

const HIDDEN: Value = Value::Null;

/// Waits until a feed follows: what passes is not caught up on, so it must not come before.
fn follows(feed: &mut Feed, person: &Person, conversation: &str) -> u64 {
    let mut last = 0;
    for text in ["one", "two"] {
        let sent = person.sends(conversation, text);
        assert_eq!(feed.next().seq(), sent.seq);
        last = sent.number;
    }
    last
}

/// Who of the others has read a message: how many, and their names in order.
fn readers(person: &Person, message: &str) -> (Value, Value) {
    let query = "query($id: ID!) { readers(messageId: $id) { count accounts { username } } }";
    let found = person.asks(query, json!({ "id": message })).data()["readers"].clone();
    let Some(accounts) = found["accounts"].as_array() else {
        return (found["count"].clone(), HIDDEN);
    };
    let names = accounts.iter().map(|it| it["username"].as_str().expect("a name"));
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    (found["count"].clone(), json!(names))
}

/// How far each of the others has come: name, read, delivered.
fn receipts(person: &Person, conversation: &str) -> Value {
    let fields = "receipts { account { username } readNumber deliveredNumber }";
    let found = person.sees(conversation, fields)["receipts"].clone();
    let Some(found) = found.as_array() else { return HIDDEN };
    let one =
        |it: &Value| json!([it["account"]["username"], it["readNumber"], it["deliveredNumber"]]);
    let mut all: Vec<_> = found.iter().map(one).collect();
    all.sort_by_key(Value::to_string);
    json!(all)
}

fn marks_delivered(person: &Person, conversation: &str, number: u64) -> Answer {
    let query = "mutation($input: MarkDeliveredInput!) { markDelivered(input: $input) { ok } }";
    let input = json!({ "conversationId": conversation, "number": number.to_string() });
    person.asks(query, json!({ "input": input }))
}

fn hides_receipts(person: &Person, from: &[&Person]) {
    let ids: Vec<_> = from.iter().map(|it| &it.id).collect();
    let deny = json!({ "allow": false, "who": "ACCOUNTS", "accountIds": ids });
    let allow = json!({ "allow": true, "who": "EVERYONE" });
    let rules = if from.is_empty() { json!([]) } else { json!([deny, allow]) };
    let input = json!({ "setting": "READ_RECEIPTS", "rules": rules });
    person.does("setPrivacy", input, "privacy { settings { setting } }");
}

fn told(who: &Person, read: Option<u64>, delivered: Option<u64>) -> Value {
    let [read, delivered] = [read, delivered].map(|it| it.map(|it| it.to_string()));
    json!({
        "__typename": "Receipt", "account": { "id": who.id },
        "readNumber": read, "deliveredNumber": delivered,
    })
}

#[test]
fn the_other_is_told_how_far_one_has_read_and_an_older_pointer_tells_nothing() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let (mut heard, mut own) = (ann.subscribes(), bob.subscribes());
    let last = follows(&mut heard, &ann, &direct);
    own.next();
    own.next();
    assert_eq!(receipts(&ann, &direct), json!([["bob", "0", "0"]]));
    bob.reads(&direct, last);
    let frame = heard.next();
    assert_eq!((frame.event(), frame.conversation()), ("Receipt", direct.as_str()));
    assert_eq!(frame.0["seq"], Value::Null);
    assert_eq!(frame.change(), &told(&bob, Some(last), None));
    assert_eq!(own.next().event(), "ReadMoved");
    bob.reads(&direct, 1);
    assert_eq!(receipts(&ann, &direct), json!([["bob", "2", "2"]]));
    // The next that either hears is the answer: of the older pointer nobody was told.
    let answer = bob.sends(&direct, "answer");
    assert_eq!(heard.next().seq(), answer.seq);
    assert_eq!(own.next().seq(), answer.seq);
    assert_eq!(receipts(&ann, &direct), json!([["bob", "3", "3"]]), "sending is reading");
    assert_eq!(receipts(&bob, &direct), json!([["ann", "2", "2"]]));
}

#[test]
fn who_hides_theirs_appears_in_nobodys_frames_and_sees_nobodys() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    hides_receipts(&bob, &[&ann]);
    let message = ann.sends(&group, "hello");
    let (mut to_ann, mut to_cat) = (ann.subscribes(), cat.subscribes());
    follows(&mut to_ann, &ann, &group);
    to_cat.next();
    to_cat.next();
    bob.reads(&group, message.number);
    assert_eq!(to_cat.next().change(), &told(&bob, Some(1), None));
    cat.reads(&group, message.number);
    assert_eq!(to_ann.next().change(), &told(&cat, Some(1), None), "of Bob nothing was told");
    assert_eq!(readers(&ann, &message.id), (json!(1), json!(["cat"])));
    assert_eq!(receipts(&ann, &group), json!([["cat", "1", "1"]]));
    ann.reads(&group, 3);
    assert_eq!(receipts(&bob, &group), json!([["cat", "1", "1"]]), "nor is Bob shown Ann's");
    hides_receipts(&bob, &[]);
    assert_eq!(receipts(&bob, &group), json!([]));
    assert_eq!(receipts(&cat, &group), json!([["ann", "3", "3"]]));
    assert_eq!(readers(&bob, &message.id), (json!(0), json!([])));
    ann.does("blockAccount", json!({ "accountId": cat.id }), "");
    assert_eq!(receipts(&cat, &group), json!([]), "a block hides them from both");
    assert_eq!(receipts(&ann, &group), json!([]));
}

#[test]
fn who_has_read_is_listed_and_after_seven_days_counted() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat", "dan"]);
    let [ann, bob, cat, dan] = &people;
    let message = ann.sends(&group, "hello");
    assert_eq!(readers(ann, &message.id), (json!(0), json!([])));
    bob.reads(&group, message.number);
    cat.sends(&group, "answer");
    let eve = world.person("eve");
    assert_eq!(readers(&eve, &message.id), (Value::Null, HIDDEN));
    ann.adds(&group, &[&eve]);
    assert_eq!(readers(ann, &message.id), (json!(2), json!(["bob", "cat"])));
    assert_eq!(readers(bob, &message.id), (json!(1), json!(["cat"])), "oneself is not another");
    assert_eq!(readers(dan, &message.id), (json!(2), json!(["bob", "cat"])));
    eve.reads(&group, 2);
    let before = readers(ann, &message.id);
    assert_eq!(before, (json!(2), json!(["bob", "cat"])), "who came later was not there");
    bob.leaves(&group).data();
    assert_eq!(readers(ann, &message.id), (json!(1), json!(["cat"])));
    world.passes(Duration::from_secs(7 * 24 * 3_600 + 60));
    let ann = ann.on_another_device();
    assert_eq!(readers(&ann, &message.id), (json!(1), HIDDEN));
    ann.deletes(&message.id);
    assert_eq!(readers(&ann, &message.id), (Value::Null, HIDDEN));
}

#[test]
fn devices_say_how_far_they_have_received_and_it_never_falls() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let phone = bob.on_another_device();
    let mut heard = ann.subscribes();
    let last = follows(&mut heard, &ann, &group);
    assert_eq!(marks_delivered(&bob, &group, last + 1).code(), "RECEIPTS_NUMBER_AHEAD");
    let ok = json!({ "markDelivered": { "ok": true } });
    assert_eq!(marks_delivered(&bob, &group, 1).data(), &ok);
    assert_eq!(heard.next().change(), &told(&bob, None, Some(1)));
    let (devices, group) = ([&bob, &phone], &group);
    at_once((0..8).map(|it| {
        let device = devices[it % 2];
        move || drop(marks_delivered(device, group, 1 + it as u64 % 2))
    }));
    assert_eq!(heard.next().change(), &told(&bob, None, Some(2)));
    assert_eq!(receipts(&ann, group), json!([["bob", "0", "2"]]));
    assert_eq!(marks_delivered(&phone, group, 1).data(), &ok);
    assert_eq!(receipts(&ann, group), json!([["bob", "0", "2"]]));
    // The next that is heard is a message: it was told once.
    let sent = ann.sends(group, "three");
    assert_eq!(heard.next().seq(), sent.seq);
    let eve = world.person("eve");
    assert_eq!(marks_delivered(&eve, group, 1).code(), "NOT_FOUND");
    let seq = tests::long(&ann.sees(group, "seq")["seq"]);
    assert_eq!(seq, sent.seq, "nothing of it is in the log");
}

#[test]
fn among_more_than_twenty_nobody_is_told() {
    let world = World::new();
    let ann = world.person("ann");
    let names: Vec<_> = (0..20).map(|it| format!("person{it}")).collect();
    let people = at_once(names.iter().map(|it| {
        let world = &world;
        move || world.person(it)
    }));
    let group = ann.creates_group("Crowd", &people[..19].iter().collect::<Vec<_>>());
    let mut heard = ann.subscribes();
    let last = follows(&mut heard, &ann, &group);
    people[0].reads(&group, last);
    assert_eq!(heard.next().change(), &told(&people[0], Some(last), None));
    assert_eq!(receipts(&ann, &group).as_array().map(Vec::len), Some(19));
    ann.adds(&group, &[&people[19]]);
    heard.next();
    people[1].reads(&group, last);
    assert_eq!(receipts(&ann, &group), HIDDEN);
    let kept = marks_delivered(&people[1], &group, last).data()["markDelivered"]["ok"].clone();
    assert_eq!(kept, false);
    let sent = ann.sends(&group, "three");
    assert_eq!(heard.next().seq(), sent.seq);
}
