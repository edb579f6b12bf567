//! A video as every client plays it: H.264 and AAC in MPEG-4, with what says where things are at
//! its beginning, and with nothing that was said in another file.

use ffmpeg::codec::context::Context;
use ffmpeg::codec::flag::Flags;
use ffmpeg::format::context::{Output as Muxer, StreamIo};
use ffmpeg::format::output_to_stream;
use ffmpeg::util::channel_layout::ChannelLayout;
use ffmpeg::{Dictionary, Packet, Rational, Rescale, encoder, frame};
use ffmpeg_next as ffmpeg;

use super::shared::Shared;
use super::{failure, front};
use crate::outcome::Failure;
use crate::output::Output;

/// Samples a second, and in a frame of AAC. They are floats, a channel apart from another.
pub(super) const SOUND_RATE: u32 = 48_000;
pub(super) const SOUND_FRAME: u32 = 1024;

/// How pictures are written.
pub(super) struct Way {
    pub(super) size: (u32, u32),
    pub(super) rate: Rational,
    /// What it takes at most, a second.
    pub(super) bits_a_second: usize,
}

/// A video that is being written.
pub(super) struct Writer {
    muxer: Muxer,
    file: Shared,
    picture: Track<encoder::video::Encoder>,
    sound: Option<Track<encoder::audio::Encoder>>,
    size: (u32, u32),
}

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
        let file = Shared::new(output.scratch()?);
        let io = StreamIo::from_write_seek(file.again()).map_err(failure)?;
        let mut muxer = output_to_stream(io, None, Some("mp4")).map_err(failure)?;
        let picture = picture_encoder(way).map_err(failure)?;
        let stream = muxer.add_stream_with(&picture).map_err(failure)?.index();
        let counts = way.rate.invert();
        let picture = Track { encoder: picture, stream, counts, next: 0 };
        let sound = match channels {
            Some(channels) => {
                let encoder = sound_encoder(channels).map_err(failure)?;
                let stream = muxer.add_stream_with(&encoder).map_err(failure)?.index();
                Some(Track { encoder, stream, counts: Rational(1, SOUND_RATE as i32), next: 0 })
            }
            None => None,
        };
        let mut options = Dictionary::new();
        // No date, and no name of a program.
        options.set("fflags", "bitexact");
        muxer.write_header_with(options).map_err(failure)?;
        Ok(Writer { muxer, file, picture, sound, size: way.size })
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

    /// Finishes the file under a name.
    pub(super) fn finish(mut self, name: &str, output: &mut Output) -> Result<(), Failure> {
        if self.picture.next == 0 {
            return Err(Failure::corrupt("nothing to see"));
        }
        self.picture.encoder.send_eof().map_err(failure)?;
        if let Some(sound) = &mut self.sound {
            sound.encoder.send_eof().map_err(failure)?;
        }
        self.write()?;
        self.muxer.write_trailer().map_err(failure)?;
        let Writer { muxer, file, size, .. } = self;
        // What it still holds is written when it goes.
        drop(muxer);
        let to = output.take(name, Some(size))?;
        front::copy(&mut file.again(), to)?;
        file.clear().map_err(Failure::corrupt)
    }

    fn write(&mut self) -> Result<(), Failure> {
        let mut packet = Packet::empty();
        while self.picture.encoder.receive_packet(&mut packet).is_ok() {
            packet.set_duration(1);
            put(&mut packet, self.picture.stream, self.picture.counts, &mut self.muxer)?;
        }
        if let Some(sound) = &mut self.sound {
            while sound.encoder.receive_packet(&mut packet).is_ok() {
                put(&mut packet, sound.stream, sound.counts, &mut self.muxer)?;
            }
        }
        Ok(())
    }
}

fn put(
    packet: &mut Packet,
    stream: usize,
    counts: Rational,
    muxer: &mut Muxer,
) -> Result<(), Failure> {
    let written = muxer.stream(stream).map_or(counts, |it| it.time_base());
    packet.set_stream(stream);
    packet.rescale_ts(counts, written);
    packet.write_interleaved(muxer).map_err(failure)
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
    encoder.set_flags(Flags::GLOBAL_HEADER);
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
