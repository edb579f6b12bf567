//! A video as every client plays it: H.264 and AAC in MPEG-4, with what says where things are at
//! its beginning, and with nothing that was said in another file. What is long is also written in
//! parts, from what was encoded once.

use ffmpeg::codec::context::Context;
use ffmpeg::codec::flag::Flags;
use ffmpeg::util::channel_layout::ChannelLayout;
use ffmpeg::{Dictionary, Packet, Rational, Rescale, encoder, frame};
use ffmpeg_next as ffmpeg;

use super::muxed::{IN_PARTS, Muxed, WHOLE};
use super::parts::parts;
use super::pipe::TICKS;
use super::shared::Shared;
use super::{failure, front};
use crate::outcome::Failure;
use crate::output::{Output, PARTS_SUFFIX, Slot};

/// Samples a second, and in a frame of AAC. They are floats, a channel apart from another.
pub(super) const SOUND_RATE: u32 = 48_000;
pub(super) const SOUND_FRAME: u32 = 1024;

/// How pictures are written.
pub(super) struct Way {
    pub(super) size: (u32, u32),
    pub(super) rate: Rational,
    /// What it takes at most, a second.
    pub(super) bits_a_second: usize,
    /// When it is over, in ticks, of what is also written in parts.
    pub(super) parts_until: Option<i64>,
}

/// A video that is being written.
pub(super) struct Writer {
    whole: Muxed,
    in_parts: Option<InParts>,
    picture: Track<encoder::video::Encoder>,
    sound: Option<Track<encoder::audio::Encoder>>,
    size: (u32, u32),
}

struct InParts {
    muxed: Muxed,
    slot: Slot,
    until: i64,
}

/// Pictures are the first stream of a file, sounds the second.
struct Track<T> {
    encoder: T,
    stream: usize,
    counts: Rational,
    /// The time of what comes next.
    next: i64,
}

impl Writer {
    pub(super) fn open(
        way: &Way,
        channels: Option<u16>,
        output: &mut Output,
    ) -> Result<Writer, Failure> {
        let encoder = picture_encoder(way).map_err(failure)?;
        let picture = Track { encoder, stream: 0, counts: way.rate.invert(), next: 0 };
        let encoder = channels.map(sound_encoder).transpose().map_err(failure)?;
        let counts = Rational(1, SOUND_RATE as i32);
        let sound = encoder.map(|encoder| Track { encoder, stream: 1, counts, next: 0 });
        let open = |file, how| {
            let sounds = sound.as_ref().map(|it| &it.encoder);
            Muxed::open(file, &picture.encoder, sounds, how).map_err(failure)
        };
        let whole = open(Shared::new(output.scratch()?), WHOLE)?;
        let in_parts = match way.parts_until {
            Some(until) => {
                let (slot, file) = output.open_slot()?;
                let muxed = open(Shared::new(file), IN_PARTS)?;
                Some(InParts { muxed, slot, until })
            }
            None => None,
        };
        Ok(Writer { whole, in_parts, picture, sound, size: way.size })
    }

    /// Writes a picture whose time counts in such ticks.
    pub(super) fn picture(
        &mut self,
        frame: &mut frame::Video,
        tick: Rational,
    ) -> Result<(), Failure> {
        let at = frame.pts().map(|it| it.rescale(tick, self.picture.counts));
        // One that goes back in time is left out.
        let Some(at) = at.filter(|it| *it >= self.picture.next) else { return Ok(()) };
        self.picture.next = at + 1;
        frame.set_pts(Some(at));
        // Which kind of picture it was before is no matter of this encoder.
        frame.set_kind(ffmpeg::picture::Type::None);
        self.picture.encoder.send_frame(frame).map_err(failure)?;
        self.write()
    }

    /// Writes what is heard next. The first says when that is, and the others follow it.
    pub(super) fn sound(
        &mut self,
        frame: &mut frame::Audio,
        tick: Rational,
    ) -> Result<(), Failure> {
        let Some(sound) = &mut self.sound else { return Ok(()) };
        if sound.next == 0 {
            let at = frame.pts().map(|it| it.rescale(tick, sound.counts));
            sound.next = at.unwrap_or_default().max(0);
        }
        frame.set_pts(Some(sound.next));
        sound.next += frame.samples() as i64;
        sound.encoder.send_frame(frame).map_err(failure)?;
        self.write()
    }

