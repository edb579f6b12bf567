//! Images: what is made of them beside what other programs make of them.

mod worker;

use image::{GenericImageView, ImageEncoder, RgbaImage};
use serde_json::json;
use worker::{Ended, convert, fixture, previews, work};

/// The mean difference of two pictures, a channel, of 255.
fn difference(one: &RgbaImage, other: &RgbaImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / one.as_raw().len() as f64
}

fn base() -> RgbaImage {
    image::load_from_memory(&fixture("base.png")).expect("an image").into_rgba8()
}

fn solid(width: u32, height: u32) -> Vec<u8> {
    let mut png = Vec::new();
    let pixels = vec![120; (width * height) as usize];
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    encoder.write_image(&pixels, width, height, image::ExtendedColorType::L8).expect("it fits");
    png
}

fn sizes(ended: &Ended) -> Vec<(String, u64, u64)> {
    let files = ended.done()["files"].as_array().expect("a list").iter();
    let number = |it: &serde_json::Value| it.as_u64().expect("a number");
    let size = |it: &serde_json::Value| {
        let name = it["name"].as_str().expect("a name").to_owned();
        (name, number(&it["width"]), number(&it["height"]))
    };
    files.map(size).collect()
}

#[test]
fn every_size_below_is_made_and_none_above() {
    let made = |width, height| {
        let made = sizes(&previews(&solid(width, height))).into_iter();
        let webp = made.filter(|it| it.0.ends_with(".webp"));
        webp.map(|it| (it.1, it.2)).collect::<Vec<_>>()
    };
    assert_eq!(made(2000, 1000), [(1600, 800), (800, 400), (320, 160), (96, 48)]);
    assert_eq!(made(500, 1000), [(500, 1000), (400, 800), (160, 320), (48, 96)]);
    assert_eq!(made(97, 10), [(97, 10), (96, 10)]);
    assert_eq!(made(96, 96), [(96, 96)]);
    assert_eq!(made(1, 1), [(1, 1)]);
    assert_eq!(made(1600, 1), [(1600, 1), (800, 1), (320, 1), (96, 1)]);
}

#[test]
fn what_is_said_of_files_is_so() {
    let ended = previews(&fixture("base.png"));
    assert_eq!(ended.left(), ["320.jpg", "320.webp", "96.jpg", "96.webp"]);
    for file in ended.done()["files"].as_array().expect("a list") {
        let name = file["name"].as_str().expect("a name");
        let bytes = ended.read(name);
        assert_eq!(file["bytes"], bytes.len());
        let kind = image::guess_format(&bytes).expect("an image").to_mime_type();
        assert_eq!(file["media_type"], kind);
        let picture = ended.picture(name);
        assert_eq!(
            (&file["width"], &file["height"]),
            (&json!(picture.width()), &json!(picture.height()))
        );
    }
}

#[test]
fn a_small_picture_is_what_another_program_makes() {
    let ended = previews(&fixture("base.png"));
    let other = image::load_from_memory(&fixture("base-96.png")).expect("an image").into_rgba8();
    for name in ["96.webp", "96.jpg"] {
        let difference = difference(&ended.picture(name), &other);
        assert!(difference < 3.0, "{name}: {difference}");
    }
}

#[test]
fn every_way_to_be_turned_comes_out_upright() {
    for way in 1..=8 {
        let ended = previews(&fixture(&format!("turned-{way}.jpg")));
        assert_eq!((&ended.done()["width"], &ended.done()["height"]), (&json!(120), &json!(80)));
        let difference = difference(&ended.picture("320.jpg"), &base());
        assert!(difference < 3.0, "{way}: {difference}");
    }
}

