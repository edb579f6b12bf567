//! The same contents again: stored once, and there for as long as something holds one of the files
//! that have them.

use serde_json::{Value, json};
use tests::files::{fixture, media_worker, sha256};
use tests::{Dice, Person, World, at_once};

fn film() -> Vec<u8> {
    let mut dice = Dice::new(12);
    (0..200_000).map(|_| dice.below(256) as u8).collect()
}

fn deletes(person: &Person, message: &str) {
    let input = json!({ "messageId": message, "forEveryone": true });
    person.does("deleteMessage", input, "position");
}

/// What somebody loads of the one file of a message.
fn loads(person: &Person, message: &str) -> Vec<u8> {
    let link = person.attached_links(message)[0].clone().expect("a link");
    person.follows(&link, &[]).body
}

#[test]
fn a_file_that_comes_twice_is_one_blob_until_neither_is_used() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let film = film();
    let first = ann.uploads("film.mp4", "video/mp4", &film);
    let second = ann.begins("again.bin", "", film.len() as u64);
    assert_eq!(ann.patches(&second, 0, &[], &film[..70_000]).status, 204);
    assert_eq!(ann.patches(&second, 70_000, &[], &film[70_000..]).status, 204);
    world.waits_for_blobs(&first, 1);
    world.waits_for_blobs(&second, 0);
    assert_eq!(ann.storage(), (film.len() as u64, 2, 0));
    let [one, two] = [&first, &second].map(|it| ann.file(it));
    assert_eq!((&one["name"], &two["name"]), (&json!("film.mp4"), &json!("again.bin")));
    assert_eq!((&one["sha256"], &two["sha256"]), (&json!(sha256(&film)), &json!(sha256(&film))));
    let loaded = ann.follows(&ann.link(&second), &[]);
    assert_eq!(loaded.header("content-type"), Some("application/octet-stream"));
    // That she had it before is nobody's business.
    assert_eq!(loaded.header("etag"), Some(format!("\"{second}\"").as_str()));
    assert_eq!(sha256(&loaded.body), sha256(&film));
    let span = ann.follows(&ann.link(&second), &[("range", "bytes=65000-66000")]);
    assert_eq!((span.status, &span.body[..]), (206, &film[65_000..=66_000]));
    let messages = [&first, &second].map(|it| ann.attaches(&group, &[(it, "DOCUMENT")], json!({})));
    deletes(&ann, &messages[0]);
    world.passes_until_over(&ann, &first);
    assert_eq!(ann.file(&first)["name"], Value::Null);
    assert_eq!(sha256(&loads(&bob, &messages[1])), sha256(&film));
    world.waits_for_blobs(&first, 1);
    assert_eq!(ann.storage(), (film.len() as u64, 1, 0));
    deletes(&ann, &messages[1]);
    [&first, &second].iter().for_each(|it| world.passes_until_gone(it));
    assert_eq!(ann.storage(), (0, 0, 0));
    let anew = ann.uploads("film.mp4", "video/mp4", &film);
    world.waits_for_blobs(&anew, 1);
}

#[test]
fn whoever_ends_one_of_them_keeps_the_other() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let film = film();
    let [first, second] = ["a", "b"].map(|it| ann.uploads(it, "", &film));
    let messages = [&first, &second].map(|it| ann.attaches(&group, &[(it, "DOCUMENT")], json!({})));
    let link = ann.link(&first);
    ann.does("terminateUpload", json!({ "fileId": first }), "file { id }");
    assert_eq!(ann.follows(&link, &[]).status, 404);
    let found = bob.attached(&messages[0])["attachments"][0]["file"].clone();
    assert_eq!(found, Value::Null, "her message says that it is gone");
    assert_eq!(sha256(&loads(&bob, &messages[1])), sha256(&film));
    // The contents are there yet, so they are not stored again.
    let third = ann.uploads("c", "", &film);
    world.waits_for_blobs(&third, 0);
    world.waits_for_blobs(&first, 1);
    ann.does("terminateUpload", json!({ "fileId": second }), "file { id }");
    assert_eq!(sha256(&ann.follows(&ann.link(&third), &[]).body), sha256(&film));
    ann.does("terminateUpload", json!({ "fileId": third }), "file { id }");
    for file in [&first, &second, &third] {
        world.waits_for_blobs(file, 0);
    }
    assert_eq!(ann.storage(), (0, 0, 0));
}

#[test]
fn contents_of_others_are_stored_for_each() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let files = [&ann, &bob].map(|it| it.uploads("a", "", b"the same text"));
    files.iter().for_each(|it| world.waits_for_blobs(it, 1));
    assert_eq!([&ann, &bob].map(Person::storage), [(13, 1, 0); 2]);
}

#[test]
fn files_that_come_at_once_are_one_blob() {
    let world = World::new();
    let ann = world.person("ann");
    let film = film();
    let files = at_once([(); 6].map(|()| || ann.uploads("a", "", &film)));
    assert_eq!(ann.storage(), (film.len() as u64, 6, 0));
    for file in &files {
        assert_eq!(sha256(&ann.follows(&ann.link(file), &[]).body), sha256(&film));
    }
    world.waits_for_blobs_of(&files, 1);
    let (one, others): (Vec<_>, Vec<_>) = files.iter().partition(|it| world.blobs_of(it) > 0);
    ann.does("terminateUpload", json!({ "fileId": one[0] }), "file { id }");
    for file in others {
        assert_eq!(sha256(&ann.follows(&ann.link(file), &[]).body), sha256(&film));
        ann.does("terminateUpload", json!({ "fileId": file }), "file { id }");
    }
    files.iter().for_each(|it| world.waits_for_blobs(it, 0));
}

#[test]
fn what_was_made_of_contents_is_shown_with_each_file_that_has_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().to_owned();
    let world = World::with(|it| {
        it.media = true;
        it.media_worker = Some(media_worker());
        it.media_folder = Some(at);
    });
    let ann = world.person("ann");
    let picture = fixture("base.png");
    let first = ann.uploads("a.png", "image/png", &picture);
    let second = ann.uploads("b.png", "image/png", &picture);
    // Whoever looks into it goes on when it is there for its alias only.
    ann.does("terminateUpload", json!({ "fileId": first }), "file { id }");
    assert_eq!(ann.media(&first), Value::Null);
    let media = ann.looked_into(&second);
    assert_eq!((&media["state"], &media["kind"]), (&json!("READY"), &json!("IMAGE")));
    let variants = media["variants"].as_array().expect("a list");
    assert!(!variants.is_empty());
    for variant in variants {
        let loaded = ann.follows(variant["url"].as_str().expect("a link"), &[]);
        assert_eq!(loaded.status, 200);
        assert_eq!(variant["sizeBytes"], loaded.body.len().to_string());
    }
    world.waits_for_blobs(&first, 1 + variants.len());
    ann.does("terminateUpload", json!({ "fileId": second }), "file { id }");
    [&first, &second].iter().for_each(|it| world.waits_for_blobs(it, 0));
}
