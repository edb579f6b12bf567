//! The program finds what looks into files beside itself, goes on after kill -9, and leaves nothing
//! in the clear behind.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use serde_json::Value;
use tests::files::{fixture, media_worker};
use tests::{Client, Http, Person, Program, until};

/// What the program says of the worker, once that is as expected.
fn works(http: &Http, expected: &Value) {
    until("it tells otherwise", || {
        let told = http.request("GET", "/readyz", &[], &[]).expect("an answer");
        told.status == 200 && told.json()["mediaWorks"] == *expected
    });
}

/// What has happened is counted a moment later.
fn counts(http: &Http, expected: &str) {
    until(expected, || {
        let told = http.request("GET", "/metrics", &[], &[]).expect("an answer");
        String::from_utf8_lossy(&told.body).contains(expected)
    });
}

#[test]
fn the_worker_beside_the_program_is_found_and_can_be_done_without() {
    media_worker();
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::serve(folder.path(), 0);
    let http = Http::new(program.address);
    works(&http, &Value::Bool(true));
    let ann = Person::register(&Arc::new(Client::new(Http::new(program.address))), "ann");
    let id = ann.uploads("cat.jpg", "image/jpeg", &fixture("private.jpg"));
    assert_eq!(ann.looked_into(&id)["state"], "READY");
    counts(&http, "parlance_media_worker_up 1");
    counts(&http, "parlance_media_jobs_total{outcome=\"done\"} 1");
    program.terminate();
    let absent = folder.path().join("absent").display().to_string();
    let options = [("PARLANCE_MEDIA_WORKER", absent)];
    let program = Program::start("serve", folder.path(), 0, &options);
    let http = Http::new(program.address);
    works(&http, &Value::Bool(false));
    counts(&http, "parlance_media_worker_up 0");
    program.terminate();
    let off = [("PARLANCE_MEDIA", "false".to_owned())];
    let program = Program::start("serve", folder.path(), 0, &off);
    works(&Http::new(program.address), &Value::Null);
}

#[test]
fn a_job_that_was_killed_with_its_server_is_done_by_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (script, note, clear) = (at("worker"), at("note"), at("clear"));
    // The first file that comes is never answered.
    let text = format!(
        "#!/bin/sh\nif [ \"$(head -c 1 \"$1/input\")\" != - ] && [ ! -e {note} ]; then\n  \
         touch {note}\n  exec sleep 30\nfi\nexec {worker} \"$1\"\n",
        note = note.display(),
        worker = media_worker().display(),
    );
    std::fs::write(&script, text).expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).expect("it may run");
    let options = [
        ("PARLANCE_MEDIA_WORKER", script.display().to_string()),
        ("PARLANCE_MEDIA_FOLDER", clear.display().to_string()),
    ];
    let data = at("data");
    let program = Program::start("serve", &data, 0, &options);
    let port = program.address.port();
    let client = Arc::new(Client::new(Http::new(program.address)));
    let ann = Person::register(&client, "ann");
    let id = ann.uploads("cat.jpg", "image/jpeg", &fixture("private.jpg"));
    until("nobody looks into it", || note.exists());
    program.kill();
    let left = || std::fs::read_dir(&clear).expect("a folder").count();
    assert_eq!(left(), 1, "what was killed leaves its folder");
    let program = Program::start("serve", &data, port, &options);
    client.http.lets_go();
    assert_eq!(left(), 1, "only that of the next is there");
    assert_eq!(ann.looked_into(&id)["state"], "READY");
    program.terminate();
    assert_eq!(left(), 0, "nothing is left in the clear");
}
