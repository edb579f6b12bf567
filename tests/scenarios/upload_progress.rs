//! How far uploads have come: told to their owner's devices while the bytes come, and to nobody
//! else.

use std::io::Write as _;

use serde_json::{Value, json};
use tests::bridge::{Bridge, text};
use tests::{Feed, Person, World, long};

fn told(file: &str, received: u64) -> Value {
    let [received, size] = [received, SIZE].map(|it| it.to_string());
    json!({ "__typename": "UploadProgress", "fileId": file,
        "receivedBytes": received, "sizeBytes": size })
}

/// The next that a device hears of an upload.
fn hears(device: &mut Feed) -> Value {
    let frame = device.next();
    assert_eq!(frame.event(), "UploadProgress");
    assert_eq!((&frame.0["seq"], &frame.0["conversationId"]), (&Value::Null, &Value::Null));
    frame.change().clone()
}

const SIZE: u64 = 100_000;

/// Begins an upload that devices have heard of. What passes is not caught up on, so it must not
/// come before they follow: they hear of another first.
fn begins(ann: &Person, devices: &mut [&mut Feed]) -> String {
    let begun = ["before", "a"].map(|name| {
        let id = ann.begins(name, "text/plain", SIZE);
        for device in devices.iter_mut() {
            assert_eq!(device.next().event(), "UploadBegun");
        }
        id
    });
    let [_, id] = begun;
    id
}

#[test]
fn the_owners_devices_hear_how_far_an_upload_has_come() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let phone = ann.on_another_device();
    let (mut own, mut phone) = (ann.subscribes(), phone.subscribes());
    let mut other = bob.subscribes();
    let start = ann.position();
    let id = begins(&ann, &mut [&mut own, &mut phone]);
    let watch = ports::clock::Stopwatch::start();
    let mut sent = 4;
    assert_eq!(ann.patches(&id, 0, &[], b"1234").status, 204);
    for device in [&mut own, &mut phone] {
        assert_eq!(hears(device), told(&id, 4));
    }
    while watch.seconds() < 1.2 {
        assert_eq!(ann.patches(&id, sent, &[], b"x").status, 204);
        sent += 1;
    }
    for device in [&mut own, &mut phone] {
        let received = long(&hears(device)["receivedBytes"]);
        assert!(received > 4 && received <= sent, "{received} of {sent}");
    }
    // Of the last bytes an event tells.
    let rest = vec![0; (SIZE - sent) as usize];
    assert_eq!(ann.patches(&id, sent, &[], &rest).status, 204);
    for device in [&mut own, &mut phone] {
        let last = loop {
            let frame = device.next();
            if frame.event() != "UploadProgress" {
                break frame;
            }
            assert!(long(&frame.change()["receivedBytes"]) < SIZE);
        };
        assert_eq!(last.event(), "FileUploaded");
    }
    let saved = bob.opens_direct(&bob);
    let sent = bob.sends(&saved, "hi");
    loop {
        let frame = other.next();
        assert_ne!(frame.event(), "UploadProgress");
        if frame.conversation() == saved && frame.seq() == sent.seq {
            break;
        }
    }
    // What passes is in no log: who comes back hears of what happened, and of nothing else.
    let mut late = ann.resumes(&start);
    for happened in ["UploadBegun", "UploadBegun", "FileUploaded"] {
        assert_eq!(late.next().event(), happened);
    }
}

#[test]
fn a_request_that_lasts_is_told_of_while_it_does() {
    let world = World::new();
    let ann = world.person("ann");
    let mut phone = ann.on_another_device().subscribes();
    let id = begins(&ann, &mut [&mut phone]);
    let node = world.node();
    let mut wire = node.connect().expect("a connection");
    let head = format!(
        "PATCH /files/{id} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         tus-resumable: 1.0.0\r\ncontent-type: application/offset+octet-stream\r\n\
         upload-offset: 0\r\ncontent-length: 9\r\n\r\n",
        node.address, ann.token
    );
    wire.write_all(head.as_bytes()).expect("sent");
    for (bytes, received) in [("1234", 4), ("567", 7)] {
        wire.write_all(bytes.as_bytes()).expect("sent");
        assert_eq!(hears(&mut phone), told(&id, received));
    }
}

#[test]
fn an_application_hears_nothing_of_it() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, true);
    let token = text(&bridge.tokens(&ann, "chat:read")["access_token"]);
    let app = Person { token, ..ann.on_another_device() };
    let (mut told, mut phone) = (app.subscribes(), ann.subscribes());
    let id = begins(&ann, &mut [&mut phone, &mut told]);
    assert_eq!(ann.patches(&id, 0, &[], b"1234").status, 204);
    assert_eq!(hears(&mut phone), self::told(&id, 4));
    let saved = ann.opens_direct(&ann);
    let sent = ann.sends(&saved, "hi");
    loop {
        let frame = told.next();
        assert_ne!(frame.event(), "UploadProgress");
        if frame.conversation() == saved && frame.seq() == sent.seq {
            break;
        }
    }
}
