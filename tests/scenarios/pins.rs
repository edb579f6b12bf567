//! Pins: put up and taken down by several at once, in one order for all.

use serde_json::{Value, json};
use tests::{Answer, Dice, Person, World, at_once};

fn tries(person: &Person, name: &str, message: &str) -> Answer {
    person.tries(name, json!({ "messageId": message }), "message { pinned }")
}

fn pins(person: &Person, message: &str) -> Value {
    tries(person, "pinMessage", message).data()["pinMessage"]["message"]["pinned"].clone()
}

fn takes_down(person: &Person, message: &str) -> Value {
    tries(person, "unpinMessage", message).data()["unpinMessage"]["message"]["pinned"].clone()
}

fn takes_all_down(person: &Person, conversation: &str) -> Answer {
    let wanted = "conversation { pinnedMessages { nodes { messageId } } }";
    person.tries("unpinAll", json!({ "conversationId": conversation }), wanted)
}

/// A page of what is pinned.
fn page(person: &Person, conversation: &str, arguments: &str) -> Value {
    let fields = format!(
        "pinnedMessages{arguments} {{ edges {{ cursor node {{ messageId pinned silent number \
         message {{ text }} pinnedBy {{ username }} }} }} \
         pageInfo {{ hasPreviousPage hasNextPage startCursor endCursor }} }}"
    );
    person.sees(conversation, &fields)["pinnedMessages"].clone()
}

fn ids(page: &Value) -> Vec<&str> {
    let edges = page["edges"].as_array().expect("a page has edges").iter();
    edges.map(|it| it["node"]["messageId"].as_str().expect("an id")).collect()
}

/// Which messages are pinned, the last first.
fn list(person: &Person, conversation: &str) -> Vec<String> {
    ids(&page(person, conversation, "(first: 100)")).into_iter().map(str::to_owned).collect()
}

#[test]
fn what_was_pinned_last_comes_first() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent: Vec<_> = (0..3).map(|it| ann.sends(&group, &format!("{it}")).id).collect();
    assert_eq!(list(&bob, &group), [""; 0]);
    assert_eq!(pins(&ann, &sent[1]), true);
    pins(&ann, &sent[0]);
    assert_eq!(pins(&ann, &sent[1]), true, "what is pinned is pinned");
    assert_eq!(list(&bob, &group), [&*sent[0], &*sent[1]]);
    assert_eq!(bob.sees_message(&sent[1], "pinned")["pinned"], true);
    assert_eq!(bob.sees_message(&sent[2], "pinned")["pinned"], false);
    let first = page(&bob, &group, "")["edges"][0]["node"].clone();
    let expected = json!({
        "messageId": sent[0], "pinned": true, "silent": false, "number": "1",
        "message": { "text": "0" }, "pinnedBy": { "username": "ann" },
    });
    assert_eq!(first, expected);
    assert_eq!(takes_down(&ann, &sent[1]), false);
    assert_eq!(takes_down(&ann, &sent[1]), false, "what is down is down");
    pins(&ann, &sent[1]);
    assert_eq!(list(&bob, &group), [&*sent[1], &*sent[0]]);
    takes_all_down(&ann, &group).data();
    assert_eq!(list(&bob, &group), [""; 0]);
}

#[test]
fn what_is_pinned_is_read_page_by_page() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let sent: Vec<_> = (0..5).map(|it| ann.sends(&saved, &format!("{it}")).id).collect();
    sent.iter().for_each(|it| drop(pins(&ann, it)));
    let first = page(&ann, &saved, "(first: 2)");
    assert_eq!(ids(&first), [&*sent[4], &*sent[3]]);
    let info = &first["pageInfo"];
    assert_eq!((&info["hasPreviousPage"], &info["hasNextPage"]), (&json!(false), &json!(true)));
    let cursor = info["endCursor"].as_str().expect("a cursor");
    let next = page(&ann, &saved, &format!("(first: 100, after: \"{cursor}\")"));
    assert_eq!(ids(&next), [&*sent[2], &*sent[1], &*sent[0]]);
    assert_eq!(next["pageInfo"]["hasNextPage"], false);
    assert_eq!(next["pageInfo"]["hasPreviousPage"], true);
    let last = page(&ann, &saved, "(last: 2)");
    assert_eq!(ids(&last), [&*sent[1], &*sent[0]]);
    let cursor = last["pageInfo"]["startCursor"].as_str().expect("a cursor");
    let before = page(&ann, &saved, &format!("(last: 2, before: \"{cursor}\")"));
    assert_eq!(ids(&before), [&*sent[3], &*sent[2]]);
    let query = format!(
        "{{ conversation(id: \"{saved}\") {{ pinnedMessages(first: 101) {{ __typename }} }} }}"
    );
    assert_eq!(ann.asks(&query, json!({})).code(), "INVALID");
}

