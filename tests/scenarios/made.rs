//! What is made of files beside previews: videos as every client plays them, other formats, and all
//! of it anew by a newer worker; and that those who see a message are told.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::files::{LOOKING_MAX, fixture, media_worker};
use tests::{Person, World, long, until, within};

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
    within(LOOKING_MAX, || {
        let answer = ann.asks(query, json!({ "id": file }));
        let jobs = answer.data()["file"]["media"]["jobs"].as_array().expect("jobs").clone();
        let of = |it: &&Value| it["kind"] == kind || it["format"] == kind;
        match jobs.iter().find(of) {
            Some(it) if it["state"] != "PROCESSING" => Ok(it.clone()),
            _ => Err(format!("{kind}: {jobs:?}")),
        }
    })
}

/// What was made of a file by its name.
fn load(ann: &Person, file: &str, name: &str) -> Vec<u8> {
    let media = ann.media(file);
    let all = media["variants"].as_array().expect("a list");
    let found = all.iter().find(|it| it["name"] == name);
    let link = &found.unwrap_or_else(|| panic!("no {name}: {media}"))["url"];
    ann.follows(link.as_str().expect("a link"), &[]).body
}

fn film(size: &str, rate: u32, seconds: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("film.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg(format!("testsrc2=s={size}:r={rate}:d={seconds}"))
        .args([
            "-f",
            "lavfi",
            "-i",
            &format!("sine=d={seconds}"),
            "-c:v",
            "mpeg4",
            "-c:a",
            "flac",
            "-shortest",
        ])
        .arg(&film)
        .status();
    assert!(made.expect("ffmpeg is needed for this test").success());
    std::fs::read(&film).expect("a film")
}

#[test]
fn a_video_of_any_kind_is_written_as_every_client_plays_it() {
    let world = looking(media_worker());
    let ann = world.person("ann");
    let selection = "change { ... on MediaProgress { fileId kind format percent } }";
    let mut phone = ann.on_another_device().hears(selection);
    let id = ann.uploads("film", "", &film("640x480", 10, 2));
    assert_eq!(ann.looked_into(&id)["kind"], "VIDEO");
    let progress = loop {
        let frame = phone.expect_for("own", "next")["payload"]["data"]["updates"].clone();
        if frame["change"]["percent"].is_number() {
            break frame["change"].clone();
        }
    };
    assert!((1..100).contains(&progress["percent"].as_i64().expect("a number")), "{progress}");
    let of = (&progress["fileId"], &progress["kind"], &progress["format"]);
    assert_eq!(of, (&json!(id), &json!("RENDITIONS"), &Value::Null));
    assert_eq!(ended(&ann, &id, "RENDITIONS")["state"], "READY");
    let played = load(&ann, &id, "480p.mp4");
    assert_eq!(&played[4..8], b"ftyp");
    let place = |it: &[u8]| played.windows(4).position(|at| at == it);
    assert!(place(b"moov") < place(b"mdat"), "it plays before all of it has come");
    ann.does("terminateUpload", json!({ "fileId": id }), "file { id }");
    world.waits_for_blobs(&id, 0);
}

/// The lines of a playlist that a link leads to.
fn list(person: &Person, link: &str) -> Vec<String> {
    let loaded = person.follows(link, &[]);
    assert_eq!(loaded.status, 200, "{link}");
    assert_eq!(loaded.header("content-type"), Some("application/vnd.apple.mpegurl"));
    assert_eq!(loaded.header("cache-control"), Some("no-store"));
    String::from_utf8(loaded.body).expect("text").lines().map(str::to_owned).collect()
}

/// The pieces of a playlist as a player loads them, one behind the other, and the link to them.
fn plays(person: &Person, link: &str) -> (Vec<u8>, String) {
    let (lines, mut all, mut uri) = (list(person, link), Vec::new(), String::new());
    let mut span = String::new();
    for line in lines {
        let map = line.strip_prefix("#EXT-X-MAP:URI=\"");
        if let Some(told) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            told.clone_into(&mut span);
        } else if let Some((named, told)) = map.and_then(|it| it.split_once("\",BYTERANGE=\"")) {
            (uri, span) = (named.to_owned(), told.trim_end_matches('"').to_owned());
        } else if line.starts_with('#') {
            continue;
        } else {
            assert_eq!(line, uri);
        }
        if span.is_empty() || line.starts_with("#EXT-X-BYTERANGE") {
            continue;
        }
        let (bytes, from) = span.split_once('@').expect("a span");
        let number = |it: &str| it.parse::<usize>().expect("a number");
        let (bytes, from) = (number(bytes), number(from));
        assert_eq!(from, all.len());
        let asked = format!("bytes={from}-{}", from + bytes - 1);
        let folder = link.rsplit_once('/').expect("a path").0;
        let loaded = person.follows(&format!("{folder}/{uri}"), &[("range", &asked)]);
        assert_eq!((loaded.status, loaded.body.len()), (206, bytes));
        all.extend(loaded.body);
        span.clear();
    }
    let folder = link.rsplit_once('/').expect("a path").0;
    (all, format!("{folder}/{uri}"))
}

