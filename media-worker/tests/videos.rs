//! Videos: what is shown of them, beside what another program shows.

mod worker;

use serde_json::{Value, json};
use worker::made::{
    SAID, boxes, difference, ffmpeg, first_picture, moving, phone, probe, says, video,
};
use worker::{Ended, convert, fixture, previews, renditions, work};

const BARS: &str = "smptebars=size=320x240:rate=25:duration=1";

fn duration(ended: &Ended) -> u64 {
    ended.done()["duration_ms"].as_u64().expect("a duration")
}

fn size(ended: &Ended) -> (u64, u64) {
    let number = |name: &str| ended.done()[name].as_u64().expect("a number");
    (number("width"), number("height"))
}

/// A stream of a kind, if a file has one.
fn stream(bytes: &[u8], kind: &str) -> Option<Value> {
    let probed = probe(bytes);
    let streams = probed["streams"].as_array().expect("a list");
    streams.iter().find(|it| it["codec_type"] == kind).cloned()
}

#[test]
fn every_container_is_as_long_and_as_large_as_it_is() {
    let ways: [(&str, &str, &[&str]); 6] = [
        ("x.mp4", "video/mp4", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]),
        ("x.mov", "video/quicktime", &["-c:v", "mjpeg", "-c:a", "pcm_s16le"]),
        ("x.mkv", "video/x-matroska", &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "flac"]),
        ("x.webm", "video/webm", &["-c:v", "libvpx", "-cpu-used", "8", "-c:a", "libopus"]),
        ("x.avi", "video/x-msvideo", &["-c:v", "mpeg4", "-c:a", "libmp3lame"]),
        ("x.m4v", "video/mp4", &["-f", "mp4", "-brand", "M4V ", "-c:v", "mpeg4", "-c:a", "aac"]),
    ];
    let names = ["320.jpg", "320.webp", "96.jpg", "96.webp", "clip.mp4"];
    for (name, media_type, how) in ways {
        let made = video(name, &moving("320x240", "25", "2"), true, how);
        let ended = previews(&made);
        assert_eq!(ended.done()["media_type"], media_type, "{name}");
        assert_eq!(ended.done()["kind"], "video", "{name}");
        assert_eq!(ended.done()["has_sound"], true, "{name}");
        assert!(duration(&ended).abs_diff(2000) <= 50, "{name}: {} ms", duration(&ended));
        assert_eq!(size(&ended), (320, 240), "{name}");
        assert_eq!(ended.left(), names, "{name}");
        let shown = difference(&ended.picture("320.webp"), &first_picture(&made));
        assert!(shown < 4.0, "{name}: {shown}");
    }
    let silent = video("x.mp4", &moving("160x120", "25", "0.2"), false, &["-c:v", "mpeg4"]);
    assert_eq!(previews(&silent).done()["has_sound"], false);
}

#[test]
fn what_does_not_say_how_long_it_is_is_counted() {
    let second = moving("160x120", "25", "1.2");
    // As browsers record: nobody goes back to the head of the file.
    let webm = ["-c:v", "libvpx", "-cpu-used", "8", "-c:a", "libopus", "-live", "1"];
    let made = video("x.webm", &second, true, &[&webm[..], &["-f", "webm"]].concat());
    assert_eq!(probe(&made)["format"].get("duration"), None);
    assert!(duration(&previews(&made)).abs_diff(1200) <= 50);
    // In pieces, of which each says only how long it is itself.
    let pieces = ["-movflags", "frag_keyframe+empty_moov", "-g", "5"];
    assert!(duration(&previews(&phone(&second, &pieces))).abs_diff(1200) <= 50);
    // A head that lies: of a second it says that it takes days.
    let mut made = phone(&second, &[]);
    let head = made.windows(4).position(|it| it == b"mvhd").expect("a head");
    made[head + 20..head + 24].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(duration(&previews(&made)).abs_diff(1200) <= 50);
}

