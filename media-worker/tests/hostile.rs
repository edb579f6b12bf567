//! What strangers send: every file ends with a typed answer, within limits.

mod worker;

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::ImageEncoder;
use worker::made::{moving, phone, video};
use worker::{Ended, convert, fixture, fixtures, previews, renditions};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// The head of a PNG of one bit a pixel that is `width` by `height`, and the beginning of the
/// rest.
fn png_head(width: u32, height: u32) -> Vec<u8> {
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([1, 0, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(&chunk);
    png.extend(crc32(&chunk).to_be_bytes());
    png.extend(b"\0\0\x10\0IDAT\x78\x01");
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    let pixels = vec![0; width as usize * height as usize];
    encoder.write_image(&pixels, width, height, image::ExtendedColorType::L8).expect("it fits");
    png
}

/// A GIF of so many pictures of one pixel.
fn gif(frames: usize) -> Vec<u8> {
    let mut gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    for _ in 0..frames {
        gif.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
    }
    gif.push(b';');
    gif
}

#[test]
fn as_many_pixels_as_are_decoded_and_one_row_more() {
    // 100 million, which a machine decodes in seconds, and 900 million in a hundred kilobytes.
    assert_eq!(previews(&png(10_000, 10_000)).done()["width"], 10_000);
    assert_eq!(previews(&png_head(10_000, 10_001)).failed(), "MEDIA_TOO_LARGE");
    assert_eq!(previews(&png_head(30_000, 30_000)).failed(), "MEDIA_TOO_LARGE");
    assert_eq!(previews(&png_head(0x7fff_ffff, 0x7fff_ffff)).failed(), "MEDIA_TOO_LARGE");
    assert_eq!(previews(&png_head(100, 100)).failed(), "MEDIA_CORRUPT");
    // What says its size in a box of its own.
    for name in ["base.heic", "base.avif"] {
        let reason = |width: u32, height: u32| {
            let mut bytes = fixture(name);
            let at = bytes.windows(4).position(|it| it == b"ispe").expect("a box") + 8;
            bytes[at..at + 4].copy_from_slice(&width.to_be_bytes());
            bytes[at + 4..at + 8].copy_from_slice(&height.to_be_bytes());
            previews(&bytes).failed().to_owned()
        };
        assert_eq!(reason(10_000, 10_001), "MEDIA_TOO_LARGE", "{name}");
        assert_eq!(reason(30_000, 30_000), "MEDIA_TOO_LARGE", "{name}");
    }
}

#[test]
fn a_picture_that_never_ends() {
    assert_eq!(previews(&gif(10_000)).done()["frames"], 10_000);
    assert_eq!(previews(&gif(10_001)).failed(), "MEDIA_TOO_LARGE");
    assert_eq!(previews(&gif(100_000)).failed(), "MEDIA_TOO_LARGE");
}

#[test]
fn a_playlist_is_nothing_to_play() {
    let lists = [
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:1.0,\nhttp://127.0.0.1:1/x.ts\n",
        "ffconcat version 1.0\nfile /etc/passwd\n",
        "<?xml version=\"1.0\"?><MPD><BaseURL>http://127.0.0.1:1/</BaseURL></MPD>",
    ];
    for list in lists {
        assert_eq!(previews(list.as_bytes()).failed(), "MEDIA_UNSUPPORTED");
    }
}

#[test]
fn a_drawing_is_kept_and_never_painted() {
    let drawing = br#"<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script>
        <image href="file:///etc/passwd"/></svg>"#;
    let ended = previews(drawing);
    // What is written in it is shown, as text.
    assert_eq!(ended.done()["kind"], "code");
    assert_eq!(ended.names(), ["text.txt", "code.html"]);
    assert_eq!(convert(drawing, "png").failed(), "MEDIA_UNSUPPORTED");
}

#[test]
fn a_file_that_is_two_is_one_afterwards() {
    let mut picture = fixture("private.jpg");
    picture.extend(b"PK\x03\x04canary<script>alert(1)</script>");
    let ended = previews(&picture);
    for name in ended.names() {
        let bytes = ended.read(&name);
        assert!(!bytes.windows(7).any(|it| it == b"<script"), "{name}");
    }
    let script = b"GIF89a/*\0\0\0\0\0*/=1;alert(1)//";
    assert!(["MEDIA_CORRUPT", "MEDIA_TOO_LARGE"].contains(&previews(script).failed()));
}

/// Breaks a file in some places, as the random numbers say.
fn mutant(bytes: &[u8], random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..1 + random(8) {
        let at = random(bytes.len().max(1));
        match random(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), random(256) as u8),
            2 => {
                let end = (at + random(64)).min(bytes.len());
                let piece = bytes[at.min(end)..end].to_vec();
                let to = random(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            3 if at + 4 <= bytes.len() => bytes[at..at + 4].fill([0, 0xff, 0x7f][random(3)]),
            _ if at < bytes.len() => bytes[at] = random(256) as u8,
            _ => (),
        }
    }
    bytes
}

/// The same of what lies in a document: its own checksums would keep a reader from what is broken.
fn mutant_within(bytes: &[u8], random: &mut impl FnMut(usize) -> usize) -> Option<Vec<u8>> {
    let mut parts = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let broken = random(parts.len().max(1));
    let mut made = ZipWriter::new(Cursor::new(Vec::new()));
    for number in 0..parts.len() {
        let mut part = parts.by_index(number).ok()?;
        let mut contents = Vec::new();
        part.read_to_end(&mut contents).ok()?;
        if number == broken {
            contents = mutant(&contents, random);
        }
        made.start_file(part.name().ok()?, SimpleFileOptions::default()).ok()?;
        made.write_all(&contents).ok()?;
    }
    Some(made.finish().ok()?.into_inner())
}

/// A file, and how its name ends.
type Named = (String, Vec<u8>);

/// The fixtures, and a document that is kept in an archive for its size.
fn files() -> Vec<Named> {
    let named = |path: &std::path::PathBuf| {
        let ending = path.extension().expect("they have one").to_string_lossy().into_owned();
        (ending, std::fs::read(path).expect("a fixture"))
    };
    let mut files: Vec<_> = fixtures().iter().map(named).collect();
    let mut kept = ZipArchive::new(Cursor::new(fixture("talk.ppt.zip"))).expect("an archive");
    let mut old = Vec::new();
    kept.by_index(0).expect("it is there").read_to_end(&mut old).expect("it is whole");
    files.push(("ppt".to_owned(), old));
    files
}

/// What is done with one of the files, broken as a number says.
fn broken(number: usize, files: &[Named], job: impl Fn(&[u8]) -> Ended) -> (String, String) {
    // xorshift: the same for a number, anywhere.
    let mut state = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    let (ending, file) = &files[number % files.len()];
    let within = if random(2) == 0 { mutant_within(file, &mut random) } else { None };
    let ended = job(&within.unwrap_or_else(|| mutant(file, &mut random)));
    let end = match ended.code {
        0 => {
            assert_eq!(ended.names().len(), ended.left().len(), "mutant {number}");
            "done"
        }
        _ => ended.failed(),
    };
    assert!(end == "done" || end.starts_with("MEDIA_"), "mutant {number}");
    (ending.clone(), end.to_owned())
}

/// So many of them, two at a time. Says how many of each kind came to which end.
fn mutants(total: usize, one: impl Fn(usize) -> (String, String) + Sync) {
    let (next, ends) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<_, usize>::new()));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= total {
                return;
            }
            let end = one(number);
            *ends.lock().expect("nobody panics here").entry(end).or_default() += 1;
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let ends = ends.into_inner().expect("nobody panics here");
    assert_eq!(ends.values().sum::<usize>(), total);
    for ((ending, end), count) in ends {
        eprintln!("{ending}: {count} {end}");
    }
}

