//! HEIC and AVIF, as telephones write them, by the system's libheif.

use std::sync::OnceLock;

use image::{DynamicImage, RgbImage, RgbaImage};
use libheif_rs::{
    ColorPrimaries, ColorSpace, HeifContext, HeifError, HeifErrorCode, ImageHandle, LibHeif,
    RgbChroma, TransferCharacteristics,
};
use moxcms::ColorProfile;

use super::decode::{Decoded, few_enough};
use crate::outcome::Failure;

/// A picture of a telephone is made of tiles; so many are decoded at once, however many processors
/// there are.
const THREADS: u32 = 2;

/// It has plug-ins, which are files.
static LIBRARY: OnceLock<LibHeif> = OnceLock::new();

/// Opens the decoders, which nobody can do behind the walls. To be called before.
pub(crate) fn wake() {
    LIBRARY.get_or_init(LibHeif::new);
}

/// Reads the picture that a file is about, upright: turning it is the library's business, and what
/// a camera says of it in EXIF is not to be followed.
pub(super) fn read(bytes: &[u8]) -> Result<Decoded, Failure> {
    let mut context = HeifContext::read_from_bytes(bytes).map_err(failure)?;
    context.set_max_decoding_threads(THREADS);
    let handle = context.primary_image_handle().map_err(failure)?;
    few_enough(handle.width(), handle.height())?;
    let alpha = handle.has_alpha_channel();
    let form = if alpha { RgbChroma::Rgba } else { RgbChroma::Rgb };
    let library = LIBRARY.get_or_init(LibHeif::new);
    let image = library.decode(&handle, ColorSpace::Rgb(form), None).map_err(failure)?;
    let plane = image.planes().interleaved;
    let plane = plane.ok_or_else(|| Failure::corrupt("a picture without pixels"))?;
    let (width, height) = (plane.width, plane.height);
    let row = width as usize * if alpha { 4 } else { 3 };
    let rows = plane.data.chunks(plane.stride.max(1)).take(height as usize);
    let mut samples = Vec::with_capacity(row * height as usize);
    rows.for_each(|it| samples.extend_from_slice(it.get(..row).unwrap_or_default()));
    if alpha && handle.is_premultiplied_alpha() {
        samples.as_chunks_mut::<4>().0.iter_mut().for_each(unmultiply);
    }
    let picture = match alpha {
        true => RgbaImage::from_raw(width, height, samples).map(DynamicImage::from),
        false => RgbImage::from_raw(width, height, samples).map(DynamicImage::from),
    };
    let picture = picture.ok_or_else(|| Failure::corrupt("a picture of another size"))?;
    Ok(Decoded { picture, profile: profile(&handle) })
}

/// A colour as it is where nothing shines through.
fn unmultiply(pixel: &mut [u8; 4]) {
    let [colours @ .., alpha] = pixel;
    let alpha = u32::from(*alpha).max(1);
    for colour in colours {
        *colour = u8::try_from((u32::from(*colour) * 255 + alpha / 2) / alpha).unwrap_or(u8::MAX);
    }
}

/// How its numbers are to be read: by a profile, or by the name of one.
fn profile(handle: &ImageHandle) -> Option<ColorProfile> {
    if let Some(raw) = handle.color_profile_raw() {
        return ColorProfile::new_from_slice(&raw.data).ok();
    }
    let named = handle.color_profile_nclx()?;
    let brighter =
        [TransferCharacteristics::ITU_R_BT_2100_0_PQ, TransferCharacteristics::ITU_R_BT_2100_0_HLG];
    let primaries = named.color_primaries();
    if brighter.contains(&named.transfer_characteristics()) {
        // What shines brighter than paper has no place in sRGB.
        None
    } else if primaries == ColorPrimaries::SMPTE_EG_432_1 {
        Some(ColorProfile::new_display_p3())
    } else if primaries == ColorPrimaries::ITU_R_BT_2020_2_and_2100_0 {
        Some(ColorProfile::new_bt2020())
    } else {
        None
    }
}

fn failure(error: HeifError) -> Failure {
    if matches!(error.code, HeifErrorCode::MemoryAllocationError) {
        return Failure::too_large(error);
    }
    Failure::corrupt(error)
}