#[test]
fn colours_are_those_that_were_filmed() {
    // Each way to say colours: small and large as is the custom, as was said, and in full range.
    let ways: [(&str, &str, &[&str]); 4] = [
        ("320x240", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p", &[]),
        ("1280x720", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p", &[]),
        (
            "320x240",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
            &["-colorspace", "bt709"],
        ),
        (
            "320x240",
            "scale=out_color_matrix=bt601:out_range=pc,format=yuv420p",
            &["-color_range", "pc"],
        ),
    ];
    let near = |picture: &image::RgbaImage, at: u32, way: &str| {
        let found = picture.get_pixel(at, at).0;
        let expected: [u8; 3] = [0xC0, 0x30, 0x20];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(found.abs_diff(expected) <= 5, "{way}: {found} is not {expected}");
        }
    };
    for (size, filters, said) in ways {
        let source = format!("color=0xC03020:size={size}:rate=10:duration=0.3,format=rgb24");
        let how = [&["-vf", filters, "-c:v", "libx264", "-qp", "0"][..], said].concat();
        let made = video("x.mkv", &source, false, &how);
        let way = format!("{size} {filters} {said:?}");
        let ended = previews(&made);
        near(&ended.picture("96.webp"), 20, &way);
        near(&ended.picture("320.jpg"), 100, &way);
        // What is written anew says how it is to be read.
        for (ended, name) in [
            (ended, "clip.mp4".to_owned()),
            (renditions(&made), renditions(&made).names().remove(0)),
        ] {
            let bytes = ended.read(&name);
            let written = stream(&bytes, "video").expect("pictures");
            assert_eq!(written["color_space"], "bt709", "{way}");
            assert_eq!(written["color_range"], "tv", "{way}");
            near(&first_picture(&bytes), 20, &format!("{name} of {way}"));
        }
    }
}

#[test]
fn the_poster_is_the_first_picture_that_shows_something() {
    let bars = first_picture(&phone(BARS, &[]));
    let black = "color=black:size=320x240:rate=25:duration=1.4[a];";
    let late = format!("{black}{BARS}[b];[a][b]concat");
    let ended = previews(&phone(&late, &[]));
    assert!(difference(&ended.picture("320.webp"), &bars) < 4.0);
    // So does the clip, which begins with it.
    assert!(difference(&first_picture(&ended.read("clip.mp4")), &bars) < 6.0);
    let dark = previews(&phone("color=black:size=320x240:rate=25:duration=0.4", &[]));
    assert!(dark.picture("320.webp").pixels().all(|it| it.0[0] < 20));
    assert_eq!(dark.names().len(), 5);
}

#[test]
fn what_was_filmed_on_its_side_stands_upright() {
    let stored = phone(BARS, &[]);
    for degrees in ["90", "180", "270"] {
        let how = ["-i", "0", "-c", "copy", "-metadata:s:v", &format!("rotate={degrees}")];
        let made = ffmpeg("x.mp4", &how, &[&stored]);
        let upright = first_picture(&made);
        let expected = if degrees == "180" { (320, 240) } else { (240, 320) };
        assert_eq!(upright.dimensions(), expected, "the other program turns it");
        let ended = previews(&made);
        assert_eq!(size(&ended), (expected.0.into(), expected.1.into()));
        assert!(difference(&ended.picture("320.webp"), &upright) < 4.0, "{degrees}");
        assert!(difference(&ended.picture("320.jpg"), &upright) < 4.0, "{degrees}");
        let written = renditions(&made).read("240p.mp4");
        for bytes in [ended.read("clip.mp4"), written] {
            assert!(difference(&first_picture(&bytes), &upright) < 6.0, "{degrees}");
            let said = stream(&bytes, "video").expect("pictures");
            assert_eq!(said.get("side_data_list"), None, "nothing is left to turn");
        }
    }
}

#[test]
fn pixels_that_are_no_squares_become_some() {
    let wide = format!("{},setsar=2", moving("160x240", "25", "0.2"));
    let made = phone(&wide, &[]);
    assert_eq!(size(&previews(&made)), (320, 240));
    let ended = renditions(&made);
    assert_eq!(size(&ended), (320, 240));
    let written = stream(&ended.read("240p.mp4"), "video").expect("pictures");
    assert_eq!((&written["width"], &written["height"]), (&json!(320), &json!(240)));
    assert_eq!(written["sample_aspect_ratio"], "1:1");
}

#[test]
fn a_clip_is_short_small_and_silent() {
    let ended = previews(&phone(&moving("640x360", "50", "5"), &[]));
    let clip = ended.read("clip.mp4");
    assert_eq!(stream(&clip, "audio"), None);
    let pictures = stream(&clip, "video").expect("pictures");
    assert_eq!((&pictures["width"], &pictures["height"]), (&json!(320), &json!(180)));
    assert_eq!(pictures["r_frame_rate"], "25/2");
    let seconds: f64 = pictures["duration"].as_str().expect("text").parse().expect("a number");
    assert!((seconds - 3.0).abs() < 0.1, "{seconds} s");
    assert!(clip.len() < 200_000, "{} bytes", clip.len());
    assert_eq!(boxes(&clip)[..2], ["ftyp", "moov"]);
    let small = previews(&phone(&moving("101x75", "25", "0.5"), &["-pix_fmt", "yuv444p"]));
    let pictures = stream(&small.read("clip.mp4"), "video").expect("pictures");
    assert_eq!((&pictures["width"], &pictures["height"]), (&json!(100), &json!(74)));
}

#[test]
fn a_rendition_has_the_lines_that_a_video_has() {
    let ways = [
        ("320x240", vec![("240p.mp4", 320, 240)]),
        ("321x241", vec![("240p.mp4", 320, 240)]),
        ("640x479", vec![("478p.mp4", 640, 478)]),
        ("640x480", vec![("480p.mp4", 640, 480)]),
        ("1278x718", vec![("480p.mp4", 854, 480)]),
        ("720x1280", vec![("720p.mp4", 720, 1280), ("480p.mp4", 480, 852)]),
        ("1920x1080", vec![("720p.mp4", 1280, 720), ("480p.mp4", 852, 480)]),
    ];
    for (size, expected) in ways {
        let made = video("x.mkv", &moving(size, "10", "0.3"), false, &["-c:v", "ffv1"]);
        let ended = renditions(&made);
        let files = ended.done()["files"].as_array().expect("a list");
        let found: Vec<_> = files
            .iter()
            .map(|it| (it["name"].clone(), it["width"].clone(), it["height"].clone()))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|it| (json!(it.0), json!(it.1), json!(it.2))).collect();
        assert_eq!(found, expected, "{size}");
        for (name, width, height) in found {
            let bytes = ended.read(name.as_str().expect("a name"));
            let pictures = stream(&bytes, "video").expect("pictures");
            assert_eq!((&pictures["width"], &pictures["height"]), (&width, &height), "{size}");
        }
    }
}

