//! Videos of strangers: every one ends with a typed answer, within limits.

mod worker;

use worker::made::{ffmpeg, moving, phone, video};
use worker::{Ended, WORKER, previews, renditions};

fn reason(ended: &Ended) -> String {
    ended.failed().to_owned()
}

fn duration(ended: &Ended) -> u64 {
    ended.done()["duration_ms"].as_u64().expect("a duration")
}

/// Pictures of sixteen points a side, one in so many seconds.
fn slow(seconds_each: u32, seconds: u32) -> Vec<u8> {
    let pictures = format!("color=black:size=16x16:rate=1/{seconds_each}:duration={seconds}");
    video("x.mkv", &pictures, false, &["-c:v", "mjpeg"])
}

#[test]
fn a_list_in_the_coat_of_a_video_is_not_opened() {
    let list = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\nfile:///etc/passwd\n";
    let concat = b"ffconcat version 1.0\nfile /etc/passwd\n";
    let avi = b"RIFF\xff\xff\0\0AVI LIST";
    let mp4 = b"\0\0\0\x18ftypisom\0\0\0\0isomiso2";
    let mut mkv = b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska".to_vec();
    mkv.resize(300, 0);
    for coat in [&avi[..], mp4, &mkv] {
        for inside in [&list[..], concat] {
            let hidden = [coat, inside].concat();
            assert_eq!(reason(&previews(&hidden)), "MEDIA_CORRUPT");
            assert_eq!(reason(&renditions(&hidden)), "MEDIA_CORRUPT");
            assert_eq!(reason(&previews(inside)), "MEDIA_UNSUPPORTED");
        }
    }
}

#[test]
fn a_reference_to_another_file_is_not_followed() {
    let made = phone(&moving("160x120", "25", "0.4"), &[]);
    // What is in the file becomes an alias of another on the disk.
    let at = made.windows(4).position(|it| it == b"url ").expect("a reference") - 4;
    let mut alias = b"\0\0\0\x9aalis\0\0\0\0".to_vec();
    alias.resize(150, b'/');
    alias.extend([0, 18, 0, 11]);
    alias.extend(b"/etc/passwd\0\xff\xff\0\0");
    let length = alias.len() as u32;
    alias[..4].copy_from_slice(&length.to_be_bytes());
    let mut other = made.clone();
    other.splice(at..at + 12, alias);
    for ended in [previews(&other), renditions(&other)] {
        match ended.code {
            0 => assert!(!ended.names().is_empty()),
            _ => assert!(ended.failed().starts_with("MEDIA_")),
        }
    }
}

#[test]
fn what_breaks_off_is_as_long_as_it_is_there() {
    let pictures = moving("160x120", "25", "2");
    let made = phone(&pictures, &["-g", "5", "-movflags", "faststart"]);
    let half = previews(&made[..made.len() / 2]);
    assert!((500..1700).contains(&duration(&half)), "{}", duration(&half));
    let made = phone(&pictures, &[]);
    assert_eq!(reason(&previews(&made[..made.len() / 2])), "MEDIA_CORRUPT", "its index is gone");
    let mkv = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-c:a", "flac"];
    let made = video("x.mkv", &pictures, true, &mkv);
    let half = &made[..made.len() / 2];
    assert!((500..1700).contains(&duration(&previews(half))));
    assert_eq!(renditions(half).names(), ["120p.mp4"]);
}

#[test]
fn as_many_pixels_as_are_decoded_and_two_rows_more() {
    let made = |size: &str, codec: &str| {
        let pictures = format!("color=gray:size={size}:rate=1:duration=1");
        video("x.mkv", &pictures, false, &["-c:v", codec])
    };
    assert_eq!(previews(&made("7680x4320", "mjpeg")).done()["width"], 7680);
    assert_eq!(reason(&previews(&made("7680x4322", "mjpeg"))), "MEDIA_TOO_LARGE");
    assert_eq!(reason(&renditions(&made("7680x4322", "mjpeg"))), "MEDIA_TOO_LARGE");
    // Small, until its head says otherwise: the sides of the track, in two bytes each.
    let small = made("300x300", "rawvideo");
    let at = small.windows(6).position(|it| it == b"\xb0\x82\x01\x2c\xba\x82").expect("sides");
    let mut absurd = small;
    absurd[at + 2..at + 4].fill(0xff);
    absurd[at + 6..at + 8].fill(0xff);
    let reason = reason(&previews(&absurd));
    assert!(["MEDIA_TOO_LARGE", "MEDIA_CORRUPT"].contains(&reason.as_str()), "{reason}");
}

#[test]
fn a_video_that_hardly_ever_ends() {
    let day = 24 * 60 * 60;
    assert_eq!(duration(&previews(&slow(60, day))), u64::from(day) * 1000);
    assert_eq!(reason(&previews(&slow(60, day + 60))), "MEDIA_TOO_LARGE");
    let written = renditions(&slow(10, 1800));
    assert_eq!(written.names(), ["16p.mp4", "16p-hls.mp4"]);
    let parts = written.done()["files"][1]["fragments"]["parts"].as_array().map(Vec::len);
    assert_eq!(parts, Some(300), "half an hour of six seconds each");
    assert_eq!(reason(&renditions(&slow(10, 1810))), "MEDIA_TOO_LARGE");
}

#[test]
fn what_is_too_large_to_be_counted_is_believed() {
    let made = phone(&moving("160x120", "25", "1"), &["-an", "-movflags", "faststart"]);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("input"), &made).expect("it is written");
    std::fs::write(folder.path().join("job.json"), r#"{"kind":"previews"}"#).expect("it is");
    // Nothing follows for half a gibibyte, and one byte more.
    let input = std::fs::File::options().write(true).open(folder.path().join("input"));
    input.expect("it is there").set_len((512 << 20) + 1).expect("a hole");
    let ended = std::process::Command::new(WORKER).arg(folder.path()).output();
    let line: serde_json::Value =
        serde_json::from_slice(&ended.expect("it starts").stdout).expect("a line");
    assert_eq!(line["duration_ms"], 1000, "{line}");
}

#[test]
fn as_many_streams_as_cameras_write_and_one_more() {
    let one = phone(&moving("64x64", "25", "0.2"), &["-an"]);
    let made = |streams| {
        let maps = ["-map", "0:v"].repeat(streams);
        ffmpeg("x.mp4", &[&["-i", "0"][..], &maps, &["-c", "copy"]].concat(), &[&one])
    };
    assert_eq!(previews(&made(32)).done()["kind"], "video");
    assert_eq!(reason(&previews(&made(33))), "MEDIA_TOO_LARGE");
}

#[test]
fn pictures_that_change_their_size_are_pictures() {
    let first = phone(&moving("320x240", "25", "0.4"), &["-an", "-f", "mpegts"]);
    let second = phone(&moving("160x320", "25", "0.4"), &["-an", "-f", "mpegts"]);
    let both = [first, second].concat();
    let how = ["-f", "mpegts", "-i", "0", "-c", "copy", "-metadata:s:v", "rotate=90"];
    let made = ffmpeg("x.mp4", &how, &[&both]);
    assert_eq!(previews(&made).names().len(), 5);
    assert_eq!(renditions(&made).names(), ["240p.mp4"]);
}

#[test]
fn what_no_decoder_here_knows_is_said_to_be_so() {
    // It has a name of its own among the codecs, and nobody's decoder is asked.
    let made = video("x.avi", &moving("64x64", "25", "0.2"), false, &["-c:v", "flashsv"]);
    assert_eq!(reason(&previews(&made)), "MEDIA_UNSUPPORTED");
}