#[test]
fn every_kind_of_pixels_shows_the_same() {
    let same = [
        "deep.png",
        "palette.png",
        "progressive.jpg",
        "still.gif",
        "moving.gif",
        "lossy.webp",
        "moving.webp",
        "private.jpg",
        "private.png",
        "private.webp",
        "base.heic",
        "deep.heic",
        "private.heic",
        "base.avif",
        "turned.avif",
        "mirrored.avif",
    ];
    for name in same {
        let ended = previews(&fixture(name));
        for made in ["320.webp", "320.jpg"] {
            let difference = difference(&ended.picture(made), &base());
            assert!(difference < 4.0, "{name} as {made}: {difference}");
        }
    }
    let grey = previews(&fixture("grey16.png")).picture("320.webp");
    let other = previews(&fixture("grey.jpg")).picture("320.webp");
    assert!(difference(&grey, &other) < 3.0);
    assert!(grey.pixels().all(|it| it.0[0].abs_diff(it.0[2]) <= 3));
}

#[test]
fn what_is_clear_stays_clear_or_is_white() {
    for name in ["clear.png", "clear.webp", "clear.heic", "clear.avif"] {
        let ended = previews(&fixture(name));
        assert_eq!(ended.picture("320.webp").get_pixel(10, 10).0[3], 0);
        assert_eq!(ended.picture("96.webp").get_pixel(10, 10).0[3], 0);
        let paper = ended.picture("320.jpg").get_pixel(10, 10).0;
        assert!(paper.iter().all(|it| *it >= 250), "{paper:?}");
    }
}

#[test]
fn nothing_that_a_camera_wrote_goes_along() {
    for name in ["private.jpg", "private.png", "private.webp", "private.heic"] {
        let input = fixture(name);
        let says = |bytes: &[u8], word: &str| {
            bytes.windows(word.len()).any(|it| it.eq_ignore_ascii_case(word.as_bytes()))
        };
        assert!(says(&input, "canary"), "the fixture says something");
        let mut made = vec![previews(&input), work(&input, &json!({ "kind": "avatar" }))];
        made.extend(["jpeg", "png", "gif", "webp"].map(|to| convert(&input, to)));
        for ended in made {
            for file in ended.names() {
                let bytes = ended.read(&file);
                for word in ["canary", "exif", "xmp", "photoshop", "gps"] {
                    assert!(!says(&bytes, word), "{name} as {file} says {word}");
                }
            }
            assert!(!ended.line.to_string().contains("canary"));
        }
    }
}

#[test]
fn colours_of_a_wider_space_are_said_in_that_of_screens() {
    let mut png = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut png);
    let profile = moxcms::ColorProfile::new_display_p3().encode().expect("a profile");
    encoder.set_icc_profile(profile).expect("PNG has a place for it");
    let pixels = [200, 100, 50].repeat(64);
    encoder.write_image(&pixels, 8, 8, image::ExtendedColorType::Rgb8).expect("it fits");
    // Computed from the definitions of both spaces.
    let expected = [215, 93, 31];
    let ended = convert(&png, "png");
    let found = ended.picture("converted.png").get_pixel(4, 4).0;
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.abs_diff(expected) <= 2, "{found} is not {expected}");
    }
    // The same colour in the same space, which is named and not described.
    let ended = convert(&fixture("wide.avif"), "png");
    let found = ended.picture("converted.png").get_pixel(30, 30).0;
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.abs_diff(expected) <= 4, "{found} is not {expected}");
    }
}

#[test]
fn what_telephones_write_is_called_what_it_is() {
    for name in ["base.heic", "base.avif"] {
        let ended = previews(&fixture(name));
        let (_, ending) = name.split_once('.').expect("it has one");
        assert_eq!(ended.done()["media_type"], format!("image/{ending}"));
        assert_eq!((&ended.done()["width"], &ended.done()["height"]), (&json!(120), &json!(80)));
        assert_eq!(ended.left(), ["320.jpg", "320.webp", "96.jpg", "96.webp"]);
    }
}

#[test]
fn what_shines_through_has_the_colour_that_it_had() {
    let clear = previews(&fixture("clear.png")).picture("320.webp");
    for name in ["clear.heic", "clear.avif"] {
        let found = previews(&fixture(name)).picture("320.webp");
        assert!(difference(&found, &clear) < 6.0, "{name}");
    }
}

