//! From a file to pixels, within limits.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

use super::heif;
use crate::outcome::Failure;

/// A camera of today makes 50, and 100 are decoded in seconds.
const PIXELS_MAX: u64 = 100_000_000;

/// What a decoder may hold at once.
const MEMORY_BYTES_MAX: u64 = 1 << 30;

/// What a decoder found.
pub(super) struct Decoded {
    pub(super) picture: DynamicImage,
    /// How its numbers are to be read, if not as sRGB.
    pub(super) profile: Option<ColorProfile>,
}

/// Decodes the first picture of an image, upright, as sRGB with or without transparency.
pub(crate) fn decode(media_type: &str, bytes: &[u8]) -> Result<DynamicImage, Failure> {
    let format = match media_type {
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/png" => Some(ImageFormat::Png),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::WebP),
        "image/heic" | "image/avif" => None,
        other => return Err(Failure::unsupported(other)),
    };
    let Decoded { mut picture, profile } = match format {
        Some(format) => read(format, bytes)?,
        None => heif::read(bytes)?,
    };
    if let Some(profile) = profile {
        to_srgb(&mut picture, &profile);
    }
    Ok(picture)
}

/// Says whether there are too many pixels, before any of them is decoded.
pub(super) fn few_enough(width: u32, height: u32) -> Result<(), Failure> {
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(Failure::too_large(format_args!("{width} x {height} pixels")));
    }
    Ok(())
}

fn read(format: ImageFormat, bytes: &[u8]) -> Result<Decoded, Failure> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(failure)?;
    let (width, height) = decoder.dimensions();
    few_enough(width, height)?;
    decoder.set_limits(limits).map_err(failure)?;
    // What can't be read of how it is turned or coloured is as if it were not said.
    let orientation = decoder.orientation().ok();
    let profile = decoder.icc_profile().ok().flatten();
    let decoded = DynamicImage::from_decoder(decoder).map_err(failure)?;
    // Grey is painted as grey whatever its curve, as browsers nearly do.
    let profile = profile.filter(|_| decoded.color().has_color());
    let profile = profile.and_then(|it| ColorProfile::new_from_slice(&it).ok());
    let mut picture: DynamicImage = match decoded.color().has_alpha() {
        true => decoded.into_rgba8().into(),
        false => decoded.into_rgb8().into(),
    };
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    Ok(Decoded { picture, profile })
}

fn failure(error: ImageError) -> Failure {
    match error {
        ImageError::Limits(it) => Failure::too_large(it),
        ImageError::Unsupported(it) => Failure::unsupported(it),
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_) => Failure::corrupt(error),
    }
}

/// Says the same colours in sRGB. A profile of other colours changes nothing.
fn to_srgb(picture: &mut DynamicImage, profile: &ColorProfile) {
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let (layout, width) = match picture.color().has_alpha() {
        true => (Layout::Rgba, 4 * picture.width() as usize),
        false => (Layout::Rgb, 3 * picture.width() as usize),
    };
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let Ok(transform) = profile.create_transform_8bit(layout, &srgb, layout, options) else {
        return;
    };
    let samples: &mut [u8] = if let Some(it) = picture.as_mut_rgba8() {
        it
    } else if let Some(it) = picture.as_mut_rgb8() {
        it
    } else {
        return;
    };
    let mut row = vec![0; width];
    for line in samples.chunks_exact_mut(width) {
        if transform.transform(line, &mut row).is_ok() {
            line.copy_from_slice(&row);
        }
    }
}
