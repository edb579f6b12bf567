//! What must be so after every fault, as the people see it.

use std::collections::BTreeMap;

use serde_json::json;
use tests::{Person, Stand, long};

use crate::load::{FOLLOWERS, GROUPS, Line, Load, SENDERS};

/// What has been checked before: later checks go on from there.
#[derive(Default)]
pub(crate) struct Checked {
    groups: [Line; GROUPS],
}

/// A message that was deleted for everyone before anything went wrong.
pub(crate) struct Deleted {
    pub(crate) by: usize,
    pub(crate) id: String,
}

impl Checked {
    /// Checks everything while nobody sends and all have heard all.
    pub(crate) fn check(&mut self, stand: &Stand, load: &Load, deleted: &[Deleted]) {
        for group in 0..GROUPS {
            self.check_group(load, group);
        }
        for it in deleted {
            let seen = load.people[it.by].sees_message(&it.id, "deleted text");
            assert_eq!(seen, json!({ "deleted": true, "text": null }), "erased-is-gone");
        }
        let overheard = load.conversations(FOLLOWERS);
        assert!(overheard.iter().all(String::is_empty), "nobody-overhears: {overheard:?}");
        let wrong = load.wrong();
        assert!(wrong.is_empty(), "followed-is-fetched: {wrong:#?}");
        let panics = stand.panics();
        assert!(panics.is_empty(), "evolve-never-panics: {panics:#?}");
    }

    fn check_group(&mut self, load: &Load, group: usize) {
        let (id, line) = (&load.groups[group], &mut self.groups[group]);
        let reader = &load.people[group];
        let acknowledged = load.acknowledged(group, line.number);
        let fetched = messages(reader, id, line.number.max(FIRST - 1));
        let ids: BTreeMap<u64, String> =
            acknowledged.iter().map(|(number, it)| (*number, it.0.clone())).collect();
        assert_eq!(fetched, ids, "acknowledged-is-recorded, each once, in group {group}");
        for (number, id) in &fetched {
            assert!(*number == line.number.max(FIRST - 1) + 1, "dense-and-ordered: {number}");
            *line = line.with(*number, id);
        }
        for follower in (0..FOLLOWERS).filter(|it| Load::group_of(it % SENDERS) == group) {
            let heard = load.line(follower, id);
            assert_eq!(
                (heard.number, heard.digest),
                (line.number, line.digest),
                "followed-is-fetched: follower {follower} of group {group}"
            );
        }
        self.check_unread(load, group, line_end(&fetched, self.groups[group].number));
    }

    fn check_unread(&self, load: &Load, group: usize, last: u64) {
        let all = load.acknowledged(group, 0);
        for person in (0..SENDERS).filter(|it| Load::group_of(*it) == group) {
            let own = all.iter().filter(|(_, it)| it.1 == person).map(|(number, _)| *number).max();
            // Who has sent nothing has read what the setup had them read: nothing.
            let Some(own) = own else { continue };
            let unread = load.people[person].unread(&load.groups[group]);
            let expected = i64::try_from(last - own).expect("it fits");
            assert_eq!(unread, expected, "no-drift: {person} in group {group}");
        }
    }
}

/// The number of the first message of the load: one was sent and deleted before.
const FIRST: u64 = 2;

fn line_end(fetched: &BTreeMap<u64, String>, before: u64) -> u64 {
    fetched.keys().next_back().copied().unwrap_or(before)
}

/// Messages after a number, page by page.
fn messages(reader: &Person, group: &str, after: u64) -> BTreeMap<u64, String> {
    let mut all = BTreeMap::new();
    let mut after = after.to_string();
    loop {
        let (page, info) = reader.page(group, &format!("first: 100, after: \"{after}\""));
        for (number, id) in page {
            assert!(all.insert(number, id).is_none(), "number {number} came twice");
        }
        if info["hasNextPage"] != true {
            return all;
        }
        after = long(&info["endCursor"]).to_string();
    }
}
