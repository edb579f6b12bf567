//! Videos: how long, how large, a picture that stands for them, a few seconds that move, and the
//! same as every client plays it.
//!
//! What is shown of a video before it is played is made at once; what is written anew takes as
//! long as it takes and is a job of its own, as is its sound alone. Nothing that was said in a file
//! goes along: no place, no date, no chapters, no names.

mod boxes;
mod clip;
mod front;
mod light;
mod measure;
mod muxed;
mod parts;
mod pipe;
mod poster;
mod renditions;
mod shared;
mod source;
mod turn;
mod writer;

use std::fs::File;

use ffmpeg_next as ffmpeg;

use crate::job::Job;
use crate::outcome::{Failure, Kind, Outcome};
use crate::output::Output;
use crate::sniff::Sniffed;
use crate::{images, sounds};
use measure::{Measured, measure};
use shared::Shared;
use source::Source;

/// What a file of a video is called when only its sound counts.
const ONLY_SOUND: [(&str, &str); 5] = [
    ("video/mp4", "audio/mp4"),
    ("video/quicktime", "audio/mp4"),
    ("video/x-matroska", "audio/x-matroska"),
    ("video/webm", "audio/webm"),
    ("video/x-msvideo", "audio/x-msvideo"),
];

/// Does what is asked with a video, or with the sound that it turns out to be.
pub(crate) fn work(
    job: &Job,
    sniffed: &mut Sniffed,
    input: File,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    ffmpeg::log::set_level(ffmpeg::log::Level::Quiet);
    let (file, written) = (Shared::new(input), matches!(job, Job::Renditions));
    let measured = measure(sniffed.media_type, &file, written)?;
    if measured.only_sound {
        if !measured.has_sound {
            return Err(Failure::corrupt("neither pictures nor sound"));
        }
        *sniffed = sound_of(sniffed);
        return sounds::work(job, sniffed, file.again(), output);
    }
    let open = || Source::open(sniffed.media_type, &file, measured.begin);
    match job {
        Job::Previews { .. } => previews(&measured, open, output),
        Job::Renditions => {
            if measured.duration_ms > renditions::DURATION_MS_MAX {
                return Err(Failure::too_large("longer than is written anew"));
            }
            let mut source = open()?;
            let outcome = known(&measured, source.shown());
            renditions::renditions(&mut source, measured.end(), output)?;
            Ok(outcome)
        }
        Job::Avatar => Err(Failure::unsupported("a video has no face")),
        Job::Convert { to } if to.is_sound() => {
            sounds::work(job, &sound_of(sniffed), file.again(), output)
        }
        Job::Convert { .. } => Err(Failure::unsupported("a video is written as renditions")),
    }
}

/// What a video is when nobody looks.
fn sound_of(sniffed: &Sniffed) -> Sniffed {
    let found = ONLY_SOUND.iter().find(|it| it.0 == sniffed.media_type);
    let media_type = found.map_or(sniffed.media_type, |it| it.1);
    Sniffed { media_type, kind: Kind::Audio }
}

fn known(measured: &Measured, (width, height): (u32, u32)) -> Outcome {
    Outcome {
        width: Some(width),
        height: Some(height),
        duration_ms: Some(measured.duration_ms),
        has_sound: Some(measured.has_sound),
        ..Outcome::default()
    }
}

fn previews(
    measured: &Measured,
    open: impl Fn() -> Result<Source, Failure>,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let mut source = open()?;
    source.leaves_sound_out();
    let (picture, at) = poster::poster(&mut source)?;
    let mut outcome = known(measured, source.shown());
    // It is read anew, from what could be decoded before.
    drop(source);
    outcome.thumbhash = Some(images::thumbhash(&picture)?);
    images::previews(picture, output)?;
    clip::clip(&mut open()?, at, measured.end(), output)?;
    Ok(outcome)
}

/// What ffmpeg says of a file: that there is no room for it, or that it is broken.
fn failure(error: ffmpeg::Error) -> Failure {
    let full = [libc::ENOMEM, libc::EFBIG, libc::ENOSPC];
    if full.iter().any(|it| error == ffmpeg::Error::Other { errno: *it }) {
        return Failure::too_large(error);
    }
    Failure::corrupt(error)
}
