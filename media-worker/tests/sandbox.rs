//! The walls: every way out is shut, and what is used up ends the decoder and not its starter.

mod worker;

use std::process::Command;

use serde_json::{Value, json};
use worker::{WORKER, fixture, previews, work};

#[test]
fn every_way_out_is_shut() {
    let ended = Command::new(WORKER).arg("--check").output().expect("it starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let report: Value = serde_json::from_slice(&ended.stdout).expect("a report");
    assert_eq!(report["stands"], true);
    for walls in ["shut", "behind_calls_alone"] {
        let ways = report[walls].as_object().expect("a list of ways");
        assert_eq!(ways.len(), 15);
        assert!(ways.values().all(|it| *it == true), "{walls}: {ways:?}");
    }
    // Where the kernel has the second wall, that one alone keeps files and connections out.
    if report["landlock"] == "whole" {
        let ways = &report["behind_landlock_alone"];
        for way in ["reading a file", "writing a file", "becoming a program", "connecting"] {
            assert_eq!(ways[way], true, "{way}");
        }
    }
}

#[test]
fn what_is_asked_wrongly_is_no_failure_of_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let ask = || Command::new(WORKER).arg(folder.path()).output().expect("it starts").status;
    assert_eq!(ask().code(), Some(2), "there is no job");
    for job in ["", "{}", r#"{"kind":"other"}"#, r#"{"kind":"convert","to":"exe"}"#] {
        std::fs::write(folder.path().join("job.json"), job).expect("it is written");
        assert_eq!(ask().code(), Some(2), "{job}");
    }
    let long = json!({ "kind": "previews", "name": "x".repeat(64 << 10) });
    std::fs::write(folder.path().join("job.json"), long.to_string()).expect("it is written");
    assert_eq!(ask().code(), Some(2), "a job has a few words");
    assert_eq!(Command::new(WORKER).output().expect("it starts").status.code(), Some(2));
}

#[test]
fn an_input_that_leads_elsewhere_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("input")).expect("a link");
    let job = json!({ "kind": "previews" }).to_string();
    std::fs::write(folder.path().join("job.json"), job).expect("it is written");
    let ended = Command::new(WORKER).arg(folder.path()).output().expect("it starts");
    assert_eq!(ended.status.code(), Some(3));
}

#[test]
fn an_input_larger_than_any_upload_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = json!({ "kind": "previews" }).to_string();
    std::fs::write(folder.path().join("job.json"), job).expect("it is written");
    // A hole takes no place on the disk.
    let input = std::fs::File::create(folder.path().join("input")).expect("it is made");
    input.set_len(2 << 30).expect("a hole");
    let ask = || Command::new(WORKER).arg(folder.path()).output().expect("it starts");
    assert_eq!(ask().status.code(), Some(0), "two gibibytes of nothing are a file like others");
    std::fs::remove_dir_all(folder.path().join("output")).expect("it was made");
    input.set_len((2 << 30) + 1).expect("a hole");
    assert_eq!(ask().status.code(), Some(3));
}

#[test]
fn an_image_has_at_most_a_quarter_of_a_gibibyte() {
    let reason = |length| {
        let folder = tempfile::tempdir().expect("a folder");
        let job = json!({ "kind": "previews" }).to_string();
        std::fs::write(folder.path().join("job.json"), job).expect("it is written");
        let path = folder.path().join("input");
        std::fs::write(&path, b"\x89PNG\r\n\x1a\n").expect("it is written");
        let input = std::fs::File::options().write(true).open(&path).expect("it is there");
        input.set_len(length).expect("a hole");
        let ended = Command::new(WORKER).arg(folder.path()).output().expect("it starts");
        let line: Value = serde_json::from_slice(&ended.stdout).expect("a line");
        line["failed"]["reason"].clone()
    };
    assert_eq!(reason(256 << 20), "MEDIA_CORRUPT");
    assert_eq!(reason((256 << 20) + 1), "MEDIA_TOO_LARGE");
}

#[test]
fn the_same_file_gives_the_same() {
    let once = previews(&fixture("base.png"));
    let again = work(&fixture("base.png"), &json!({ "kind": "previews" }));
    assert_eq!(once.done(), again.done());
}
