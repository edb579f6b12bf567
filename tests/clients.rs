//! Clients: programs of others follow the feed and read the events, as published packages do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tests::{Client, Http, Person, Program, long};

/// Times that the client loses its connection.
const DISCONNECTS: usize = 50;

/// Messages before the client begins, and as many again while it listens.
const MESSAGES: usize = 120;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Where packages are installed: beside what cargo builds, never among the sources.
fn installed() -> PathBuf {
    let folder = Program::target_dir().join("clients");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs a program that must be on this machine, to its end.
fn run(command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|it| panic!("{name} is needed for this test: {it}"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    output
}

/// The folder with the node client and its packages.
fn node_client() -> PathBuf {
    let folder = installed().join("node");
    std::fs::create_dir_all(&folder).expect("a folder");
    for file in ["package.json", "package-lock.json", ".npmrc", "resume.mjs"] {
        std::fs::copy(sources().join(file), folder.join(file)).expect("a copied file");
    }
    run(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder));
    folder
}

/// A python that has the packages.
fn python() -> PathBuf {
    let folder = installed().join("python");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    }
    let packages = sources().join("requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(packages));
    python
}

#[test]
fn a_client_of_published_packages_hears_everything_once_over_50_disconnects() {
    let client_folder = node_client();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = Program::serve(&folder.path().join("data"), 0);
    let client = Arc::new(Client::new(Http::new(program.address)));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    let group = ann.creates_group("Lunch", &[&bob]);
    let start = bob.position();
    let sends = |count: usize| (0..count).for_each(|_| drop(ann.sends(&group, "hello")));
    sends(MESSAGES);
    let node = Command::new("node")
        .arg("resume.mjs")
        .args([&program.address.to_string(), &bob.token, &start, &DISCONNECTS.to_string()])
        .current_dir(&client_folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is needed for this test");
    sends(MESSAGES);
    let last = ann.sends(&group, "the end").seq;
    let output = node.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the client failed");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
    assert_eq!(report["disconnects"], DISCONNECTS);
    let frames = report["heard"].as_array().expect("a list");
    let heard: Vec<u64> = frames.iter().map(|it| long(&it["seq"])).collect();
    assert_eq!(heard, (3..=last).collect::<Vec<_>>());
    for frame in frames {
        assert_eq!(frame["conversationId"], group.as_str());
        assert_eq!(long(&frame["previousSeq"]) + 1, long(&frame["seq"]));
    }
}

#[test]
fn a_published_avro_library_reads_what_replay_writes_with_schemas_from_the_server() {
    let python = python();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("data");
    let program = Program::serve(&dir, 0);
    let client = Arc::new(Client::new(Http::new(program.address)));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    let group = ann.creates_group("Lunch", &[&bob]);
    let sent: Vec<_> = (0..20).map(|_| ann.sends(&group, "**hello** @bob")).collect();
    ann.edits(&sent[0].id, "goodbye");
    ann.deletes(&sent[1].id);
    bob.hides(&sent[2].id);
    bob.reads(&group, 9);
    ann.opens_direct(&bob);
    bob.leaves(&group).data();
    program.kill();
    let files = ["avro", "confluent", "ndjson"].map(|format| {
        let file = folder.path().join(format);
        let path = file.to_str().expect("a path in text").to_owned();
        Program::run(&dir, &["replay", "--format", format, "--out", &path]);
        file
    });
    let program = Program::serve(&dir, 0);
    let mut decode = Command::new(&python);
    decode.arg(sources().join("decode.py")).args(&files[..2]).arg(program.address.to_string());
    let counts: BTreeMap<String, usize> =
        serde_json::from_slice(&run(&mut decode).stdout).expect("counts in JSON");
    let expected = [
        ("AccountRegistered", 2),
        ("DirectOpened", 1),
        ("GroupCreated", 1),
        ("MemberLeft", 1),
        ("MembersAdded", 1),
        ("MessageDeleted", 1),
        ("MessageEdited", 1),
        ("MessageHidden", 1),
        ("MessageSent", 20),
        ("NameClaimed", 2),
        ("NameConfirmed", 2),
        ("ReadMoved", 1),
        ("SessionOpened", 2),
    ];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let lines = std::fs::read_to_string(&files[2]).expect("a file").lines().count();
    assert_eq!(lines, counts.values().sum::<usize>());
}
