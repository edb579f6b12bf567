//! Long videos in parts, played by a program that gets nothing but a playlist of them.

mod worker;

use serde_json::Value;
use worker::made::{
    boxes, difference, ffmpeg, ffmpeg_on, first_picture, moving, phone, probe, video,
};
use worker::{Ended, renditions};

/// What is said of the parts of a file.
struct Parts {
    init_bytes: u64,
    /// Bytes and milliseconds.
    each: Vec<(u64, u64)>,
    bandwidth: u64,
    codecs: String,
    bytes: Vec<u8>,
}

fn parts(ended: &Ended, name: &str) -> Parts {
    let files = ended.done()["files"].as_array().expect("a list");
    let file = files.iter().find(|it| it["name"] == name).expect("it was made");
    let said = &file["fragments"];
    let number = |it: &Value| it.as_u64().expect("a number");
    let each = said["parts"].as_array().expect("a list").iter();
    Parts {
        init_bytes: number(&said["init_bytes"]),
        each: each.map(|it| (number(&it[0]), number(&it[1]))).collect(),
        bandwidth: number(&said["bandwidth"]),
        codecs: said["codecs"].as_str().expect("text").to_owned(),
        bytes: ended.read(name),
    }
}

impl Parts {
    /// Where each begins and ends in its file.
    fn ranges(&self) -> Vec<(u64, u64)> {
        let ends = self.each.iter().scan(self.init_bytes, |at, it| {
            *at += it.0;
            Some((*at - it.0, *at))
        });
        ends.collect()
    }

    fn ms(&self) -> u64 {
        self.each.iter().map(|it| it.1).sum()
    }

    /// As a server writes it, of a file that is called `x.mp4`.
    fn playlist(&self) -> String {
        let longest = self.each.iter().map(|it| it.1.div_ceil(1000)).max().expect("there are some");
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{longest}\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"x.mp4\",BYTERANGE=\"{}@0\"\n",
            self.init_bytes
        );
        for ((bytes, ms), (at, _)) in self.each.iter().zip(self.ranges()) {
            let seconds = *ms as f64 / 1000.0;
            text += &format!("#EXTINF:{seconds:.3},\n#EXT-X-BYTERANGE:{bytes}@{at}\nx.mp4\n");
        }
        text + "#EXT-X-ENDLIST\n"
    }

    /// What one sees and hears who has only the playlist.
    fn played(&self, map: &str) -> Vec<String> {
        let playlist = self.playlist();
        decoded("x.m3u8", map, &[("x.m3u8", playlist.as_bytes()), ("x.mp4", &self.bytes)])
    }

    /// The same of those who have only one part, and what it is read with.
    fn alone(&self, part: usize, map: &str) -> Vec<String> {
        let (from, to) = self.ranges()[part];
        let init = &self.bytes[..self.init_bytes as usize];
        let both = [init, &self.bytes[from as usize..to as usize]].concat();
        decoded("x", map, &[("x", &both)])
    }
}

/// The sum of each picture, or of each piece of sound, without its time.
fn decoded(input: &str, map: &str, files: &[(&str, &[u8])]) -> Vec<String> {
    let how = ["-xerror", "-i", input, "-map", map, "-vsync", "passthrough", "-f", "framemd5"];
    let sums = ffmpeg_on("x.sums", &how, files);
    let sums = String::from_utf8(sums).expect("text");
    let lines = sums.lines().filter(|it| !it.starts_with('#'));
    lines.map(|it| it.rsplit(',').next().expect("a sum").to_owned()).collect()
}

/// The times at which there is a picture that needs no other, by ffprobe.
fn keys(bytes: &[u8]) -> Vec<f64> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.mp4");
    std::fs::write(&path, bytes).expect("it is written");
    let asked = ["-v", "error", "-of", "csv=p=0", "-select_streams", "v"];
    let ended = std::process::Command::new("ffprobe")
        .args(asked)
        .args(["-show_entries", "packet=pts_time,flags"])
        .arg(&path)
        .output()
        .expect("it is installed");
    let text = String::from_utf8(ended.stdout).expect("text");
    let lines = text.lines().filter(|it| it.contains('K'));
    lines.map(|it| it.split(',').next().and_then(|it| it.parse().ok()).expect("a time")).collect()
}

