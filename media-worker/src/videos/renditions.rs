//! The same video as every client plays it, in one size or two.

use ffmpeg::{Rational, Rescale, frame};
use ffmpeg_next as ffmpeg;

use super::pipe::{Pipe, TICKS};
use super::source::{Piece, Source};
use super::writer::{SOUND_FRAME, SOUND_RATE, Way, Writer, layout};
use crate::images;
use crate::outcome::Failure;
use crate::output::Output;

/// Lines of a rendition, or columns of what stands upright: the shorter side.
const LINES: [u32; 2] = [720, 480];

/// The longer side of a rendition.
const SIDE_MAX: u32 = 4096;

/// What is longer is also written in parts that are fetched one after the other.
const PARTS_OVER_MS: i64 = 60 * 1000;

/// What is written anew. Longer ones are played as they are.
pub(super) const DURATION_MS_MAX: u64 = 30 * 60 * 1000;

/// A rendition that is being made, and what comes of the pictures of the one before it.
struct Rendition {
    pipe: Pipe<frame::Video>,
    writer: Writer,
    name: String,
}

/// Decodes once and writes each size.
pub(super) fn renditions(
    source: &mut Source,
    end: i64,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut made: Vec<Rendition> = Vec::new();
    // Whoever plays parts takes what comes first for the beginning, so that is where both pictures
    // and sound begin.
    let in_parts = end.rescale(TICKS, (1, 1000)) > PARTS_OVER_MS;
    for way in ways(source, Some(end).filter(|_| in_parts)) {
        let (chain, first) = match made.is_empty() {
            true => {
                let chain = chain(source, &way);
                let first = in_parts.then(|| format!("{chain}:start_time=0"));
                (chain, first)
            }
            // From what is smaller already, and upright.
            false => (format!("scale={}:{}:flags=bicubic", way.size.0, way.size.1), None),
        };
        let name = format!("{}p", way.size.0.min(way.size.1));
        let writer = Writer::open(&way, source.channels(), output)?;
        let pipe = Pipe::new(chain, source.lasts()).until(end).beginning(first);
        made.push(Rendition { pipe, writer, name });
    }
    let channels = source.channels().unwrap_or_default();
    let first = in_parts.then(|| heard(channels, ":first_pts=0"));
    let sounds = Pipe::<frame::Audio>::new(heard(channels, ""), 0).beginning(first);
    let mut sounds = sounds.with_length(SOUND_FRAME);
    while let Some(piece) = source.next()? {
        match piece {
            // What is before the beginning is there for decoders, and what is behind the end is a
            // mistake: it is known how long all of it is.
            Piece::Picture(it) if !it.pts().is_some_and(|it| (0..=end).contains(&it)) => (),
            Piece::Picture(it) => {
                // What is put into a pipe is gone, and with it when it is shown.
                let at = it.pts().unwrap_or_default();
                picture(&it, &mut made)?;
                output.progress.reached(at, end);
            }
            Piece::Sound(it) if it.pts().is_some_and(|it| it > end) => (),
            Piece::Sound(it) => {
                sounds.push(&it, &mut |it, tick| sound(it, tick, &mut made))?;
            }
        }
    }
    sounds.end(&mut |it, tick| sound(it, tick, &mut made))?;
    end_of_pictures(&mut made)?;
    made.into_iter().try_for_each(|it| it.writer.finish(&it.name, output))
}

/// Puts a picture through the first pipe, and what comes out through the next.
fn picture(frame: &frame::Video, made: &mut [Rendition]) -> Result<(), Failure> {
    let Some((first, others)) = made.split_first_mut() else { return Ok(()) };
    let Rendition { pipe, writer, .. } = first;
    pipe.push(frame, &mut |it, tick| hand_on(it, tick, writer, others))
}

fn end_of_pictures(made: &mut [Rendition]) -> Result<(), Failure> {
    let Some((first, others)) = made.split_first_mut() else { return Ok(()) };
    let Rendition { pipe, writer, .. } = first;
    pipe.end(&mut |it, tick| hand_on(it, tick, writer, others))?;
    end_of_pictures(others)
}

fn hand_on(
    frame: &mut frame::Video,
    tick: Rational,
    writer: &mut Writer,
    others: &mut [Rendition],
) -> Result<(), Failure> {
    if !others.is_empty() {
        // What is put into a pipe is gone.
        let mut copy = frame.clone();
        copy.set_pts(frame.pts().map(|it| it.rescale(tick, TICKS)));
        picture(&copy, others)?;
    }
    writer.picture(frame, tick)
}

fn sound(frame: &mut frame::Audio, tick: Rational, made: &mut [Rendition]) -> Result<(), Failure> {
    let at = frame.pts();
    made.iter_mut().try_for_each(|it| {
        frame.set_pts(at);
        it.writer.sound(frame, tick)
    })
}

/// The sizes that a video has lines for, from large to small; at least its own.
fn ways(source: &Source, parts_until: Option<i64>) -> Vec<Way> {
    let (width, height) = source.shown();
    let lines = width.min(height);
    let way = |lines| {
        let size = even(with_lines((width, height), lines));
        // A tenth of a bit for each point of thirty pictures.
        let bits_a_second = (3 * size.0 as usize * size.1 as usize).max(100_000);
        Way { size, rate: source.rate, bits_a_second, parts_until }
    };
    let mut ways: Vec<Way> = LINES.into_iter().filter(|it| *it <= lines).map(way).collect();
    if ways.is_empty() {
        ways.push(way(lines));
    }
    ways
}

/// The size whose shorter side is this, if the longer one is not too long then.
fn with_lines((width, height): (u32, u32), lines: u32) -> (u32, u32) {
    let (short, long) = (width.min(height), width.max(height));
    let side = (u64::from(long) * u64::from(lines) + u64::from(short) / 2) / u64::from(short);
    images::fitting(width, height, u32::try_from(side).unwrap_or(SIDE_MAX).min(SIDE_MAX))
}

/// The encoder knows half the colours, so both sides are even, and at least two.
pub(super) fn even((width, height): (u32, u32)) -> (u32, u32) {
    ((width / 2 * 2).max(2), (height / 2 * 2).max(2))
}

/// The filters from what is stored to what is written.
pub(super) fn chain(source: &Source, way: &Way) -> String {
    let (width, height) = source.turn.size(way.size);
    let (turn, Rational(pictures, seconds)) = (source.turn.filters(), way.rate);
    let colours = match source.dims() {
        dims if dims.is_empty() => ":out_color_matrix=bt709:out_range=tv".to_owned(),
        dims => dims,
    };
    format!(
        "scale={width}:{height}:flags=bicubic{colours},format=yuv420p{turn},setsar=1,\
         fps=fps={pictures}/{seconds}"
    )
}

/// The filters of what is heard: gaps are silent, also the one before it if that is said.
fn heard(channels: u16, begins: &str) -> String {
    let layout = layout(channels).bits();
    format!(
        "atrim=start=0,aresample={SOUND_RATE}:async=1{begins},\
         aformat=sample_fmts=fltp:sample_rates={SOUND_RATE}:channel_layouts=0x{layout:x}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_shorter_side() {
        assert_eq!(even(with_lines((1920, 1080), 480)), (852, 480));
        assert_eq!(even(with_lines((1080, 1920), 720)), (720, 1280));
        assert_eq!(even(with_lines((33, 21), 21)), (32, 20));
        assert_eq!(even(with_lines((1, 1), 1)), (2, 2));
        assert_eq!(even(with_lines((33_177, 1000), 720)), (4096, 122));
    }
}
