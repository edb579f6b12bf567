//! A file in MPEG-4 that pictures and sounds are put into.

use ffmpeg::format::context::{Output as Muxer, StreamIo};
use ffmpeg::format::output_to_stream;
use ffmpeg::{Dictionary, Packet, Rational, encoder};
use ffmpeg_next as ffmpeg;

use super::failure;
use super::shared::Shared;
use crate::outcome::Failure;

/// No date, and no name of a program.
pub(super) const WHOLE: &[(&str, &str)] = &[("fflags", "bitexact")];

/// In parts that begin with a picture that needs no other, five and a half seconds or a little
/// more after the last one: three times two seconds, of which some rates have a little less.
pub(super) const IN_PARTS: &[(&str, &str)] = &[
    ("fflags", "bitexact"),
    ("movflags", "frag_keyframe+delay_moov+default_base_moof+skip_trailer"),
    ("min_frag_duration", "5500000"),
    // An encoder that is given a picture a second holds half a minute of them back, and its sound
    // is to lie in the same part: it waits for a minute.
    ("max_interleave_delta", "60000000"),
];

pub(super) struct Muxed {
    muxer: Muxer,
    file: Shared,
}

impl Muxed {
    pub(super) fn open(
        file: Shared,
        pictures: &encoder::video::Encoder,
        sounds: Option<&encoder::audio::Encoder>,
        said: &[(&str, &str)],
    ) -> Result<Muxed, ffmpeg::Error> {
        let io = StreamIo::from_write_seek(file.again())?;
        let mut muxer = output_to_stream(io, None, Some("mp4"))?;
        muxer.add_stream_with(pictures)?;
        if let Some(sounds) = sounds {
            muxer.add_stream_with(sounds)?;
        }
        let mut options = Dictionary::new();
        said.iter().for_each(|(name, value)| options.set(name, value));
        muxer.write_header_with(options)?;
        Ok(Muxed { muxer, file })
    }

    /// Writes what an encoder gave, whose times count so.
    pub(super) fn put(
        &mut self,
        mut packet: Packet,
        stream: usize,
        counts: Rational,
    ) -> Result<(), Failure> {
        let written = self.muxer.stream(stream).map_or(counts, |it| it.time_base());
        packet.set_stream(stream);
        packet.rescale_ts(counts, written);
        packet.write_interleaved(&mut self.muxer).map_err(failure)
    }

    /// Ends the file, which is whole then.
    pub(super) fn end(self) -> Result<Shared, Failure> {
        let Muxed { mut muxer, file } = self;
        muxer.write_trailer().map_err(failure)?;
        // What it still holds is written when it goes.
        drop(muxer);
        Ok(file)
    }
}
