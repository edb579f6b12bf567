//! Accounts for every line of the log: what it was, and what became of it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::lines::Reason;
use super::plan::Source;

const EXAMPLES_MAX: usize = 3;
const EXCERPT_CHARS_MAX: usize = 80;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Messages,
    Actions,
    Joins,
    Parts,
    Quits,
    Kicks,
    Renames,
    /// What programs announce with `-nick-` lines.
    Notices,
    /// Modes and topics.
    Service,
    Blank,
    Skipped,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    MessageStep,
    JoinStep,
    LeaveStep,
    /// A member connected again.
    Presence,
    /// A member disconnected.
    Absence,
    /// A leave by someone who was not a member.
    NotAMember,
    /// A rename between nicks of one person.
    OnePerson,
    /// A rename between nicks that stay two people.
    KeptApart,
    /// About someone who never said anything.
    Lurker,
    /// A message or action without text.
    Empty,
    LeftOut,
}

/// Lines of one reason, with the first few.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    pub lines: u64,
    pub examples: Vec<Example>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    pub source: Source,
    pub excerpt: String,
}

/// Bytes that are not UTF-8 and were replaced by U+FFFD.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct NotUtf8 {
    pub bytes: u64,
    pub lines: u64,
    pub files: u64,
}

/// The numbers of one reading.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub files: u64,
    /// Files of the folder that are no day's log.
    pub files_ignored: Vec<String>,
    pub lines: u64,
    pub kinds: BTreeMap<Kind, BTreeMap<Fate, u64>>,
    pub skipped: BTreeMap<Reason, Skipped>,
    pub not_utf8: NotUtf8,
    /// Codes for colour and weight that were taken out of texts.
    pub control_codes: u64,
    /// Lines in the second pass of the hour that clocks repeat.
    pub repeated_hour: u64,
    /// Lines whose clock went back for no known reason.
    pub clock_backward: u64,
    pub people: u64,
    /// Nicks, after renames, that never said anything.
    pub lurkers: u64,
    /// Joins put before the first words of someone whose own join the log does not have.
    pub joins_implied: u64,
}

impl Report {
    pub(super) fn count(&mut self, kind: Kind, fate: Fate) {
        *self.kinds.entry(kind).or_default().entry(fate).or_default() += 1;
    }

    pub(super) fn skip(&mut self, reason: Reason, source: Source, line: &str) {
        self.count(Kind::Skipped, Fate::LeftOut);
        let skipped = self.skipped.entry(reason).or_default();
        skipped.lines += 1;
        if skipped.examples.len() < EXAMPLES_MAX {
            let excerpt = line.chars().take(EXCERPT_CHARS_MAX).collect();
            skipped.examples.push(Example { source, excerpt });
        }
    }

    /// How many lines are of a kind.
    pub fn lines_of(&self, kind: Kind) -> u64 {
        self.kinds.get(&kind).map_or(0, |fates| fates.values().sum())
    }

    /// How many lines met a fate.
    pub fn lines_that_became(&self, fate: Fate) -> u64 {
        self.kinds.values().filter_map(|fates| fates.get(&fate)).sum()
    }

    pub(super) fn assert_complete(&self) {
        let counted: u64 = self.kinds.values().flat_map(BTreeMap::values).sum();
        assert_eq!(counted, self.lines, "every line has one kind and one fate");
    }
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Actions => "actions",
            Self::Joins => "joins",
            Self::Parts => "parts",
            Self::Quits => "quits",
            Self::Kicks => "kicks",
            Self::Renames => "renames",
            Self::Notices => "notices",
            Self::Service => "service lines",
            Self::Blank => "blank",
            Self::Skipped => "skipped",
        }
    }
}

impl Fate {
    fn words(self) -> &'static str {
        match self {
            Self::MessageStep => "message",
            Self::JoinStep => "join",
            Self::LeaveStep => "leave",
            Self::Presence => "presence",
            Self::Absence => "absence",
            Self::NotAMember => "not a member",
            Self::OnePerson => "one person",
            Self::KeptApart => "kept apart",
            Self::Lurker => "lurkers",
            Self::Empty => "empty",
            Self::LeftOut => "left out",
        }
    }
}

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Self::NoTime => "no time",
            Self::NoSuchTime => "no such time",
            Self::UnknownForm => "unknown form",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ignored = self.files_ignored.len();
        row(f, "lines", self.lines, &format!("in {} files, {ignored} ignored", self.files))?;
        for (kind, fates) in &self.kinds {
            let became: Vec<String> =
                fates.iter().map(|(fate, count)| format!("{} {count}", fate.words())).collect();
            row(f, &format!("  {}", kind.words()), self.lines_of(*kind), &became.join(", "))?;
        }
        for (reason, skipped) in &self.skipped {
            row(f, &format!("skipped: {}", reason.words()), skipped.lines, "")?;
            for Example { source, excerpt } in &skipped.examples {
                writeln!(f, "    {}:{} {excerpt}", source.file, source.line)?;
            }
        }
        let NotUtf8 { bytes, lines, files } = self.not_utf8;
        row(f, "bytes not UTF-8", bytes, &format!("in {lines} lines of {files} files"))?;
        row(f, "control codes", self.control_codes, "")?;
        row(f, "repeated hour", self.repeated_hour, "")?;
        row(f, "clock backward", self.clock_backward, "")?;
        row(f, "people", self.people, &format!("and {} lurkers", self.lurkers))?;
        let joins = self.lines_that_became(Fate::JoinStep) + self.joins_implied;
        row(f, "join steps", joins, &format!("{} implied", self.joins_implied))?;
        row(f, "leave steps", self.lines_that_became(Fate::LeaveStep), "")?;
        row(f, "message steps", self.lines_that_became(Fate::MessageStep), "")
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, count: u64, remark: &str) -> fmt::Result {
    writeln!(f, "{}", format!("{name:<24}{count:>8}  {remark}").trim_end())
}
