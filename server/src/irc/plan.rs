//! Reads a folder of logs, line by line, into the steps of an import.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::clock::{self, Clock};
use super::lines::{self, Entry, Line};
use super::markdown;
use super::people::{Person, Roster};
use super::report::{Fate, Kind, Report};

/// What an import does, in this order, and the account of the log it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub people: Vec<Person>,
    pub steps: Vec<Step>,
    pub report: Report,
}

/// One thing that a person did; people are indexes into [`Plan::people`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Join { person: usize, at_ms: i64, source: Source },
    Leave { person: usize, at_ms: i64, source: Source },
    Message { person: usize, markdown: String, at_ms: i64, source: Source },
}

/// The line that a step comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Relative to the folder, separated by `/`.
    pub file: String,
    /// Counted from one.
    pub line: u32,
}

/// Why a folder gives no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("folder cannot be listed: {path}")]
    Folder { path: PathBuf, source: io::Error },
    #[error("log file cannot be read: {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("folder holds no log file: {path}")]
    NoLogs { path: PathBuf },
}

/// A readable line in its place and time.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) at_ms: i64,
    pub(super) source: Source,
    pub(super) entry: Entry,
}

impl Step {
    /// The same id for the same line, whenever and wherever it is imported.
    pub fn client_id(&self) -> Uuid {
        let (kind, at_ms, source) = match self {
            Self::Join { at_ms, source, .. } => ("join", at_ms, source),
            Self::Leave { at_ms, source, .. } => ("leave", at_ms, source),
            Self::Message { at_ms, source, .. } => ("message", at_ms, source),
        };
        let digest = Sha256::new()
            .chain_update(&source.file)
            .chain_update([0])
            .chain_update(source.line.to_be_bytes())
            .chain_update(kind)
            .finalize();
        let tail = digest.first_chunk().expect("a digest has 32 bytes");
        // An id has no bits for times before 1970, and no log of that age is read.
        Builder::from_unix_timestamp_millis(u64::try_from(*at_ms).unwrap_or(0), tail).into_uuid()
    }
}

/// Reads all logs below a folder; the same files give the same plan.
pub fn read(folder: &Path) -> Result<Plan, Error> {
    let mut reading = Reading::new();
    let mut days = Vec::new();
    list(folder, "", &mut days, &mut reading.report.files_ignored)?;
    if days.is_empty() {
        return Err(Error::NoLogs { path: folder.to_owned() });
    }
    days.sort();
    reading.report.files_ignored.sort();
    for (date, file) in days {
        let path = folder.join(&file);
        let bytes = fs::read(&path).map_err(|source| Error::File { path, source })?;
        reading.read_day(date, &file, &bytes);
    }
    Ok(reading.plan())
}

fn list(
    folder: &Path,
    below: &str,
    days: &mut Vec<(Date, String)>,
    ignored: &mut Vec<String>,
) -> Result<(), Error> {
    let unlisted = |source| Error::Folder { path: folder.join(below), source };
    for entry in fs::read_dir(folder.join(below)).map_err(unlisted)? {
        let entry = entry.map_err(unlisted)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = if below.is_empty() { name.into_owned() } else { format!("{below}/{name}") };
        if entry.file_type().map_err(unlisted)?.is_dir() {
            list(folder, &path, days, ignored)?;
        } else if let Some(date) = date_of(&path) {
            days.push((date, path));
        } else {
            ignored.push(path);
        }
    }
    Ok(())
}

/// The date in a name like `#channel_20160601.log.txt`.
fn date_of(path: &str) -> Option<Date> {
    let (_, digits) = path.strip_suffix(".log.txt")?.rsplit_once('_')?;
    if digits.len() != 8 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (digits[..4].parse().ok()?, &digits[4..6], &digits[6..]);
    // The last days of the calendar have no time zone, and before 1970 ids have no time.
    let in_range = (1971..9999).contains(&year);
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok().filter(|_| in_range)
}

