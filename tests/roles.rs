//! The roles as processes of their own: the commands of the README, on real servers.

use std::sync::Arc;

use ports::Address;
use tests::servers::Servers;
use tests::{Client, Http, Person, Program};

/// An address with what is secret in it, as an option.
fn option(name: &'static str, address: &Address) -> (&'static str, String) {
    (name, address.secret_text().to_owned())
}

#[test]
fn command_nodes_take_turns_and_nothing_is_lost() {
    let servers = Servers::default();
    let folder = tempfile::tempdir().expect("a folder");
    let token = "a token of more than thirty-two characters".replace(' ', "-");
    let admits = [("PARLANCE_KEYS_TOKEN", token.clone())];
    let keys = Program::start("keys", folder.path(), 0, &admits);
    let options = [
        option("PARLANCE_EVENT_LOG", &servers.kafka().address("roles")),
        option("PARLANCE_DOCUMENTS", &servers.mongo().address("roles")),
        option("PARLANCE_CACHE", &servers.redis().address("roles")),
        option("PARLANCE_BUS", &servers.redis().address("roles")),
        option("PARLANCE_BLOBS", &servers.s3().address("roles")),
        ("PARLANCE_KEYS", format!("http://node:{token}@{}", keys.address)),
        ("PARLANCE_PROFILE", "production".to_owned()),
    ];
    let start = |role| Program::start(role, folder.path(), 0, &options);
    let first = start("command-api");
    let _projectors = start("projectors");
    let queries = start("query-api");
    let client = Arc::new(Client::new(Http::new(queries.address)));
    let ann = Person::register(&client, "ann");
    let group = ann.creates_group("Lunch", &[]);
    let one = ann.sends(&group, "to the first owner");
    let second = start("command-api");
    first.terminate();
    let two = ann.sends(&group, "to whoever owns it now");
    assert_eq!(two.seq, one.seq + 1);
    // A killed owner's lease must end first; the door waits for the next owner under the same id.
    let third = start("command-api");
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
