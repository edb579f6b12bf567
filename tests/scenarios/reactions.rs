//! Reactions: given and taken back by many at once, counted exactly, limited by admins.

use serde_json::{Value, json};
use tests::{Answer, Dice, Person, World, at_once, fresh_id};

const COUNTS: &str = "reactions { emoji count viewerReacted }";

/// Different emoji.
const MANY: [&str; 26] = [
    "👍", "👎", "❤️", "🔥", "🎉", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🤩", "🤮", "💩", "🙏", "👌",
    "🕊️", "🤡", "🥱", "🥴", "😍", "🐳", "🌚", "🌭", "💯", "🤣",
];

fn tries(person: &Person, name: &str, message: &str, emoji: &str) -> Answer {
    let wanted = format!("message {{ {COUNTS} }}");
    person.tries(name, json!({ "messageId": message, "emoji": emoji }), &wanted)
}

/// Gives or takes back and tells what the message has then.
fn reacts(person: &Person, name: &str, message: &str, emoji: &str) -> Value {
    tries(person, name, message, emoji).data()[name]["message"]["reactions"].clone()
}

fn gives(person: &Person, message: &str, emoji: &str) -> Value {
    reacts(person, "addReaction", message, emoji)
}

/// What a message has as somebody sees it.
fn seen(person: &Person, message: &str) -> Value {
    person.sees_message(message, COUNTS)["reactions"].clone()
}

fn count(emoji: &str, count: u64, own: bool) -> Value {
    json!({ "emoji": emoji, "count": count, "viewerReacted": own })
}

/// A page of those who gave an emoji: their names, cursors and whether there are more.
fn reactors(person: &Person, message: &str, emoji: &str, page: &str) -> Value {
    let query = format!(
        "query($id: ID!, $emoji: String!) {{ reactors(messageId: $id, emoji: $emoji{page}) {{ \
         edges {{ cursor node {{ account {{ username }} reactedAt }} }} \
         pageInfo {{ hasPreviousPage hasNextPage endCursor startCursor }} }} }}"
    );
    let answer = person.asks(&query, json!({ "id": message, "emoji": emoji }));
    answer.data()["reactors"].clone()
}

fn names(page: &Value) -> Vec<&str> {
    let edges = page["edges"].as_array().expect("a page has edges").iter();
    edges.map(|it| it["node"]["account"]["username"].as_str().expect("a name")).collect()
}

fn limits(person: &Person, group: &str, allowed: Value) -> Answer {
    let input = json!({ "conversationId": group, "allowed": allowed });
    person.tries("limitReactions", input, "conversation { allowedReactions }")
}

#[test]
fn reactions_are_counted_in_the_order_of_their_first_use() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "hello").id;
    assert_eq!(seen(&bob, &message), json!([]));
    assert_eq!(gives(&bob, &message, "🔥"), json!([count("🔥", 1, true)]));
    gives(&ann, &message, "❤");
    assert_eq!(gives(&bob, &message, "❤️"), json!([count("🔥", 1, true), count("❤️", 2, true)]));
    assert_eq!(seen(&ann, &message), json!([count("🔥", 1, false), count("❤️", 2, true)]));
    let left = reacts(&bob, "removeReaction", &message, "🔥");
    assert_eq!(left, json!([count("❤️", 2, true)]));
    assert_eq!(tries(&bob, "addReaction", &message, "ok").code(), "REACTIONS_EMOJI_INVALID");
    assert_eq!(tries(&bob, "removeReaction", &message, "👍👍").code(), "REACTIONS_EMOJI_INVALID");
}

#[test]
fn giving_on_many_devices_at_once_is_giving_once() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = ann.sends(&group, "hello");
    let devices = [&bob, &bob.on_another_device(), &bob.on_another_device()];
    let message = &sent.id;
    at_once((0..12).map(|it| {
        let device = devices[it % 3];
        move || drop(gives(device, message, "👍"))
    }));
    assert_eq!(seen(&bob, &sent.id), json!([count("👍", 1, true)]));
    let id = fresh_id();
    let body = json!({ "conversationId": group, "messageId": sent.id, "emoji": "👍" });
    let repeated = at_once((0..2).map(|_| || bob.commands("AddReaction", &id, &body).status));
    assert_eq!(repeated, [200, 200]);
    at_once((0..12).map(|it| {
        let device = devices[it % 3];
        move || drop(reacts(device, "removeReaction", message, "👍"))
    }));
    assert_eq!(seen(&ann, &sent.id), json!([]));
    let seq = tests::long(&ann.sees(&group, "seq")["seq"]);
    assert_eq!(seq, sent.seq + 2, "one was given and one was taken back");
}

