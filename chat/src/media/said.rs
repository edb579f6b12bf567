//! The law of what workers say.

use serde_json::{Value, json};

use super::tests::variant;
use super::*;

/// What a worker says of a picture, with other fields.
fn says(other: Value) -> Told {
    let made = json!({ "name": "96.webp", "media_type": "image/webp", "width": 96, "height": 64,
        "bytes": 7 });
    let mut line = json!({ "media_type": "image/jpeg", "kind": "image", "width": 900,
        "height": 600, "files": [made] });
    let fields = other.as_object().unwrap().clone();
    line.as_object_mut().unwrap().extend(fields);
    told(Some(0), line.to_string().as_bytes())
}

fn is_done(other: Value) -> bool {
    matches!(says(other), Told::Done(_))
}

#[test]
fn a_worker_is_understood_by_its_code_and_its_line() {
    let Told::Done(outcome) = says(json!({ "later": { "field": 1 } })) else { panic!("done") };
    assert_eq!((outcome.kind, outcome.width), (MediaKind::Image, Some(900)));
    assert_eq!(outcome.variants, [variant("96.webp")]);
    let failed = |reason: &str| {
        let line = json!({ "failed": { "reason": reason, "detail": "x" } }).to_string();
        told(Some(3), line.as_bytes())
    };
    for failure in MediaFailure::ALL {
        assert_eq!(failed(failure.code()), Told::Failed(failure));
    }
    let broken = Told::Failed(MediaFailure::Broken);
    assert_eq!(failed("MEDIA_STOLEN"), broken);
    assert_eq!(told(Some(4), b"{\"refused\":{\"detail\":\"no walls\"}}"), Told::Refused);
    for (code, line) in [(None, ""), (Some(0), ""), (Some(0), "{}"), (Some(1), ""), (Some(3), "x")]
    {
        assert_eq!(told(code, line.as_bytes()), broken, "{code:?} {line}");
    }
}

#[test]
fn what_a_worker_says_has_limits() {
    for (field, good, bad) in [
        ("width", json!(SIDE_MAX), json!(SIDE_MAX + 1)),
        ("height", json!(1), json!(0)),
        ("frames", json!(FRAMES_MAX), json!(FRAMES_MAX + 1)),
        ("duration_ms", json!(DURATION_MS_MAX), json!(DURATION_MS_MAX + 1)),
        ("waveform", json!(vec![255; PEAKS]), json!(vec![0; PEAKS + 1])),
        ("waveform", json!(vec![0; PEAKS]), json!(vec![256; PEAKS])),
        ("thumbhash", json!("A".repeat(32) + "AA=="), json!("A".repeat(36))),
        ("thumbhash", json!("AQ=="), json!("no base64")),
        ("media_type", json!("image/x-y"), json!("image/png; charset=x")),
        ("kind", json!("hologram"), json!(7)),
        ("files", json!([]), json!("none")),
    ] {
        assert!(is_done(json!({ field: good })), "{field} {good}");
        assert!(!is_done(json!({ field: bad })), "{field} {bad}");
    }
    let many = |count: usize| {
        let made = |n| json!({ "name": format!("{n}.webp"), "media_type": "a/b", "bytes": 1 });
        json!({ "files": (0..count).map(made).collect::<Vec<_>>() })
    };
    assert!(is_done(many(VARIANTS_MAX)) && !is_done(many(VARIANTS_MAX + 1)));
    let twice = json!({ "name": "a.webp", "media_type": "a/b", "bytes": 1 });
    assert!(!is_done(json!({ "files": [twice.clone(), twice] })));
    let fragments = |init: u64, parts: Vec<(u64, u64)>, bandwidth: u64, codecs: &str| {
        let said = json!({ "init_bytes": init, "parts": parts, "bandwidth": bandwidth,
            "codecs": codecs });
        let made = json!({ "name": "480p-hls.mp4", "media_type": "video/mp4", "bytes": 10_000,
            "fragments": said });
        is_done(json!({ "files": [made] }))
    };
    let long = "a".repeat(CODECS_BYTES_MAX);
    assert!(fragments(9_999, vec![(1, FRAGMENT_MS_MAX)], BANDWIDTH_MAX, &long));
    assert!(fragments(9_000, vec![(1, 1); FRAGMENTS_MAX], 1, "avc1.64,mp4a.40.2"));
    assert!(!fragments(8_999, vec![(1, 1); FRAGMENTS_MAX + 1], 1, "avc1"));
    for (init, ms, bandwidth, codecs) in [
        (9_998, 1, 1, "avc1"),
        (u64::MAX, 1, 1, "avc1"),
        (9_999, FRAGMENT_MS_MAX + 1, 1, "avc1"),
        (9_999, 0, 1, "avc1"),
        (9_999, 1, BANDWIDTH_MAX + 1, "avc1"),
        (9_999, 1, 0, "avc1"),
        (9_999, 1, 1, "avc1\"\nhttp://evil"),
        (9_999, 1, 1, ""),
        (9_999, 1, 1, &format!("{long}a")),
    ] {
        assert!(!fragments(init, vec![(1, ms)], bandwidth, codecs), "{init} {ms} {codecs}");
    }
    assert!(!fragments(10_000, Vec::new(), 1, "avc1"));
    let text = "é".repeat(TAG_CHARS_MAX);
    let tags = |title: String| match says(json!({ "tags": { "title": title } })) {
        Told::Done(it) => it.tags.and_then(|it| it.title),
        Told::Failed(_) | Told::Refused => None,
    };
    assert_eq!(tags(text.clone()), Some(text.clone()));
    assert_eq!(tags(format!("{text}x")), Some(text));
    assert_eq!(tags("a\u{0}\nb".to_owned()), Some("ab".to_owned()));
    assert_eq!(tags("\n".to_owned()), None);
}

#[test]
fn names_of_variants_are_small_and_plain() {
    for name in ["96.webp", "a-b.mp4", "poster.jpg"] {
        assert!(is_variant_name(name), "{name}");
    }
    for name in ["", ".", "96", ".webp", "96.", "a.b.c", "../a.b", "a/b.c", "A.jpg", "a b.c", "ä.b"]
    {
        assert!(!is_variant_name(name), "{name}");
    }
    let long = |count| format!("{}.webp", "a".repeat(count));
    assert!(is_variant_name(&long(VARIANT_CHARS_MAX - 5)));
    assert!(!is_variant_name(&long(VARIANT_CHARS_MAX - 4)));
}
