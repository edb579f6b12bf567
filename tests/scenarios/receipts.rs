//! Receipts: read pointers, and unread counts that follow from the log.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tests::{Dice, Person, Sent, World};

#[test]
fn reading_moves_forward_and_never_back() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    (0..5).for_each(|it| drop(ann.sends(&group, &format!("message {it}"))));
    assert_eq!(bob.unread(&group), 5);
    assert_eq!(bob.reads(&group, 3), 2);
    assert_eq!(bob.reads(&group, 1), 2);
    let state = "query($id: ID!) { readState(conversationId: $id) { number unreadCount } }";
    let state = bob.asks(state, json!({ "id": group })).data()["readState"].clone();
    assert_eq!(state, json!({ "number": "3", "unreadCount": 2 }));
    let ahead = json!({ "conversationId": group, "number": "6" });
    assert_eq!(bob.tries("markRead", ahead, "position").code(), "RECEIPTS_NUMBER_AHEAD");
    assert_eq!(ann.unread(&group), 0);
}

#[test]
fn sending_reads_what_came_before() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    (0..3).for_each(|it| drop(ann.sends(&group, &format!("message {it}"))));
    bob.sends(&group, "answer");
    assert_eq!(bob.unread(&group), 0);
    assert_eq!(ann.unread(&group), 1);
    assert_eq!(bob.sees(&group, "viewerReadNumber")["viewerReadNumber"], "4");
}

#[test]
fn what_was_sent_before_one_was_added_is_not_unread() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    let bob = world.person("bob");
    ann.sends(&group, "before");
    ann.adds(&group, &[&bob]);
    assert_eq!(bob.unread(&group), 0);
    ann.sends(&group, "after");
    assert_eq!(bob.unread(&group), 1);
}

#[test]
fn reading_on_one_device_arrives_on_the_other() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let phone = bob.on_another_device();
    ann.sends(&group, "one");
    ann.sends(&group, "two");
    let mut seen = phone.subscribes();
    bob.reads(&group, 1);
    let frame = seen.next();
    assert_eq!(frame.event(), "ReadMoved");
    let expected = json!({ "__typename": "ReadState", "conversationId": group,
        "number": "1", "unreadCount": 1 });
    assert_eq!(frame.change(), &expected);
}

/// What the product should know, kept the simple way.
#[derive(Default)]
struct Oracle {
    sent: BTreeMap<u64, (usize, Sent)>,
    deleted: BTreeSet<u64>,
    hidden: BTreeSet<(usize, u64)>,
    read: [u64; 3],
}

impl Oracle {
    fn unread(&self, person: usize) -> i64 {
        let unread = self.sent.iter().filter(|(number, (author, _))| {
            **number > self.read[person]
                && *author != person
                && !self.deleted.contains(number)
                && !self.hidden.contains(&(person, **number))
        });
        i64::try_from(unread.count()).expect("it fits")
    }

    fn act(&mut self, dice: &mut Dice, people: &[Person; 3], group: &str) {
        let at = dice.below(3);
        let person = &people[at];
        let numbers: Vec<u64> = self.sent.keys().copied().collect();
        match dice.below(10) {
            0..4 => {
                let sent = person.sends(group, "a message");
                self.read[at] = sent.number;
                self.sent.insert(sent.number, (at, sent));
            }
            4 | 5 if !numbers.is_empty() => {
                let number = *dice.pick(&numbers);
                let (author, sent) = &self.sent[&number];
                people[*author].deletes(&sent.id);
                self.deleted.insert(number);
            }
            6 | 7 if !numbers.is_empty() => {
                let number = *dice.pick(&numbers);
                person.hides(&self.sent[&number].1.id);
                self.hidden.insert((at, number));
            }
            8 | 9 if !numbers.is_empty() => {
                let number = *dice.pick(&numbers);
                person.reads(group, number);
                self.read[at] = self.read[at].max(number);
            }
            _ => (),
        }
    }
}

#[test]
fn after_any_run_the_unread_counts_are_those_of_a_recount() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let mut dice = Dice::new(7);
    let mut oracle = Oracle::default();
    for step in 0..300 {
        oracle.act(&mut dice, &people, &group);
        for (at, person) in people.iter().enumerate() {
            assert_eq!(person.unread(&group), oracle.unread(at), "{} at {step}", person.name);
        }
    }
}

#[test]
fn the_count_in_the_last_frame_is_what_a_fresh_query_gives() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let start = people[0].position();
    let mut feeds = people.each_ref().map(|it| it.resumes(&start));
    let mut dice = Dice::new(11);
    let mut oracle = Oracle::default();
    for step in 0..150 {
        oracle.act(&mut dice, &people, &group);
        if step % 5 != 0 {
            continue;
        }
        // A message of one's own ends every run of frames in a count of nothing.
        let sent = people[step % 3].sends(&group, "a mark");
        oracle.read[step % 3] = sent.number;
        oracle.sent.insert(sent.number, (step % 3, sent.clone()));
        for (at, feed) in feeds.iter_mut().enumerate() {
            let frames = feed.until(&group, sent.seq);
            let last = frames.last().expect("the mark has a frame");
            assert_eq!(last.unread(), oracle.unread(at), "{} at {step}", people[at].name);
            assert_eq!(last.unread(), people[at].unread(&group), "{} at {step}", people[at].name);
        }
    }
}
