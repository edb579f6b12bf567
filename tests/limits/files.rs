//! Files at their limits and one past them.

use chat::attachments::VERSIONS_MAX;
use chat::files::{
    NAME_BYTES_MAX, PROGRESS_EVERY_MS, SIMPLE_BYTES_MAX, SIZE_BYTES_MAX, UPLOADS_MAX,
};
use chat::media::AVATAR_BYTES_MAX;
use serde_json::json;
use tests::{Reply, World};

const TOO_LARGE: &str = "PICTURES_TOO_LARGE";

fn code(reply: &Reply) -> String {
    reply.json()["code"].as_str().expect("a code").to_owned()
}

#[test]
fn a_file_has_2_gib_by_tus_and_16_mib_in_one_request() {
    let world = World::new();
    let ann = world.person("ann");
    assert_eq!(ann.tries_to_begin("a", "", SIZE_BYTES_MAX).status, 201);
    assert_eq!(ann.tries_to_begin("a", "", SIZE_BYTES_MAX + 1).status, 413);
    for length in ["-1", "", "1.5", "x", "99999999999999999999999"] {
        let reply = ann.by_tus("POST", "/files", &[("upload-length", length)], b"");
        assert_eq!(reply.status, 400, "{length}");
    }
    let most = vec![7; SIMPLE_BYTES_MAX as usize];
    let id = ann.uploads("a", "", &most);
    assert_eq!(ann.file(&id)["sizeBytes"], SIMPLE_BYTES_MAX.to_string());
    let more = [&most[..], b"x"].concat();
    assert_eq!(ann.tries_to_upload("a", "", &more).status, 413);
}

#[test]
fn a_picture_has_10_mib() {
    let world = World::new();
    let ann = world.person("ann");
    let group = ann.creates_group("Lunch", &[]);
    let most = vec![7; AVATAR_BYTES_MAX as usize];
    let more = ann.uploads("a", "", &[&most[..], b"x"].concat());
    let most = ann.uploads("a", "", &most);
    let sets = |file: &str| ann.tries("setPicture", json!({ "fileId": file }), "position");
    let sets_of = |file: &str| {
        let input = json!({ "conversationId": group, "fileId": file });
        ann.tries("setConversationPicture", input, "position")
    };
    assert_eq!((sets(&more).code(), sets_of(&more).code()), (TOO_LARGE, TOO_LARGE));
    sets(&most).data();
    sets_of(&most).data();
}

#[test]
fn the_files_of_an_account_take_what_they_may() {
    let world = World::with(|it| it.account_storage_bytes_max = 1_000);
    let [ann, bob] = world.people(["ann", "bob"]);
    let first = ann.uploads("a", "", &[1; 600]);
    let full = ann.tries_to_upload("b", "", &[1; 401]);
    assert_eq!((full.status, code(&full)), (429, "FILES_STORAGE_FULL".to_owned()));
    assert_eq!(code(&ann.tries_to_begin("b", "", 401)), "FILES_STORAGE_FULL");
    ann.uploads("b", "", &[1; 400]);
    assert_eq!(ann.storage(), (1_000, 2, 0));
    let shown = ann.asks("{ viewerStorage { usedBytes limitBytes } }", json!({}));
    let expected = json!({ "usedBytes": "1000", "limitBytes": "1000" });
    assert_eq!(shown.data()["viewerStorage"], expected);
    bob.uploads("a", "", &[1; 1_000]);
    ann.does("terminateUpload", json!({ "fileId": first }), "file { id }");
    ann.uploads("c", "", &[1; 600]);
}

#[test]
fn the_files_of_a_conversation_take_what_they_may() {
    let world = World::with(|it| it.conversation_storage_bytes_max = 1_000);
    let [ann, bob] = world.people(["ann", "bob"]);
    let chat = ann.opens_direct(&bob);
    let [large, small, more] = [600, 400, 1].map(|it| ann.uploads("a", "", &vec![it as u8; it]));
    let sent = ann.attaches(&chat, &[(&large, "DOCUMENT")], json!({}));
    ann.attaches(&chat, &[(&small, "DOCUMENT")], json!({}));
    let full = ann.tries_to_attach(&chat, &[(&more, "DOCUMENT")], json!({}));
    assert_eq!(full.code(), "ATTACHMENTS_STORAGE_FULL");
    let input = json!({ "conversationId": chat, "messageIds": [sent] });
    let full = ann.tries("forwardMessages", input, "messages { id }");
    assert_eq!(full.code(), "FORWARDS_STORAGE_FULL");
    let taken = || {
        let query = "query($id: ID!) { conversation(id: $id) {
            storage { usedBytes limitBytes } } }";
        ann.asks(query, json!({ "id": chat })).data()["conversation"]["storage"].clone()
    };
    assert_eq!(taken(), json!({ "usedBytes": "1000", "limitBytes": "1000" }));
    let gone = json!({ "messageId": sent, "forEveryone": true });
    ann.does("deleteMessage", gone, "position");
    assert_eq!(taken()["usedBytes"], "400");
    ann.attaches(&chat, &[(&more, "DOCUMENT")], json!({}));
}

