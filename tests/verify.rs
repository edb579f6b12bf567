//! Somebody with the log's file tampers with it: `parlance verify` names the first record that is
//! wrong, with the checkpoints beside the log, with those kept elsewhere, or with none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use ports::event_log::{Fold, Kind, Record};
use rusqlite::{Connection, params};
use serde_json::Value;
use tests::{Client, Http, Person, Program, files_under};

/// Messages that are in the log.
const SENT: usize = 30;

/// The offset from which on it is tampered with.
const AT: u64 = 12;

type Rows = Vec<(u64, Bytes)>;

/// A log that a server has written and left.
struct Log {
    folder: tempfile::TempDir,
    /// What an auditor has kept.
    kept: PathBuf,
    key: String,
    /// The partition with the messages.
    partition: u16,
}

impl Log {
    fn written() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let program = Program::serve(&data, 0);
        let client = Arc::new(Client::new(Http::new(program.address)));
        let ann = Person::register(&client, "ann");
        let group = ann.creates_group("Lunch", &[]);
        (0..SENT).for_each(|it| {
            ann.sends(&group, &format!("message {it}"));
        });
        program.terminate();
        let print = |arguments: &[&str]| {
            let printed = Program::run(&data, &[&["checkpoints"], arguments].concat());
            String::from_utf8(printed.stdout).expect("text")
        };
        let kept = folder.path().join("kept.txt");
        std::fs::write(&kept, print(&["--all"])).expect("a file");
        let key = print(&["--key"]).trim().to_owned();
        let mut log = Self { folder, kept, key, partition: 0 };
        let longest = (0..64).max_by_key(|it| log.rows(*it).len());
        log.partition = longest.expect("there are partitions");
        assert!(log.rows(log.partition).len() > SENT);
        log
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn file(&self) -> Connection {
        Connection::open(self.data().join("log.db")).expect("the log's file")
    }

    fn rows(&self, partition: u16) -> Rows {
        let file = self.file();
        let mut read = file
            .prepare(&format!("SELECT id, bytes FROM records_{partition} ORDER BY id"))
            .expect("a table a partition");
        let rows =
            read.query_map([], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?.into())));
        rows.expect("rows").map(|it| it.expect("a row")).collect()
    }

    /// Puts other records in the place of those of the partition.
    fn becomes(&self, rows: &[(u64, Bytes)]) {
        let (file, partition) = (self.file(), self.partition);
        file.execute(&format!("DELETE FROM records_{partition}"), []).expect("deleted");
        for (offset, bytes) in rows {
            let insert = format!("INSERT INTO records_{partition} (id, bytes) VALUES (?1, ?2)");
            file.execute(&insert, params![offset, &bytes[..]]).expect("inserted");
        }
    }

    /// Somebody changes the records.
    fn tampered(change: impl FnOnce(&mut Rows)) -> Self {
        let log = Self::written();
        let mut rows = log.rows(log.partition);
        change(&mut rows);
        log.becomes(&rows);
        log
    }

    /// What is found: how it is wrong and at which offset.
    fn found(&self, arguments: &[&str]) -> Option<(String, u64)> {
        let arguments = [&["verify", "--json"], arguments].concat();
        let output = Program::attempt(&self.data(), &[], &arguments);
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            panic!("{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr))
        });
        let findings = told["findings"].as_array().expect("a list");
        let expected = if findings.is_empty() { 0 } else { 3 };
        assert_eq!(output.status.code(), Some(expected), "{told}");
        let first = findings.first()?;
        assert_eq!(findings.len(), 1, "{told}");
        assert_eq!(first["partition"], self.partition);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(complaint.contains(first["message"].as_str().expect("a text")), "{complaint}");
        let wrong = first["wrong"].as_str().expect("a word").to_owned();
        Some((wrong, first["offset"].as_u64().expect("an offset")))
    }

    /// Whoever tampers takes the checkpoints beside the log away too.
    fn loses_checkpoints(&self) {
        notes(&self.data()).iter().for_each(|it| std::fs::remove_file(it).expect("removed"));
    }

    /// It is found with the checkpoints beside the log, and with those of an auditor who has
    /// nothing else; gives what is found with none at all.
    fn is_found(&self, wrong: &str, offset: u64) -> Option<(String, u64)> {
        let expected = Some((wrong.to_owned(), offset));
        assert_eq!(self.found(&[]), expected, "with the checkpoints beside the log");
        self.loses_checkpoints();
        std::fs::remove_file(self.data().join("keys.db")).expect("removed");
        let kept = self.kept.to_str().expect("a path");
        let auditor = ["--checkpoints", kept, "--key", &self.key];
        assert_eq!(self.found(&auditor), expected, "with those kept elsewhere");
        self.found(&[])
    }
}

