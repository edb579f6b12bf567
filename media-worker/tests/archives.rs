//! Archives: what they say they hold, beside what other programs say of them.

mod worker;

use std::io::Write;

use serde_json::{Value, json};
use worker::{Ended, convert, fixture, previews, work};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What all trees hold: path, bytes, whether it is a folder.
const TREE: [(&str, u64, bool); 6] = [
    ("Grüße 日本.txt", 1, false),
    ("empty", 0, false),
    ("folder", 0, true),
    ("folder/hello.txt", 6, false),
    ("folder/inner", 0, true),
    ("folder/inner/zeros.bin", 70_000, false),
];

fn listed(ended: &Ended) -> Value {
    assert_eq!(ended.done()["kind"], "archive");
    serde_json::from_slice(&ended.read("entries.json")).expect("a list")
}

/// The entries in an order of our own.
fn entries(ended: &Ended) -> Vec<Value> {
    let mut entries = listed(ended)["entries"].as_array().expect("a list").clone();
    entries.sort_by_key(|it| it["path"].as_str().map(str::to_owned));
    entries
}

/// A ZIP of empty files.
fn zip(names: impl IntoIterator<Item = String>) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in names {
        zip.start_file(name, SimpleFileOptions::default()).expect("it fits");
    }
    zip.finish().expect("it fits").into_inner()
}

#[test]
fn every_format_says_the_same_of_a_tree() {
    let types = [("tree.zip", "application/zip"), ("tree.7z", "application/x-7z-compressed")];
    for (name, media_type) in types {
        let ended = previews(&fixture(name));
        assert_eq!(ended.done()["media_type"], media_type);
        assert_eq!(ended.done()["entries"], 6);
        assert_eq!(ended.done()["encrypted"], false);
        assert_eq!(ended.names(), ["entries.json"]);
        let expected = TREE.map(|(path, bytes, folder)| {
            json!({ "path": path, "bytes": bytes, "folder": folder, "encrypted": false })
        });
        assert_eq!(entries(&ended), expected, "{name}");
        assert_eq!(listed(&ended)["cut"], false);
    }
}

#[test]
fn every_age_of_rar_is_listed() {
    // By the listing that lies beside these files in the tests of another reader.
    let paths = [
        "sub",
        "sub/dir1",
        "sub/dir1/file1.txt",
        "sub/dir2",
        "sub/dir2/file2.txt",
        "sub/empty",
        "sub/with space",
        "sub/with space/long fn.txt",
        "sub/üȵĩöḋè",
        "sub/üȵĩöḋè/file.txt",
    ];
    for name in ["rar3-subdirs.rar", "rar5-subdirs.rar"] {
        let ended = previews(&fixture(name));
        assert_eq!(ended.done()["media_type"], "application/vnd.rar");
        let entries = entries(&ended);
        let found: Vec<_> = entries.iter().map(|it| it["path"].as_str().expect("text")).collect();
        assert_eq!(found, paths, "{name}");
        let folders = entries.iter().filter(|it| it["folder"] == true).count();
        let bytes: u64 = entries.iter().filter_map(|it| it["bytes"].as_u64()).sum();
        assert_eq!((folders, bytes), (6, 25), "{name}");
    }
    let oldest = previews(&fixture("rar15-comment.rar"));
    assert_eq!(entries(&oldest)[1]["path"], "FILE2.TXT");
    assert_eq!(entries(&oldest)[1]["bytes"], 8);
}

#[test]
fn what_is_locked_is_listed_and_what_is_sealed_is_not() {
    for name in ["tree-locked.zip", "tree-locked.7z", "rar3-comment-psw.rar", "rar5-psw.rar"] {
        let ended = previews(&fixture(name));
        assert_eq!(ended.done()["encrypted"], true, "{name}");
        let locked = entries(&ended).into_iter().filter(|it| it["encrypted"] == true).count();
        assert!(locked >= 2, "{name}");
    }
    for name in ["tree-sealed.7z", "rar3-comment-hpsw.rar", "rar5-hpsw.rar"] {
        let ended = previews(&fixture(name));
        assert_eq!(ended.done()["encrypted"], true, "{name}");
        assert_eq!(ended.done().get("entries"), None, "{name}");
        assert!(ended.names().is_empty(), "{name}");
    }
}

#[test]
fn as_many_entries_are_told_as_is_read_and_all_are_counted() {
    let told = |many: usize| {
        let ended = previews(&zip((0..many).map(|it| it.to_string())));
        let list = listed(&ended);
        let told = list["entries"].as_array().expect("a list").len();
        (ended.done()["entries"].as_u64().expect("a number"), told, list["cut"] == true)
    };
    assert_eq!(told(10_000), (10_000, 10_000, false));
    assert_eq!(told(10_001), (10_001, 10_000, true));
}

