//! Sounds: how long, how loud when, what they are called; and the same in another format.

mod convert;
mod decode;
mod peaks;

use std::io::{Read, Seek};

use ffmpeg_next as ffmpeg;

use crate::job::Job;
use crate::outcome::{Failure, Outcome, Tags};
use crate::output::Output;
use crate::sniff::Sniffed;
use decode::Decoder;
use peaks::Peaks;

/// Characters of one tag.
const TAG_CHARS_MAX: usize = 200;

/// Does what is asked with a sound.
pub(crate) fn work(
    job: &Job,
    sniffed: &Sniffed,
    input: impl Read + Seek + Send + 'static,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
    let mut decoder = Decoder::open(sniffed.media_type, input)?;
    match job {
        Job::Previews { .. } => {
            let mut outcome = Outcome { tags: tags(&decoder), ..Outcome::default() };
            let mut peaks = Peaks::default();
            let layout = decoder.layout();
            let rate = decoder.rate();
            // As it is, a channel apart from another.
            let planar = ffmpeg::format::Sample::F32(ffmpeg::format::sample::Type::Planar);
            decoder.each(planar, layout, rate, None, |frame| {
                let channels: Vec<&[f32]> = (0..frame.planes()).map(|it| frame.plane(it)).collect();
                peaks.add(&channels);
                Ok(())
            })?;
            outcome.duration_ms = Some(peaks.samples() * 1000 / u64::from(rate));
            outcome.waveform = Some(peaks.hundred());
            Ok(outcome)
        }
        Job::Convert { to } => convert::convert(&mut decoder, *to, output),
        Job::Avatar => Err(Failure::unsupported("a sound has no face")),
        Job::Renditions => Err(Failure::unsupported("a sound is converted")),
    }
}

/// What it is called, in the file or in the stream.
fn tags(decoder: &Decoder) -> Option<Tags> {
    let tag = |name: &str| {
        let value = decoder.tag(name)?;
        let printable = value.chars().filter(|it| !it.is_control()).take(TAG_CHARS_MAX);
        Some(printable.collect::<String>()).filter(|it| !it.is_empty())
    };
    let tags = Tags { title: tag("title"), artist: tag("artist"), album: tag("album") };
    Some(tags).filter(|it| *it != Tags::default())
}

/// What ffmpeg says of a file.
fn broken(error: ffmpeg::Error) -> Failure {
    Failure::corrupt(error)
}
