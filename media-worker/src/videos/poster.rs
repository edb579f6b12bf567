//! The picture that stands for a video until it is played.

use ffmpeg::frame;
use ffmpeg_next as ffmpeg;
use image::{DynamicImage, RgbImage};

use super::pipe::Pipe;
use super::source::{Piece, Source};
use crate::images;
use crate::outcome::Failure;

/// Ten seconds of black are a black video.
const BLACK_FRAMES_MAX: usize = 300;

/// As bright as a screen has to be for something to be seen, of 255.
const BLACK_MAX: u8 = 32;

/// The first picture that shows something, or the first, and when it is shown.
pub(super) fn poster(source: &mut Source) -> Result<(DynamicImage, i64), Failure> {
    let longest = images::SIZES.into_iter().max().unwrap_or_default();
    let (width, height) = images::fitting(source.stored.0, source.stored.1, longest);
    let turn = source.turn.filters();
    let flags = "area+accurate_rnd+full_chroma_int";
    // What is mirrored in place has its rows from the last to the first.
    let dims = match source.dims() {
        dims if dims.is_empty() => dims,
        dims => format!("{dims},scale=in_color_matrix=bt709:in_range=tv:flags={flags}"),
    };
    let chain = format!("scale={width}:{height}:flags={flags}{dims},format=rgb24{turn},copy");
    let mut pipe = Pipe::<frame::Video>::new(chain, source.lasts());
    let mut first = None;
    let mut seen = 0;
    while let Some(piece) = source.next()? {
        let Piece::Picture(frame) = piece else { continue };
        let at = frame.pts().unwrap_or_default();
        let mut picture = None;
        pipe.push(&frame, &mut |frame, _| {
            picture = Some(pixels(frame)?);
            Ok(())
        })?;
        let Some(picture) = picture else { continue };
        if !is_black(&picture) {
            return Ok((picture.into(), at));
        }
        first.get_or_insert((picture, at));
        seen += 1;
        if seen == BLACK_FRAMES_MAX {
            break;
        }
    }
    let (picture, at) = first.ok_or_else(|| Failure::corrupt("nothing to see"))?;
    Ok((picture.into(), at))
}

/// The filter before has made it anew, so its rows follow each other.
fn pixels(frame: &frame::Video) -> Result<RgbImage, Failure> {
    let (width, height) = (frame.width(), frame.height());
    let row = 3 * width as usize;
    let rows = frame.data(0).chunks(frame.stride(0).max(1));
    let samples = rows.flat_map(|it| it.get(..row).unwrap_or_default()).copied().collect();
    let picture = RgbImage::from_raw(width, height, samples);
    picture.ok_or_else(|| Failure::corrupt("a picture of another size than it says"))
}

/// Whether not one in fifty of its points is brighter than black.
fn is_black(picture: &RgbImage) -> bool {
    let bright = picture.pixels().filter(|it| it.0.iter().any(|it| *it > BLACK_MAX)).count();
    bright * 50 <= picture.pixels().len()
}
