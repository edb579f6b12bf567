//! How far a job is, as whoever started it hears.

mod worker;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::json;
use worker::made::{moving, phone};
use worker::{WORKER, convert, fixture, previews, renditions, work};

#[test]
fn what_takes_long_says_how_far_it_is() {
    let made = phone(&moving("160x120", "25", "8"), &[]);
    assert_eq!(renditions(&made).progress, (1..=99).collect::<Vec<_>>(), "200 pictures");
    let short = phone(&moving("160x120", "25", "0.4"), &[]);
    let few = renditions(&short).progress;
    assert!((5..=10).contains(&few.len()), "{few:?}");
    // Two seconds and a half, in pieces of some hundredths of a second.
    for (sound, to) in [("sound.wav", "opus"), ("sound.mp3", "wav"), ("sound.ogg", "flac")] {
        let told = convert(&fixture(sound), to).progress;
        assert!((20..=99).contains(&told.len()), "{sound} to {to}: {told:?}");
        assert!(told.last().is_some_and(|it| *it >= 95), "{sound} to {to}: {told:?}");
    }
    let told = convert(&made, "m4a").progress;
    assert!(told.len() > 90, "the sound of a video: {told:?}");
}

#[test]
fn what_is_done_at_once_says_nothing_before() {
    let made = phone(&moving("160x120", "25", "4"), &[]);
    let picture = fixture("base.png");
    let silent = [
        previews(&made),
        previews(&fixture("sound.mp3")),
        previews(&picture),
        convert(&picture, "webp"),
        work(&picture, &json!({ "kind": "avatar" })),
    ];
    for ended in silent {
        assert_eq!(ended.code, 0);
        assert!(ended.progress.is_empty());
    }
    assert!(renditions(&picture).progress.is_empty(), "what fails at once neither");
}

#[test]
fn it_is_heard_while_the_job_is_done() {
    let made = phone(&moving("640x480", "25", "8"), &[]);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("input"), &made).expect("it is written");
    std::fs::write(folder.path().join("job.json"), r#"{"kind":"renditions"}"#).expect("it is");
    let started = Command::new(WORKER).arg(folder.path()).stdout(Stdio::piped()).spawn();
    let mut child = started.expect("it starts");
    let mut said = BufReader::new(child.stdout.take().expect("its output is piped"));
    let mut first = String::new();
    said.read_line(&mut first).expect("it says something");
    assert_eq!(first, "{\"progress\":1}\n");
    // Whoever has heard that can still end it.
    child.kill().expect("it is ours");
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    assert!(!rest.contains("files"), "it was over: {rest}");
    child.wait().expect("it is over");
}