#[test]
fn whatever_is_given_and_taken_back_at_once_all_devices_end_with_the_same() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let message = people[0].sends(&group, "hello").id;
    let phones = people.each_ref().map(Person::on_another_device);
    let devices: Vec<&Person> = people.iter().chain(&phones).collect();
    let mut feeds: Vec<_> = devices.iter().map(|it| it.subscribes()).collect();
    let act = |seed: u64, device: &Person| {
        let mut dice = Dice::new(seed);
        for _ in 0..40 {
            let name = if dice.once_in(3) { "removeReaction" } else { "addReaction" };
            let answer = tries(device, name, &message, MANY[dice.below(7)]);
            let failure = answer.failure();
            assert!(failure.is_none_or(|it| it == "REACTIONS_TOO_MANY_OWN"), "{answer:?}");
        }
    };
    at_once(devices.iter().zip(1..).map(|(it, seed)| move || act(seed, it)));
    let end = people[0].sends(&group, "the end").seq;
    let told = seen(&people[0], &message);
    let told = told.as_array().expect("a list").iter();
    let told: Vec<_> =
        told.map(|it| json!({ "emoji": it["emoji"], "count": it["count"] })).collect();
    for feed in &mut feeds {
        let frames = feed.until(&group, end);
        let last = frames.iter().rfind(|it| it.change()["__typename"] == "Reactions");
        assert_eq!(last.expect("a change").change()["counts"], json!(told));
    }
    for emoji in told {
        let name = emoji["emoji"].as_str().expect("an emoji");
        let page = reactors(&people[1], &message, name, "");
        assert_eq!(json!(names(&page).len()), emoji["count"], "{name}");
    }
}

#[test]
fn a_message_gets_twenty_different_emoji_and_five_of_a_member_however_many_come_at_once() {
    let world = World::new();
    let ([ann, bob, cat, dan, eve], group) =
        world.group("Lunch", ["ann", "bob", "cat", "dan", "eve"]);
    let message = &ann.sends(&group, "hello").id;
    let people = [&ann, &bob, &cat, &dan, &eve];
    let jobs = MANY.iter().take(25).enumerate();
    let jobs = jobs.map(|(at, it)| move || tries(people[at % 5], "addReaction", message, it));
    let answers = at_once(jobs);
    let refused: Vec<_> = answers.iter().filter_map(Answer::failure).collect();
    assert_eq!(refused, ["REACTIONS_TOO_MANY_DISTINCT"; 5]);
    assert_eq!(seen(&ann, message).as_array().map(Vec::len), Some(20));
    let other = &ann.sends(&group, "again").id;
    let jobs = MANY.iter().take(12).map(|it| move || tries(people[1], "addReaction", other, it));
    let answers = at_once(jobs);
    let refused: Vec<_> = answers.iter().filter_map(Answer::failure).collect();
    assert_eq!(refused, ["REACTIONS_TOO_MANY_OWN"; 7]);
    assert_eq!(seen(&bob, other).as_array().map(Vec::len), Some(5));
}

#[test]
fn who_has_given_an_emoji_is_listed_page_by_page() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat", "dan", "eve"]);
    let message = &people[0].sends(&group, "hello").id;
    people.iter().for_each(|it| drop(gives(it, message, "👍")));
    gives(&people[1], message, "🔥");
    let ann = &people[0];
    let first = reactors(ann, message, "👍", ", first: 2");
    assert_eq!(names(&first), ["ann", "bob"]);
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let cursor = first["pageInfo"]["endCursor"].as_str().expect("a cursor");
    let next = reactors(ann, message, "👍", &format!(", first: 100, after: \"{cursor}\""));
    assert_eq!(names(&next), ["cat", "dan", "eve"]);
    assert_eq!(next["pageInfo"]["hasNextPage"], false);
    let last = reactors(ann, message, "👍", ", last: 2");
    assert_eq!(names(&last), ["dan", "eve"]);
    let cursor = last["pageInfo"]["startCursor"].as_str().expect("a cursor");
    let before = reactors(ann, message, "👍", &format!(", last: 2, before: \"{cursor}\""));
    assert_eq!(names(&before), ["bob", "cat"]);
    assert_eq!(names(&reactors(ann, message, "🔥", "")), ["bob"]);
    assert_eq!(names(&reactors(ann, message, "🎉", "")), [""; 0]);
    reacts(&people[1], "removeReaction", message, "👍");
    gives(&people[1], message, "👍");
    assert_eq!(names(&reactors(ann, message, "👍", "")), ["ann", "cat", "dan", "eve", "bob"]);
    let query = format!("{{ reactors(messageId: \"{message}\", emoji: \"x\") {{ __typename }} }}");
    assert_eq!(ann.asks(&query, json!({})).code(), "REACTIONS_EMOJI_INVALID");
    let query = format!(
        "{{ reactors(messageId: \"{message}\", emoji: \"👍\", first: 101) {{ __typename }} }}"
    );
    assert_eq!(ann.asks(&query, json!({})).code(), "INVALID");
}

