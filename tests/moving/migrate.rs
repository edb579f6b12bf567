//! From a folder to a cluster, and back into a fresh folder.
//!
//! `PARLANCE_TEST_IRC` names a folder of IRC logs to be moved instead of the small one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tests::servers::Servers;
use tests::{Client, Http, Person, Program, fresh_id};

use crate::cluster::Cluster;
use crate::{at, blobs, messages, puts_blob, refused, run, state_hash, text, told};

fn imported(folder: &Path) -> String {
    let small = || Path::new(env!("CARGO_MANIFEST_DIR")).join("data/irc");
    let logs = std::env::var_os("PARLANCE_TEST_IRC").map_or_else(small, Into::into);
    let import = ["import", "irc", text(&logs), "--conversation", "#harbour", "--json"];
    let outcome: Value = serde_json::from_str(&run(folder, &[], &import)).expect("JSON");
    outcome["wrote"]["conversationId"].as_str().expect("an id").to_owned()
}

/// Two people in the imported conversation and in one of their own.
struct Story {
    ann: Person,
    ben: Person,
    harbour: String,
    direct: String,
    /// Where a client stopped in the middle.
    position: String,
}

/// What people see, and what the client hears that resumes.
#[derive(Debug, PartialEq)]
struct Seen {
    harbour: Vec<Value>,
    direct: Vec<Value>,
    heard: Vec<Value>,
}

impl Story {
    fn begin(server: &Program, harbour: String) -> Self {
        let client = Arc::new(Client::new(Http::new(server.address)));
        let (ann, ben) = (Person::register(&client, "ann"), Person::register(&client, "ben"));
        ann.joins(&harbour).data();
        ben.joins(&harbour).data();
        ann.sends(&harbour, "before the position");
        let doomed = ben.sends(&harbour, "to be deleted");
        let position = ann.position();
        let edited = ann.sends(&harbour, "as it was");
        ann.edits(&edited.id, "as it is");
        ben.deletes(&doomed.id);
        let direct = ben.opens_direct(&ann);
        ben.sends(&direct, "between us");
        Self { ann, ben, harbour, direct, position }
    }

    /// The same at another server.
    fn at(&self, server: &Program) -> Self {
        Self {
            ann: at(&self.ann, server),
            ben: at(&self.ben, server),
            harbour: self.harbour.clone(),
            direct: self.direct.clone(),
            position: self.position.clone(),
        }
    }

    fn seen(&self, until: u64) -> Seen {
        Seen {
            harbour: messages(&self.ann, &self.harbour),
            direct: messages(&self.ben, &self.direct),
            heard: told(self.ann.resumes(&self.position).until(&self.harbour, until)),
        }
    }

    /// Sends under an id; gives the message.
    fn sends(&self, id: &str, text: &str) -> Value {
        let answer = self.ben.tries_to_send(&self.harbour, id, text);
        answer.data()["sendMessage"]["message"].clone()
    }
}

#[test]
fn an_instance_moves_to_a_cluster_and_back_with_everything_as_it_was() {
    let servers = Servers::default();
    let place = tempfile::tempdir().expect("a folder");
    let (first, unused) = (place.path().join("first"), place.path().join("unused"));
    let harbour = imported(&first);
    let server = Program::serve(&first, 0);
    let story = Story::begin(&server, harbour);

    let cluster = Cluster::start(&servers, place.path(), "moved");
    let there = ["migrate", "--to", &cluster.file];
    let told_to_stop = refused(&first, &[], &there);
    assert!(told_to_stop.contains("stop what serves the old place"), "{told_to_stop}");
    let early = refused(&unused, &cluster.options, &["state-hash"]);
    assert!(early.contains("not whole"), "{early}");
    let id = fresh_id();
    let last = story.sends(&id, "after most was copied");
    puts_blob(&first, "picture", b"bytes of a picture");
    let seq = tests::long(&last["seq"]);
    let seen = story.seen(seq);
    server.terminate();

    let hash = state_hash(&first, &[]);
    let moved = run(&first, &[], &there);
    assert!(moved.contains("it is whole"), "{moved}");
    assert!(!moved.contains("a-token-of"), "{moved}");
    assert!(run(&first, &[], &there).contains("has moved to kafka://"));
    let backup = ["backup", "--keys", "--to", text(&unused)];
    for command in [&["serve"][..], &["state-hash"], &["backup", "--to", text(&unused)], &backup] {
        let complaint = refused(&first, &[], command);
        assert!(complaint.contains("has moved to kafka://"), "{complaint}");
    }
    let token = [("PARLANCE_KEYS_TOKEN", "x".repeat(32))];
    let complaint = refused(&first, &token, &["keys", "--listen", "127.0.0.1:0"]);
    assert!(complaint.contains("has moved to kafka://"), "{complaint}");
    run(&unused, &cluster.options, &["rebuild", "--all"]);
    assert_eq!(state_hash(&unused, &cluster.options), hash);

    let roles = cluster.serve(&unused);
    let story = story.at(&roles[2]);
    assert_eq!(story.seen(seq), seen);
    assert_eq!(story.sends(&id, "after most was copied"), last, "a retry is recognised");
    assert_eq!(story.ann.sends(&story.harbour, "from the cluster").seq, seq + 1);

    returns(&cluster, place.path(), story, roles);
}