#[test]
fn a_rendition_is_what_every_client_plays() {
    let ways: [(&str, &[&str]); 4] = [
        ("x.mp4", &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"]),
        ("x.mov", &["-c:v", "mjpeg", "-c:a", "pcm_s16le"]),
        ("x.webm", &["-c:v", "libvpx", "-cpu-used", "8", "-c:a", "libopus"]),
        ("x.avi", &["-c:v", "mpeg4", "-c:a", "libmp3lame"]),
    ];
    for (name, how) in ways {
        let made = video(name, &moving("640x480", "60", "1.5"), true, how);
        let ended = renditions(&made);
        assert_eq!(ended.names(), ["480p.mp4"], "{name}");
        assert!(duration(&ended).abs_diff(1500) <= 50, "{name}");
        assert_eq!(size(&ended), (640, 480));
        assert_eq!(ended.done()["has_sound"], true);
        let bytes = ended.read("480p.mp4");
        let pictures = stream(&bytes, "video").expect("pictures");
        assert_eq!(pictures["codec_name"], "h264", "{name}");
        assert_eq!(pictures["pix_fmt"], "yuv420p", "{name}");
        assert_eq!(pictures["r_frame_rate"], "30/1", "{name}: every second picture");
        let sound = stream(&bytes, "audio").expect("sound");
        assert_eq!(sound["codec_name"], "aac", "{name}");
        assert_eq!(sound["sample_rate"], "48000", "{name}");
        for it in [pictures, sound] {
            let seconds: f64 = it["duration"].as_str().expect("text").parse().expect("a number");
            assert!((seconds - 1.5).abs() < 0.08, "{name}: {seconds} s");
        }
        assert_eq!(boxes(&bytes)[..2], ["ftyp", "moov"], "{name}");
        let shown = difference(&first_picture(&bytes), &first_picture(&made));
        assert!(shown < 6.0, "{name}: {shown}");
        // All of it can be decoded.
        ffmpeg("x.md5", &["-xerror", "-i", "0", "-f", "md5"], &[&bytes]);
    }
}

#[test]
fn pictures_and_sounds_stay_together() {
    let pictures = phone(&moving("160x120", "25", "2"), &["-an"]);
    let tone = fixture("sound.wav");
    // The sound begins a second after the pictures.
    let how = ["-i", "0", "-itsoffset", "1", "-i", "1", "-c:v", "copy", "-c:a", "aac", "-t", "2"];
    let ended = renditions(&ffmpeg("x.mp4", &how, &[&pictures, &tone]));
    let bytes = ended.read("120p.mp4");
    let starts = ["video", "audio"].map(|it| {
        let start = stream(&bytes, it).expect("a stream")["start_time"].clone();
        start.as_str().expect("text").parse::<f64>().expect("a number")
    });
    assert!(starts[0].abs() < 0.05 && (starts[1] - 1.0).abs() < 0.1, "{starts:?}");
}

#[test]
fn what_stands_still_stands_as_long_as_it_does() {
    let seconds = |ended: &Ended, name: &str| {
        let pictures = stream(&ended.read(name), "video").expect("pictures");
        pictures["duration"].as_str().expect("text").parse::<f64>().expect("a number")
    };
    // A picture every five seconds, as slides are shown.
    let slides = phone(&moving("160x120", "1/5", "10"), &["-an"]);
    let ended = renditions(&slides);
    assert!(duration(&ended).abs_diff(10_000) <= 50);
    assert!((seconds(&ended, "120p.mp4") - 10.0).abs() < 0.1);
    // A screen on which nothing happens, and then something for a moment.
    let wait = ["-vf", "select='lt(n,10)+eq(n,199)'", "-vsync", "vfr", "-an"];
    let screen = phone(&moving("160x120", "20", "10"), &wait);
    let ended = renditions(&screen);
    assert!(duration(&ended).abs_diff(10_000) <= 100, "{}", duration(&ended));
    assert!((seconds(&ended, "120p.mp4") - 10.0).abs() < 0.1);
    assert!(seconds(&previews(&screen), "clip.mp4") <= 3.1);
}

#[test]
fn nothing_that_was_said_goes_along() {
    let made = phone(&moving("320x240", "25", "1"), &[]);
    let chapters = b";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/10\nSTART=0\nEND=5\ntitle=canary\n";
    let how = ["-i", "0", "-f", "ffmetadata", "-i", "1", "-map", "0", "-map_metadata", "0"];
    let how = [&how[..], &["-map_chapters", "1", "-c", "copy"], &SAID].concat();
    let made = ffmpeg("x.mov", &how, &[&made, chapters]);
    let words: [&[u8]; 3] = [b"canary", b"+48.2082", b"\xa9xyz"];
    assert!(words.iter().all(|it| says(&made, it)), "the fixture says it");
    assert_eq!(probe(&made)["chapters"].as_array().map(Vec::len), Some(1));
    for ended in [previews(&made), renditions(&made)] {
        assert!(!ended.line.to_string().contains("canary"));
        for name in ended.names() {
            let bytes = ended.read(&name);
            assert!(words.iter().all(|it| !says(&bytes, it)), "{name}");
            if name.ends_with(".mp4") {
                assert_eq!(probe(&bytes)["chapters"], json!([]));
            }
        }
    }
}

#[test]
fn what_has_only_sound_is_a_sound() {
    let ways: [(&str, &str, &[&str]); 3] = [
        ("x.mp4", "audio/mp4", &["-c:a", "aac"]),
        ("x.webm", "audio/webm", &["-c:a", "libopus"]),
        ("x.mkv", "audio/x-matroska", &["-c:a", "flac"]),
    ];
    for (name, media_type, how) in ways {
        let how = [&["-i", "0"], how].concat();
        let made = ffmpeg(name, &how, &[&fixture("sound.wav")]);
        let ended = previews(&made);
        assert_eq!(ended.done()["media_type"], media_type);
        assert_eq!(ended.done()["kind"], "audio");
        assert!(duration(&ended).abs_diff(2500) <= 50, "{name}");
        assert_eq!(ended.done()["waveform"].as_array().map(Vec::len), Some(100));
        assert_eq!(convert(&made, "opus").names(), ["converted.opus"]);
        assert_eq!(renditions(&made).failed(), "MEDIA_UNSUPPORTED");
    }
}

#[test]
fn a_video_is_no_picture() {
    let made = phone(&moving("160x120", "25", "0.2"), &[]);
    assert_eq!(convert(&made, "jpeg").failed(), "MEDIA_UNSUPPORTED");
    assert_eq!(work(&made, &json!({ "kind": "avatar" })).failed(), "MEDIA_UNSUPPORTED");
    for other in [fixture("base.png"), fixture("sound.mp3"), b"hello".to_vec()] {
        assert_eq!(renditions(&other).failed(), "MEDIA_UNSUPPORTED");
    }
}

#[test]
fn the_same_video_gives_the_same() {
    let made = phone(&moving("640x480", "25", "1"), &[]);
    let once = [previews(&made), renditions(&made)];
    let again = [previews(&made), renditions(&made)];
    for (once, again) in once.iter().zip(&again) {
        assert_eq!(once.done(), again.done());
        for name in once.names() {
            assert!(once.read(&name) == again.read(&name), "{name}");
        }
    }
}
