//! Uploads by published clients of tus, unmodified.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::files::sha256;
use tests::{Client, Dice, Http, Person, Program};

use crate::{python, reported, run, sources};

/// Times that a client breaks its connection.
const CUTS: u64 = 20;

/// A program, somebody, and a file of theirs.
struct Uploading {
    _program: Program,
    ann: Person,
    endpoint: String,
    file: PathBuf,
    digest: String,
    _folder: TempDir,
}

impl Uploading {
    fn of(size_bytes: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = Program::serve(&folder.path().join("data"), 0);
        let client = Arc::new(Client::new(Http::new(program.address)));
        let ann = Person::register(&client, "ann");
        let mut dice = Dice::new(size_bytes as u64);
        let bytes: Vec<u8> = (0..size_bytes).map(|_| dice.below(256) as u8).collect();
        let file = folder.path().join("film.mp4");
        std::fs::write(&file, &bytes).expect("a written file");
        let endpoint = format!("http://{}/files", program.address);
        let digest = sha256(&bytes);
        Self { _program: program, ann, endpoint, file, digest, _folder: folder }
    }

    /// What has become of what is at a location.
    fn uploaded(&self, location: &str) -> Value {
        let id = location.trim().rsplit('/').next().expect("a path");
        let mut file = self.ann.file(id);
        file["same"] = json!(file["sha256"] == self.digest);
        json!([file["state"], file["name"], file["mediaType"], file["same"]])
    }
}

fn whole() -> Value {
    json!(["UPLOADED", "film.mp4", "video/mp4", true])
}

#[test]
fn tus_js_client_uploads_a_file_over_20_cuts_and_gives_another_up() {
    let uploading = Uploading::of(24 << 20);
    let (file, cuts) = (uploading.file.to_string_lossy(), CUTS.to_string());
    let arguments = [&uploading.endpoint, &uploading.ann.token, file.as_ref(), &cuts];
    let report = reported("upload.mjs", &arguments);
    assert_eq!((&report["cuts"], &report["terminated"]), (&json!(CUTS), &json!(404)));
    let location = report["location"].as_str().expect("a location");
    assert_eq!(uploading.uploaded(location), whole());
    let joined = report["joined"].as_str().expect("a location");
    assert_eq!(uploading.uploaded(joined), whole());
}

#[test]
fn tuspy_uploads_a_file_in_chunks_with_checksums() {
    let uploading = Uploading::of(5 << 20);
    let mut client = Command::new(python());
    client.arg(sources().join("upload.py"));
    client.args([&uploading.endpoint, &uploading.ann.token]).arg(&uploading.file);
    let location = String::from_utf8(run(&mut client).stdout).expect("text");
    assert_eq!(uploading.uploaded(&location), whole());
}