    /// Finishes the file under a name, and what is in parts under one that says so.
    pub(super) fn finish(mut self, name: &str, output: &mut Output) -> Result<(), Failure> {
        if self.picture.next == 0 {
            return Err(Failure::corrupt("nothing to see"));
        }
        self.picture.encoder.send_eof().map_err(failure)?;
        if let Some(sound) = &mut self.sound {
            sound.encoder.send_eof().map_err(failure)?;
        }
        self.write()?;
        let over = self.over();
        let Writer { whole, in_parts, sound, size, .. } = self;
        let file = whole.end()?;
        let to = output.take(&format!("{name}.mp4"), Some(size))?;
        front::copy(&mut file.again(), to)?;
        file.clear().map_err(Failure::corrupt)?;
        let Some(InParts { muxed, slot, until }) = in_parts else { return Ok(()) };
        // The last picture is shown until all is over, whatever it was rounded to; what broke off
        // before that is shorter.
        let until = if over.1 < until { over.0 } else { until };
        let until_ms = u64::try_from(until.rescale(TICKS, (1, 1000))).unwrap_or_default();
        let fragments = parts(&mut muxed.end()?, sound.is_some(), until_ms)?;
        output.name(slot, &format!("{name}{PARTS_SUFFIX}"), Some(size), Some(fragments));
        Ok(())
    }

    /// When what was written is over, in ticks, and when it would be with one more picture.
    fn over(&self) -> (i64, i64) {
        let seen = self.picture.next.rescale(self.picture.counts, TICKS);
        let heard = self.sound.as_ref().map_or(0, |it| it.next.rescale(it.counts, TICKS));
        let over = seen.max(heard);
        (over, over.saturating_add(1.rescale(self.picture.counts, TICKS)))
    }

    fn write(&mut self) -> Result<(), Failure> {
        let mut packet = Packet::empty();
        while self.picture.encoder.receive_packet(&mut packet).is_ok() {
            packet.set_duration(1);
            self.put(&packet, self.picture.stream, self.picture.counts)?;
        }
        while let Some(sound) = &mut self.sound {
            if sound.encoder.receive_packet(&mut packet).is_err() {
                break;
            }
            let (stream, counts) = (sound.stream, sound.counts);
            self.put(&packet, stream, counts)?;
        }
        Ok(())
    }

    /// Puts what was encoded into each file: both hold the same bytes.
    fn put(&mut self, packet: &Packet, stream: usize, counts: Rational) -> Result<(), Failure> {
        if let Some(it) = &mut self.in_parts {
            it.muxed.put(packet.clone(), stream, counts)?;
        }
        self.whole.put(packet.clone(), stream, counts)
    }
}

fn picture_encoder(way: &Way) -> Result<encoder::video::Encoder, ffmpeg::Error> {
    let found = encoder::find_by_name("libx264").ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut encoder = Context::new_with_codec(found).encoder().video()?;
    encoder.set_width(way.size.0);
    encoder.set_height(way.size.1);
    encoder.set_format(ffmpeg::format::Pixel::YUV420P);
    encoder.set_aspect_ratio((1, 1));
    encoder.set_time_base(way.rate.invert());
    encoder.set_frame_rate(Some(way.rate));
    // A part is shown without the one before it, so no picture in it may lean on one there.
    let apart = if way.parts_until.is_some() { Flags::CLOSED_GOP } else { Flags::empty() };
    encoder.set_flags(Flags::GLOBAL_HEADER | apart);
    // Two seconds, after which a player can begin anywhere.
    encoder.set_gop((2 * way.rate.0 / way.rate.1.max(1)).max(1) as u32);
    let mut options = Dictionary::new();
    let most = way.bits_a_second.to_string();
    let twice = (2 * way.bits_a_second).to_string();
    let said = [
        ("preset", "veryfast"),
        ("profile", "high"),
        ("crf", "23"),
        ("maxrate", &most),
        ("bufsize", &twice),
        ("threads", "2"),
        ("colorspace", "bt709"),
        ("color_primaries", "bt709"),
        ("color_trc", "bt709"),
        ("color_range", "tv"),
        // What a broadcaster wrote into the pictures stays there.
        ("a53cc", "0"),
    ];
    for (name, value) in said {
        options.set(name, value);
    }
    if way.parts_until.is_some() {
        // Parts begin at the same times in every size, whatever is shown.
        options.set("sc_threshold", "0");
    }
    encoder.open_as_with(found, options)
}

fn sound_encoder(channels: u16) -> Result<encoder::audio::Encoder, ffmpeg::Error> {
    let found = encoder::find_by_name("aac").ok_or(ffmpeg::Error::EncoderNotFound)?;
    let mut encoder = Context::new_with_codec(found).encoder().audio()?;
    let layout = layout(channels);
    encoder.set_rate(SOUND_RATE as i32);
    encoder.set_channel_layout(layout);
    encoder.set_channels(layout.channels());
    encoder.set_format(ffmpeg::format::Sample::F32(ffmpeg::format::sample::Type::Planar));
    encoder.set_bit_rate(64_000 * layout.channels() as usize);
    encoder.set_time_base((1, SOUND_RATE as i32));
    encoder.set_flags(Flags::GLOBAL_HEADER);
    encoder.open_as(found)
}

/// One channel or two.
pub(super) fn layout(channels: u16) -> ChannelLayout {
    if channels > 1 { ChannelLayout::STEREO } else { ChannelLayout::MONO }
}
