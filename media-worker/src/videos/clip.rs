//! What moves in a list before a video is played: a few seconds, small and without sound.

use ffmpeg::frame;
use ffmpeg_next as ffmpeg;

use super::pipe::{Pipe, TICKS};
use super::renditions::{chain, even};
use super::source::{Piece, Source, at_most};
use super::writer::{Way, Writer};
use crate::images;
use crate::outcome::Failure;
use crate::output::Output;

const CLIP_TICKS: i64 = 3 * TICKS.1 as i64;

/// The longest side.
const SIDE: u32 = 320;

/// What is decoded for it at most, so that previews of the largest videos come in time: 120
/// pictures of 4K. Of those a clip is shorter.
const PIXELS_MAX: u64 = 120 * 3840 * 2160;

/// Writes the clip that begins at the poster.
pub(super) fn clip(
    source: &mut Source,
    from: i64,
    end: i64,
    output: &mut Output,
) -> Result<(), Failure> {
    source.leaves_sound_out();
    let (width, height) = source.shown();
    let size = even(images::fitting(width, height, SIDE));
    let rate = at_most(source.rate, 15);
    let way = Way { size, rate, bits_a_second: 400_000, parts_until: None };
    let mut writer = Writer::open(&way, None, output)?;
    let pipe = Pipe::<frame::Video>::new(chain(source, &way), source.lasts());
    let mut pipe = pipe.until(end.saturating_sub(from).min(CLIP_TICKS));
    let mut decoded = 0;
    while let Some(piece) = source.next()? {
        let Piece::Picture(mut frame) = piece else { continue };
        let at = frame.pts().unwrap_or_default().saturating_sub(from);
        if at < 0 {
            continue;
        }
        decoded += u64::from(frame.width()) * u64::from(frame.height());
        if at >= CLIP_TICKS || decoded > PIXELS_MAX {
            break;
        }
        frame.set_pts(Some(at));
        pipe.push(&frame, &mut |frame, tick| writer.picture(frame, tick))?;
    }
    pipe.end(&mut |frame, tick| writer.picture(frame, tick))?;
    writer.finish("clip", output)
}