/// What has been read so far; days are read in their order.
pub(super) struct Reading {
    zone: TimeZone,
    records: Vec<Record>,
    report: Report,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self { zone: clock::british(), records: Vec::new(), report: Report::default() }
    }

    pub(super) fn read_day(&mut self, date: Date, file: &str, bytes: &[u8]) {
        let report = &mut self.report;
        let mut clock = Clock::new(date, self.zone.clone());
        let not_utf8_before = report.not_utf8.lines;
        let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let lines = whole.split(|it| *it == b'\n').filter(|_| !bytes.is_empty());
        for (number, bytes) in (1..).zip(lines) {
            report.lines += 1;
            let source = Source { file: file.to_owned(), line: number };
            let line = lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes), report);
            match lines::parse(&line) {
                Line::Blank => report.count(Kind::Blank, Fate::LeftOut),
                Line::Unreadable(reason) => report.skip(reason, source, &line),
                Line::Readable { time, entry } => {
                    let entry = without_codes(entry, report);
                    self.records.push(Record { at_ms: clock.at_ms(time), source, entry });
                }
            }
        }
        report.files += 1;
        report.not_utf8.files += u64::from(report.not_utf8.lines > not_utf8_before);
        report.repeated_hour += clock.repeated;
        report.clock_backward += clock.backward;
    }

    pub(super) fn plan(self) -> Plan {
        let Self { records, mut report, .. } = self;
        let roster = Roster::new(&records);
        report.people = roster.people.len() as u64;
        report.lurkers = roster.lurkers;
        let mut script =
            Script { members: vec![false; roster.people.len()], roster, steps: vec![] };
        for record in records {
            script.follow(record, &mut report);
        }
        report.assert_complete();
        Plan { people: script.roster.people, steps: script.steps, report }
    }
}

fn lossy(bytes: &[u8], report: &mut Report) -> String {
    let invalid: usize = bytes.utf8_chunks().map(|it| it.invalid().len()).sum();
    report.not_utf8.bytes += invalid as u64;
    report.not_utf8.lines += u64::from(invalid > 0);
    String::from_utf8_lossy(bytes).into_owned()
}

fn without_codes(mut entry: Entry, report: &mut Report) -> Entry {
    if let Entry::Message { text, .. } | Entry::Action { text, .. } = &mut entry {
        let (plain, codes) = markdown::without_codes(text);
        *text = plain;
        report.control_codes += codes;
    }
    entry
}

/// Follows the records with an eye on who is a member.
struct Script {
    roster: Roster,
    members: Vec<bool>,
    steps: Vec<Step>,
}

impl Script {
    fn follow(&mut self, record: Record, report: &mut Report) {
        let Record { at_ms, source, entry } = record;
        let (kind, fate) = match entry {
            Entry::Message { nick, text } => {
                (Kind::Messages, self.say(&nick, &text, markdown::literal, at_ms, source, report))
            }
            Entry::Action { nick, text } => {
                (Kind::Actions, self.say(&nick, &text, markdown::emphasised, at_ms, source, report))
            }
            Entry::Join { nick, .. } => (Kind::Joins, self.join(&nick, at_ms, source)),
            Entry::Part { nick, .. } => (Kind::Parts, self.leave(&nick, at_ms, source)),
            Entry::Kick { nick } => (Kind::Kicks, self.leave(&nick, at_ms, source)),
            Entry::Quit { nick, .. } => {
                let known = self.roster.person(&nick).is_some();
                (Kind::Quits, if known { Fate::Absence } else { Fate::Lurker })
            }
            Entry::Rename { from, to } => (Kind::Renames, self.rename(&from, &to)),
            Entry::Notice => (Kind::Notices, Fate::LeftOut),
            Entry::Service => (Kind::Service, Fate::LeftOut),
        };
        report.count(kind, fate);
    }

    fn say(
        &mut self,
        nick: &str,
        text: &str,
        to_markdown: fn(&str) -> String,
        at_ms: i64,
        source: Source,
        report: &mut Report,
    ) -> Fate {
        if text.is_empty() {
            return Fate::Empty;
        }
        let person = self.roster.person(nick).expect("who says something is a person");
        if !std::mem::replace(&mut self.members[person], true) {
            report.joins_implied += 1;
            self.steps.push(Step::Join { person, at_ms, source: source.clone() });
        }
        let markdown = to_markdown(text);
        self.steps.push(Step::Message { person, markdown, at_ms, source });
        Fate::MessageStep
    }

    fn join(&mut self, nick: &str, at_ms: i64, source: Source) -> Fate {
        let Some(person) = self.roster.person(nick) else { return Fate::Lurker };
        if std::mem::replace(&mut self.members[person], true) {
            return Fate::Presence;
        }
        self.steps.push(Step::Join { person, at_ms, source });
        Fate::JoinStep
    }

    fn leave(&mut self, nick: &str, at_ms: i64, source: Source) -> Fate {
        let Some(person) = self.roster.person(nick) else { return Fate::Lurker };
        if !std::mem::replace(&mut self.members[person], false) {
            return Fate::NotAMember;
        }
        self.steps.push(Step::Leave { person, at_ms, source });
        Fate::LeaveStep
    }

    fn rename(&self, from: &str, to: &str) -> Fate {
        let known = self.roster.person(from).or_else(|| self.roster.person(to)).is_some();
        match (known, self.roster.is_one_person(from, to)) {
            (false, _) => Fate::Lurker,
            (true, true) => Fate::OnePerson,
            (true, false) => Fate::KeptApart,
        }
    }
}