#[test]
fn strangers_see_and_give_nothing() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let message = ann.sends(&group, "hello").id;
    gives(&bob, &message, "👍");
    assert_eq!(reactors(&eve, &message, "👍", ""), Value::Null);
    assert_eq!(tries(&eve, "addReaction", &message, "👍").code(), "NOT_FOUND");
    assert_eq!(tries(&eve, "removeReaction", &message, "👍").code(), "NOT_FOUND");
    assert_eq!(limits(&eve, &group, json!([])).code(), "NOT_FOUND");
    bob.leaves(&group).data();
    assert_eq!(reactors(&bob, &message, "👍", ""), Value::Null);
    assert_eq!(tries(&bob, "removeReaction", &message, "👍").code(), "NOT_FOUND");
    assert_eq!(seen(&ann, &message), json!([count("👍", 1, false)]), "what was given stays");
}

#[test]
fn with_a_deleted_message_go_its_reactions() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "hello").id;
    gives(&bob, &message, "👍");
    ann.deletes(&message);
    assert_eq!(seen(&bob, &message), json!([]));
    assert_eq!(names(&reactors(&bob, &message, "👍", "")), [""; 0]);
    assert_eq!(tries(&bob, "addReaction", &message, "👍").code(), "REACTIONS_MESSAGE_GONE");
    assert_eq!(reacts(&bob, "removeReaction", &message, "👍"), json!([]));
}

#[test]
fn nobody_reacts_across_a_block() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let talk = ann.opens_direct(&bob);
    let message = ann.sends(&talk, "hello").id;
    gives(&bob, &message, "👍");
    let blocked = json!({ "accountId": bob.id });
    ann.does("blockAccount", blocked, "contact { blockedSince }");
    assert_eq!(tries(&bob, "addReaction", &message, "🔥").code(), "REACTIONS_REFUSED");
    assert_eq!(tries(&ann, "addReaction", &message, "🔥").code(), "REACTIONS_BLOCKED");
    assert_eq!(reacts(&bob, "removeReaction", &message, "👍"), json!([]));
}

#[test]
fn admins_say_what_is_given_in_their_group() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "hello").id;
    let allowed = |who: &Person| who.sees(&group, "allowedReactions")["allowedReactions"].clone();
    assert_eq!(allowed(&bob), Value::Null);
    assert_eq!(limits(&bob, &group, json!([])).code(), "REACTIONS_FORBIDDEN");
    let mut heard = bob.subscribes();
    limits(&ann, &group, json!(["👍", "❤", "👍"])).data();
    assert_eq!(allowed(&bob), json!(["👍", "❤️"]));
    let frame = heard.next_of(&group);
    let change = (frame.event(), &frame.change()["__typename"]);
    assert_eq!(change, ("ReactionsLimited", &json!("Conversation")));
    gives(&bob, &message, "❤️");
    assert_eq!(tries(&bob, "addReaction", &message, "🔥").code(), "REACTIONS_NOT_ALLOWED");
    ann.makes(&group, &bob, "ADMIN").data();
    limits(&bob, &group, json!([])).data();
    assert_eq!(allowed(&ann), json!([]));
    assert_eq!(tries(&bob, "addReaction", &message, "👍").code(), "REACTIONS_NOT_ALLOWED");
    limits(&bob, &group, Value::Null).data();
    assert_eq!(allowed(&ann), Value::Null);
    gives(&bob, &message, "🔥");
    let direct = ann.opens_direct(&bob);
    assert_eq!(limits(&ann, &direct, json!([])).code(), "REACTIONS_NOT_A_GROUP");
}

#[test]
fn each_change_is_a_frame_and_leaves_nothing_unread() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent = ann.sends(&group, "hello");
    ann.reads(&group, sent.number);
    let mut heard = ann.subscribes();
    gives(&bob, &sent.id, "👍");
    reacts(&bob, "removeReaction", &sent.id, "👍");
    let added = heard.next();
    assert_eq!((added.event(), added.conversation()), ("ReactionAdded", group.as_str()));
    assert_eq!((added.seq(), added.previous_seq()), (sent.seq + 1, sent.seq));
    assert_eq!(added.change()["messageId"], json!(sent.id));
    let removed = heard.next();
    assert_eq!((removed.event(), removed.seq()), ("ReactionRemoved", sent.seq + 2));
    let expected = json!({ "__typename": "Reactions", "messageId": sent.id, "counts": [] });
    assert_eq!(removed.change(), &expected);
    assert_eq!((added.unread(), removed.unread(), ann.unread(&group)), (0, 0, 0));
}

