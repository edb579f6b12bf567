//! What is not taken: contents that a scanner or a list knows, and kinds that the operator wants
//! none of.

use serde_json::json;
use tests::World;
use tests::files::sha256;
use tests::servers::clamd::{Clamd, harmful};

#[test]
fn what_a_scanner_knows_is_refused_and_nothing_is_taken_while_it_is_away() {
    let mut daemon = Clamd::start();
    let address = daemon.address();
    let world = World::with(|it| it.scanner = Some(address));
    let ann = world.person("ann");
    let clean = ann.uploads("a.txt", "text/plain", b"a text");
    assert_eq!(ann.follows(&ann.link(&clean), &[]).body, b"a text");
    let refused = ann.tries_to_upload("b.txt", "text/plain", &harmful());
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("FILES_REFUSED")));
    let wrapped = [&vec![7; 1 << 20][..], &harmful()].concat();
    let id = ann.begins("c.bin", "", wrapped.len() as u64);
    assert_eq!(ann.patches(&id, 0, &[], &wrapped[..700_000]).status, 204);
    assert_eq!(ann.patches(&id, 700_000, &[], &wrapped[700_000..]).status, 403);
    assert_eq!(ann.offset(&id), None);
    world.waits_for_blobs(&id, 0);
    assert_eq!(ann.storage(), (6, 1, 0));
    daemon.kill();
    let id = ann.begins("d.txt", "text/plain", 4);
    // Where another node is asked then, that finds that the bytes have come.
    let status = ann.patches(&id, 0, &[], b"text").status;
    assert!([503, 409].contains(&status), "{status}");
    assert_eq!(ann.file(&id)["state"], "UPLOADING");
    daemon.start_again();
    assert_eq!(ann.offset(&id), Some(4));
    assert_eq!(ann.file(&id)["state"], "UPLOADED");
}

#[test]
fn contents_of_the_operators_list_and_kinds_of_theirs_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("blocked.txt");
    let lines = format!("# not to be spread\n{}\n", sha256(b"an evil text").to_uppercase());
    std::fs::write(&list, lines).expect("written");
    let world = World::with(|it| {
        it.blocked_digests = Some(list.clone());
        it.refused_files = vec!["image/svg+xml".to_owned(), ".exe".to_owned()];
    });
    let ann = world.person("ann");
    let code = |name: &str, kind: &str, bytes: &[u8]| {
        let reply = ann.tries_to_upload(name, kind, bytes);
        (reply.status, reply.json()["code"].clone())
    };
    assert_eq!(code("a.txt", "text/plain", b"an evil text"), (403, json!("FILES_REFUSED")));
    assert_eq!(code("a.svg", "image/svg+xml", b"<svg/>"), (403, json!("FILES_TYPE_REFUSED")));
    assert_eq!(code("a.EXE", "text/plain", b"MZ"), (403, json!("FILES_TYPE_REFUSED")));
    assert_eq!(ann.tries_to_begin("a.exe", "", 5).status, 403);
    ann.uploads("a.txt", "text/plain", b"an evil text.");
    assert_eq!(ann.storage(), (13, 1, 0));
}
