//! Media: what is in a file is found by a program behind walls, and what it makes is sealed, loaded
//! by those who may, and gone with the file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::canary::{forms, holds};
use tests::files::{LOOKING_MAX, fixture, in_blobs, media_worker, sha256};
use tests::{Dice, Person, World, long, until, within};

/// A world whose files are looked into by a program, and the folder where that happens.
fn looking(program: &Path) -> (World, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().to_owned();
    let world = World::with(|it| {
        it.media = true;
        it.media_worker = Some(program.to_owned());
        it.media_folder = Some(at);
    });
    (world, folder)
}

/// A program that does something else the first times that it gets a file, and then its work.
fn stumbling(folder: &TempDir, times: u32, instead: &str) -> PathBuf {
    let (path, worker) = (folder.path().join("worker"), media_worker());
    let (note, worker) = (folder.path().join("note"), worker.display());
    let note = note.display();
    let script = format!(
        "#!/bin/sh\nif [ \"$(head -c 1 \"$1/input\")\" != - ]; then\n  echo x >> {note}\n  \
         if [ $(wc -l < {note}) -le {times} ]; then\n    {instead}\n  fi\nfi\n\
         exec {worker} \"$1\"\n"
    );
    std::fs::write(&path, script).expect("a script");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("it may run");
    path
}

fn variants(media: &Value) -> Vec<Value> {
    media["variants"].as_array().expect("a list").clone()
}

/// The events of a file's media that a device hears of, up to one.
fn hears(feed: &mut tests::Feed, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.last().is_none_or(|it| it != last) {
        let event = feed.next().event().to_owned();
        heard.extend(event.starts_with("Media").then_some(event));
    }
    heard
}

