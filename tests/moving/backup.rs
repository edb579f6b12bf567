//! Backups are taken while the instance is served, hold nothing readable, and bring it back.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chat::accounts::AccountId;
use chat::conversations::ConversationId;
use ports::keys::{Keys, TreeId};
use serde_json::Value;
use tests::canary::{forms, holds};
use tests::{Client, Http, Person, Program, files_under};

use crate::{at, blobs, messages, puts_blob, refused, run, state_hash, text};

const CANARY: &str = "Canary-of-the-harbour-4711";

/// A name that people see, and nobody else.
const CANARY_NAME: &str = "canary_of_4711";

/// Files of a folder that hold one of these.
fn holding(folder: &Path, forms: &[Vec<u8>]) -> Vec<String> {
    let found = files_under(folder).into_iter().filter(|(_, bytes)| holds(bytes, forms));
    found.map(|(path, _)| text(&path).to_owned()).collect()
}

/// The key of the one message that was deleted, in a folder of keys.
fn key_of_deleted(folder: &Path, event: &Value) -> Option<[u8; 32]> {
    let id = |name: &str| event[name].as_str().expect("an id");
    let author: AccountId = id("author_id").parse().expect("the id of an account");
    let stream: ConversationId = id("conversation_id").parse().expect("the id of a conversation");
    let id = TreeId { author: author.0.into_bytes(), stream: stream.0.into_bytes() };
    let leaf = event["leaf"].as_u64().expect("a leaf");
    let keys: Arc<dyn Keys> = ports::keys::open_to_read(folder).expect("keys");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(keys.load(id)).expect("a load").expect("a tree").leaf(leaf)
}

fn added(output: &str) -> u64 {
    output.split(' ').next().and_then(|it| it.parse().ok()).expect("it says how many")
}

