//! From pixels to files that hold nothing but them.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use crate::outcome::Failure;

/// As good as one sees, at a third of the bytes of the best.
const JPEG_QUALITY: u8 = 82;
const WEBP_QUALITY: f32 = 80.0;

/// What the format can say.
const WEBP_SIDE_MAX: u32 = 16_383;
const SIDE_MAX: u32 = 65_535;

pub(crate) fn webp(picture: &DynamicImage) -> Result<Vec<u8>, Failure> {
    fits(picture, WEBP_SIDE_MAX)?;
    let encoder = webp::Encoder::from_image(picture).map_err(Failure::corrupt)?;
    let encoded = encoder.encode_simple(false, WEBP_QUALITY);
    // There are pixels, and they fit: what is missing is memory.
    let encoded = encoded.map_err(|it| Failure::too_large(format_args!("WebP: {it:?}")))?;
    Ok(encoded.to_vec())
}

/// What is transparent is white, as on paper.
pub(crate) fn jpeg(picture: &DynamicImage) -> Result<Vec<u8>, Failure> {
    fits(picture, SIDE_MAX)?;
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    let written = match picture.as_rgba8() {
        Some(it) => {
            let mut flat = RgbImage::new(it.width(), it.height());
            for (to, from) in flat.pixels_mut().zip(it.pixels()) {
                let [red, green, blue, alpha] = from.0;
                *to = Rgb([red, green, blue].map(|it| on_white(it, alpha)));
            }
            flat.write_with_encoder(encoder)
        }
        None => picture.write_with_encoder(encoder),
    };
    written.map_err(Failure::corrupt)?;
    Ok(bytes)
}

fn on_white(colour: u8, alpha: u8) -> u8 {
    let (colour, alpha) = (u32::from(colour), u32::from(alpha));
    u8::try_from((colour * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
}

pub(crate) fn png(picture: &DynamicImage) -> Result<Vec<u8>, Failure> {
    by(picture, ImageFormat::Png)
}

pub(crate) fn gif(picture: &DynamicImage) -> Result<Vec<u8>, Failure> {
    fits(picture, SIDE_MAX)?;
    by(picture, ImageFormat::Gif)
}

fn by(picture: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>, Failure> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).map_err(Failure::corrupt)?;
    Ok(bytes.into_inner())
}

fn fits(picture: &DynamicImage, most: u32) -> Result<(), Failure> {
    let longest = picture.width().max(picture.height());
    if longest > most {
        return Err(Failure::too_large(format_args!(
            "{longest} pixels are too many for this format"
        )));
    }
    Ok(())
}