#[test]
fn what_moves_says_how_long() {
    for (name, duration) in [("moving.gif", 300), ("moving.webp", 600)] {
        let ended = previews(&fixture(name));
        assert_eq!(ended.done()["frames"], 3, "{name}");
        assert_eq!(ended.done()["duration_ms"], duration, "{name}");
    }
    assert_eq!(previews(&fixture("still.gif")).done().get("frames"), None);
}

#[test]
fn a_thumbhash_is_small_and_looks_like_it() {
    use base64::Engine;
    let ended = previews(&fixture("base.png"));
    let hash = ended.done()["thumbhash"].as_str().expect("a hash");
    let hash = base64::engine::general_purpose::STANDARD.decode(hash).expect("base64");
    assert!(hash.len() <= 28);
    let (width, height, painted) = thumbhash::thumb_hash_to_rgba(&hash).expect("a hash");
    let painted = RgbaImage::from_raw(width as u32, height as u32, painted).expect("pixels");
    let at = |x: u32, y: u32| painted.get_pixel(x, y).0;
    let (right, bottom) = (painted.width() - 3, painted.height() - 3);
    assert!(at(2, 2)[0] > at(2, 2)[1], "red stands at the top left");
    assert!(at(right, 2)[1] > at(right, 2)[0], "green at its right");
    assert!(at(2, bottom)[2] > at(2, bottom)[0], "blue below");
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_unstable();
    names
}

#[test]
fn an_avatar_is_the_square_in_the_middle() {
    let ended = work(&solid(1000, 400), &json!({ "kind": "avatar" }));
    let webp: Vec<_> = sizes(&ended).into_iter().filter(|it| it.0.ends_with("webp")).collect();
    let of = |it: &(String, u64, u64)| (it.1, it.2);
    assert_eq!(webp.iter().map(of).collect::<Vec<_>>(), [(400, 400), (320, 320), (96, 96)]);
    let ended = work(&solid(2000, 1700), &json!({ "kind": "avatar" }));
    let names = ["avatar-800", "avatar-320", "avatar-96"];
    let names = names.iter().flat_map(|it| [format!("{it}.jpg"), format!("{it}.webp")]);
    assert_eq!(sorted(ended.names()), sorted(names.collect()));
    assert_eq!(ended.picture("avatar-800.jpg").dimensions(), (800, 800));
    let ended = work(&fixture("base.png"), &json!({ "kind": "avatar" }));
    let middle = base().view(20, 0, 80, 80).to_image();
    assert!(difference(&ended.picture("avatar-96.jpg"), &middle) < 3.0);
}

#[test]
fn every_format_becomes_every_other() {
    for name in ["turned-6.jpg", "base.png", "still.gif", "lossy.webp", "base.heic"] {
        for (to, kind) in [("jpeg", "jpg"), ("png", "png"), ("gif", "gif"), ("webp", "webp")] {
            let ended = convert(&fixture(name), to);
            assert_eq!(ended.names(), [format!("converted.{kind}")]);
            let difference = difference(&ended.picture(&ended.names()[0]), &base());
            assert!(difference < 6.0, "{name} to {to}: {difference}");
        }
    }
    assert_eq!(convert(b"hello", "png").failed(), "MEDIA_UNSUPPORTED");
}

#[test]
fn a_format_holds_what_it_can() {
    assert_eq!(convert(&solid(16_383, 2), "webp").names(), ["converted.webp"]);
    assert_eq!(convert(&solid(16_384, 2), "webp").failed(), "MEDIA_TOO_LARGE");
    assert_eq!(convert(&solid(65_535, 2), "gif").names(), ["converted.gif"]);
    assert_eq!(convert(&solid(65_536, 2), "gif").failed(), "MEDIA_TOO_LARGE");
    assert_eq!(convert(&solid(65_536, 2), "jpeg").failed(), "MEDIA_TOO_LARGE");
}
