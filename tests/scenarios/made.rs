//! What is made of files beside previews: videos as every client plays them, other formats, and all
//! of it anew by a newer worker; and that those who see a message are told.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::files::{LOOKING_MAX, fixture, media_worker};
use tests::{Person, TOO_LONG, World, long};

fn looking(program: PathBuf) -> World {
    World::with(|it| {
        it.media = true;
        it.media_worker = Some(program);
    })
}

/// A worker that does something before its work, and changes its line.
fn changed(folder: &TempDir, before: &str, line: &str) -> PathBuf {
    let (path, worker) = (folder.path().join("worker"), media_worker());
    let (note, worker) = (folder.path().display(), worker.display());
    let script = format!(
        "#!/bin/sh\ncd {note}\nif [ \"$(head -c 1 \"$1/input\")\" != - ]; then\n  {before}\nfi\n\
         said=$({worker} \"$1\")\ncode=$?\necho \"$said\" | {line}\nexit $code\n"
    );
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("it may run");
    path
}

/// A job of a file once it has an end.
fn ended(ann: &Person, file: &str, kind: &str) -> Value {
    let query =
        "query($id: ID!) { file(id: $id) { media { jobs { kind format state failure } } } }";
    let started = ports::clock::Stopwatch::start();
    loop {
        let answer = ann.asks(query, json!({ "id": file }));
        let jobs = answer.data()["file"]["media"]["jobs"].as_array().expect("jobs").clone();
        let of = |it: &&Value| it["kind"] == kind || it["format"] == kind;
        match jobs.iter().find(of) {
            Some(it) if it["state"] != "PROCESSING" => return it.clone(),
            _ => assert!(started.seconds() < LOOKING_MAX.as_secs_f64(), "{kind}: {jobs:?}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// What was made of a file by its name.
fn load(ann: &Person, file: &str, name: &str) -> Vec<u8> {
    let media = ann.media(file);
    let all = media["variants"].as_array().expect("a list");
    let found = all.iter().find(|it| it["name"] == name);
    let link = &found.unwrap_or_else(|| panic!("no {name}: {media}"))["url"];
    ann.follows(link.as_str().expect("a link"), &[]).body
}

fn film(size: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("film.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", &format!("testsrc2=s={size}:r=10:d=2")])
        .args(["-f", "lavfi", "-i", "sine=d=2", "-c:v", "mpeg4", "-c:a", "flac", "-shortest"])
        .arg(&film)
        .status();
    assert!(made.expect("ffmpeg is needed for this test").success());
    std::fs::read(&film).expect("a film")
}

#[test]
fn a_video_of_any_kind_is_written_as_every_client_plays_it() {
    let world = looking(media_worker());
    let ann = world.person("ann");
    let id = ann.uploads("film", "", &film("640x480"));
    assert_eq!(ann.looked_into(&id)["kind"], "VIDEO");
    assert_eq!(ended(&ann, &id, "RENDITIONS")["state"], "READY");
    let played = load(&ann, &id, "480p.mp4");
    assert_eq!(&played[4..8], b"ftyp");
    let place = |it: &[u8]| played.windows(4).position(|at| at == it);
    assert!(place(b"moov") < place(b"mdat"), "it plays before all of it has come");
    ann.does("terminateUpload", json!({ "fileId": id }), "file { id }");
    world.waits_for_blobs(&id, 0);
}

#[test]
fn a_file_is_made_into_other_formats_for_its_owner() {
    let world = looking(media_worker());
    let [ann, eve] = world.people(["ann", "eve"]);
    let photo = ann.uploads("cat.heic", "image/heic", &fixture("base.heic"));
    let wants = |file: &str, format: &str| json!({ "fileId": file, "format": format });
    let made = "file { media { jobs { kind format } } }";
    let asked = ann.does("convertFile", wants(&photo, "PNG"), made);
    let expected = json!([{ "kind": "PREVIEWS", "format": null },
        { "kind": "CONVERSION", "format": "PNG" }]);
    assert_eq!(asked["file"]["media"]["jobs"], expected);
    let png = json!({ "kind": "CONVERSION", "format": "PNG", "state": "READY", "failure": null });
    assert_eq!(ended(&ann, &photo, "PNG"), png);
    assert_eq!(load(&ann, &photo, "converted.png")[1..4], *b"PNG");
    // Asked for again it is there.
    ann.does("convertFile", wants(&photo, "PNG"), "file { id }");
    assert_eq!(ended(&ann, &photo, "PNG"), png);
    ann.does("convertFile", wants(&photo, "MP3"), "file { id }");
    let failed = ended(&ann, &photo, "MP3");
    assert_eq!((&failed["state"], &failed["failure"]), (&json!("FAILED"), &json!("UNSUPPORTED")));
    let song = ann.uploads("song.flac", "", &fixture("sound.flac"));
    ann.does("convertFile", wants(&song, "OPUS"), "file { id }");
    assert_eq!(ended(&ann, &song, "OPUS")["state"], "READY");
    let other = eve.tries("convertFile", wants(&song, "OPUS"), "file { id }");
    assert_eq!(other.code(), "NOT_FOUND");
}

#[test]
fn those_who_see_a_message_hear_what_was_made_of_its_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let wait = "while [ ! -e go ]; do sleep 0.05; done";
    let world = looking(changed(&folder, wait, "cat"));
    let [ann, eve] = world.people(["ann", "eve"]);
    let direct = ann.opens_direct(&eve);
    let selection = "eventName change { ... on Message { id content { ... on Attachments { \
                     attachments { file { media { state variants { name } } } } } } } }";
    let mut heard = eve.hears(selection);
    let id = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    let message = ann.attaches(&direct, &[(&id, "PHOTO")], json!({}));
    let mut of = |event: &str| loop {
        let frame = heard.expect_for("own", "next")["payload"]["data"]["updates"].clone();
        if frame["eventName"] == event {
            assert_eq!(frame["change"]["id"], *message);
            return frame["change"]["content"]["attachments"][0]["file"]["media"].clone();
        }
    };
    assert_eq!(of("MessageSent")["state"], "PROCESSING");
    std::fs::write(folder.path().join("go"), b"").expect("a file");
    let ready = of("AttachmentReady");
    assert_eq!(ready["state"], "READY");
    assert_eq!(ready["variants"].as_array().map(Vec::len), Some(4));
    // The message is unread, and nothing else.
    assert_eq!(eve.unread(&direct), 1);
}

#[test]
fn a_newer_worker_makes_everything_anew_while_the_old_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let version = "sed \"s/^{/{\\\"tool\\\":$(cat tool),/\"";
    let says = |tool: u32| std::fs::write(folder.path().join("tool"), tool.to_string());
    says(1).expect("a note");
    let program = changed(&folder, "echo x >> note", version);
    let mut world = looking(program);
    let ann = world.person("ann");
    let photo = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    let cut = ann.uploads("cut.jpg", "image/jpeg", &fixture("private.jpg")[..700]);
    assert_eq!(ann.looked_into(&photo)["state"], "READY");
    assert_eq!(ann.looked_into(&cut)["failure"], "CORRUPT");
    let before: Vec<String> = world.blobs();
    says(2).expect("a note");
    world.restarts();
    let runs =
        || std::fs::read_to_string(folder.path().join("note")).expect("notes").lines().count();
    let started = ports::clock::Stopwatch::start();
    let anew = |world: &World| {
        let now = world.blobs();
        let ours = |it: &&String| it.starts_with("media.");
        now.iter().filter(ours).count() == 4
            && !now.iter().filter(ours).any(|it| before.contains(it))
    };
    while runs() < 4 || !anew(&world) {
        assert_eq!(ann.media(&photo)["state"], "READY");
        assert!(started.seconds() < TOO_LONG.as_secs_f64(), "{} runs", runs());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(ann.looked_into(&cut)["failure"], "CORRUPT");
    let media = ann.media(&photo);
    for it in media["variants"].as_array().expect("a list") {
        let loaded = ann.follows(it["url"].as_str().expect("a link"), &[]);
        assert_eq!(loaded.body.len() as u64, long(&it["sizeBytes"]));
    }
    world.restarts();
    assert_eq!((ann.looked_into(&photo)["state"].as_str(), runs()), (Some("READY"), 4));
}