#[test]
fn compacted_many_reactions_to_a_message_are_one_frame() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let start = people[0].position();
    let sent = people[0].sends(&group, "hello");
    for emoji in &MANY[..4] {
        people.iter().for_each(|it| drop(gives(it, &sent.id, emoji)));
    }
    let end = people[0].sends(&group, "the end").seq;
    let frames = people[0].resumes_compact(&start).until(&group, end);
    let seen: Vec<_> = frames.iter().map(|it| (it.event(), it.seq(), it.previous_seq())).collect();
    let last = sent.seq + 12;
    let expected = [
        ("MessageSent", sent.seq, sent.seq - 1),
        ("ReactionAdded", last, sent.seq),
        ("MessageSent", end, last),
    ];
    assert_eq!(seen, expected);
    assert_eq!(frames[1].change()["counts"][3], json!({ "emoji": MANY[3], "count": 3 }));
}

#[test]
fn in_a_frame_everyone_sees_their_own_part() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "hello").id;
    let fields = "messageId conversationId counts { emoji count viewerReacted } \
        message { id text reactions { emoji viewerReacted } }";
    let selection = format!("seq change {{ ... on Reactions {{ {fields} }} }}");
    let mut sockets = [&ann, &bob].map(|it| it.hears(&selection));
    gives(&bob, &message, "👍");
    for (socket, own) in sockets.iter_mut().zip([false, true]) {
        let frame = socket.expect_for("own", "next");
        let expected = json!({
            "messageId": message,
            "conversationId": group,
            "counts": [count("👍", 1, own)],
            "message": {
                "id": message,
                "text": "hello",
                "reactions": [{ "emoji": "👍", "viewerReacted": own }],
            },
        });
        assert_eq!(frame["payload"]["data"]["updates"]["change"], expected);
    }
}

#[test]
fn who_has_left_is_not_told_what_came_after() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let one = ann.sends(&group, "one").id;
    let two = ann.sends(&group, "two").id;
    let start = bob.position();
    gives(&ann, &one, "👍");
    gives(&ann, &two, "👍");
    bob.leaves(&group).data();
    gives(&ann, &one, "🔥");
    let mut feed = bob.resumes(&start);
    let frames: Vec<_> = (0..3).map(|_| feed.next()).collect();
    let told: Vec<_> =
        frames.iter().map(|it| (it.event(), it.change()["counts"].clone())).collect();
    let kept = json!([{ "emoji": "👍", "count": 1 }]);
    let expected =
        [("ReactionAdded", Value::Null), ("ReactionAdded", kept), ("MemberLeft", Value::Null)];
    assert_eq!(told, expected);
}

#[test]
fn who_leaves_amid_many_reactions_is_told_none_that_came_after() {
    let world = World::new();
    let ([ann, bob, cat, dan], group) = world.group("Lunch", ["ann", "bob", "cat", "dan"]);
    for _ in 0..6 {
        let sent = ann.sends(&group, "hello");
        let mut heard = bob.subscribes();
        let (bob, group) = (&bob, &group);
        let gives = &|it| MANY[..5].iter().for_each(|emoji| drop(gives(it, &sent.id, emoji)));
        std::thread::scope(|scope| {
            for it in [&ann, &cat, &dan] {
                scope.spawn(move || gives(it));
            }
            heard.next();
            bob.leaves(group).data();
        });
        let mut told = Vec::new();
        let left = loop {
            let frame = heard.next();
            if frame.event() == "MemberLeft" {
                break frame.seq();
            }
            let counts = frame.change()["counts"].as_array().cloned().unwrap_or_default();
            told.push(counts.iter().filter_map(|it| it["count"].as_u64()).sum::<u64>());
        };
        // Between the message and the leaving there are reactions only.
        assert!(told.iter().all(|it| *it < left - sent.seq), "{told:?} before {left}");
        ann.adds(group, &[bob]);
    }
}

#[test]
fn pages_of_messages_show_their_reactions() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let message = ann.sends(&group, "hello").id;
    for emoji in &MANY[..3] {
        gives(&bob, &message, emoji);
    }
    reacts(&bob, "removeReaction", &message, MANY[0]);
    let page = "messages(last: 1) { nodes { id reactions { emoji count viewerReacted } } }";
    let nodes = bob.sees(&group, page)["messages"]["nodes"].clone();
    let reactions = json!([count(MANY[1], 1, true), count(MANY[2], 1, true)]);
    assert_eq!(nodes, json!([{ "id": message, "reactions": reactions }]));
}
