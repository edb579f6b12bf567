//! A cluster comes back from its backups, in another one.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use ports::blobs::{BlobKey, Put, Span};
use tests::servers::Servers;
use tests::{Client, Http, Person, Program};

use crate::cluster::Cluster;
use crate::{at, messages, refused, run, state_hash, text};

#[test]
fn a_cluster_comes_back_from_its_backups_in_another_one() {
    let servers = Servers::default();
    let place = tempfile::tempdir().expect("a folder");
    let folder = |name: &str| place.path().join(name);
    let (unused, log, keys) = (folder("unused"), folder("log"), folder("keys"));
    let [lost, found] = ["lost", "found"].map(|it| Cluster::start(&servers, place.path(), it));
    let roles = lost.serve(&unused);
    let client = Arc::new(Client::new(Http::new(roles[2].address)));
    let (ann, ben) = (Person::register(&client, "ann"), Person::register(&client, "ben"));
    let group = ann.creates_group("Harbour", &[&ben]);
    let doomed = ben.sends(&group, "to be deleted");
    let position = ann.position();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let picture = BlobKey::new("picture").expect("a key");
    let bytes = bytes::Bytes::from_static(b"bytes of a picture");
    let stored = runtime.block_on(async {
        let blobs = ports::blobs::connect(&lost.blobs).await.expect("blobs");
        blobs.put(&picture, bytes.clone().into()).await.expect("a put")
    });
    assert!(matches!(stored, Put::Stored { .. }));
    let to_log = ["backup", "--to", text(&log)];
    run(&unused, &lost.options, &to_log);
    run(&unused, &lost.options, &["backup", "--keys", "--to", text(&keys)]);
    ben.deletes(&doomed.id);
    let last = ann.sends(&group, "after the first backup");
    let seen = messages(&ben, &group);
    roles.into_iter().for_each(Program::terminate);
    run(&unused, &lost.options, &to_log);
    let hash = state_hash(&unused, &lost.options);
    drop(lost);

    let restore = ["restore", "--from", text(&log), "--keys-from", text(&keys)];
    let told = run(&unused, &found.options, &restore);
    assert!(told.contains("1 erasures were carried out again"), "{told}");
    run(&unused, &found.options, &["rebuild", "--all"]);
    assert_eq!(state_hash(&unused, &found.options), hash);
    run(&unused, &found.options, &["verify"]);
    let complaint = refused(&unused, &found.options, &restore);
    assert!(complaint.contains("served already"), "{complaint}");
    let found_bytes = runtime.block_on(async {
        let blobs = ports::blobs::connect(&found.blobs).await.expect("blobs");
        let reading = blobs.get(&picture, Span::Whole).await.expect("a get").expect("a blob");
        reading.bytes.try_collect::<Vec<_>>().await.expect("all bytes").concat()
    });
    assert_eq!(found_bytes, bytes);

    let roles = found.serve(&unused);
    let (ann, ben) = (at(&ann, &roles[2]), at(&ben, &roles[2]));
    assert_eq!(messages(&ben, &group), seen);
    let next = ben.sends(&group, "in the other cluster");
    assert_eq!(next.seq, last.seq + 1);
    let heard = ann.resumes(&position).until(&group, next.seq);
    let heard: Vec<_> = heard.iter().map(|it| (it.seq(), it.event().to_owned())).collect();
    let expected =
        [(last.seq - 1, "MessageDeleted"), (last.seq, "MessageSent"), (next.seq, "MessageSent")];
    assert_eq!(heard, expected.map(|it| (it.0, it.1.to_owned())));
}
