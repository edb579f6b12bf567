//! Somebody with the documents' file changes a counter: `parlance verify --counters` counts the log
//! again and names what differs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Value, json};
use tests::{Client, Http, Person, Program};

/// What a server has written and left: Ann has written to Bob, who keeps that in his own way.
struct Left {
    folder: tempfile::TempDir,
    bob: String,
    group: String,
    /// The message of Bob that Ann has answered in a thread.
    root: String,
}

impl Left {
    fn behind() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = Program::serve(&folder.path().join("data"), 0);
        let client = Arc::new(Client::new(Http::new(program.address)));
        let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
        let group = ann.creates_group("Lunch", &[&bob]);
        let other = ann.creates_group("Dinner", &[&bob]);
        let own = bob.sends(&group, "hello");
        for text in ["one", "two, @bob", "three"] {
            ann.sends(&group, text);
        }
        let reply = json!({ "conversationId": group, "threadId": own.id, "text": "so, @bob" });
        ann.does("sendMessage", reply, "position");
        let gone = ann.sends(&group, "four, @bob");
        ann.deletes(&gone.id);
        ann.does("addReaction", json!({ "messageId": own.id, "emoji": "👍" }), "position");
        bob.does("archiveConversation", json!({ "conversationId": other }), "position");
        bob.does("markUnread", json!({ "conversationId": group }), "position");
        assert_eq!(bob.unread(&group), 3);
        program.terminate();
        Self { folder, bob: bob.id, group, root: own.id }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Somebody changes one row.
    fn tampers(&self, change: &str) {
        let file = Connection::open(documents(&self.data())).expect("the documents' file");
        assert_eq!(file.execute(change, []).expect(change), 1, "{change}");
    }

    /// Somebody gives a field of a document another value.
    fn sets(&self, collection: &str, id: &str, field: &str, value: u64) {
        self.tampers(&format!(
            "UPDATE d_{collection} SET body = CAST(json_set(CAST(body AS TEXT), \
             '$.{field}', {value}) AS BLOB) WHERE id = '{id}'"
        ));
    }

    /// Somebody takes away the one mention in a line.
    fn forgets_mentions(&self, line: &str) {
        self.tampers(&format!(
            "UPDATE d_mentions SET body = NULL \
             WHERE id LIKE '{line}/%' AND body IS NOT NULL"
        ));
    }

    /// What is found, by counter: whose, where, what is answered and what was counted.
    fn found(&self) -> Vec<(String, Value, u64, u64)> {
        let output = Program::attempt(&self.data(), &[], &["verify", "--counters", "--json"]);
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let told: Value = serde_json::from_slice(&output.stdout).expect(&complaint);
        let counters = &told["counters"];
        assert_eq!(told["findings"], json!([]), "the log is in order");
        assert!(counters["events"].as_u64() >= Some(10), "{counters}");
        assert_eq!((&counters["people"], &counters["memberships"]), (&json!(2), &json!(4)));
        let differences = counters["differences"].as_array().expect("a list");
        assert_eq!(counters["differing"], differences.len());
        let expected = if differences.is_empty() { 0 } else { 3 };
        assert_eq!(output.status.code(), Some(expected), "{told}");
        let found = differences.iter().map(|it| {
            assert_eq!(it["account"], self.bob);
            let counter = it["counter"].as_str().expect("a name").to_owned();
            let of_thread = counter.starts_with("thread.");
            assert_eq!(it["thread"], if of_thread { json!(self.root) } else { Value::Null });
            let line = format!("{counter} is {}, the log says {}", it["answered"], it["counted"]);
            assert!(complaint.contains(&self.bob) && complaint.contains(&line), "{complaint}");
            let [answered, counted] = ["answered", "counted"].map(|name| it[name].as_u64());
            let counts = (answered.expect("a count"), counted.expect("a count"));
            (counter, it["conversation"].clone(), counts.0, counts.1)
        });
        found.collect()
    }

    fn there(&self, counter: &str, answered: u64, counted: u64) -> (String, Value, u64, u64) {
        (counter.to_owned(), json!(self.group), answered, counted)
    }

    fn badge(&self, counter: &str, answered: u64, counted: u64) -> (String, Value, u64, u64) {
        (format!("badge.{counter}"), Value::Null, answered, counted)
    }
}

/// The newest file of documents.
fn documents(data: &Path) -> PathBuf {
    let files = std::fs::read_dir(data).expect("a folder").map(|it| it.expect("a file").path());
    let named = |it: &PathBuf| {
        let name = it.file_name().expect("a name").to_string_lossy().into_owned();
        name.starts_with("documents-") && name.ends_with(".db")
    };
    files.filter(named).max().expect("documents")
}

#[test]
fn untouched_counters_are_what_the_log_says() {
    let left = Left::behind();
    assert_eq!(left.found(), []);
    let output = Program::run(&left.data(), &["verify", "--counters"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("every counter of 2 people in 4 memberships"), "{told}");
}

#[test]
fn a_changed_read_number_is_named_by_all_that_follows_from_it() {
    let left = Left::behind();
    left.sets("members", &format!("{}/{}", left.group, left.bob), "read_number", 2);
    let expected = [
        left.there("unreadCount", 2, 3),
        left.there("markedUnread", 0, 1),
        left.badge("messageCount", 2, 3),
    ];
    assert_eq!(left.found(), expected);
}

#[test]
fn a_changed_thread_is_named() {
    let left = Left::behind();
    left.sets("threads", &left.root, "last_number", 0);
    let expected =
        [left.there("thread.unreadCount", 0, 1), left.there("thread.mentionCount", 0, 1)];
    assert_eq!(left.found(), expected);
}

#[test]
fn a_mention_that_is_missing_in_a_thread_is_named() {
    let left = Left::behind();
    left.forgets_mentions(&left.root);
    assert_eq!(left.found(), [left.there("thread.mentionCount", 0, 1)]);
}

#[test]
fn a_changed_listing_is_named() {
    let left = Left::behind();
    left.sets("listings", &format!("{}/{}", left.bob, left.group), "archived_number", 9);
    let expected = [left.there("archived", 1, 0), left.badge("messageCount", 1, 3)];
    assert_eq!(left.found(), expected);
}

#[test]
fn a_mention_and_a_reaction_that_are_missing_are_named() {
    let left = Left::behind();
    left.forgets_mentions(&left.group);
    left.tampers("UPDATE d_reactors SET k_by_author = NULL");
    let expected = [
        left.there("mentionCount", 0, 1),
        left.there("unseenReactionCount", 0, 1),
        left.badge("mentionCount", 0, 1),
    ];
    assert_eq!(left.found(), expected);
}

#[test]
fn nobody_counts_while_it_is_served() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let program = Program::serve(&data, 0);
    let told = Program::refused(&data, &["verify", "--counters"], &[]);
    assert!(told.contains("in use"), "{told}");
    program.terminate();
}
