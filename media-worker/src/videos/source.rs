//! From a file to pictures and sounds, each at its time.

use ffmpeg::codec::context::Context;
use ffmpeg::codec::decoder;
use ffmpeg::format::context::{Input, StreamIo};
use ffmpeg::format::stream::{Disposition, Stream};
use ffmpeg::util::channel_layout::ChannelLayout;
use ffmpeg::{Dictionary, Packet, Rational, Rescale, color, format, frame, media};
use ffmpeg_next as ffmpeg;

use super::failure;
use super::light::Light;
use super::pipe::TICKS;
use super::shared::Shared;
use super::turn::Turn;
use crate::decoders;
use crate::outcome::Failure;

/// 8K, of which a picture takes 50 megabytes and a decoder keeps sixteen.
const PIXELS_MAX: u64 = 7680 * 4320;

/// As many as do not take all the memory, however many processors there are.
const THREADS: &str = "2";

/// A picture or a piece of sound; its time is in ticks from the beginning of the file.
pub(super) enum Piece {
    Picture(frame::Video),
    Sound(frame::Audio),
}

/// A video that is being read.
pub(super) struct Source {
    input: Input,
    picture: (usize, decoder::Video),
    sound: Option<(usize, decoder::Audio)>,
    pub(super) turn: Turn,
    /// Where it is brighter than what is made of it.
    pub(super) light: Option<Light>,
    /// Pictures a second.
    pub(super) rate: Rational,
    /// As it is stored, with square pixels.
    pub(super) stored: (u32, u32),
    begin: i64,
    next: i64,
    ended: bool,
}

/// Opens a file without opening any decoder.
pub(super) fn demux(media_type: &str, file: &Shared) -> Result<Input, Failure> {
    let options = decoders::options(media_type)?;
    let io = StreamIo::from_read_seek(file.again()).map_err(failure)?;
    format::input_from_stream(io, None, Some(options)).map_err(failure)
}

/// The moving pictures of a file; a cover is none of them.
pub(super) fn moving(input: &Input) -> Option<Stream<'_>> {
    let moves = |it: &Stream<'_>| {
        it.parameters().medium() == media::Type::Video
            && !it.disposition().contains(Disposition::ATTACHED_PIC)
    };
    let best = input.streams().best(media::Type::Video).filter(moves);
    best.or_else(|| input.streams().find(moves))
}

pub(super) fn heard(input: &Input) -> Option<Stream<'_>> {
    input.streams().best(media::Type::Audio)
}

impl Source {
    /// Opens a video of which it is known when it begins.
    pub(super) fn open(media_type: &str, file: &Shared, begin: i64) -> Result<Source, Failure> {
        let input = demux(media_type, file)?;
        let stream = moving(&input).ok_or_else(|| Failure::unsupported("no pictures in it"))?;
        let stored = squared(&stream)?;
        let picture = open_decoder(&stream)?.video().map_err(failure)?;
        let (index, turn, light) = (stream.index(), Turn::of(&stream), Light::of(&picture));
        let rate = rate(stream.avg_frame_rate());
        let sound = heard(&input).and_then(|it| {
            // What can't be decoded is not heard: there is a video nevertheless.
            let opened = open_decoder(&it).ok()?.audio().ok()?;
            Some((it.index(), opened)).filter(|it| it.1.rate() > 0 && it.1.channels() > 0)
        });
        let picture = (index, picture);
        let (next, ended) = (0, false);
        Ok(Source { input, picture, sound, turn, light, rate, stored, begin, next, ended })
    }

    /// The filters that make it as bright as what is made of it, each behind a comma.
    pub(super) fn dims(&self) -> String {
        self.light.map(Light::filters).unwrap_or_default()
    }

    /// As it is to be shown.
    pub(super) fn shown(&self) -> (u32, u32) {
        self.turn.size(self.stored)
    }

    /// Channels of what can be heard.
    pub(super) fn channels(&self) -> Option<u16> {
        self.sound.as_ref().map(|it| it.1.channels())
    }

    /// How many ticks a picture is shown.
    pub(super) fn lasts(&self) -> i64 {
        1.rescale(self.rate.invert(), TICKS).max(1)
    }

    /// For what is only seen.
    pub(super) fn leaves_sound_out(&mut self) {
        self.sound = None;
    }

