//! Videos that another program makes for a test, and what yet another says of those made here.

use std::process::{Command, Stdio};

use serde_json::Value;

/// What a camera and its owner leave in a file.
pub(crate) const SAID: [&str; 8] = [
    "-metadata",
    "title=canary",
    "-metadata",
    "location=+48.2082+016.3738/",
    "-metadata",
    "comment=canary",
    "-metadata:s:v",
    "handler_name=canary",
];

/// A picture that moves, in such a size, so many a second.
pub(crate) fn moving(size: &str, rate: &str, seconds: &str) -> String {
    format!("testsrc2=size={size}:rate={rate}:duration={seconds}")
}

/// Has ffmpeg make a video of pictures, with a tone beside them if it is to have sound.
pub(crate) fn video(name: &str, pictures: &str, sound: bool, how: &[&str]) -> Vec<u8> {
    let said =
        pictures.split("duration=").skip(1).filter_map(|it| it.split([':', '[', ',']).next());
    let seconds: f64 = said.map(|it| it.parse::<f64>().expect("a number")).sum();
    let tone = format!("sine=frequency=440:sample_rate=44100:duration={seconds}");
    let tone = ["-f", "lavfi", "-i", &tone];
    let tone: &[&str] = if sound { &tone } else { &[] };
    let first = ["-f", "lavfi", "-i", pictures];
    ffmpeg(name, &[&first[..], tone, how].concat(), &[])
}

/// H.264 and AAC, as telephones write it.
pub(crate) fn phone(pictures: &str, how: &[&str]) -> Vec<u8> {
    let codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    video("x.mp4", pictures, true, &[&codecs[..], how].concat())
}

/// Runs ffmpeg in a folder where the inputs lie as `0`, `1` and so on.
pub(crate) fn ffmpeg(name: &str, arguments: &[&str], inputs: &[&[u8]]) -> Vec<u8> {
    let numbers: Vec<_> = (0..inputs.len()).map(|it| it.to_string()).collect();
    let named = numbers.iter().map(String::as_str).zip(inputs.iter().copied());
    ffmpeg_on(name, arguments, &named.collect::<Vec<_>>())
}

/// The same where the inputs have names.
pub(crate) fn ffmpeg_on(name: &str, arguments: &[&str], inputs: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, input) in inputs {
        std::fs::write(folder.path().join(name), input).expect("it is written");
    }
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-y"]).args(arguments);
    command.args(["-threads", "1", name]).current_dir(folder.path()).stdin(Stdio::null());
    let ended = command.output().expect("ffmpeg is installed: see deploy/setup.sh");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    std::fs::read(folder.path().join(name)).expect("it was made")
}

/// The first picture of a video, as ffmpeg shows it.
pub(crate) fn first_picture(video: &[u8]) -> image::RgbaImage {
    let filters = "scale=flags=accurate_rnd+full_chroma_int";
    let png = ffmpeg("x.png", &["-i", "0", "-frames:v", "1", "-vf", filters], &[video]);
    image::load_from_memory(&png).expect("an image").into_rgba8()
}

/// What ffprobe says of a file.
pub(crate) fn probe(bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x");
    std::fs::write(&path, bytes).expect("it is written");
    let all = ["-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters"];
    let ended = Command::new("ffprobe").args(all).arg(&path).output().expect("it is installed");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).expect("JSON")
}

/// The boxes of an MPEG-4 file, in order.
pub(crate) fn boxes(bytes: &[u8]) -> Vec<String> {
    let mut kinds = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes(head[..4].try_into().expect("four"));
        kinds.push(String::from_utf8_lossy(&head[4..]).into_owned());
        at += length.max(8) as usize;
    }
    kinds
}

/// Whether a word stands anywhere in a file.
pub(crate) fn says(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|it| it.eq_ignore_ascii_case(word))
}

/// The mean difference of two pictures, a channel, of 255.
pub(crate) fn difference(one: &image::RgbaImage, other: &image::RgbaImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / one.as_raw().len() as f64
}
