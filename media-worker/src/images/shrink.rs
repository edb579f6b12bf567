//! Smaller pictures, never larger ones.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, RgbImage, RgbaImage};

use crate::outcome::Failure;

/// The size that has its longest side within `side`, and the same shape.
pub(crate) fn fitting(width: u32, height: u32, side: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= side {
        return (width, height);
    }
    let scaled = |it: u32| {
        let rounded =
            (u64::from(it) * u64::from(side) + u64::from(longest) / 2) / u64::from(longest);
        // At most `side`, and a hair is a pixel wide.
        u32::try_from(rounded).unwrap_or(side).max(1)
    };
    (scaled(width), scaled(height))
}

/// The picture with its longest side within `side`.
pub(crate) fn shrunk(picture: DynamicImage, side: u32) -> Result<DynamicImage, Failure> {
    let (width, height) = fitting(picture.width(), picture.height(), side);
    if (width, height) == (picture.width(), picture.height()) {
        return Ok(picture);
    }
    resized(&picture, width, height)
}

/// The middle of a picture.
pub(crate) fn squared(picture: DynamicImage) -> DynamicImage {
    let side = picture.width().min(picture.height());
    let (left, top) = ((picture.width() - side) / 2, (picture.height() - side) / 2);
    picture.crop_imm(left, top, side, side)
}

/// The picture in another size.
pub(crate) fn resized(
    picture: &DynamicImage,
    width: u32,
    height: u32,
) -> Result<DynamicImage, Failure> {
    let alpha = picture.color().has_alpha();
    let kind = if alpha { PixelType::U8x4 } else { PixelType::U8x3 };
    let pixels = picture.as_bytes();
    let from = ImageRef::new(picture.width(), picture.height(), pixels, kind);
    let from = from.map_err(Failure::corrupt)?;
    let mut to = Image::new(width, height, kind);
    let how = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&from, &mut to, &how).map_err(Failure::corrupt)?;
    let samples = to.into_vec();
    let made = match alpha {
        true => RgbaImage::from_raw(width, height, samples).map(DynamicImage::from),
        false => RgbImage::from_raw(width, height, samples).map(DynamicImage::from),
    };
    made.ok_or_else(|| Failure::corrupt("a picture of another size than it says"))
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_size_keeps_its_shape_and_never_grows() {
        assert_eq!(fitting(4000, 3000, 1600), (1600, 1200));
        assert_eq!(fitting(3000, 4000, 320), (240, 320));
        assert_eq!(fitting(96, 50, 96), (96, 50));
        assert_eq!(fitting(10, 20, 1600), (10, 20));
        assert_eq!(fitting(20_000, 1, 96), (96, 1));
        assert_eq!(fitting(65_535, 65_535, 96), (96, 96));
    }
}
