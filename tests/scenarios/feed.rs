//! The feed: every event once, in order, linked, whatever happens to the connection.

use std::collections::BTreeMap;

use serde_json::json;
use tests::{Dice, Feed, Frame, Heard, Person, World, at_once};

/// Checks that the frames of each conversation link, and gives their seqs.
fn linked(frames: &[Frame]) -> BTreeMap<String, Vec<u64>> {
    let mut seqs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for frame in frames {
        let seen = seqs.entry(frame.conversation().to_owned()).or_default();
        if let Some(last) = seen.last() {
            assert_eq!(frame.previous_seq(), *last, "a gap or a duplicate at {}", frame.0);
        }
        seen.push(frame.seq());
    }
    seqs
}

#[test]
fn what_others_do_arrives_in_order_without_asking() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut seen = bob.subscribes();
    let sent = ann.sends(&group, "**hello**");
    let frame = seen.next();
    assert_eq!((frame.event(), frame.conversation()), ("MessageSent", group.as_str()));
    assert_eq!((frame.seq(), frame.previous_seq()), (sent.seq, sent.seq - 1));
    assert_eq!(frame.unread(), 1);
    assert!(frame.0["occurredAt"].is_string());
    let expected = json!({ "__typename": "Message", "id": sent.id, "number": "1", "threadId": null,
        "text": "hello", "deleted": false, "sender": { "id": ann.id } });
    assert_eq!(frame.change(), &expected);
    ann.edits(&sent.id, "hello!");
    ann.deletes(&sent.id);
    assert_eq!(seen.next().event(), "MessageEdited");
    let gone = seen.next();
    assert_eq!((gone.event(), gone.unread()), ("MessageDeleted", 0));
    assert_eq!(gone.change()["text"], json!(null));
}

#[test]
fn a_subscription_without_a_place_starts_at_now() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    ann.sends(&group, "before");
    let mut feed = Feed::start(bob.socket(), &bob.token, None, false);
    // Nothing tells when it is live: messages are sent until one of them has arrived.
    let (first, sent) = std::thread::scope(|scope| {
        let heard = scope.spawn(|| feed.next());
        let mut sent = Vec::new();
        while !heard.is_finished() {
            sent.push(ann.sends(&group, "now").seq);
        }
        (heard.join().expect("a frame"), sent)
    });
    let last = *sent.last().expect("something was sent");
    assert!(sent.contains(&first.seq()), "what was before does not come");
    let mut frames = vec![first];
    if frames[0].seq() < last {
        frames.extend(feed.until(&group, last));
    }
    linked(&frames);
}

#[test]
fn over_random_disconnects_every_event_comes_once_and_linked() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let start = bob.position();
    let writes = |seed: u64| {
        let (ann, conversations) = (&ann, [&group, &direct]);
        move || {
            let mut dice = Dice::new(seed);
            for at in 0..200 {
                let conversation = *dice.pick(&conversations);
                let sent = ann.sends(conversation, &format!("message {at}"));
                if dice.once_in(4) {
                    ann.edits(&sent.id, "edited");
                }
            }
        }
    };
    let bob_hears = || {
        let mut dice = Dice::new(3);
        let mut frames: Vec<Frame> = Vec::new();
        let mut position = start.clone();
        // Each connection takes some frames and breaks; the last is left to the mark.
        loop {
            let mut feed = bob.resumes(&position);
            for _ in 0..=dice.below(40) {
                let frame = feed.next();
                position = frame.position().to_owned();
                let ended = frame.change()["text"] == "the end";
                frames.push(frame);
                if ended {
                    return frames;
                }
            }
            feed.socket.breaks();
        }
    };
    let frames = std::thread::scope(|scope| {
        let heard = scope.spawn(bob_hears);
        writes(5)();
        ann.sends(&group, "the end");
        heard.join().expect("it heard everything")
    });
    let seqs = linked(&frames);
    let end = tests::long(&bob.sees(&group, "seq")["seq"]);
    assert_eq!(seqs[&group], (3..=end).collect::<Vec<_>>());
    let heard = &seqs[&direct];
    assert_eq!(*heard, (2..).take(heard.len()).collect::<Vec<_>>());
}

#[test]
fn a_resumed_feed_is_the_live_one_again() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let start = bob.position();
    let mut live = bob.resumes(&start);
    let mut last = 0;
    for at in 0..30 {
        last = ann.sends(&group, &format!("message {at}")).seq;
    }
    let first = live.until(&group, last);
    let again = bob.resumes(&start).until(&group, last);
    let shape = |frames: &[Frame]| -> Vec<serde_json::Value> {
        let fields = ["conversationId", "seq", "previousSeq", "occurredAt", "eventName", "change"];
        frames.iter().map(|it| fields.map(|field| it.0[field].clone()).into()).collect()
    };
    assert_eq!(shape(&first), shape(&again));
}