#[test]
fn a_picture_is_shown_in_sizes_and_without_what_its_camera_wrote() {
    let (world, _folder) = looking(&media_worker());
    let [ann, eve] = world.people(["ann", "eve"]);
    let mut phone = ann.on_another_device().subscribes();
    let photo = fixture("private.jpg");
    let id = ann.uploads("cat.jpg", "image/jpeg", &photo);
    let media = ann.looked_into(&id);
    assert_eq!(hears(&mut phone, "MediaProduced"), ["MediaStarted", "MediaProduced"]);
    for (name, value) in [
        ("state", json!("READY")),
        ("failure", Value::Null),
        ("kind", json!("IMAGE")),
        ("mediaType", json!("image/jpeg")),
        ("width", json!(120)),
        ("height", json!(80)),
    ] {
        assert_eq!(media[name], value, "{name}");
    }
    assert!(media["thumbhash"].as_str().is_some_and(|it| it.len() > 8));
    let made = variants(&media);
    let mut names: Vec<_> = made.iter().map(|it| it["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["320.jpg", "320.webp", "96.jpg", "96.webp"]);
    for it in &made {
        let loaded = ann.follows(it["url"].as_str().expect("a link"), &[]);
        assert_eq!((loaded.status, loaded.body.len() as u64), (200, long(&it["sizeBytes"])));
        assert_eq!(loaded.header("content-type"), it["mediaType"].as_str());
        let shown = format!("inline; filename*=UTF-8''{}", it["name"].as_str().expect("a name"));
        assert_eq!(loaded.header("content-disposition"), Some(shown.as_str()));
        for word in ["canary", "exif", "gps"] {
            let says = |it: &[u8]| it.eq_ignore_ascii_case(word.as_bytes());
            assert!(!loaded.body.windows(word.len()).any(says), "{word}");
        }
    }
    // The file itself is what was uploaded.
    assert_eq!(sha256(&ann.follows(&ann.link(&id), &[]).body), sha256(&photo));
    assert_eq!(eve.media(&id), Value::Null);
}

#[test]
fn a_link_to_a_variant_leads_to_nothing_else() {
    let (world, _folder) = looking(&media_worker());
    let ann = world.person("ann");
    let id = ann.uploads("cat.jpg", "image/jpeg", &fixture("private.jpg"));
    let media = ann.looked_into(&id);
    let of = |name: &str| {
        let found =
            variants(&media).into_iter().find(|it| it["name"] == name).expect("it is there");
        found["url"].as_str().expect("a link").to_owned()
    };
    let (small, whole) = (of("96.webp"), ann.link(&id));
    let status = |link: &str| ann.follows(link, &[]).status;
    assert_eq!((status(&small), status(&whole)), (200, 200));
    let forged = [
        small.replace("/96.webp?", "?"),
        small.replace("/96.webp?", "/320.webp?"),
        small.replace("/96.webp?", "/96.WEBP?"),
        small.replace("/96.webp?", "/96.webp/x?"),
        small.replace("/96.webp?", "/..%2f96.webp?"),
        whole.replace('?', "/96.webp?"),
        small.replace("until=", "until=1"),
    ];
    for it in forged {
        assert_eq!(status(&it), 404, "{it}");
    }
    let span = ann.follows(&small, &[("range", "bytes=0-3")]);
    assert_eq!((span.status, &span.body[..]), (206, &b"RIFF"[..]));
    let tag = span.header("etag").expect("a tag").to_owned();
    assert_eq!(ann.follows(&small, &[("if-none-match", &tag)]).status, 304);
    assert_eq!(ann.follows(&whole, &[("if-none-match", &tag)]).status, 200);
    world.passes(Duration::from_secs(51));
    assert_eq!(status(&small), 404);
}

#[test]
fn a_sound_is_measured() {
    let (world, _folder) = looking(&media_worker());
    let ann = world.person("ann");
    let id = ann.uploads("song", "", &fixture("sound.flac"));
    let media = ann.looked_into(&id);
    assert_eq!((&media["state"], &media["kind"]), (&json!("READY"), &json!("AUDIO")));
    assert_eq!(media["mediaType"], "audio/flac");
    assert!(long(&media["durationMs"]) > 0);
    let peaks = media["waveform"].as_array().expect("peaks");
    assert_eq!(peaks.len(), 100);
    assert!(peaks.iter().all(|it| it.as_u64().is_some_and(|it| it < 256)));
}

#[test]
fn what_is_broken_fails_and_stays_a_file_like_others() {
    let (world, _folder) = looking(&media_worker());
    let ann = world.person("ann");
    let cut = &fixture("private.jpg")[..700];
    for (name, bytes, state, failure, kind) in [
        ("cut.jpg", cut, "FAILED", json!("CORRUPT"), Value::Null),
        ("list.mp3", b"#EXTM3U\nfile:///etc/passwd\n", "FAILED", json!("UNSUPPORTED"), Value::Null),
        ("no.jpg", b"\x00\x01\x02 nothing that is known", "NONE", Value::Null, json!("OTHER")),
        ("empty", b"", "NONE", Value::Null, json!("OTHER")),
    ] {
        let id = ann.uploads(name, "image/jpeg", bytes);
        let media = ann.looked_into(&id);
        assert_eq!(media["state"], state, "{name}");
        assert_eq!((&media["failure"], &media["kind"]), (&failure, &kind), "{name}");
        assert_eq!(variants(&media), [] as [Value; 0], "{name}");
        assert_eq!(ann.follows(&ann.link(&id), &[]).body, bytes, "{name}");
    }
}

#[test]
fn what_was_made_is_sealed_and_goes_with_its_file() {
    let (world, _folder) = looking(&media_worker());
    let ann = world.person("ann");
    let id = ann.uploads("cat.jpg", "image/jpeg", &fixture("private.jpg"));
    let media = ann.looked_into(&id);
    world.waits_for_blobs(&id, 5);
    let thumbhash = media["thumbhash"].as_str().expect("one");
    let small = variants(&media)[0]["url"].as_str().expect("a link").to_owned();
    let made = ann.follows(&small, &[]).body;
    let hash = forms(thumbhash);
    let stored = world.stored();
    let found = |it: &[u8]| holds(it, &hash) || it.windows(64).any(|it| it == &made[..64]);
    let found: Vec<_> = stored.iter().filter(|(_, it)| found(it)).map(|it| &it.0).collect();
    assert!(found.is_empty(), "{found:?}");
    ann.does("terminateUpload", json!({ "fileId": id }), "file { id }");
    world.waits_for_blobs(&id, 0);
    assert_eq!((ann.follows(&small, &[]).status, ann.media(&id)), (404, Value::Null));
}

/// Lets time pass until a file was looked into.
fn waits(world: &World, person: &Person, id: &str) -> Value {
    within(LOOKING_MAX, || {
        let media = person.media(id);
        if media["state"] != "PROCESSING" {
            return Ok(media);
        }
        world.passes(Duration::from_millis(400));
        Err(media.to_string())
    })
}

#[test]
fn a_worker_that_was_killed_is_given_the_file_again_three_times_in_all() {
    let scripts = tempfile::tempdir().expect("a folder");
    let (world, _folder) = looking(&stumbling(&scripts, 1, "kill -9 $$"));
    let ann = world.person("ann");
    let mut phone = ann.on_another_device().subscribes();
    let id = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    assert_eq!(waits(&world, &ann, &id)["state"], "READY");
    let heard = hears(&mut phone, "MediaProduced");
    assert_eq!(heard, ["MediaStarted", "MediaFailed", "MediaStarted", "MediaProduced"]);
    let scripts = tempfile::tempdir().expect("a folder");
    let (world, _folder) = looking(&stumbling(&scripts, 100, "echo nonsense; exit 0"));
    let ann = world.person("ann");
    let id = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    let media = waits(&world, &ann, &id);
    assert_eq!((&media["state"], &media["failure"]), (&json!("FAILED"), &json!("BROKEN")));
    let note = std::fs::read_to_string(scripts.path().join("note")).expect("it was given the file");
    assert_eq!(note.lines().count(), 3);
}

#[test]
fn a_job_goes_on_after_a_restart_and_leaves_nothing_in_the_clear() {
    let scripts = tempfile::tempdir().expect("a folder");
    let (mut world, folder) = looking(&stumbling(&scripts, 1, "exec sleep 1000"));
    let ann = world.person("ann");
    let id = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    until("nobody looks into it", || scripts.path().join("note").exists());
    world.restarts();
    assert_eq!(ann.looked_into(&id)["state"], "READY");
    world.waits_for_blobs(&id, 5);
    drop(world);
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "what lay in the clear is gone");
}

#[test]
fn files_wait_while_no_worker_works_and_nothing_else_does() {
    let scripts = tempfile::tempdir().expect("a folder");
    let program = scripts.path().join("absent");
    let (mut world, _folder) = looking(&program);
    let ann = world.person("ann");
    let id = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    let saved = ann.opens_direct(&ann);
    ann.sends(&saved, "life goes on");
    assert_eq!(ann.media(&id)["state"], "PROCESSING");
    std::os::unix::fs::symlink(media_worker(), &program).expect("it is there now");
    world.restarts();
    assert_eq!(ann.looked_into(&id)["state"], "READY");
}

#[test]
fn whatever_ends_while_it_is_looked_into_leaves_no_blob() {
    let (mut world, _folder) = looking(&media_worker());
    let mut dice = Dice::new(39);
    let (photo, song) = (fixture("private.jpg"), fixture("sound.mp3"));
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for step in 0..12 {
        let (name, bytes, blobs) = match dice.below(2) {
            0 => ("cat.jpg", &photo, 5),
            _ => ("song.mp3", &song, 1),
        };
        // The same contents of one account are stored once.
        let person = world.person(&format!("person{step}"));
        let id = person.uploads(name, "", bytes);
        if dice.below(2) == 0 {
            kept.push((person, id, blobs));
        } else {
            std::thread::sleep(Duration::from_millis(dice.below(400) as u64));
            person.does("terminateUpload", json!({ "fileId": id }), "file { id }");
            gone.push(id);
        }
        if step == 6 {
            world.restarts();
        }
    }
    for (person, id, blobs) in &kept {
        assert_eq!(person.looked_into(id)["state"], "READY");
        world.waits_for_blobs(id, *blobs);
    }
    for id in &gone {
        world.waits_for_blobs(id, 0);
    }
    let mut all: Vec<&str> = kept.iter().map(|it| it.1.as_str()).collect();
    all.extend(gone.iter().map(String::as_str));
    let known = |blob: &String| all.iter().any(|it| blob.contains(&in_blobs(it)));
    let ours = |it: &&String| ["up.", "file.", "media."].iter().any(|kind| it.starts_with(kind));
    assert_eq!(world.blobs().iter().filter(ours).filter(|it| !known(it)).count(), 0);
}