    /// What comes next, until there is nothing more. Whatever ends it, what came before counts.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Failure> {
        loop {
            let mut picture = frame::Video::empty();
            if self.picture.1.receive_frame(&mut picture).is_ok() {
                self.set_time_of_picture(&mut picture);
                self.set_colours(&mut picture);
                return Ok(Some(Piece::Picture(picture)));
            }
            if let Some(sound) = self.hear() {
                return Ok(Some(Piece::Sound(sound)));
            }
            if self.ended {
                return Ok(None);
            }
            // What was read last is not let go of by reading once more.
            let mut packet = Packet::empty();
            self.ended = packet.read(&mut self.input).is_err();
            if self.ended {
                let _ = self.picture.1.send_eof();
                let _ = self.sound.as_mut().map(|it| it.1.send_eof());
            } else if packet.stream() == self.picture.0 {
                // A packet that is broken is left out, as players do.
                let _ = self.picture.1.send_packet(&packet);
            } else if let Some((_, sound)) =
                self.sound.as_mut().filter(|it| it.0 == packet.stream())
            {
                let _ = sound.send_packet(&packet);
            }
        }
    }

    fn hear(&mut self) -> Option<frame::Audio> {
        let (index, decoder) = self.sound.as_mut()?;
        let mut sound = frame::Audio::empty();
        decoder.receive_frame(&mut sound).ok()?;
        if sound.channel_layout().is_empty() {
            sound.set_channel_layout(ChannelLayout::default(i32::from(sound.channels())));
        }
        let (index, at) = (*index, sound.timestamp());
        sound.set_pts(at.map(|it| self.ticks(index, it)));
        Some(sound)
    }

    /// One that doesn't say when it is shown follows the last.
    fn set_time_of_picture(&mut self, picture: &mut frame::Video) {
        let at = picture.timestamp().map(|it| self.ticks(self.picture.0, it));
        let at = at.unwrap_or(self.next);
        picture.set_pts(Some(at));
        self.next = at.saturating_add(self.lasts());
    }

    /// What doesn't say how its colours are to be read is read as screens do it, by its size.
    fn set_colours(&self, picture: &mut frame::Video) {
        let large = self.stored.0.min(self.stored.1) >= 720;
        if large && picture.color_space() == color::Space::Unspecified {
            picture.set_color_space(color::Space::BT709);
        }
    }

    fn ticks(&self, stream: usize, at: i64) -> i64 {
        let counts = self.input.stream(stream).map_or(TICKS, |it| it.time_base());
        at.rescale(counts, TICKS).saturating_sub(self.begin)
    }
}

fn open_decoder(stream: &Stream<'_>) -> Result<decoder::Opened, Failure> {
    let found = decoders::of(stream)?;
    let mut decoder = Context::from_parameters(stream.parameters()).map_err(failure)?.decoder();
    decoder.set_packet_time_base(stream.time_base());
    let mut options = Dictionary::new();
    options.set("threads", THREADS);
    options.set("max_pixels", &PIXELS_MAX.to_string());
    decoder.open_as_with(found, options).map_err(failure)
}

/// The size with square pixels, if there aren't too many.
fn squared(stream: &Stream<'_>) -> Result<(u32, u32), Failure> {
    let ((width, height), (wide, high)) = said(stream);
    if width == 0 || height == 0 {
        return Err(Failure::corrupt("a video without a size"));
    }
    // What is said to be wider than eight times its height is a mistake.
    let sane = wide > 0 && high > 0 && wide <= 8 * high && high <= 8 * wide;
    let (wide, high) = if sane { (wide, high) } else { (1, 1) };
    let squared = ((width * wide + high / 2) / high).max(1);
    if squared.max(width) * height > PIXELS_MAX {
        return Err(Failure::too_large(format_args!("{width} x {height} pixels")));
    }
    let number = |it: u64| u32::try_from(it).map_err(Failure::too_large);
    Ok((number(squared)?, number(height)?))
}

/// The size, and how wide a pixel is beside its height: of that the file knows better than what is
/// in it.
#[expect(unsafe_code, reason = "the bindings have no names for them")]
fn said(stream: &Stream<'_>) -> ((u64, u64), (u64, u64)) {
    // SAFETY: numbers of a stream, which is there as long as the borrow is.
    let (width, height, of_file, inside) = unsafe {
        let stream = &*stream.as_ptr();
        let inside = &*stream.codecpar;
        (inside.width, inside.height, stream.sample_aspect_ratio, inside.sample_aspect_ratio)
    };
    let shape = if of_file.num > 0 { of_file } else { inside };
    let number = |it: i32| u64::try_from(it).unwrap_or_default();
    ((number(width), number(height)), (number(shape.num), number(shape.den)))
}

/// At most thirty pictures a second, or as many as are shown at least.
fn rate(said: Rational) -> Rational {
    if said.0 <= 0 || said.1 <= 0 {
        return Rational(30, 1);
    }
    let rate = at_most(said, 30);
    // Slower than one a second is a file that says nothing.
    if rate.0 < rate.1 { Rational(1, 1) } else { rate }
}

/// Every second picture of what has more, or every fourth, and so on.
pub(super) fn at_most(rate: Rational, most: i32) -> Rational {
    let Rational(mut pictures, mut seconds) = rate;
    // What is measured is never quite what is meant.
    while i64::from(pictures) > i64::from(most + 1) * i64::from(seconds) {
        match seconds.checked_mul(2) {
            Some(it) if pictures % 2 == 1 => seconds = it,
            _ => pictures /= 2,
        }
    }
    Rational(pictures, seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_halved_until_it_is_slow_enough() {
        let rates = [
            ((25, 1), (25, 1)),
            ((30_000, 1001), (30_000, 1001)),
            ((60_000, 1001), (30_000, 1001)),
            ((25, 1), (25, 1)),
            ((240, 1), (30, 1)),
            ((0, 0), (30, 1)),
            ((-1, 5), (30, 1)),
            ((1, 10), (1, 1)),
            ((31, 1), (31, 1)),
            ((32, 1), (16, 1)),
            ((125, 1), (125, 8)),
        ];
        for ((pictures, seconds), expected) in rates {
            let Rational(found, each) = rate(Rational(pictures, seconds));
            assert_eq!((found, each), expected, "{pictures} in {seconds}");
        }
        let Rational(pictures, seconds) = rate(Rational(i32::MAX, 1));
        assert!(pictures / seconds <= 31);
    }
}