#[test]
fn whatever_is_pinned_at_once_all_devices_end_with_the_same_list() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let sent: Vec<_> = (0..6).map(|it| people[0].sends(&group, &format!("{it}")).id).collect();
    for it in &people[1..] {
        people[0].makes(&group, it, "ADMIN").data();
    }
    let phones = people.each_ref().map(Person::on_another_device);
    let devices: Vec<&Person> = people.iter().chain(&phones).collect();
    let mut feeds: Vec<_> = devices.iter().map(|it| it.subscribes()).collect();
    let act = |seed: u64, device: &Person| {
        let mut dice = Dice::new(seed);
        for _ in 0..20 {
            let message = &sent[dice.below(6)];
            match dice.below(8) {
                0..5 => drop(pins(device, message)),
                5..7 => drop(takes_down(device, message)),
                _ => {
                    takes_all_down(device, &group).data();
                }
            }
        }
    };
    at_once(devices.iter().zip(1..).map(|(it, seed)| move || act(seed, it)));
    let end = people[0].sends(&group, "the end").seq;
    // Who is told of the end reads what came before it.
    let heard: Vec<_> = feeds.iter_mut().map(|it| it.until(&group, end)).collect();
    let told = list(&people[0], &group);
    for (device, frames) in devices.iter().zip(heard) {
        assert_eq!(list(device, &group), told);
        let mut pinned: Vec<String> = Vec::new();
        for frame in frames {
            match frame.event() {
                "AllUnpinned" => pinned.clear(),
                "MessagePinned" | "MessageUnpinned" => {
                    let change = frame.change();
                    let id = change["messageId"].as_str().expect("an id").to_owned();
                    pinned.retain(|it| *it != id);
                    if change["pinned"] == true {
                        pinned.insert(0, id);
                    }
                }
                _ => (),
            }
        }
        let sorted = |mut it: Vec<String>| {
            it.sort();
            it
        };
        // Frames show what is, so in between they may be ahead; in the end they tell the same.
        assert_eq!(sorted(pinned), sorted(told.clone()));
    }
}

#[test]
fn pinning_at_once_fills_the_list_to_a_hundred_and_no_further() {
    let world = World::new();
    let ann = world.person("ann");
    let saved = ann.opens_direct(&ann);
    let sent: Vec<_> = (0..102).map(|it| ann.sends(&saved, &format!("{it}")).id).collect();
    sent[..98].iter().for_each(|it| drop(pins(&ann, it)));
    let ann = &ann;
    let answers = at_once(sent[98..].iter().map(|it| move || tries(ann, "pinMessage", it)));
    let refused: Vec<_> = answers.iter().filter_map(Answer::failure).collect();
    assert_eq!(refused, ["PINS_TOO_MANY"; 2]);
    assert_eq!(list(ann, &saved).len(), 100);
    ann.deletes(&sent[0]);
    assert_eq!(list(ann, &saved).len(), 99);
}

#[test]
fn a_deleted_message_is_not_pinned_and_a_hidden_one_is_left_out_of_ones_own_list() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent: Vec<_> = (0..3).map(|it| ann.sends(&group, &format!("{it}")).id).collect();
    sent.iter().for_each(|it| drop(pins(&ann, it)));
    ann.deletes(&sent[1]);
    bob.hides(&sent[2]);
    assert_eq!(list(&ann, &group), [&*sent[2], &*sent[0]]);
    assert_eq!(list(&bob, &group), [&*sent[0]]);
    assert_eq!(tries(&ann, "pinMessage", &sent[1]).code(), "PINS_MESSAGE_GONE");
}

#[test]
fn admins_pin_in_groups_and_strangers_nowhere() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let message = ann.sends(&group, "hello").id;
    assert_eq!(tries(&bob, "pinMessage", &message).code(), "PINS_FORBIDDEN");
    assert_eq!(tries(&eve, "pinMessage", &message).code(), "NOT_FOUND");
    assert_eq!(tries(&eve, "unpinMessage", &message).code(), "NOT_FOUND");
    assert_eq!(takes_all_down(&eve, &group).code(), "NOT_FOUND");
    ann.makes(&group, &bob, "ADMIN").data();
    assert_eq!(pins(&bob, &message), true);
    let direct = ann.opens_direct(&bob);
    let message = ann.sends(&direct, "hello").id;
    assert_eq!(pins(&bob, &message), true);
    assert_eq!(takes_down(&ann, &message), false);
    ann.does("blockAccount", json!({ "accountId": bob.id }), "");
    assert_eq!(tries(&bob, "pinMessage", &message).code(), "PINS_REFUSED");
    assert_eq!(tries(&ann, "pinMessage", &message).code(), "PINS_BLOCKED");
}

#[test]
fn frames_tell_what_was_pinned_and_whether_silently() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "hello").id;
    let mut heard = bob.subscribes();
    let silently = json!({ "messageId": message, "silent": true });
    ann.does("pinMessage", silently, "message { pinned }");
    let frame = heard.next_of(&group);
    let told = |pinned: bool, silent: Value| {
        let id = &message;
        json!({ "__typename": "Pin", "messageId": id, "pinned": pinned, "silent": silent })
    };
    assert_eq!((frame.event(), frame.change()), ("MessagePinned", &told(true, json!(true))));
    takes_down(&ann, &message);
    let frame = heard.next_of(&group);
    assert_eq!((frame.event(), frame.change()), ("MessageUnpinned", &told(false, Value::Null)));
    pins(&ann, &message);
    heard.next_of(&group);
    takes_all_down(&ann, &group).data();
    let frame = heard.next_of(&group);
    assert_eq!(frame.event(), "AllUnpinned");
    assert_eq!(frame.change()["__typename"], "Conversation");
}

#[test]
fn who_has_left_is_not_told_what_was_pinned_after() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let one = ann.sends(&group, "one").id;
    let start = bob.position();
    pins(&ann, &one);
    bob.leaves(&group).data();
    takes_down(&ann, &one);
    let mut feed = bob.resumes(&start);
    let frames = [feed.next(), feed.next()];
    let told = frames.each_ref().map(|it| (it.event(), it.change().is_null()));
    assert_eq!(told, [("MessagePinned", true), ("MemberLeft", false)]);
}
