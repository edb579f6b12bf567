//! Decides which nicks are one person, and what that person is called.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::lines::Entry;
use super::plan::Record;
use super::presence::{self, Nick, key};

const USERNAME_MIN: usize = 3;
const USERNAME_MAX: usize = 32;

/// Somebody who said something, under one or more nicks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Matches `^[a-z][a-z0-9_]{2,31}$`; no two people of a plan share one.
    pub username: String,
    /// The spelling under which the person said most.
    pub display_name: String,
    /// Every spelling, in the order they were first seen.
    pub nicks: Vec<String>,
}

/// Who is behind each nick.
pub(super) struct Roster {
    pub(super) people: Vec<Person>,
    /// Groups of nicks that never said anything.
    pub(super) lurkers: u64,
    groups: BTreeMap<String, usize>,
    people_of_groups: BTreeMap<usize, usize>,
}

impl Roster {
    pub(super) fn new(records: &[Record]) -> Self {
        let nicks = presence::nicks(records);
        let mut groups = Groups::new(&nicks);
        for (from, to) in renames(records) {
            groups.join_unless_seen_together(&from, &to);
        }
        for (one, other) in takeovers(&nicks) {
            groups.join_unless_seen_together(one, other);
        }
        groups.roster()
    }

    /// The person behind a nick, unless the nick belongs to a lurker.
    pub(super) fn person(&self, nick: &str) -> Option<usize> {
        self.people_of_groups.get(self.groups.get(&key(nick))?).copied()
    }

    pub(super) fn is_one_person(&self, nick: &str, other: &str) -> bool {
        self.groups.get(&key(nick)) == self.groups.get(&key(other))
    }
}

/// Pairs of nicks between which a connection changed, the best attested first.
fn renames(records: &[Record]) -> Vec<(String, String)> {
    let mut counts: BTreeMap<(String, String), (u64, usize)> = BTreeMap::new();
    for (at, record) in records.iter().enumerate() {
        if let Entry::Rename { from, to } = &record.entry {
            let (from, to) = (key(from), key(to));
            let pair = if from < to { (from, to) } else { (to, from) };
            counts.entry(pair).or_insert((0, at)).0 += 1;
        }
    }
    let mut pairs: Vec<_> = counts.into_iter().filter(|(pair, _)| pair.0 != pair.1).collect();
    pairs.sort_by_key(|(_, (count, first))| (Reverse(*count), *first));
    pairs.into_iter().map(|(pair, _)| pair).collect()
}

/// Pairs of spellings of one stem of which one took over the other's broken connection.
fn takeovers(nicks: &BTreeMap<String, Nick>) -> Vec<(&str, &str)> {
    let mut stems: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in nicks.keys() {
        stems.entry(stem(key)).or_default().push(key);
    }
    let mut pairs = Vec::new();
    for spellings in stems.values() {
        for (at, one) in spellings.iter().enumerate() {
            let others = spellings[at + 1..].iter().map(|other| (*one, *other));
            pairs.extend(others.filter(|(one, other)| nicks[*one].took_over(&nicks[*other])));
        }
    }
    pairs
}

/// A key without what clients append when the nick is taken, or people when they are away.
fn stem(key: &str) -> &str {
    let name = key.split_once('|').map_or(key, |(name, _)| name);
    let stem = name.trim_end_matches(['_', '`', '^', '-']);
    if stem.is_empty() { key } else { stem }
}

struct Groups<'a> {
    nicks: &'a BTreeMap<String, Nick>,
    of_key: BTreeMap<&'a str, usize>,
    members: Vec<BTreeSet<&'a str>>,
}

impl<'a> Groups<'a> {
    fn new(nicks: &'a BTreeMap<String, Nick>) -> Self {
        let of_key = nicks.keys().enumerate().map(|(group, key)| (key.as_str(), group)).collect();
        let members = nicks.keys().map(|key| BTreeSet::from([key.as_str()])).collect();
        Self { nicks, of_key, members }
    }

    fn join_unless_seen_together(&mut self, one: &str, other: &str) {
        let (one, other) = (self.of_key[one], self.of_key[other]);
        let strangers = self.members[one].iter().any(|a| {
            self.members[other].iter().any(|b| self.nicks[*a].seen_together(&self.nicks[*b]))
        });
        if one == other || strangers {
            return;
        }
        for key in std::mem::take(&mut self.members[other]) {
            self.of_key.insert(key, one);
            self.members[one].insert(key);
        }
    }

    fn roster(self) -> Roster {
        let mut speakers = Vec::new();
        let mut lurkers = 0;
        for (group, keys) in self.members.iter().enumerate().filter(|(_, keys)| !keys.is_empty()) {
            let mut nicks: Vec<&Nick> = keys.iter().map(|key| &self.nicks[*key]).collect();
            nicks.sort_by_key(|nick| nick.first);
            if nicks.iter().any(|nick| nick.speaks()) {
                speakers.push((group, nicks));
            } else {
                lurkers += 1;
            }
        }
        // The target of a rename is first seen on the same line as its source.
        speakers.sort_by_key(|(group, nicks)| (nicks[0].first, *group));
        let mut taken = BTreeSet::new();
        let mut people_of_groups = BTreeMap::new();
        let mut people = Vec::with_capacity(speakers.len());
        for (group, nicks) in speakers {
            people_of_groups.insert(group, people.len());
            people.push(person(&nicks, &mut taken));
        }
        let groups = self.of_key.into_iter().map(|(key, group)| (key.to_owned(), group)).collect();
        Roster { people, lurkers, groups, people_of_groups }
    }
}

fn person(nicks: &[&Nick], taken: &mut BTreeSet<String>) -> Person {
    let spellings: Vec<&(String, u64)> = nicks.iter().flat_map(|nick| &nick.spellings).collect();
    // Of equals, `min_by_key` takes the one that was seen first.
    let best = spellings.iter().min_by_key(|(_, said)| Reverse(*said));
    let display_name = best.expect("a group has a nick").0.clone();
    let username = free_username(&username(&display_name), taken);
    Person { username, display_name, nicks: spellings.iter().map(|it| it.0.clone()).collect() }
}

fn username(nick: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '_' };
    let name: String = nick.chars().map(plain).collect();
    let name = name.trim_start_matches('_');
    let begins_well = name.starts_with(|it: char| it.is_ascii_lowercase());
    let whole = begins_well && name.len() >= USERNAME_MIN;
    let mut username = if whole { name.to_owned() } else { format!("irc_{name}") };
    username.truncate(USERNAME_MAX);
    username
}

fn free_username(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2_u32..).map(|number| {
        let suffix = format!("_{number}");
        let kept = wanted.len().min(USERNAME_MAX - suffix.len());
        format!("{}{suffix}", &wanted[..kept])
    });
    let free = std::iter::once(wanted.to_owned()).chain(numbered).find(|it| !taken.contains(it));
    let username = free.expect("numbers do not run out");
    taken.insert(username.clone());
    username
}