fn index(rows: &Rows, offset: u64) -> usize {
    rows.iter().position(|it| it.0 == offset).expect("it is there")
}

/// A record with another payload, and nothing else that is wrong with it.
fn reworded(bytes: &Bytes) -> Record {
    let mut record = Record::decode(bytes).expect("a record");
    let mut payload = record.payload.to_vec();
    *payload.last_mut().expect("a payload") ^= 1;
    record.payload = payload.into();
    record
}

fn is(wrong: &str, offset: u64) -> Option<(String, u64)> {
    Some((wrong.to_owned(), offset))
}

#[test]
fn an_untouched_log_is_clean() {
    let log = Log::written();
    let kept = log.kept.to_str().expect("a path");
    assert_eq!(log.found(&["--checkpoints", kept]), None);
    let output = Program::run(&log.data(), &["verify", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told["vouchedEvents"], told["events"], "a drain leaves nothing unsigned");
}

#[test]
fn a_changed_body_is_found_at_its_record() {
    let flipped = Log::tampered(|rows| {
        let at = index(rows, AT);
        let mut bytes = rows[at].1.to_vec();
        bytes[100] ^= 1;
        rows[at].1 = bytes.into();
    });
    assert_eq!(flipped.is_found("unreadable", AT), is("unreadable", AT));
    let with_its_checksum = Log::tampered(|rows| {
        let at = index(rows, AT);
        rows[at].1 = reworded(&rows[at].1).encode();
    });
    let (_, offset) = with_its_checksum.is_found("changed", AT).expect("found by the chain alone");
    assert_eq!(offset, AT);
}

#[test]
fn a_deleted_middle_is_found_where_it_was() {
    let one = Log::tampered(|rows| rows.retain(|it| it.0 != AT));
    assert_eq!(one.is_found("missing", AT + 1), is("missing", AT + 1));
    let many = Log::tampered(|rows| rows.retain(|it| !(AT..AT + 9).contains(&it.0)));
    assert_eq!(many.is_found("missing", AT + 9), is("missing", AT + 9));
}

#[test]
fn a_deleted_head_is_found_at_what_is_left() {
    let claim = Log::tampered(|rows| rows.retain(|it| it.0 != 0));
    assert_eq!(claim.is_found("missing", 1), is("missing", 1));
    let more = Log::tampered(|rows| rows.retain(|it| it.0 >= AT));
    assert_eq!(more.is_found("missing", AT), is("missing", AT));
    let but_the_claim = Log::tampered(|rows| rows.retain(|it| it.0 == 0 || it.0 >= AT));
    assert_eq!(but_the_claim.is_found("missing", AT), is("missing", AT));
}

#[test]
fn a_deleted_tail_is_found_against_checkpoints_alone() {
    let one = Log::tampered(|rows| rows.truncate(rows.len() - 1));
    let end = one.rows(one.partition).last().expect("a row").0 + 1;
    assert_eq!(one.is_found("cut", end), None, "nothing else can tell");
    let all = Log::tampered(Rows::clear);
    assert_eq!(all.is_found("cut", 0), None);
}

#[test]
fn records_in_another_order_are_found_at_the_first() {
    let neighbours = Log::tampered(|rows| {
        let at = index(rows, AT);
        let earlier = rows[at].1.clone();
        rows[at].1 = std::mem::replace(&mut rows[at + 1].1, earlier);
    });
    assert_eq!(neighbours.is_found("reordered", AT), is("reordered", AT));
    let far = Log::tampered(|rows| {
        let (one, other) = (index(rows, AT), index(rows, AT + 7));
        let earlier = rows[one].1.clone();
        rows[one].1 = std::mem::replace(&mut rows[other].1, earlier);
    });
    assert_eq!(far.is_found("reordered", AT), is("reordered", AT));
}

#[test]
fn another_history_is_found_at_its_first_record() {
    let log = Log::tampered(|rows| {
        let at = index(rows, AT);
        rows[at].1 = reworded(&rows[at].1).encode();
        for it in at + 1..rows.len() {
            let mut record = Record::decode(&rows[it].1).expect("a record");
            if record.header.kind == Kind::Batch {
                record.header.prev = Fold::link(&rows[it - 1].1);
                rows[it].1 = record.encode();
            }
        }
    });
    log.is_found("forked", AT);
}

#[test]
fn what_owners_leave_behind_is_in_order() {
    let log = Log::written();
    let before = log.rows(log.partition);
    let program = Program::serve(&log.data(), 0);
    assert_eq!(Http::new(program.address).get("/healthz").status, 200);
    program.terminate();
    let mut rows = log.rows(log.partition);
    let (end, last) = (rows.last().expect("a row").0, &before.last().expect("a row").1);
    let zombie = reworded(last).encode();
    let claim = before[0].1.clone();
    rows.extend([(end + 1, zombie), (end + 3, claim), (end + 7, last.clone())]);
    log.becomes(&rows);
    assert_eq!(log.found(&[]), None);
    let told = Program::run(&log.data(), &["verify", "--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let ignored = serde_json::json!({ "staleClaim": 1, "staleTerm": 2 });
    assert_eq!(told["ignored"], ignored);
}

#[test]
fn records_of_an_owner_who_never_claimed_are_found() {
    let log = Log::tampered(|rows| {
        let (end, last) = rows.last().expect("a row").clone();
        let mut record = reworded(&last);
        record.header.owner = [9; 16];
        rows.push((end + 1, record.encode()));
    });
    assert_eq!(log.found(&[]).map(|it| it.0), Some("missing".to_owned()));
}

/// The files of checkpoints beside the log.
fn notes(data: &Path) -> Vec<PathBuf> {
    let files = files_under(&data.join("blobs")).into_iter().map(|it| it.0);
    files.filter(|it| it.to_string_lossy().contains("/checkpoints.")).collect()
}

#[test]
fn a_checkpoint_that_nobody_signed_is_refused() {
    let log = Log::written();
    let file = notes(&log.data()).remove(0);
    let note = std::fs::read_to_string(&file).expect("a note");
    let forged = note.replacen("\nterm ", "\nterm 1", 1);
    assert_ne!(forged, note);
    std::fs::write(&file, forged).expect("written");
    let output = Program::attempt(&log.data(), &[], &["verify"]);
    assert_eq!(output.status.code(), Some(3));
    let other = Log::written();
    let other = ["verify", "--checkpoints", other.kept.to_str().expect("a path")];
    let output = Program::attempt(&log.data(), &[], &other);
    assert_eq!(output.status.code(), Some(3), "another log's");
}

#[test]
fn checkpoints_and_their_key_are_served() {
    let log = Log::written();
    let program = Program::serve(&log.data(), 0);
    let http = Http::new(program.address);
    let gets = |path: &str| String::from_utf8(http.get(path).body).expect("text");
    assert_eq!(gets("/checkpoints/key").trim(), log.key);
    let kept = std::fs::read_to_string(&log.kept).expect("a file");
    let own = gets(&format!("/checkpoints/{}", log.partition));
    assert!(own.starts_with("parlance/") && kept.contains(&own), "{own}");
    let printed = Program::run(&log.data(), &["checkpoints"]).stdout;
    assert_eq!(gets("/checkpoints").as_bytes(), printed);
    assert_eq!(http.get("/checkpoints/64").status, 404);
    assert_eq!(http.get("/checkpoints/-1").status, 404);
}

/// Of so many events at least, with its speed for people to read.
#[test]
fn a_log_of_100_000_events_is_clean() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Program::run(folder.path(), &["bench", "seed", "--messages", "100000"]);
    let output = Program::run(folder.path(), &["verify", "--json"]);
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(told["events"].as_u64() >= Some(100_000), "{told}");
    assert_eq!(told["findings"], serde_json::json!([]));
    assert_eq!(told["ignored"], serde_json::json!({}));
    eprintln!("{told}");
}
