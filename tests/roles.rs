//! The roles as processes of their own: the commands of the README, on real servers.

use std::sync::Arc;

use tests::{Client, Http, Person, Processes, Program};

#[test]
fn command_nodes_take_turns_and_nothing_is_lost() {
    let processes = Processes::new();
    let first = processes.start("command-api");
    let _projectors = processes.start("projectors");
    let queries = processes.start("query-api");
    let client = Arc::new(Client::new(Http::new(queries.address)));
    let ann = Person::register(&client, "ann");
    let group = ann.creates_group("Lunch", &[]);
    let one = ann.sends(&group, "to the first owner");
    let second = processes.start("command-api");
    first.terminate();
    let two = ann.sends(&group, "to whoever owns it now");
    assert_eq!(two.seq, one.seq + 1);
    // A killed owner's lease must end first; the door waits for the next owner under the same id.
    let third = processes.start("command-api");
    second.kill();
    let three = ann.sends(&group, "to the last");
    assert_eq!(three.seq, two.seq + 1);
    third.terminate();
}

#[test]
fn keys_do_not_pass_in_the_clear_between_machines() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = ("PARLANCE_KEYS_TOKEN", "a-token-of-more-than-thirty-two-characters");
    let keys = |more: &[(&str, &str)]| {
        let options = [&[token], more].concat();
        Program::refused(folder.path(), &["keys", "--listen", "0.0.0.0:0"], &options)
    };
    assert!(keys(&[]).contains("only loopback"));
    let half = keys(&[("PARLANCE_KEYS_TLS_CERT", "/nowhere")]);
    assert!(half.contains("go together"), "{half}");
    let absent = [("PARLANCE_KEYS_TLS_CERT", "/nowhere"), ("PARLANCE_KEYS_TLS_KEY", "/nowhere")];
    assert!(keys(&absent).contains("the file /nowhere"));
}