fn soak() -> bool {
    std::env::var_os("PARLANCE_SOAK").is_some()
}

/// `make soak` has ten thousand of them.
#[test]
fn a_broken_file_is_a_failed_job_or_a_done_one() {
    let files = files();
    mutants(if soak() { 10_000 } else { 400 }, |number| broken(number, &files, previews));
}

/// `make soak` has two thousand of them.
#[test]
fn a_broken_paper_is_a_failed_job_or_a_done_one() {
    let papers = ["docx", "xlsx", "pptx", "doc", "xls", "ppt"];
    let files: Vec<_> = files().into_iter().filter(|it| papers.contains(&&*it.0)).collect();
    mutants(if soak() { 2_000 } else { 50 }, |number| broken(number, &files, previews));
}

/// `make soak` has five thousand of them.
#[test]
fn a_broken_video_is_a_failed_job_or_a_done_one() {
    let pictures = moving("64x48", "10", "0.6");
    let named = |name: &str, made| (name.trim_start_matches("x.").to_owned(), made);
    let made = |name, how: &[&str]| named(name, video(name, &pictures, true, how));
    let phone = |name, pictures: &str, how: &[&str]| named(name, phone(pictures, how));
    let hlg = ["-color_trc", "arib-std-b67", "-color_primaries", "bt2020"];
    let fast = ["-c:v", "libx264", "-preset", "ultrafast"];
    let files = [
        phone("mp4", &pictures, &["-g", "3"]),
        phone("mp4", &pictures, &["-movflags", "frag_keyframe+empty_moov", "-g", "3"]),
        // So long that it is also written in parts.
        phone("long mp4", &moving("64x48", "1", "62"), &["-g", "3"]),
        made("x.mp4", &[&fast[..], &["-pix_fmt", "yuv420p10le"], &hlg].concat()),
        made("x.mov", &["-c:v", "mjpeg", "-c:a", "pcm_s16le"]),
        made("x.mkv", &[&fast[..], &["-g", "3", "-c:a", "flac"]].concat()),
        made("x.webm", &["-c:v", "libvpx", "-cpu-used", "8", "-c:a", "libopus"]),
        made("x.webm", &["-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libvorbis"]),
        made("x.avi", &["-c:v", "mpeg4", "-c:a", "libmp3lame"]),
    ];
    mutants(if soak() { 5_000 } else { 140 }, |number| {
        let job = if (number / files.len()).is_multiple_of(2) { previews } else { renditions };
        broken(number, &files, job)
    });
}
