//! How long a video is, and whether there is sound in it, without decoding anything.

use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, Rational, Rescale};
use ffmpeg_next as ffmpeg;

use super::pipe::TICKS;
use super::shared::Shared;
use super::source::{demux, heard, moving};
use crate::outcome::Failure;

/// What is larger is believed, if it says how long it is: reading it takes too much of the time.
const COUNTED_BYTES_MAX: u64 = 512 << 20;

/// A day, and what is watched in it.
const DURATION_MS_MAX: u64 = 24 * 60 * 60 * 1000;
const FRAMES_MAX: u64 = 24 * 60 * 60 * 60;

/// Encoders of sound fill their last frame, and some their first: nobody hears that.
const PADDING: i64 = TICKS.1 as i64 / 10;

/// What is known before anything is decoded.
#[derive(Debug)]
pub(super) struct Measured {
    /// No pictures, only sound.
    pub(super) only_sound: bool,
    pub(super) has_sound: bool,
    pub(super) duration_ms: u64,
    /// The time of what is shown or heard first, in ticks.
    pub(super) begin: i64,
}

impl Measured {
    /// When it is over, in ticks from its beginning.
    pub(super) fn end(&self) -> i64 {
        let per_ms = i64::from(TICKS.denominator()) / 1000;
        i64::try_from(self.duration_ms).unwrap_or(i64::MAX).saturating_mul(per_ms)
    }
}

/// The times of the packets of one stream.
struct Span {
    stream: usize,
    counts: Rational,
    first: i64,
    last: i64,
    end: i64,
    packets: u64,
}

impl Span {
    fn of(stream: &Stream<'_>) -> Span {
        let (first, last) = (i64::MAX, i64::MIN);
        let (stream, counts) = (stream.index(), stream.time_base());
        Span { stream, counts, first, last, end: i64::MIN, packets: 0 }
    }

    fn add(&mut self, packet: &Packet) -> Result<(), Failure> {
        self.packets += 1;
        if self.packets > FRAMES_MAX {
            return Err(Failure::too_large(format_args!("over {FRAMES_MAX} frames")));
        }
        let Some(at) = packet.pts().or(packet.dts()) else { return Ok(()) };
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.end = self.end.max(at.saturating_add(packet.duration()));
        Ok(())
    }

    /// From when until when, in ticks; nothing if nothing says a time.
    fn ticks(&self) -> Option<(i64, i64)> {
        if self.first > self.last {
            return None;
        }
        // The last one that doesn't say how long it is shown is shown as long as the others.
        let others = i64::try_from(self.packets - 1).unwrap_or(1).max(1);
        let mean = self.last.saturating_sub(self.first) / others;
        let end = if self.end > self.last { self.end } else { self.last.saturating_add(mean) };
        Some((self.first.rescale(self.counts, TICKS), end.rescale(self.counts, TICKS)))
    }
}

/// Measures what is not too large for it, and otherwise believes what the file says. What is to be
/// `exact` is always measured.
pub(super) fn measure(media_type: &str, file: &Shared, exact: bool) -> Result<Measured, Failure> {
    let mut input = demux(media_type, file)?;
    let mut spans: Vec<Span> = moving(&input).iter().map(Span::of).collect();
    let only_sound = spans.is_empty();
    let has_sound = heard(&input).is_some();
    spans.extend(heard(&input).iter().map(Span::of));
    if only_sound {
        return Ok(Measured { only_sound, has_sound, duration_ms: 0, begin: 0 });
    }
    let said = u64::try_from(input.duration()).unwrap_or_default();
    let large = file.length().map_err(Failure::corrupt)? > COUNTED_BYTES_MAX;
    let (begin, duration) = if large && said > 0 && !exact {
        (0, said)
    } else {
        let mut packet = Packet::empty();
        while packet.read(&mut input).is_ok() {
            if let Some(span) = spans.iter_mut().find(|it| it.stream == packet.stream()) {
                span.add(&packet)?;
            }
            // What was read last is not let go of by reading once more.
            packet = Packet::empty();
        }
        let mut ticks = spans.iter().filter_map(Span::ticks);
        let (seen, heard) = (ticks.next(), ticks.next());
        let (begin, end) = seen.or(heard).unwrap_or_default();
        let heard = heard.unwrap_or((begin, end));
        let begin = begin.min(heard.0).max(0);
        let end = if heard.1 > end.saturating_add(PADDING) { heard.1 } else { end };
        (begin, u64::try_from(end.saturating_sub(begin)).unwrap_or_default())
    };
    let per_ms = TICKS.denominator() as u64 / 1000;
    let duration_ms = duration / per_ms;
    if duration_ms > DURATION_MS_MAX {
        return Err(Failure::too_large(format_args!("{} hours", duration_ms / 3_600_000)));
    }
    Ok(Measured { only_sound, has_sound, duration_ms, begin })
}