#[test]
fn what_is_longer_than_a_minute_is_also_made_in_parts() {
    let minute = phone(&moving("64x48", "5", "60"), &[]);
    let ended = renditions(&minute);
    assert_eq!(ended.names(), ["48p.mp4"]);
    assert_eq!(ended.done()["files"][0].get("fragments"), None);
    let more = phone(&moving("64x48", "5", "61"), &[]);
    let ended = renditions(&more);
    assert_eq!(ended.names(), ["48p.mp4", "48p-hls.mp4"]);
    assert_eq!(ended.left(), ["48p-hls.mp4", "48p.mp4"]);
    assert_eq!(ended.done()["files"][0].get("fragments"), None);
    assert_eq!(ended.done()["files"][1]["media_type"], "video/mp4");
    let again = renditions(&more);
    assert_eq!(ended.done(), again.done());
    assert!(ended.read("48p-hls.mp4") == again.read("48p-hls.mp4"), "the same every time");
}

#[test]
fn the_parts_are_all_that_is_played() {
    // A rate that no second is a multiple of, and scenes that begin at odd times.
    let scenes = "testsrc2=size=64x48:rate=30000/1001:duration=31.3[a];\
                  smptebars=size=64x48:rate=30000/1001:duration=31.2[b];[a][b]concat";
    let ended = renditions(&phone(scenes, &[]));
    let whole = ended.read("48p.mp4");
    let made = parts(&ended, "48p-hls.mp4");
    let bytes: u64 = made.each.iter().map(|it| it.0).sum();
    assert_eq!(made.init_bytes + bytes, made.bytes.len() as u64);
    let duration = ended.done()["duration_ms"].as_u64().expect("a duration");
    assert!(duration.abs_diff(62_562) <= 50, "{duration}");
    assert!(made.ms().abs_diff(duration) <= 50, "{} of {duration} ms", made.ms());
    let (last, others) = made.each.split_last().expect("there are some");
    assert!(others.iter().all(|it| (5500..=6500).contains(&it.1)), "{:?}", made.each);
    assert!(last.1 <= 6500, "{:?}", made.each);
    // Boxes: what it is, how to read it, and each part as its head and its contents.
    let mut expected = vec!["ftyp", "moov"];
    expected.extend(["moof", "mdat"].repeat(made.each.len()));
    assert_eq!(boxes(&made.bytes), expected);
    // Every picture is there, once, and the same as in the rendition; so is the sound.
    let pictures = made.played("0:v");
    assert_eq!(pictures, decoded("x", "0:v", &[("x", &whole)]));
    let frames = probe(&whole)["streams"][0]["nb_frames"].as_str().map(str::to_owned);
    assert_eq!(frames, Some(pictures.len().to_string()));
    let heard = made.played("0:a").len();
    assert!(heard.abs_diff(decoded("x", "0:a", &[("x", &whole)]).len()) <= 1, "{heard}");
    // Each of them alone shows what it is to show: it begins with a picture that needs no other.
    let mut seen = 0;
    for part in [0, 1, made.each.len() - 1] {
        let alone = made.alone(part, "0:v");
        let before: u64 = made.each[..part].iter().map(|it| it.1).sum();
        let first = (before as f64 * 30.0 / 1001.0).round() as usize;
        assert_eq!(alone, pictures[first..first + alone.len()], "part {part}");
        assert!(!made.alone(part, "0:a").is_empty(), "part {part}");
        seen += alone.len();
    }
    assert!(seen > 2 * 5 * 30);
}

#[test]
fn parts_begin_at_the_same_times_in_each_size() {
    // Scenes begin at odd seconds, which an encoder would begin anew at.
    let scenes = "testsrc2=size=1280x720:rate=2:duration=31[a];\
                  smptebars=size=1280x720:rate=2:duration=34[b];[a][b]concat";
    let made = video("x.mkv", scenes, false, &["-c:v", "mjpeg"]);
    let ended = renditions(&made);
    let names = ["720p.mp4", "720p-hls.mp4", "480p.mp4", "480p-hls.mp4"];
    assert_eq!(ended.names(), names);
    let [large, small] = ["720p-hls.mp4", "480p-hls.mp4"].map(|it| parts(&ended, it));
    let ms = |it: &Parts| it.each.iter().map(|it| it.1).collect::<Vec<_>>();
    assert_eq!(ms(&large), ms(&small));
    assert_eq!(large.ms(), 65_000);
    for it in [&large, &small] {
        let found = keys(&it.bytes);
        let begins = it.each.iter().scan(0, |at, it| {
            *at += it.1;
            Some((*at - it.1) as f64 / 1000.0)
        });
        for begin in begins {
            assert!(found.iter().any(|it| (it - begin).abs() < 0.001), "{begin}: {found:?}");
        }
        // As much as the largest of them, and less than all at once.
        let most = it.each.iter().map(|it| it.0 * 8000 / it.1).max().expect("there are some");
        assert!(it.bandwidth > 0 && it.bandwidth <= most + 1, "{} of {most}", it.bandwidth);
    }
    assert!(large.bandwidth > small.bandwidth);
}

