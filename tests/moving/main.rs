//! An instance moves to other systems and back, and comes back from its backups: the same ids,
//! places and positions, by the program's own commands.

mod backup;
mod cluster;
mod migrate;
mod restore;
mod rotate;

use std::path::Path;
use std::sync::Arc;

use ports::clock::Stopwatch;
use serde_json::Value;
use tests::{Client, Frame, Http, Person, Program, files_under};

/// Options in the environment.
type Options = [(&'static str, String)];

/// Runs a command that must end well, and gives what it prints; tells how long it took.
fn run(folder: &Path, options: &Options, arguments: &[&str]) -> String {
    let started = Stopwatch::start();
    let output = Program::run_with(folder, options, arguments);
    tell(&started, arguments);
    String::from_utf8(output.stdout).expect("it prints text")
}

#[expect(clippy::print_stdout, reason = "shown with --nocapture")]
fn tell(started: &Stopwatch, arguments: &[&str]) {
    println!("{:>7.2} s  parlance {}", started.seconds(), arguments.join(" "));
}

/// Runs a command that must be refused, and gives its complaint.
fn refused(folder: &Path, options: &Options, arguments: &[&str]) -> String {
    let started = Stopwatch::start();
    let output = Program::attempt(folder, options, arguments);
    tell(&started, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?} was not refused");
    String::from_utf8(output.stderr).expect("it complains in text")
}

/// The hash of every collection.
fn state_hash(folder: &Path, options: &Options) -> Value {
    let text = run(folder, options, &["state-hash", "--json"]);
    serde_json::from_str(&text).expect("it prints JSON")
}

/// The bytes of the blobs under a folder, with their names, but for checkpoints: those come to be
/// while it is looked.
fn blobs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let folder = folder.join("blobs");
    let named = |path: &Path| text(path.strip_prefix(&folder).expect("it is in it")).to_owned();
    let all = files_under(&folder).into_iter().map(|(path, bytes)| (named(&path), bytes));
    let mut all: Vec<_> = all.filter(|it| !it.0.starts_with("checkpoints.")).collect();
    all.sort();
    all
}

/// Puts a blob beside the server that has the folder.
fn puts_blob(folder: &Path, name: &str, bytes: &[u8]) {
    let key = ports::blobs::BlobKey::new(name).expect("a key");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let blobs = ports::blobs::open(folder).expect("blobs");
    let put = runtime.block_on(blobs.put(&key, bytes::Bytes::copy_from_slice(bytes).into()));
    assert!(matches!(put, Ok(ports::blobs::Put::Stored { .. })));
}

/// A path as an argument.
fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// The same person at another server.
fn at(person: &Person, server: &Program) -> Person {
    Person {
        client: Arc::new(Client::new(Http::new(server.address))),
        name: person.name.clone(),
        id: person.id.clone(),
        token: person.token.clone(),
        refresh_token: person.refresh_token.clone(),
    }
}

/// Everything that a frame tells, but for its position, which is of its time.
fn told(frames: Vec<Frame>) -> Vec<Value> {
    let without = |frame: Frame| {
        let mut told = frame.0;
        told.as_object_mut().expect("a frame is an object").remove("position");
        told
    };
    frames.into_iter().map(without).collect()
}

/// The messages of a conversation as a person sees them.
fn messages(person: &Person, conversation: &str) -> Vec<Value> {
    let fields = "id number seq text editedAt deleted sentAt replyTo { id } sender { id username }";
    let (mut all, mut before) = (Vec::new(), String::new());
    loop {
        let page = format!(
            "messages(last: 50{before}) {{ edges {{ node {{ {fields} }} }} \
             pageInfo {{ hasPreviousPage startCursor }} }}"
        );
        let page = person.sees(conversation, &page)["messages"].take();
        let edges = page["edges"].as_array().expect("a page has edges");
        all.extend(edges.iter().rev().map(|it| it["node"].clone()));
        if page["pageInfo"]["hasPreviousPage"] != true {
            return all;
        }
        before = format!(", before: {}", page["pageInfo"]["startCursor"]);
    }
}
