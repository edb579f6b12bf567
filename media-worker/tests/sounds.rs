//! Sounds: how long, how loud when, beside what another program wrote.

mod worker;

use serde_json::json;
use worker::{Ended, convert, fixture, previews, work};

const SOUNDS: [&str; 7] =
    ["sound.wav", "sound.mp3", "sound.flac", "sound.m4a", "sound.ogg", "sound.opus", "stereo.flac"];

/// The samples that sox wrote: 16 bits each behind a head of 44 bytes.
fn samples(wav: &[u8]) -> Vec<i16> {
    wav[44..].as_chunks::<2>().0.iter().map(|it| i16::from_le_bytes(*it)).collect()
}

/// A hundred peaks from all samples, with nothing of the program.
fn reference(samples: &[i16]) -> Vec<u64> {
    let piece = |it: usize| {
        let part = &samples[it * samples.len() / 100..(it + 1) * samples.len() / 100];
        let loudest = part.iter().map(|it| u64::from(it.unsigned_abs())).max();
        (loudest.expect("a piece has samples") * 255 + 16_384) / 32_768
    };
    (0..100).map(piece).collect()
}

fn waveform(ended: &Ended) -> Vec<u64> {
    let peaks = ended.done()["waveform"].as_array().expect("peaks").iter();
    peaks.map(|it| it.as_u64().expect("a number")).collect()
}

fn duration(ended: &Ended) -> u64 {
    ended.done()["duration_ms"].as_u64().expect("a duration")
}

#[test]
fn every_format_is_as_long_as_it_is() {
    for name in SOUNDS {
        let found = duration(&previews(&fixture(name)));
        assert!(found.abs_diff(2500) <= 50, "{name}: {found} ms");
    }
}

#[test]
fn every_format_is_as_loud_as_it_is() {
    let expected = reference(&samples(&fixture("sound.wav")));
    for name in SOUNDS {
        // What keeps every sample shows every peak; the others come near, and may echo a little.
        let kept = name.ends_with("wav") || name == "sound.flac";
        let most = if kept { 1 } else { 24 };
        let found = waveform(&previews(&fixture(name)));
        assert_eq!(found.len(), 100);
        let differences = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b));
        let worst = differences.clone().max().expect("a hundred");
        let mean = differences.sum::<u64>() as f64 / 100.0;
        assert!(worst <= most && mean <= 4.0, "{name}: {worst} at most, {mean} in the mean");
        assert!(found[85..].iter().all(|it| *it <= 3), "{name} ends in silence");
    }
}

#[test]
fn a_sound_says_what_it_is_called() {
    for name in ["sound.mp3", "sound.flac", "sound.m4a", "sound.ogg", "sound.opus", "sound.wav"] {
        let ended = previews(&fixture(name));
        if name == "sound.wav" {
            assert_eq!(ended.done().get("tags"), None);
        } else {
            let tags = json!({ "title": "Swell", "artist": "Sox", "album": "Fixtures" });
            assert_eq!(ended.done()["tags"], tags, "{name}");
        }
        assert_eq!(ended.done()["kind"], "audio");
        assert!(ended.names().is_empty());
    }
    let types = [
        ("mp3", "audio/mpeg"),
        ("wav", "audio/wav"),
        ("flac", "audio/flac"),
        ("m4a", "audio/mp4"),
        ("ogg", "audio/ogg"),
        ("opus", "audio/ogg"),
    ];
    for (ending, media_type) in types {
        let ended = previews(&fixture(&format!("sound.{ending}")));
        assert_eq!(ended.done()["media_type"], media_type);
    }
}

#[test]
fn every_format_becomes_every_other() {
    let expected = reference(&samples(&fixture("sound.wav")));
    for name in SOUNDS {
        // From each to what keeps all, and from that to each.
        let formats: &[&str] = match name {
            "sound.wav" => &["opus", "mp3", "m4a", "flac", "wav"],
            _ => &["wav"],
        };
        for to in formats {
            let ended = convert(&fixture(name), to);
            assert_eq!(ended.names(), [format!("converted.{to}")]);
            assert!(duration(&ended).abs_diff(2500) <= 50, "{name} to {to}");
            let bytes = ended.read(&ended.names()[0]);
            assert!(!bytes.windows(5).any(|it| it == b"Swell"), "nothing said goes along");
            let again = previews(&bytes);
            assert!(duration(&again).abs_diff(2500) <= 50, "{name} to {to}");
            let found = waveform(&again);
            let differences = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b));
            let mean = differences.sum::<u64>() as f64 / 100.0;
            assert!(mean <= 6.0, "{name} to {to}: {mean} in the mean");
        }
    }
}

#[test]
fn a_rendition_for_listening_is_small() {
    let wav = fixture("sound.wav");
    let opus = convert(&wav, "opus").read("converted.opus");
    assert!(opus.len() * 3 < wav.len());
}

#[test]
fn a_sound_is_no_picture() {
    let sound = fixture("sound.wav");
    for to in ["jpeg", "png", "gif", "webp"] {
        assert_eq!(convert(&sound, to).failed(), "MEDIA_UNSUPPORTED");
    }
    assert_eq!(work(&sound, &json!({ "kind": "avatar" })).failed(), "MEDIA_UNSUPPORTED");
    assert_eq!(convert(&fixture("base.png"), "opus").failed(), "MEDIA_UNSUPPORTED");
}

#[test]
fn a_sound_that_breaks_off_is_as_long_as_it_is_there() {
    let flac = fixture("sound.flac");
    let half = previews(&flac[..flac.len() / 2]);
    assert!(duration(&half) < 2500);
    assert_eq!(previews(b"fLaC").failed(), "MEDIA_CORRUPT");
    assert_eq!(previews(&fixture("sound.mp3")[..20]).failed(), "MEDIA_CORRUPT");
}

#[test]
fn a_name_is_told_as_far_as_200_characters() {
    let named = |characters: usize| {
        let mut wav = fixture("sound.wav");
        let mut list = b"INFOINAM".to_vec();
        list.extend((characters as u32).to_le_bytes());
        list.extend("x".repeat(characters).as_bytes());
        list.extend(vec![0; characters % 2]);
        wav.extend(b"LIST");
        wav.extend((list.len() as u32).to_le_bytes());
        wav.extend(list);
        let ended = previews(&wav);
        ended.done()["tags"]["title"].as_str().map(str::len)
    };
    assert_eq!(named(200), Some(200));
    assert_eq!(named(201), Some(200));
}
