//! What can be made of what: every kind of file, and every format that can be asked for.

mod worker;

use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use worker::made::{difference, moving, phone, probe, video};
use worker::{Ended, convert, fixture};
use zip::ZipArchive;

const IMAGES: [&str; 4] = ["jpeg", "png", "gif", "webp"];
const SOUNDS: [&str; 5] = ["opus", "mp3", "m4a", "flac", "wav"];
const TEXT: [&str; 1] = ["txt"];
const NONE: [&str; 0] = [];

fn formats() -> Vec<&'static str> {
    [&IMAGES[..], &SOUNDS, &TEXT].concat()
}

/// How a file of a format begins.
fn begins(format: &str, bytes: &[u8]) -> bool {
    let at = |at: usize, it: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(it));
    match format {
        "jpeg" => at(0, b"\xff\xd8\xff"),
        "png" => at(0, b"\x89PNG"),
        "gif" => at(0, b"GIF89a"),
        "webp" => at(0, b"RIFF") && at(8, b"WEBP"),
        "opus" => at(0, b"OggS") && at(28, b"OpusHead"),
        "mp3" => at(0, b"ID3") || at(0, b"\xff\xfb"),
        "m4a" => at(4, b"ftypM4A "),
        "flac" => at(0, b"fLaC"),
        "wav" => at(0, b"RIFF") && at(8, b"WAVE"),
        "txt" => !bytes.is_empty() && std::str::from_utf8(bytes).is_ok(),
        _ => false,
    }
}

/// How the name of a file of a format ends.
fn ending(format: &str) -> &str {
    if format == "jpeg" { "jpg" } else { format }
}

fn old_slides() -> Vec<u8> {
    let mut kept = ZipArchive::new(Cursor::new(fixture("talk.ppt.zip"))).expect("an archive");
    let mut slides = Vec::new();
    kept.by_index(0).expect("it is there").read_to_end(&mut slides).expect("it is whole");
    slides
}

