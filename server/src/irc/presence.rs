//! Reconstructs which nick was connected when, and who was seen together.

use std::collections::BTreeMap;

use super::lines::Entry;
use super::plan::Record;

/// How long a connection that is already dead can still be listed: the server waits for a
/// ping, and after a network split the survivors wait for the servers.
const GHOST_MS_MAX: i64 = 20 * 60 * 1000;

/// One connection's time under one nick.
#[derive(Debug)]
struct Stay {
    from_ms: i64,
    until_ms: i64,
    ident: Option<String>,
    /// The connection broke, as opposed to a good-bye.
    lost: bool,
}

/// All that the log shows of one nick, in whatever case it was written.
#[derive(Debug, Default)]
pub(super) struct Nick {
    /// Spellings in the order they were first seen, with what was said under each.
    pub(super) spellings: Vec<(String, u64)>,
    /// Where in the log the nick first appears.
    pub(super) first: usize,
    /// When the nick said something, sorted.
    said: Vec<i64>,
    stays: Vec<Stay>,
}

impl Nick {
    pub(super) fn speaks(&self) -> bool {
        !self.said.is_empty()
    }

    fn said_between(&self, from_ms: i64, until_ms: i64) -> bool {
        let after = self.said.partition_point(|it| *it < from_ms);
        self.said.get(after).is_some_and(|it| *it <= until_ms)
    }

    /// Two nicks that were connected at the same time, longer than a ghost lasts, or that both
    /// spoke while both were connected.
    pub(super) fn seen_together(&self, other: &Self) -> bool {
        self.stays.iter().any(|mine| {
            other.stays.iter().any(|theirs| {
                let from = mine.from_ms.max(theirs.from_ms);
                let until = mine.until_ms.min(theirs.until_ms);
                let both_spoke =
                    || self.said_between(from, until) && other.said_between(from, until);
                from < until && (until - from > GHOST_MS_MAX || both_spoke())
            })
        })
    }

    /// Whether one nick's connection broke shortly after the other appeared from the same ident.
    pub(super) fn took_over(&self, other: &Self) -> bool {
        let followed = |older: &Stay, newer: &Stay| {
            older.lost
                && older.ident.is_some()
                && older.ident == newer.ident
                && (older.from_ms..=older.until_ms).contains(&newer.from_ms)
                && older.until_ms - newer.from_ms <= GHOST_MS_MAX
        };
        self.stays.iter().any(|mine| {
            other.stays.iter().any(|theirs| followed(mine, theirs) || followed(theirs, mine))
        })
    }
}

/// A nick as the server compares it: case does not count, and four signs are letters.
pub(super) fn key(nick: &str) -> String {
    let fold = |it: char| match it {
        '[' => '{',
        ']' => '}',
        '\\' => '|',
        '~' => '^',
        other => other.to_ascii_lowercase(),
    };
    nick.chars().map(fold).collect()
}

pub(super) fn nicks(records: &[Record]) -> BTreeMap<String, Nick> {
    let mut watch =
        Watch { began_ms: records.first().map_or(0, |it| it.at_ms), ..Watch::default() };
    for (at, record) in records.iter().enumerate() {
        watch.see(at, record);
    }
    for key in watch.open.keys().cloned().collect::<Vec<_>>() {
        watch.forget(&key);
    }
    for nick in watch.nicks.values_mut() {
        nick.said.sort_unstable();
    }
    watch.nicks
}

struct Connection {
    from_ms: i64,
    last_ms: i64,
    ident: Option<String>,
}

#[derive(Default)]
struct Watch {
    began_ms: i64,
    nicks: BTreeMap<String, Nick>,
    open: BTreeMap<String, Connection>,
}

impl Watch {
    fn see(&mut self, at: usize, record: &Record) {
        let at_ms = record.at_ms;
        match &record.entry {
            Entry::Message { nick, text } | Entry::Action { nick, text } => {
                let key = self.here(nick, at, at_ms);
                if !text.is_empty() {
                    self.speak(&key, nick, at_ms);
                }
            }
            Entry::Join { nick, ident } => {
                let key = self.name(nick, at);
                // A second join means that the log missed how the first one ended.
                self.forget(&key);
                self.open(key, at_ms, Some(ident.clone()));
            }
            Entry::Part { nick, ident } => self.close(nick, at, at_ms, Some(ident), false),
            Entry::Quit { nick, ident, lost } => self.close(nick, at, at_ms, Some(ident), *lost),
            Entry::Kick { nick } => self.close(nick, at, at_ms, None, false),
            Entry::Rename { from, to } => self.rename(from, to, at, at_ms),
            Entry::Notice | Entry::Service => (),
        }
    }

    /// Notes the spelling, and returns the key.
    fn name(&mut self, nick: &str, at: usize) -> String {
        let key = key(nick);
        let seen = self.nicks.entry(key.clone()).or_insert(Nick { first: at, ..Nick::default() });
        if seen.spellings.iter().all(|it| it.0 != nick) {
            seen.spellings.push((nick.to_owned(), 0));
        }
        key
    }

    /// Notes a sign of life from a nick that must be connected.
    fn here(&mut self, nick: &str, at: usize, at_ms: i64) -> String {
        let key = self.name(nick, at);
        match self.open.get_mut(&key) {
            Some(connection) => connection.last_ms = at_ms,
            None => {
                // Who appears without a join was there when the log began.
                let new = self.nicks.get(&key).is_some_and(|it| it.first == at);
                self.open(key.clone(), if new { self.began_ms } else { at_ms }, None);
            }
        }
        key
    }

    fn speak(&mut self, key: &str, nick: &str, at_ms: i64) {
        let speaker = self.nicks.get_mut(key).expect("who is here was named");
        speaker.said.push(at_ms);
        let mut spellings = speaker.spellings.iter_mut();
        spellings.find(|it| it.0 == nick).expect("who is here was named").1 += 1;
    }

    fn open(&mut self, key: String, from_ms: i64, ident: Option<String>) {
        self.open.insert(key, Connection { from_ms, last_ms: from_ms, ident });
    }

    fn close(&mut self, nick: &str, at: usize, at_ms: i64, ident: Option<&String>, lost: bool) {
        let key = self.here(nick, at, at_ms);
        if let Some(connection) = self.open.remove(&key) {
            let ident = connection.ident.or_else(|| ident.cloned());
            self.stay(&key, Stay { from_ms: connection.from_ms, until_ms: at_ms, ident, lost });
        }
    }

    /// Ends a connection whose end the log does not show: it lasted at least to its last line.
    fn forget(&mut self, key: &str) {
        if let Some(Connection { from_ms, last_ms, ident }) = self.open.remove(key) {
            self.stay(key, Stay { from_ms, until_ms: last_ms, ident, lost: false });
        }
    }

    fn rename(&mut self, from: &str, to: &str, at: usize, at_ms: i64) {
        let (old, new) = (self.here(from, at, at_ms), self.name(to, at));
        if old == new {
            return;
        }
        let ident = self.open.get(&old).and_then(|it| it.ident.clone());
        self.close(from, at, at_ms, None, false);
        self.forget(&new);
        self.open(new, at_ms, ident);
    }

    fn stay(&mut self, key: &str, stay: Stay) {
        self.nicks.get_mut(key).expect("a connection's nick was named").stays.push(stay);
    }
}
