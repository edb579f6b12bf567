//! What is looked at in the pictures of pages.

use std::io::{Cursor, Read};

use image::{DynamicImage, RgbImage};
use zip::ZipArchive;

use super::Ended;

/// A first page in a size, all of which are there.
pub(crate) fn seen(ended: &Ended, name: &str) -> RgbImage {
    let (width, height) = (&ended.done()["width"], &ended.done()["height"]);
    assert_eq!(width.as_u64().max(height.as_u64()), Some(1600), "{}", ended.line);
    assert!(ended.done()["thumbhash"].is_string());
    for side in [96, 320, 800, 1600] {
        for ending in ["webp", "jpg"] {
            let picture = ended.picture(&format!("{side}.{ending}"));
            assert_eq!(picture.width().max(picture.height()), side);
        }
    }
    DynamicImage::from(ended.picture(name)).into_rgb8()
}

/// How much of a picture is not white, of ten thousand.
pub(crate) fn ink(picture: &RgbImage) -> usize {
    let inked = picture.pixels().filter(|it| it.0.iter().any(|it| *it < 200)).count();
    inked * 10_000 / picture.pixels().len()
}

/// A presentation of old, which is kept in an archive for its size.
pub(crate) fn old_talk() -> Vec<u8> {
    let mut kept =
        ZipArchive::new(Cursor::new(super::fixture("talk.ppt.zip"))).expect("an archive");
    let mut bytes = Vec::new();
    kept.by_index(0).expect("it is there").read_to_end(&mut bytes).expect("it is whole");
    bytes
}