#[test]
fn an_instance_comes_back_from_its_backups_and_everyone_resumes() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = |name: &str| place.path().join(name);
    let (data, log, keys) = (folder("data"), folder("log"), folder("keys"));
    let server = Program::serve(&data, 0);
    let client = Arc::new(Client::new(Http::new(server.address)));
    let (ann, ben) = (Person::register(&client, "ann"), Person::register(&client, CANARY_NAME));
    let group = ann.creates_group(CANARY, &[&ben]);
    ann.sends(&group, CANARY);
    let doomed = ben.sends(&group, &format!("{CANARY}, to be deleted"));
    puts_blob(&data, "first", b"before the first backup");
    let to_log = ["backup", "--to", text(&log)];
    let first = added(&run(&data, &[], &to_log));
    run(&data, &[], &["backup", "--keys", "--to", text(&keys)]);
    let early = ann.position();
    ben.deletes(&doomed.id);
    let late = ben.creates_group("after the keys were backed up", &[]);
    ben.deletes(&ben.sends(&late, "deleted, too").id);
    puts_blob(&data, "second", b"before the second");
    let survived = ann.sends(&group, "what the backup holds");
    let second = added(&run(&data, &[], &to_log));
    assert!(second > 0 && second < first, "{first} records, then {second}");
    let seen = messages(&ann, &group);
    server.terminate();
    let hash = state_hash(&data, &[]);

    let server = Program::serve(&data, 0);
    let ahead = {
        let ann = at(&ann, &server);
        (0..5).for_each(|_| drop(ann.sends(&group, "what the backup does not hold")));
        ann.position()
    };
    server.kill();
    let kept = folder("kept");
    std::fs::rename(&data, &kept).expect("it is out of the way");

    for canary in [CANARY, CANARY_NAME] {
        assert_eq!(holding(&log, &forms(canary)), Vec::<String>::new());
    }
    let restore = ["restore", "--from", text(&log), "--keys-from", text(&keys)];
    let told = run(&data, &[], &restore);
    assert!(told.contains("2 erasures were carried out again"), "{told}");
    assert!(told.contains("1 key trees are newer than these keys"), "{told}");
    let of_group = ["replay", "--event", "MessageDeleted", "--conversation", &group];
    let deleted = run(&data, &[], &of_group);
    let deleted: Value = serde_json::from_str(&deleted).expect("one event");
    assert!(key_of_deleted(&keys, &deleted).is_some(), "the backup is older than the deletion");
    assert_eq!(key_of_deleted(&data, &deleted), None);
    assert_eq!(blobs(&data), blobs(&kept));
    run(&data, &[], &["rebuild", "--all"]);
    assert_eq!(state_hash(&data, &[]), hash);

    let server = Program::serve(&data, 0);
    let (ann, ben) = (at(&ann, &server), at(&ben, &server));
    assert_eq!(messages(&ann, &group), seen);
    let events = |after: &str, until: u64| -> Vec<(u64, String)> {
        // Ann is in no other conversation.
        let frames = ann.resumes(after).until(&group, until);
        frames.iter().map(|it| (it.seq(), it.event().to_owned())).collect()
    };
    let expected = |more: &[u64]| {
        let kept = [(survived.seq - 1, "MessageDeleted"), (survived.seq, "MessageSent")];
        let more = more.iter().map(|it| (*it, "MessageSent"));
        kept.into_iter().chain(more).map(|it| (it.0, it.1.to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(events(&early, survived.seq), expected(&[]));
    let next = ben.sends(&group, "in the place of what was lost");
    assert_eq!(next.seq, survived.seq + 1);
    assert_eq!(events(&early, next.seq), expected(&[next.seq]));
    assert_eq!(events(&ahead, next.seq), [(next.seq, "MessageSent".to_owned())]);
    assert_eq!(ann.sees_message(&next.id, "text")["text"], "in the place of what was lost");
    assert_eq!(ben.sends(&late, "goes on under new keys").number, 2);
    let refusal = refused(&folder("data"), &[], &to_log);
    assert!(refusal.contains("from before a restore"), "{refusal}");
}

#[test]
fn a_canary_in_any_form_would_be_found() {
    let place = tempfile::tempdir().expect("a folder");
    let seen = |bytes: &[u8]| {
        std::fs::write(place.path().join("file"), bytes).expect("a file");
        !holding(place.path(), &forms(CANARY)).is_empty()
    };
    for before in ["", "a", "ab", "abc"] {
        let text = format!("{before}{CANARY} and more");
        assert!(seen(text.as_bytes()));
        assert!(seen(STANDARD_NO_PAD.encode(&text).as_bytes()), "{before}");
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(seen(&wide));
    }
    assert!(!seen(b"nothing of the kind"));
}

#[test]
fn backups_and_keys_that_do_not_fit_are_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = |name: &str| place.path().join(name);
    let path = |name: &str| text(&folder(name)).to_owned();
    for name in ["one", "two"] {
        run(&folder(name), &[], &["bench", "seed"]);
        run(&folder(name), &[], &["backup", "--to", &path(&format!("{name} log"))]);
        run(&folder(name), &[], &["backup", "--keys", "--to", &path(&format!("{name} keys"))]);
    }
    for (arguments, reason) in [
        (["backup", "--to", &path("one keys")].to_vec(), "holds a backup of the Keys"),
        (["backup", "--keys", "--to", &path("one log")].to_vec(), "holds a backup of the Log"),
        (["backup", "--to", &path("two log")].to_vec(), "a backup of another instance"),
        (["backup", "--keys", "--to", &path("two keys")].to_vec(), "a backup of another instance"),
        (["backup", "--to", &path("two")].to_vec(), "neither empty nor a backup"),
    ] {
        let complaint = refused(&folder("one"), &[], &arguments);
        assert!(complaint.contains(reason), "{complaint}");
    }
    let restore = |into: &str, log: &str, keys: &str| {
        let arguments = ["restore", "--from", &path(log), "--keys-from", &path(keys)];
        refused(&folder(into), &[], &arguments)
    };
    for (into, log, keys, reason) in [
        ("new", "one log", "two keys", "these keys do not fit this log"),
        ("new", "one keys", "one log", "holds a backup of the Keys"),
        ("new", "one", "one keys", "is not a backup"),
        ("two", "one log", "one keys", "the target holds another instance"),
        ("one", "one log", "one keys", "another state of this one"),
    ] {
        let complaint = restore(into, log, keys);
        assert!(complaint.contains(reason), "{complaint}");
    }
    assert!(!folder("new").exists(), "nothing was made");
    let complaint = refused(&folder("one log"), &[], &["serve"]);
    assert!(complaint.contains("this is a backup"), "{complaint}");
}
