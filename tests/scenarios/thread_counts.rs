//! Counts of threads and of their conversation, whatever is done in whatever order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tests::{Dice, Person, World};

use crate::threads::{answers, moves, reads, unread};

/// What the product should know, kept the simple way.
#[derive(Default)]
struct Oracle {
    /// By number: who wrote it, its id, and the root of the thread that it is in.
    sent: BTreeMap<u64, (usize, String, Option<usize>)>,
    moved: BTreeSet<u64>,
    deleted: BTreeSet<u64>,
    removed: BTreeSet<u64>,
    hidden: BTreeSet<(usize, u64)>,
    read: [u64; 3],
    read_threads: [[u64; 2]; 3],
}

impl Oracle {
    fn unread(&self, who: usize, line: Option<usize>) -> i64 {
        let unread = self.sent.iter().filter(|(number, (author, _, thread))| {
            let above = match line {
                None => **number > self.read[who],
                Some(at) => {
                    let passed = self.moved.contains(number) && **number <= self.read[who];
                    **number > self.read_threads[who][at] && !passed
                }
            };
            let there = !self.deleted.contains(number)
                && !self.removed.contains(number)
                && !self.hidden.contains(&(who, **number));
            *thread == line && above && there && *author != who
        });
        i64::try_from(unread.count()).expect("it fits")
    }

    fn act(&mut self, dice: &mut Dice, people: &[Person; 3], group: &str, roots: &[String; 2]) {
        let (at, root) = (dice.below(3), dice.below(2));
        let person = &people[at];
        let numbers: Vec<u64> = self.sent.keys().copied().collect();
        let kind = if numbers.is_empty() { 0 } else { dice.below(14) };
        let number = if numbers.is_empty() { 0 } else { *dice.pick(&numbers) };
        let gone = self.deleted.contains(&number) || self.removed.contains(&number);
        let message = self.sent.get(&number).cloned();
        match (kind, message) {
            (0..3, _) | (_, None) => {
                let sent = person.sends(group, "a message");
                self.read[at] = sent.number;
                self.sent.insert(sent.number, (at, sent.id, None));
            }
            (3..6, _) => {
                let sent = answers(person, group, &roots[root], "an answer");
                self.read_threads[at][root] = sent.number;
                self.sent.insert(sent.number, (at, sent.id, Some(root)));
            }
            (6 | 7, Some((_, id, thread))) if !gone => {
                if thread.is_none() || self.moved.contains(&number) {
                    let to = (kind == 6).then_some(root);
                    let thread = to.map(|it| &*roots[it]);
                    moves(&people[0], group, thread, &[&id]).data();
                    self.moved.insert(number);
                    self.sent.entry(number).and_modify(|it| it.2 = to);
                }
            }
            (8, Some((author, id, _))) => {
                people[author].deletes(&id);
                self.deleted.insert(number);
            }
            (9, Some((author, id, _))) if !gone && author != 0 => {
                people[0].deletes(&id);
                self.removed.insert(number);
            }
            (10, Some((_, id, _))) if self.removed.contains(&number) => {
                if !self.deleted.contains(&number) {
                    let input = json!({ "conversationId": group, "messageIds": [id] });
                    people[0].does("restoreMessages", input, "__typename");
                    self.removed.remove(&number);
                }
            }
            (11, Some((_, id, _))) => {
                person.hides(&id);
                self.hidden.insert((at, number));
            }
            (12, _) => {
                person.reads(group, number);
                self.read[at] = self.read[at].max(number);
            }
            (13, Some((_, _, Some(root)))) => {
                reads(person, &roots[root], number);
                self.read_threads[at][root] = self.read_threads[at][root].max(number);
            }
            (_, Some(_)) => (),
        }
    }
}

#[test]
fn after_any_run_the_counts_of_threads_and_of_the_rest_are_those_of_a_recount() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat"]);
    // What begins a thread is not moved: those messages are read by all from the beginning.
    let roots = ["soup?", "tea?"].map(|it| people[0].sends(&group, it).id);
    let begun = roots.each_ref().map(|it| answers(&people[0], &group, it, "yes").number);
    for person in &people {
        person.reads(&group, begun[1]);
        for (root, number) in roots.iter().zip(begun) {
            reads(person, root, number);
        }
    }
    let (read, read_threads) = ([begun[1]; 3], [begun; 3]);
    let mut oracle = Oracle { read, read_threads, ..Oracle::default() };
    let mut dice = Dice::new(5);
    for step in 0..200 {
        oracle.act(&mut dice, &people, &group, &roots);
        for (at, person) in people.iter().enumerate() {
            let name = &person.name;
            assert_eq!(person.unread(&group), oracle.unread(at, None), "{name} at {step}");
            for (thread, root) in roots.iter().enumerate() {
                let expected = oracle.unread(at, Some(thread));
                assert_eq!(unread(person, root), expected, "{name} in {thread} at {step}");
            }
        }
    }
}
