//! Analysts read the log while the server writes it, and after it was killed.

use std::sync::Arc;

use serde_json::Value;
use tests::{Client, Http, Person, Program};

#[test]
fn replay_follows_a_server_that_is_running() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = Program::serve(folder.path(), 0);
    let client = Arc::new(Client::new(Http::new(program.address)));
    let ann = Person::register(&client, "ann");
    let group = ann.creates_group("Lunch", &[]);
    let wanted = ["--conversation", &group, "--event", "MessageSent"];
    let sent = |_| ann.sends(&group, "hello").seq;
    let seq = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("a line is an event");
        event["meta"]["seq"].as_u64().expect("a number")
    };

    let before: Vec<u64> = (0..3).map(sent).collect();
    let mut follower =
        Program::follow(folder.path(), &[&["replay", "--follow"], &wanted[..]].concat());
    let mut heard = || seq(&follower.line());
    assert_eq!((0..3).map(|_| heard()).collect::<Vec<_>>(), before);
    let mut live = Vec::new();
    for it in 0..3 {
        live.push(sent(it));
        assert_eq!(heard(), live[it]);
    }

    program.kill();
    let output = Program::run(folder.path(), &[&["replay"], &wanted[..]].concat());
    let all = String::from_utf8(output.stdout).expect("it prints text");
    let all: Vec<u64> = all.lines().map(seq).collect();
    assert_eq!(all, [before, live].concat());
}