/// Files, what each can become, and whether all the others are tried: one of each kind.
fn table() -> Vec<(&'static str, Vec<u8>, &'static [&'static str], bool)> {
    let small = moving("64x48", "10", "0.6");
    let mut table = vec![
        ("x.mp4", phone(&small, &[]), &SOUNDS[..], true),
        ("x.webm", video("x.webm", &small, true, &["-c:v", "libvpx"]), &SOUNDS[..], false),
        ("x.avi", video("x.avi", &small, true, &["-c:v", "mpeg4"]), &SOUNDS[..], false),
        ("silent.mp4", phone(&small, &["-an"]), &NONE[..], true),
        ("talk.ppt", old_slides(), &TEXT[..], false),
        ("plain text", b"hello\r\n".to_vec(), &TEXT[..], true),
        ("a drawing", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), &TEXT[..], false),
        ("a playlist", b"#EXTM3U\n#EXTINF:1.0,\nfile:///etc/passwd\n".to_vec(), &NONE[..], false),
        ("nothing known", b"\0\x01\x02\x03".to_vec(), &NONE[..], true),
        ("nothing", Vec::new(), &NONE[..], false),
    ];
    let mut of_kind = |names: &[&'static str], works: &'static [&'static str]| {
        for (number, name) in names.iter().enumerate() {
            table.push((*name, fixture(name), works, number == 0));
        }
    };
    let still = ["base.heic", "base.avif", "clear.png", "progressive.jpg", "lossy.webp"];
    of_kind(&[&still[..], &["moving.gif", "moving.webp"]].concat(), &IMAGES);
    of_kind(&["sound.ogg", "sound.wav", "sound.mp3", "sound.flac", "sound.m4a"], &SOUNDS);
    let old = ["letter.pdf", "fruit.xls", "letter.doc"];
    of_kind(&[&old[..], &["plan.docx", "fruit.xlsx", "talk.pptx", "letter.odt"]].concat(), &TEXT);
    of_kind(&["poster-sealed.pdf"], &NONE);
    of_kind(&["tree.zip", "tree.7z", "rar5-subdirs.rar"], &NONE);
    table
}

#[test]
fn every_file_becomes_what_it_can_and_nothing_else() {
    let table = table();
    let pairs: Vec<_> = table
        .iter()
        .flat_map(|row| formats().into_iter().map(move |to| (row, to)))
        .filter(|((_, _, works, all), to)| *all || works.contains(to) || *to == "gif")
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(((name, file, works, _), to)) =
            pairs.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let ended = convert(file, to);
            if !works.contains(to) {
                assert_eq!(ended.failed(), "MEDIA_UNSUPPORTED", "{name} to {to}");
                continue;
            }
            assert_eq!(ended.code, 0, "{name} to {to}: {}", ended.line);
            let made = format!("converted.{}", ending(to));
            assert_eq!(ended.left(), [made.as_str()], "{name} to {to}");
            assert_eq!(ended.names(), [made.as_str()], "{name} to {to}");
            assert!(begins(to, &ended.read(&made)), "{name} to {to}");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
}

#[test]
fn a_photo_of_a_telephone_is_one_that_everybody_opens() {
    let expected = image::load_from_memory(&fixture("base.png")).expect("an image").into_rgba8();
    for name in ["base.heic", "base.avif"] {
        for (to, made) in [("jpeg", "converted.jpg"), ("png", "converted.png")] {
            let shown = convert(&fixture(name), to).picture(made);
            assert!(difference(&shown, &expected) < 4.0, "{name} to {to}");
        }
    }
}

#[test]
fn what_moves_becomes_its_first_picture() {
    let first = |ended: &Ended, name: &str| {
        // It says of the file that it moves; what was made does not.
        assert_eq!(ended.done()["frames"], 3, "{name}");
        let again = convert(&ended.read(name), "png");
        assert_eq!(again.done().get("frames"), None, "{name}");
        again.picture("converted.png")
    };
    let moving = fixture("moving.gif");
    let expected = image::load_from_memory(&moving).expect("an image").into_rgba8();
    for (to, made) in [("webp", "converted.webp"), ("gif", "converted.gif")] {
        let shown = first(&convert(&moving, to), made);
        assert!(difference(&shown, &expected) < 6.0, "{to}");
    }
}

#[test]
fn the_sound_of_a_video_is_as_long_as_it_is_heard() {
    let made = phone(&moving("64x48", "10", "3"), &["-metadata", "title=canary"]);
    for to in SOUNDS {
        let ended = convert(&made, to);
        let name = format!("converted.{to}");
        // What the file is stays what it is.
        assert_eq!(ended.done()["media_type"], "video/mp4");
        assert_eq!(ended.done()["kind"], "video");
        let bytes = ended.read(&name);
        assert!(!bytes.windows(6).any(|it| it == b"canary"), "nothing said goes along");
        let probed = probe(&bytes);
        assert_eq!(probed["streams"].as_array().map(Vec::len), Some(1), "{to}");
        assert_eq!(probed["streams"][0]["codec_type"], "audio", "{to}");
        let seconds = probed["format"]["duration"].as_str().expect("text").parse::<f64>();
        assert!((seconds.expect("a number") - 3.0).abs() < 0.1, "{to}: {probed}");
    }
}

#[test]
fn a_document_as_text_is_what_it_says() {
    let says = |bytes: &[u8]| {
        let ended = convert(bytes, "txt");
        String::from_utf8(ended.read("converted.txt")).expect("UTF-8")
    };
    assert_eq!(says(b"\xff\xfeG\0r\0\xfc\0\xdf\0e\0\r\0\n\0"), "Grüße\n");
    let whole = previews_text("letter.pdf");
    assert_eq!(says(&fixture("letter.pdf")), whole);
    assert_eq!(says(&fixture("plan.docx")), previews_text("plan.docx"));
    let long = |bytes: usize| convert("x".repeat(bytes).as_bytes(), "txt");
    assert_eq!(long(1 << 20).done().get("cut"), None);
    assert_eq!(long((1 << 20) + 1).done()["cut"], true);
    assert_eq!(long((1 << 20) + 1).read("converted.txt").len(), 1 << 20);
}

/// What previews have of a document.
fn previews_text(name: &str) -> String {
    let bytes = worker::previews(&fixture(name)).read("text.txt");
    String::from_utf8(bytes).expect("UTF-8")
}