fn seconds(bytes: &[u8]) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("film.mp4");
    std::fs::write(&film, bytes).expect("a film");
    let told = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"])
        .arg(&film)
        .output();
    let told = String::from_utf8(told.expect("ffprobe is needed for this test").stdout);
    told.expect("text").trim().parse().expect("a number")
}

#[test]
fn a_long_video_is_played_while_it_comes_by_those_who_see_it_now() {
    let world = looking(media_worker());
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let film = film("96x64", 2, 62);
    let ids = [ann.uploads("film", "", &film), ann.uploads("again", "", &film)];
    assert_eq!(ann.looked_into(&ids[0])["kind"], "VIDEO");
    assert_eq!(ended(&ann, &ids[0], "RENDITIONS")["state"], "READY");
    let fields = "content { ... on Attachments { attachments { file { media { streamUrl } } } } }";
    let query = format!("query($id: ID!) {{ message(id: $id) {{ {fields} }} }}");
    // The second holds the contents of the first.
    let links = ids.each_ref().map(|id| {
        let message = ann.attaches(&direct, &[(id, "VIDEO")], json!({}));
        let seen = bob.asks(&query, json!({ "id": message })).data()["message"].clone();
        let media = &seen["content"]["attachments"][0]["file"]["media"];
        (message, media["streamUrl"].as_str().expect("a link").to_owned())
    });
    let mut played = Vec::new();
    for (_, link) in &links {
        let sizes = list(&bob, link);
        let size = sizes.iter().find(|it| !it.starts_with('#')).expect("a size");
        let size = format!("{}/{size}", link.rsplit_once('/').expect("a path").0);
        let (all, piece) = plays(&bob, &size);
        assert!((seconds(&all) - 62.0).abs() < 0.6, "{}", seconds(&all));
        played.push([link.clone(), size, piece]);
    }
    let status = |link: &str| bob.follows(link, &[]).status;
    let forged = [
        links[0].1.replace("stream.m3u8", "320.jpg"),
        links[0].1.replace("through=", "through=0"),
        links[0].1.replace("until=", "until=1"),
        links[0].1.replacen(&ids[0], &ids[1], 1),
        played[0][2].replace("blob=", "blob=1"),
    ];
    for it in forged {
        assert_eq!(status(&it), 404, "{it}");
    }
    world.passes(std::time::Duration::from_secs(3 * 3_600));
    assert!(played.iter().flatten().all(|it| status(it) == 200), "longer than other links");
    let ann = ann.on_another_device();
    let input = json!({ "messageId": links[0].0, "forEveryone": true });
    ann.does("deleteMessage", input, "position");
    // What is gone is gone with the next piece, once the documents tell.
    until("it is still played", || played[0].iter().all(|it| status(it) == 404));
    assert!(played[1].iter().all(|it| status(it) == 200));
    // What was replaced is played on by those who may see what was there before.
    let newer = ann.uploads("newer", "", b"newer");
    ann.replaces((&direct, &links[1].0), &ids[1], &newer);
    assert!(played[1].iter().all(|it| status(it) == 200));
    let policy = json!({ "conversationId": direct, "minutes": null, "historyVisible": false });
    ann.does("setEditPolicy", policy, "position");
    until("it is still played", || played[1].iter().all(|it| status(it) == 404));
    world.passes(std::time::Duration::from_secs(3 * 3_600 + 60));
    assert!(played.iter().flatten().all(|it| status(it) == 404));
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
    std::fs::remove_file(folder.path().join("go")).expect("it was there");
    let newer = ann.uploads("dog.jpg", "image/jpeg", &fixture("private.jpg"));
    ann.replaces((&direct, &message), &id, &newer);
    assert_eq!(of("AttachmentReplaced")["state"], "PROCESSING");
    std::fs::write(folder.path().join("go"), b"").expect("a file");
    assert_eq!(of("AttachmentReady")["state"], "READY");
    // The message is unread, and nothing else.
    assert_eq!(eve.unread(&direct), 1);
}

#[test]
fn a_newer_worker_makes_everything_anew_while_the_old_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let version = "sed \"s/\\\"tool\\\":[0-9]*,/\\\"tool\\\":$(cat tool),/\"";
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
    let anew = |world: &World| {
        let now = world.blobs();
        let ours = |it: &&String| it.starts_with("media.");
        now.iter().filter(ours).count() == 4
            && !now.iter().filter(ours).any(|it| before.contains(it))
    };
    until("it is not made anew", || {
        assert_eq!(ann.media(&photo)["state"], "READY");
        runs() >= 4 && anew(&world)
    });
    assert_eq!(ann.looked_into(&cut)["failure"], "CORRUPT");
    let media = ann.media(&photo);
    for it in media["variants"].as_array().expect("a list") {
        let loaded = ann.follows(it["url"].as_str().expect("a link"), &[]);
        assert_eq!(loaded.body.len() as u64, long(&it["sizeBytes"]));
    }
    world.restarts();
    assert_eq!((ann.looked_into(&photo)["state"].as_str(), runs()), (Some("READY"), 4));
}
