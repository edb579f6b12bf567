//! What is found in files of every kind, and who sees it.

use std::process::Command;

use serde_json::{Value, json};
use tests::files::{fixture, media_worker};
use tests::{Person, World, long};

fn looking() -> World {
    World::with(|it| {
        it.media = true;
        it.media_worker = Some(media_worker());
    })
}

/// What is found in a file, and the contents of what was made of it by name.
fn found<'a>(
    ann: &'a Person,
    name: &str,
    bytes: &[u8],
) -> (Value, impl Fn(&str) -> Vec<u8> + use<'a>) {
    let media = ann.looked_into(&ann.uploads(name, "application/octet-stream", bytes));
    let variants = media["variants"].as_array().expect("a list").clone();
    let load = move |wanted: &str| {
        let one = variants.iter().find(|it| it["name"] == wanted);
        let link = one.unwrap_or_else(|| panic!("no {wanted}: {variants:?}"))["url"].clone();
        ann.follows(link.as_str().expect("a link"), &[]).body
    };
    (media, load)
}

#[test]
fn documents_archives_and_code_are_told_of() {
    let world = looking();
    let ann = world.person("ann");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let (pdf, load) = found(&ann, "letter", &fixture("letter.pdf"));
    assert_eq!((&pdf["state"], &pdf["kind"]), (&json!("READY"), &json!("DOCUMENT")));
    assert_eq!(pdf["mediaType"], "application/pdf");
    assert!(long(&pdf["pages"]) >= 1 && !load("320.webp").is_empty());
    let words = text(fixture("letter.words.txt"));
    let first = words.split_whitespace().next().expect("a word");
    assert!(text(load("text.txt")).contains(first));
    let (docx, load) = found(&ann, "letter", &fixture("letter.docx"));
    assert_eq!(docx["kind"], "DOCUMENT");
    assert!(text(load("text.txt")).contains(first));
    let (zip, load) = found(&ann, "tree", &fixture("tree-locked.zip"));
    assert_eq!((&zip["kind"], &zip["encrypted"]), (&json!("ARCHIVE"), &json!(true)));
    let listed: Value = serde_json::from_slice(&load("entries.json")).expect("JSON");
    let count = listed["entries"].as_array().expect("entries").len() as u64;
    assert_eq!(long(&zip["entries"]), count);
    let (code, load) = found(&ann, "main.rs", b"fn main() { println!(\"<b>\"); }\n");
    assert_eq!((&code["kind"], &code["syntax"]), (&json!("CODE"), &json!("Rust")));
    let html = text(load("code.html"));
    assert!(html.contains("&lt;b&gt;") && !html.contains("<b>"), "{html}");
}

#[test]
fn a_video_and_a_picture_of_a_telephone_are_shown() {
    let world = looking();
    let ann = world.person("ann");
    let folder = tempfile::tempdir().expect("a folder");
    let film = folder.path().join("film.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=10:d=2"])
        .args(["-f", "lavfi", "-i", "sine=d=2", "-c:v", "libx264", "-c:a", "aac", "-shortest"])
        .arg(&film)
        .status();
    assert!(made.expect("ffmpeg is needed for this test").success());
    let (video, load) = found(&ann, "film", &std::fs::read(&film).expect("a film"));
    assert_eq!((&video["state"], &video["kind"]), (&json!("READY"), &json!("VIDEO")));
    let size = (&video["width"], &video["height"], &video["hasSound"]);
    assert_eq!(size, (&json!(320), &json!(240), &json!(true)));
    assert!(long(&video["durationMs"]).abs_diff(2_000) <= 50, "{video}");
    assert!(!load("clip.mp4").is_empty() && !load("320.jpg").is_empty());
    let (heic, load) = found(&ann, "photo", &fixture("base.heic"));
    assert_eq!((&heic["kind"], &heic["mediaType"]), (&json!("IMAGE"), &json!("image/heic")));
    assert!(!load("96.webp").is_empty());
}

/// What others see of the media of a message's file.
fn attached(person: &Person, message: &str) -> Value {
    let fields = "content { ... on Attachments { attachments { file { media { state thumbhash \
                  variants { name url } } } } } }";
    let query = format!("query($id: ID!) {{ message(id: $id) {{ {fields} }} }}");
    let message = person.asks(&query, json!({ "id": message })).data()["message"].clone();
    message["content"]["attachments"][0]["file"]["media"].clone()
}

#[test]
fn a_message_shows_what_is_in_its_files_also_when_they_are_broken() {
    let world = looking();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let cat = ann.uploads("cat.png", "image/png", &fixture("base.png"));
    let broken = ann.uploads("cat.jpg", "image/jpeg", &fixture("private.jpg")[..400]);
    let sends = |file: &str, once: bool| {
        ann.attaches(&direct, &[(file, "PHOTO")], json!({ "viewOnce": once }))
    };
    let [shown, failed, once] =
        [(&cat, false), (&broken, false), (&cat, true)].map(|(file, once)| sends(file, once));
    [&cat, &broken].iter().for_each(|it| drop(ann.looked_into(it)));
    let media = attached(&bob, &shown);
    assert_eq!(media["state"], "READY");
    let link = media["variants"][0]["url"].as_str().expect("a link");
    assert_eq!(bob.follows(link, &[]).status, 200);
    assert_eq!(attached(&bob, &failed)["state"], "FAILED");
    assert_eq!(bob.attached_links(&failed).len(), 1, "the message stays, with its file");
    let media = attached(&bob, &once);
    assert_eq!(
        (&media["state"], &media["thumbhash"], &media["variants"]),
        (&json!("READY"), &Value::Null, &json!([])),
        "nothing of it is seen before"
    );
}