#[test]
fn a_feed_that_begins_after_a_command_does_not_repeat_it() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    for _ in 0..100 {
        let input = json!({ "conversationId": group, "text": "hello" });
        let sent = ann.does("sendMessage", input, "message { seq }");
        let mut feed = bob.resumes(sent["position"].as_str().expect("a position"));
        let next = ann.sends(&group, "next");
        assert_eq!(feed.next().seq(), next.seq);
    }
}

#[test]
fn a_removed_member_hears_of_it_and_nothing_after() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let start = bob.position();
    let mut live = bob.resumes(&start);
    let before = ann.sends(&group, "before");
    ann.removes(&group, &bob).data();
    let after = ann.sends(&group, "not for bob");
    ann.edits(&before.id, "not for bob either");
    let mark = ann.sends(&direct, "mark");
    let check = |feed: &mut Feed, resumed: bool| {
        // History comes partition by partition, so the mark may overtake the group: what is sent
        // once the mark was seen comes after all of it.
        let mut frames = feed.until(&direct, mark.seq);
        let last = ann.sends(&direct, "last");
        frames.extend(feed.until(&direct, last.seq));
        let of_group = frames.iter().filter(|it| it.0["conversationId"] == group.as_str());
        let events: Vec<&str> = of_group.map(Frame::event).collect();
        assert_eq!(events, ["MessageSent", "MemberRemoved"], "resumed: {resumed}");
        assert!(frames.iter().all(|it| !it.0.to_string().contains("not for bob")));
        linked(&frames);
    };
    check(&mut live, false);
    check(&mut bob.resumes(&start), true);
    assert_eq!(bob.sees_message(&after.id, "text"), json!(null));
}

#[test]
fn who_joins_again_gets_frames_that_link_across_the_absence() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let start = bob.position();
    let mut live = bob.resumes(&start);
    for round in 0..3 {
        ann.sends(&group, &format!("with bob {round}"));
        ann.removes(&group, &bob).data();
        ann.sends(&group, &format!("without bob {round}"));
        ann.adds(&group, &[&bob]);
    }
    let last = ann.sends(&group, "the end").seq;
    for (feed, kind) in [(&mut live, "live"), (&mut bob.resumes(&start), "resumed")] {
        let frames = feed.until(&group, last);
        let seqs = linked(&frames)[&group].clone();
        assert_eq!(seqs, [3, 4, 6, 7, 8, 10, 11, 12, 14, 15], "{kind}");
        assert!(frames.iter().all(|it| !it.0.to_string().contains("without bob")), "{kind}");
    }
}

#[test]
fn the_first_frame_of_a_new_member_links_to_where_the_membership_begins() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    let bob = world.person("bob");
    let start = bob.position();
    let mut live = bob.resumes(&start);
    ann.sends(&group, "before");
    ann.adds(&group, &[&bob]);
    for frame in [live.next(), bob.resumes(&start).next()] {
        assert_eq!((frame.event(), frame.seq(), frame.previous_seq()), ("MembersAdded", 3, 2));
    }
}

#[test]
fn compacted_what_changed_often_comes_once_and_still_links() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let start = bob.position();
    let sent: Vec<_> = (0..5).map(|it| ann.sends(&group, &format!("message {it}"))).collect();
    for round in 0..4 {
        ann.edits(&sent[1].id, &format!("edit {round}"));
    }
    ann.deletes(&sent[2].id);
    let last = ann.sends(&group, "the end").seq;
    let mut feed = bob.resumes_compact(&start);
    let frames = feed.until(&group, last);
    let seqs = linked(&frames)[&group].clone();
    assert_eq!(seqs, [3, 6, 7, 11, 12, 13]);
    assert_eq!(frames[0].previous_seq(), 2);
    assert_eq!(frames[3].change()["text"], "edit 3");
    assert_eq!(frames[4].change()["deleted"], true);
    let live = ann.sends(&group, "live").seq;
    let frame = feed.next();
    assert_eq!((frame.seq(), frame.previous_seq()), (live, last));
}