#[test]
fn paths_take_as_many_bytes_as_is_said() {
    let told = |many: usize| {
        let ended = previews(&zip((0..many).map(|it| format!("{it:04}{}", "x".repeat(2000)))));
        let list = listed(&ended);
        let entries = list["entries"].as_array().expect("a list").clone();
        assert!(entries.iter().all(|it| it["path"].as_str().expect("text").len() == 1024));
        (entries.len(), list["cut"] == true)
    };
    assert_eq!(told(1024), (1024, false));
    assert_eq!(told(1025), (1024, true));
}

#[test]
fn names_order_nothing_about() {
    let names = ["invoice\u{202e}fdp.exe", "a\nb", "../../etc/passwd", "/etc/passwd", "\u{1b}[31m"];
    let ended = previews(&zip(names.map(str::to_owned)));
    let found = entries(&ended);
    let found: Vec<_> = found.iter().map(|it| it["path"].as_str().expect("text")).collect();
    let shown = ["../../etc/passwd", "/etc/passwd", "a\u{fffd}b", "invoice\u{fffd}fdp.exe"];
    assert_eq!(found[..4], shown);
    assert_eq!(found[4], "\u{fffd}[31m");
}

#[test]
fn names_that_occur_twice_are_listed_twice() {
    // The writer would not write it, so the second is made the first afterwards.
    let mut bytes = zip(["one.txt", "two.txt"].map(str::to_owned));
    while let Some(at) = bytes.windows(7).position(|it| it == b"two.txt") {
        bytes[at..at + 7].copy_from_slice(b"one.txt");
    }
    let found = entries(&previews(&bytes));
    assert_eq!((found.len(), &found[0]["path"]), (2, &found[1]["path"]));
}

#[test]
fn a_bomb_is_listed_and_never_unpacked() {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("bomb.bin", SimpleFileOptions::default()).expect("it fits");
    let nothing = vec![0; 1 << 20];
    for _ in 0..64 {
        zip.write_all(&nothing).expect("it fits");
    }
    let mut bytes = zip.finish().expect("it fits").into_inner();
    assert_eq!(entries(&previews(&bytes))[0]["bytes"], 64 << 20);
    // What it claims is told, whatever is there: four gibibytes but one byte, both times.
    let size = (64_u32 << 20).to_le_bytes();
    while let Some(at) = bytes.windows(4).position(|it| it == size) {
        bytes[at..at + 4].copy_from_slice(&0xFFFF_FFFE_u32.to_le_bytes());
    }
    assert_eq!(entries(&previews(&bytes))[0]["bytes"], 0xFFFF_FFFE_u32);
}

#[test]
fn a_directory_that_lies_is_broken() {
    let whole = zip(["one", "two", "three"].map(str::to_owned));
    let end = whole.len() - 22;
    assert_eq!(&whole[end..end + 4], b"PK\x05\x06");
    // More entries than there is place for, a directory behind the end, a piece of one.
    let mut many = whole.clone();
    many[end + 8..end + 12].fill(0xFF);
    let mut away = whole.clone();
    away[end + 16..end + 20].copy_from_slice(&0x7FFF_FFFF_u32.to_le_bytes());
    for broken in [many, away, whole[..end + 10].to_vec()] {
        assert_eq!(previews(&broken).failed(), "MEDIA_CORRUPT");
    }
    for name in ["tree.7z", "rar5-subdirs.rar", "rar3-subdirs.rar"] {
        let bytes = fixture(name);
        let ended = previews(&bytes[..bytes.len() / 2]);
        assert!(ended.code == 0 || ended.failed() == "MEDIA_CORRUPT", "{name}");
    }
}

#[test]
fn a_header_of_7z_claims_no_more_than_the_file_has() {
    let mut bytes = fixture("tree.7z");
    // Where the header is and how long, with the checksum that belongs to it.
    bytes[20..28].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    let sum = crc(&bytes[12..32]);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(previews(&bytes).failed(), "MEDIA_CORRUPT");
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[test]
fn an_archive_is_nothing_else() {
    let bytes = fixture("tree.zip");
    assert_eq!(convert(&bytes, "png").failed(), "MEDIA_UNSUPPORTED");
    assert_eq!(work(&bytes, &json!({ "kind": "avatar" })).failed(), "MEDIA_UNSUPPORTED");
}
