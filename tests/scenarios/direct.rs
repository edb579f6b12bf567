//! Parts that go to the store without us: sealed by whoever uploads, and the same file in the end.

use std::net::SocketAddr;
use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::files::{sha256, store_has_address};
use tests::{Http, Person, Reply, World};

/// What one link takes, and a little more.
const PART: usize = 8 << 20;
const SIZE: usize = PART + 200_000;

/// How long links to the store are good, and a little more.
const GOOD: Duration = Duration::from_secs(77 * 60);

fn bytes() -> Vec<u8> {
    (0..SIZE).map(|at| (at * 31 % 251) as u8).collect()
}

fn tries_to_begin(person: &Person, size: usize) -> Reply {
    let size = size.to_string();
    let headers = [("upload-length", size.as_str()), ("upload-direct", "true")];
    person.by_tus("POST", "/files", &headers, b"")
}

fn begins(person: &Person, size: usize) -> String {
    let reply = tries_to_begin(person, size);
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
    reply.header("location").and_then(|it| it.strip_prefix("/files/")).expect("a path").to_owned()
}

fn asks_for(person: &Person, file: &str, offset: usize) -> Reply {
    let wish = json!({ "offset": offset }).to_string();
    let kind = [("content-type", "application/json")];
    person.at_files("POST", &format!("/files/{file}/parts"), &kind, wish.as_bytes())
}

/// Seals a part as the documentation says, by a library that knows nothing of ours.
fn sealed(granted: &Value, plain: &[u8]) -> Vec<u8> {
    let decoded = |name: &str| STANDARD.decode(granted[name].as_str().expect("text")).expect("it");
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &decoded("key")).expect("a key"));
    let mut blob = decoded("salt");
    let chunks: Vec<&[u8]> = plain.chunks(64 << 10).collect();
    for (at, chunk) in chunks.iter().enumerate() {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&(at as u64).to_be_bytes());
        nonce[11] = u8::from(at + 1 == chunks.len());
        let mut sealed = chunk.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed).expect("it is sealed");
        blob.extend(sealed);
    }
    blob
}

/// Puts a blob where a link says.
fn puts(granted: &Value, blob: &[u8]) -> u16 {
    let url = granted["url"].as_str().expect("a link").strip_prefix("http://").expect("plain");
    let (host, path) = url.split_once('/').expect("a path");
    let address: SocketAddr = host.parse().expect("an address");
    let headers = granted["headers"].as_object().expect("headers");
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str().expect("text")))
        .collect();
    let method = granted["method"].as_str().expect("a method");
    let reply = Http::new(address).request(method, &format!("/{path}"), &headers, blob);
    reply.expect("the store answers").status
}

/// Asks for a link and puts a part by it.
fn gives(person: &Person, file: &str, offset: usize, plain: &[u8]) {
    let reply = asks_for(person, file, offset);
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.body));
    let granted = reply.json();
    assert_eq!(granted["sizeBytes"], plain.len().to_string());
    assert_eq!(puts(&granted, &sealed(&granted, plain)), 200);
}

#[test]
fn a_store_without_an_address_takes_nothing_directly() {
    if store_has_address() {
        return;
    }
    let world = World::new();
    let ann = world.person("ann");
    let reply = tries_to_begin(&ann, SIZE);
    assert_eq!((reply.status, &reply.json()["code"]), (409, &json!("FILES_NOT_DIRECT")));
    let file = ann.begins("plain", "", 10);
    assert_eq!(asks_for(&ann, &file, 0).json()["code"], "FILES_NOT_DIRECT");
    assert_eq!(ann.storage(), (10, 0, 1));
}

#[test]
fn what_went_to_the_store_directly_is_a_file_like_others() {
    if !store_has_address() {
        return;
    }
    let world = World::new();
    let [ann, eve] = world.people(["ann", "eve"]);
    let all = bytes();
    let file = begins(&ann, SIZE);
    // They may come in any order, and what came through us is not sent again.
    gives(&ann, &file, PART, &all[PART..]);
    assert_eq!(ann.offset(&file), Some(0));
    assert_eq!(ann.patches(&file, 0, &[], &all[..1_000]).status, 204);
    gives(&ann, &file, 0, &all[..PART]);
    assert_eq!(ann.offset(&file), Some(SIZE as u64));
    assert_eq!(sha256(&ann.follows(&ann.link(&file), &[]).body), sha256(&all));
    let clear = |it: &(std::path::PathBuf, Vec<u8>)| it.1.windows(64).any(|it| it == &all[..64]);
    assert!(!world.stored().iter().any(clear), "nothing of it lies in the clear");
    assert_eq!(asks_for(&ann, &file, 0).json()["code"], "FILES_NOT_DIRECT");
    assert_eq!(asks_for(&eve, &file, 0).status, 404);
    world.passes(GOOD);
    world.waits_for_blobs(&file, 1);
}

#[test]
fn what_is_not_sealed_as_it_was_told_is_found_and_what_comes_late_is_swept() {
    if !store_has_address() {
        return;
    }
    let world = World::new();
    let ann = world.person("ann");
    let file = begins(&ann, SIZE);
    for offset in [1, PART - 1, 2 * PART, SIZE, usize::MAX] {
        let reply = asks_for(&ann, &file, offset);
        assert_eq!(reply.json()["code"], "FILES_PART_INVALID", "{offset}");
    }
    let small = begins(&ann, PART);
    assert_eq!(asks_for(&ann, &small, 0).json()["sizeBytes"], PART.to_string());
    assert_eq!(asks_for(&ann, &small, PART).json()["code"], "FILES_PART_INVALID");
    gives(&ann, &file, PART, &bytes()[PART..]);
    let granted = asks_for(&ann, &file, 0).json();
    let mut blob = sealed(&granted, &bytes()[..PART]);
    assert_eq!(puts(&granted, &blob[1..]), 403, "a link is for so many bytes");
    blob[40] ^= 1;
    // What is put again lies there once.
    for _ in 0..2 {
        assert_eq!(puts(&granted, &blob), 200);
    }
    assert_eq!(world.blobs_of(&file), 2);
    assert_eq!(ann.by_tus("HEAD", &format!("/files/{file}"), &[], b"").status, 422);
    let late = asks_for(&ann, &small, 0).json();
    for it in [&file, &small] {
        ann.does("terminateUpload", json!({ "fileId": it }), "file { id }");
    }
    assert_eq!(puts(&late, &sealed(&late, &bytes()[..PART])), 200);
    world.passes(GOOD);
    world.waits_for_blobs(&file, 0);
    world.waits_for_blobs(&small, 0);
}