#[test]
fn live_and_compacted_a_storm_of_changes_ends_as_it_does_for_everyone() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat", "dan"]);
    let sent = people[0].sends(&group, "hello");
    let start = people[0].position();
    let (mut all, mut few) = (people[0].resumes(&start), people[1].resumes_compact(&start));
    let emoji = ["👍", "👎", "🔥", "🎉", "🤔"];
    let given = people.iter().flat_map(|it| emoji.map(|emoji| (it, emoji)));
    at_once(given.map(|(it, emoji)| {
        let input = json!({ "messageId": sent.id, "emoji": emoji });
        move || drop(it.tries("addReaction", input, "message { id }").data().clone())
    }));
    let end = people[0].sends(&group, "the end").seq;
    let (all, few) = (all.until(&group, end), few.until(&group, end));
    assert_eq!(linked(&all)[&group].len(), 4 * 5 + 1);
    let told = linked(&few)[&group].clone();
    assert_eq!(few[0].previous_seq(), sent.seq);
    assert_eq!(told[told.len() - 2..], [end - 1, end]);
    let last = |it: &[Frame]| it[it.len() - 2].change()["counts"].clone();
    assert_eq!(last(&few).as_array().map(Vec::len), Some(5));
    assert_eq!(last(&few), last(&all));
}

/// Sockets that were closed because their reader was too slow.
fn slow_sockets(world: &World) -> String {
    let metrics = world.metrics();
    let line = metrics.lines().find(|it| it.starts_with("parlance_sockets_slow_total"));
    line.expect("the counter is there from the start").to_owned()
}

#[test]
fn a_slow_reader_is_closed_and_resumes_where_it_was() {
    let world = World::with(|it| {
        it.socket_queue_frames = 16;
        it.socket_queue_bytes = 65_536;
    });
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut position = bob.position();
    let mut slow = bob.resumes(&position);
    let text = "x".repeat(16_000);
    let closed_before = slow_sockets(&world);
    let mut last = 0;
    // Many at once: a proxy in between takes megabytes, and gives a reader up that takes its time.
    while slow_sockets(&world) == closed_before {
        let sent = at_once((0..16).map(|_| || ann.sends(&group, &text).seq));
        last = sent.into_iter().chain([last]).max().unwrap_or_default();
    }
    // What it says meanwhile must not cost it what is on its way.
    slow.socket.say(&json!({ "type": "pong" }));
    let mut frames = Vec::new();
    let closed = loop {
        match slow.socket.hear() {
            Heard::Message(message) => {
                let frame = Frame(message["payload"]["data"]["updates"].clone());
                position = frame.position().to_owned();
                frames.push(frame);
            }
            Heard::Closed(code) => break code,
        }
    };
    assert_eq!(closed, Some(1013));
    assert!(frames.last().is_none_or(|it| it.seq() < last));
    frames.extend(bob.resumes(&position).until(&group, last));
    assert_eq!(linked(&frames)[&group], (3..=last).collect::<Vec<_>>());
}

#[test]
fn several_subscriptions_of_one_socket_hear_the_same() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let position = bob.position();
    let mut socket = bob.greeted_socket();
    let short = "subscription($after: String) { updates(after: $after) { seq eventName } }";
    let after = json!({ "after": position });
    socket.subscribe("long", tests::UPDATES, after.clone());
    socket.subscribe("short", short, after.clone());
    let sent = ann.sends(&group, "hello");
    let seq = json!(sent.seq.to_string());
    for id in ["short", "long"] {
        let message = socket.expect_for(id, "next");
        assert_eq!(message["payload"]["data"]["updates"]["seq"], seq, "{id}");
    }
    socket.say(&json!({ "type": "complete", "id": "short" }));
    // The answer to a query behind it tells that the completion has been received.
    socket.subscribe("query", "{ viewer { id } }", json!({}));
    socket.expect_for("query", "next");
    socket.expect_for("query", "complete");
    let edited = ann.sends(&group, "only for long");
    let message = socket.expect("next");
    assert_eq!(message["id"], "long");
    assert_eq!(message["payload"]["data"]["updates"]["seq"], json!(edited.seq.to_string()));
}

#[test]
fn queries_and_mutations_go_over_a_socket_too() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    let mut socket = ann.greeted_socket();
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { \
                message { number } } }";
    let input = json!({ "clientId": tests::fresh_id(), "conversationId": group, "text": "hi" });
    socket.subscribe("1", send, json!({ "input": input }));
    let answer = socket.expect_for("1", "next");
    assert_eq!(answer["payload"]["data"]["sendMessage"]["message"]["number"], "1");
    socket.expect_for("1", "complete");
}

#[test]
fn people_hear_their_own_conversations_only() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let cat = world.person("cat");
    let notes = cat.opens_direct(&cat);
    let start = cat.position();
    let mut live = cat.resumes(&start);
    ann.sends(&group, "hello");
    bob.reads(&group, 1);
    let mark = cat.sends(&notes, "mark").seq;
    let hears = |feed: &mut Feed, who: &Person| {
        let frames = feed.until(&notes, mark);
        assert_eq!(frames.len(), 1, "{} hears {frames:?}", who.name);
    };
    hears(&mut live, &cat);
    hears(&mut cat.resumes(&start), &cat);
}