#[test]
fn a_hundred_uploads_may_be_unfinished() {
    let world = World::new();
    let ann = world.person("ann");
    let ids: Vec<_> = (0..UPLOADS_MAX).map(|_| ann.begins("a", "", 1)).collect();
    let more = ann.tries_to_begin("a", "", 1);
    assert_eq!((more.status, code(&more)), (429, "FILES_TOO_MANY_UPLOADS".to_owned()));
    assert_eq!(ann.patches(&ids[0], 0, &[], b"x").status, 204);
    assert_eq!(ann.tries_to_begin("a", "", 1).status, 201);
}

#[test]
fn names_have_255_bytes_and_no_way_out() {
    let world = World::new();
    let ann = world.person("ann");
    let most = "n".repeat(NAME_BYTES_MAX);
    let id = ann.uploads(&most, "", b"x");
    assert_eq!(ann.file(&id)["name"], most);
    assert_eq!(code(&ann.tries_to_upload(&format!("{most}n"), "", b"x")), "FILES_NAME_INVALID");
    assert_eq!(code(&ann.tries_to_upload("a", "no type", b"x")), "FILES_TYPE_INVALID");
    for hostile in ["a\r\nSet-Cookie: x=1", "../../a\r\nSet-Cookie: x=1", "\u{202e}a\"; b"] {
        let id = ann.uploads(hostile, "text/html", b"x");
        let loaded = ann.follows(&ann.link(&id), &[]);
        assert_eq!(loaded.header("set-cookie"), None);
        let told = loaded.header("content-disposition").expect("one");
        assert!(told.starts_with("attachment; filename*=UTF-8''"), "{told}");
        assert!(!told.contains('"') && !told.contains('/'), "{told}");
    }
    let described = |text: &str| {
        let headers = [("upload-length", "1"), ("upload-metadata", text)];
        ann.by_tus("POST", "/files", &headers, b"").status
    };
    assert_eq!(described("filename YQ==, is_final,filetype dGV4dC9wbGFpbg=="), 201);
    assert_eq!(described("filename !"), 400);
    assert_eq!(described(&format!("key {}", "A".repeat(4_092))), 201);
    assert_eq!(described(&format!("key {}", "A".repeat(4_096))), 400);
}

#[test]
fn devices_hear_of_an_upload_once_a_second_at_most() {
    let world = World::new();
    let ann = world.person("ann");
    let mut phone = ann.on_another_device().subscribes();
    // What passes is not caught up on: the phone follows before something does.
    let [_, id] = ["before", "a"].map(|name| {
        let id = ann.begins(name, "", 100_000);
        assert_eq!(phone.next().event(), "UploadBegun");
        id
    });
    let watch = ports::clock::Stopwatch::start();
    let mut at = 0;
    while watch.seconds() < 2.2 {
        assert_eq!(ann.patches(&id, at, &[], b"x").status, 204);
        at += 1;
    }
    let seconds = watch.seconds();
    // What comes next is an event: all that was told before it has been heard.
    ann.uploads("b", "", b"b");
    let mut heard = Vec::new();
    loop {
        let frame = phone.next();
        match frame.event() {
            "UploadProgress" => heard.push(tests::long(&frame.change()["receivedBytes"])),
            event => break assert_eq!(event, "UploadBegun"),
        }
    }
    assert_eq!(heard.first(), Some(&1));
    let most = (seconds * 1_000.0) as u64 / PROGRESS_EVERY_MS + 1;
    assert!(heard.len() as u64 <= most, "{heard:?} in {seconds} s");
    assert!(heard.len() > 1 && heard.is_sorted());
}

#[test]
fn a_file_of_a_message_has_20_versions() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut shown = ann.uploads("1", "", b"1");
    let message = ann.attaches(&group, &[(&shown, "DOCUMENT")], json!({}));
    let at = (group.as_str(), message.as_str());
    for n in 2..=VERSIONS_MAX {
        let newer = ann.uploads(&n.to_string(), "", n.to_string().as_bytes());
        ann.replaces(at, &shown, &newer);
        shown = newer;
    }
    let newer = ann.uploads("21", "", b"21");
    let refused = ann.tries_to_replace(at, (&shown, &newer), "position");
    assert_eq!(refused.code(), "ATTACHMENTS_TOO_MANY_VERSIONS");
    let history = bob.history(&message).expect("it is shown");
    let loaded: Vec<_> = history.into_iter().flat_map(|it| it.2).collect();
    let expected: Vec<_> = (1..=VERSIONS_MAX).map(|it| it.to_string().into_bytes()).collect();
    assert_eq!(loaded, expected);
}
