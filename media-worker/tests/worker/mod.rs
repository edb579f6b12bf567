//! Starts the real program on a folder, as the server does.
#![allow(dead_code, clippy::allow_attributes, reason = "each test uses what it needs of this")]

pub(crate) mod made;
pub(crate) mod pages;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const WORKER: &str = env!("CARGO_BIN_EXE_parlance-media-worker");

/// How a job ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    /// What it said last, and how far it was before that.
    pub(crate) line: Value,
    pub(crate) progress: Vec<u64>,
    folder: TempDir,
}

pub(crate) fn previews(input: &[u8]) -> Ended {
    work(input, &json!({ "kind": "previews", "name": "x.mp4" }))
}

pub(crate) fn convert(input: &[u8], to: &str) -> Ended {
    work(input, &json!({ "kind": "convert", "to": to }))
}

pub(crate) fn renditions(input: &[u8]) -> Ended {
    work(input, &json!({ "kind": "renditions" }))
}

pub(crate) fn work(input: &[u8], job: &Value) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("input"), input).expect("it is written");
    std::fs::write(folder.path().join("job.json"), job.to_string()).expect("it is written");
    let ended = Command::new(WORKER).arg(folder.path()).output().expect("it starts");
    let code = ended.status.code().expect("it ends by itself");
    let said = String::from_utf8(ended.stdout).expect("it is text");
    let lines: Result<Vec<Value>, _> = said.lines().map(serde_json::from_str).collect();
    let mut lines = lines.unwrap_or_default();
    let line = lines.pop();
    let line = line.unwrap_or_else(|| panic!("{code}: {}", String::from_utf8_lossy(&ended.stderr)));
    let told = |it: &Value| {
        assert_eq!(it.as_object().map(|it| it.len()), Some(1), "{it}");
        it["progress"].as_u64().expect("a number")
    };
    let progress: Vec<u64> = lines.iter().map(told).collect();
    assert!(progress.windows(2).all(|it| it[0] < it[1]), "{progress:?}");
    assert!(progress.iter().all(|it| (1..=99).contains(it)), "{progress:?}");
    Ended { code, line, progress, folder }
}

impl Ended {
    pub(crate) fn done(&self) -> &Value {
        assert_eq!(self.code, 0, "{}", self.line);
        &self.line
    }

    /// The reason of a failure that left nothing behind.
    pub(crate) fn failed(&self) -> &str {
        assert_eq!(self.code, 3, "{}", self.line);
        assert!(!self.folder.path().join("output").exists());
        self.line["failed"]["reason"].as_str().expect("a failure has a reason")
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.done()["files"].as_array().expect("a list").iter();
        files.map(|it| it["name"].as_str().expect("a name").to_owned()).collect()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join("output").join(name)).expect("it was made")
    }

    pub(crate) fn picture(&self, name: &str) -> image::RgbaImage {
        image::load_from_memory(&self.read(name)).expect("it is an image").into_rgba8()
    }

    /// Whatever lies in the folder of the job, by name.
    pub(crate) fn left(&self) -> Vec<String> {
        let output = std::fs::read_dir(self.folder.path().join("output"));
        let names = output.into_iter().flatten().map(|it| it.expect("an entry").file_name());
        let mut names: Vec<_> = names.map(|it| it.into_string().expect("text")).collect();
        names.sort();
        names
    }
}

pub(crate) fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|it| it.expect("an entry").path())
        .filter(|it| it.extension().is_some_and(|it| it != "sh" && it != "json"))
        .collect();
    paths.sort();
    paths
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(path).expect("a fixture")
}