/// Back from the cluster into a fresh folder.
fn returns(cluster: &Cluster, place: &Path, story: Story, roles: [Program; 3]) {
    let between = story.ann.position();
    let newest = story.ben.sends(&story.harbour, "the newest").seq;
    let (second, unused, file) =
        (place.join("second"), place.join("unused"), place.join("back.toml"));
    std::fs::write(&file, format!("data_dir = {:?}\n", text(&second))).expect("a file");
    let back = ["migrate", "--to", text(&file)];
    let told_to_stop = refused(&unused, &cluster.options, &back);
    assert!(told_to_stop.contains("stop these nodes first"), "{told_to_stop}");
    let seen = story.seen(newest);
    roles.into_iter().for_each(Program::terminate);
    let hash = state_hash(&unused, &cluster.options);
    run(&unused, &cluster.options, &back);
    let complaint = refused(&unused, &cluster.options, &["command-api"]);
    assert!(complaint.contains("has moved to") && complaint.contains("second"), "{complaint}");
    run(&second, &[], &["rebuild", "--all"]);
    assert_eq!(state_hash(&second, &[]), hash);
    assert_eq!(blobs(&second), [("picture".to_owned(), b"bytes of a picture".to_vec())]);
    let verified: Value =
        serde_json::from_str(&run(&second, &[], &["verify", "--json"])).expect("JSON");
    assert_eq!(verified["ignored"], json!({}), "what does not count was not copied");

    let server = Program::serve(&second, 0);
    let story = story.at(&server);
    assert_eq!(story.seen(newest), seen);
    let rest = story.ann.resumes(&between).until(&story.harbour, newest);
    assert_eq!(rest.iter().map(|it| it.seq()).collect::<Vec<_>>(), [newest]);
    assert_eq!(story.ben.sends(&story.harbour, "home again").seq, newest + 1);
}

#[test]
fn a_migration_that_was_killed_goes_on() {
    let place = tempfile::tempdir().expect("a folder");
    let (old, new) = (place.path().join("old"), place.path().join("new"));
    run(&old, &[], &["bench", "seed", "--messages", "20000"]);
    let hash = state_hash(&old, &[]);
    let file = place.path().join("new.toml");
    std::fs::write(&file, format!("data_dir = {:?}\n", text(&new))).expect("a file");
    let migrate = ["migrate", "--to", text(&file)];
    let bytes = |name: &str| new.join(name).metadata().map_or(0, |it| it.len());
    for _ in 0..2 {
        let before = bytes("log.db") + bytes("log.db-wal");
        let killed = Program::follow(&old, &migrate);
        while bytes("log.db") + bytes("log.db-wal") < before + (1 << 20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(killed);
        let early = refused(&new, &[], &["serve"]);
        assert!(early.contains("not whole"), "it was killed too late: {early}");
    }
    run(&old, &[], &migrate);
    run(&new, &[], &["rebuild", "--all"]);
    assert_eq!(state_hash(&new, &[]), hash);
    run(&new, &[], &["verify"]);
}

#[test]
fn nothing_is_moved_onto_something_else() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = |name: &str| place.path().join(name);
    let to = |name: &str| {
        let file = place.path().join(format!("{name}.toml"));
        let line = json!(text(&folder(name))).to_string();
        std::fs::write(&file, format!("data_dir = {line}\n")).expect("a file");
        text(&file).to_owned()
    };
    for name in ["one", "two"] {
        run(&folder(name), &[], &["bench", "seed"]);
    }
    let before = state_hash(&folder("two"), &[]);
    for (name, reason) in [("two", "another instance"), ("one", "name another data_dir")] {
        let complaint = refused(&folder("one"), &[], &["migrate", "--to", &to(name)]);
        assert!(complaint.contains(reason), "{complaint}");
    }
    assert_eq!(state_hash(&folder("two"), &[]), before);
    run(&folder("one"), &[], &["migrate", "--to", &to("three")]);
    let complaint = refused(&folder("one"), &[], &["migrate", "--to", &to("four")]);
    assert!(complaint.contains("has moved to") && complaint.contains("three"), "{complaint}");
    run(&folder("three"), &[], &["state-hash"]);
}