#[test]
fn codecs_are_those_of_the_file() {
    let sounding = renditions(&phone(&moving("64x48", "2", "61"), &[]));
    let silent = renditions(&phone(&moving("64x48", "2", "61"), &["-an"]));
    for (ended, sound) in [(sounding, true), (silent, false)] {
        let made = parts(&ended, "48p-hls.mp4");
        let probed = probe(&made.bytes);
        let streams = probed["streams"].as_array().expect("a list");
        assert_eq!(streams.len(), if sound { 2 } else { 1 });
        assert_eq!(streams[0]["profile"], "High");
        let level = streams[0]["level"].as_u64().expect("a number");
        let behind = if sound { ",mp4a.40.2" } else { "" };
        assert_eq!(made.codecs, format!("avc1.6400{level:02x}{behind}"));
        if sound {
            assert_eq!(streams[1]["profile"], "LC");
        }
        assert!(!made.alone(0, "0:v").is_empty());
        assert_eq!(made.played("0:v").len(), 122);
    }
}

#[test]
fn sound_that_goes_on_or_stops_leaves_no_part_out() {
    let tone = |seconds: u32| format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
    let made = |pictures: &str, seconds| {
        let how = ["-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", &tone(seconds)];
        let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];
        ffmpeg("x.mp4", &[&how[..], &codecs].concat(), &[])
    };
    // The picture stands still while a song goes on; the sound of a film breaks off.
    for (pictures, seconds, shown) in [("20", 70, 40), ("70", 20, 140)] {
        let ended = renditions(&made(&moving("64x48", "2", pictures), seconds));
        let duration = ended.done()["duration_ms"].as_u64().expect("a duration");
        assert!(duration.abs_diff(70_000) <= 50, "{duration}");
        let made = parts(&ended, "48p-hls.mp4");
        assert!(made.ms().abs_diff(duration) <= 50, "{} of {duration} ms", made.ms());
        assert_eq!(made.played("0:v").len(), shown);
        // A frame has 1,024 of 48,000 samples.
        let heard = made.played("0:a").len() * 1024 / 48_000;
        assert!(heard.abs_diff(seconds as usize) <= 1, "{heard} s");
    }
}

#[test]
fn what_begins_later_begins_with_what_comes_first() {
    let pictures_only = phone(&moving("64x48", "5", "64"), &["-an"]);
    let tone = "sine=frequency=440:sample_rate=48000:duration=64";
    let both = |seen: &str, heard: &str| {
        let pictures = ["-itsoffset", seen, "-i", "0"];
        let sound = ["-f", "lavfi", "-itsoffset", heard, "-i", tone];
        let how = ["-c:v", "copy", "-c:a", "aac", "-t", "64"];
        ffmpeg("x.mkv", &[&pictures[..], &sound, &how].concat(), &[&pictures_only])
    };
    for (seen, heard, silent) in [("2", "0", 0), ("0", "2", 2)] {
        let ended = renditions(&both(seen, heard));
        let whole = ended.read("48p.mp4");
        let made = parts(&ended, "48p-hls.mp4");
        let lists: Vec<_> =
            made.bytes.windows(4).enumerate().filter(|it| it.1 == b"elst").collect();
        assert_eq!(lists.len(), 2);
        for (at, _) in lists {
            assert_eq!(made.bytes[at + 8..at + 12], [0, 0, 0, 1], "nothing is left out before");
        }
        let shown = made.played("0:v");
        assert_eq!(shown.len(), 64 * 5);
        assert_eq!(shown, decoded("x", "0:v", &[("x", &whole)]));
        for stream in probe(&whole)["streams"].as_array().expect("a list") {
            let start = stream["start_time"].as_str().and_then(|it| it.parse::<f64>().ok());
            assert!(start.is_some_and(|it| it.abs() < 0.05), "{stream}");
        }
        if seen == "2" {
            let later = ffmpeg("x.png", &["-ss", "1.8", "-i", "0", "-frames:v", "1"], &[&whole]);
            let later = image::load_from_memory(&later).expect("an image").into_rgba8();
            assert!(difference(&later, &first_picture(&pictures_only)) < 6.0, "it stands");
        }
        let heard = made.played("0:a");
        assert!((heard.len() * 1024 / 48_000).abs_diff(64) <= 1);
        let quiet = heard.iter().skip(2).take_while(|it| **it == heard[2]).count();
        assert!((quiet * 1024).abs_diff(48_000 * silent) < 4800, "{quiet} frames");
    }
}
