//! The process inside: opens what it needs, puts up the walls, and only then looks at the input.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;

use crate::job::{JOB_BYTES_MAX, Job};
use crate::outcome::{Failure, Kind, Line, Outcome};
use crate::output::Output;
use crate::sniff::{Sniffed, sniff};
use crate::walls::{self, Wanted};
use crate::{archives, code, documents, exit, images, sounds, videos};

/// As much of an input as says what it is.
const HEAD_BYTES: u64 = 64 << 10;

/// Runs inside: the first thing after this are strangers' bytes.
pub(crate) fn run(folder: &Path) -> ExitCode {
    let (job, input, output) = match open(folder) {
        Ok(opened) => opened,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(exit::ASKED_WRONGLY);
        }
    };
    if let Err(detail) = walls::put_up(job.limits(), Wanted::All) {
        return tell(&Line::Refused { detail });
    }
    // Decoders that meet what they did not expect may panic: that is an answer about the file.
    let work = std::panic::AssertUnwindSafe(|| work(&job, input, output));
    let line = match catch_unwind(work) {
        Ok(Ok(outcome)) => Line::Done(Box::new(outcome)),
        Ok(Err(failure)) => Line::Failed(failure),
        Err(_) => Line::Failed(Failure::corrupt("the decoder gave up")),
    };
    tell(&line)
}

fn tell(line: &Line) -> ExitCode {
    match serde_json::to_writer(io::stdout(), line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn open(folder: &Path) -> io::Result<(Job, File, Output)> {
    walls::close_inherited()?;
    images::wake();
    let job = read_bounded(&folder.join("job.json"), JOB_BYTES_MAX)?;
    let job = serde_json::from_slice(&job).map_err(io::Error::other)?;
    let input = File::open(folder.join("input"))?;
    Ok((job, input, Output::open(&folder.join("output"))?))
}

/// Reads a file that has at most so many bytes.
pub(crate) fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("over {most} bytes")));
    }
    Ok(bytes)
}

/// Reads the rest of what was begun, if it is no larger than this.
pub(crate) fn whole(head: Vec<u8>, input: &mut File, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = head;
    let rest = (most + 1).saturating_sub(bytes.len() as u64);
    input.take(rest).read_to_end(&mut bytes).map_err(Failure::corrupt)?;
    if bytes.len() as u64 > most {
        return Err(Failure::too_large(format_args!("over {most} bytes")));
    }
    Ok(bytes)
}

fn work(job: &Job, mut input: File, mut output: Output) -> Result<Outcome, Failure> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(Failure::corrupt)?;
    let mut sniffed = documents::refined(sniff(&head)?, &mut input)?;
    let mut outcome = match sniffed.kind {
        Kind::Image => {
            let bytes = whole(head, &mut input, images::INPUT_BYTES_MAX)?;
            images::work(job, &sniffed, &bytes, &mut output)?
        }
        Kind::Audio => {
            input.rewind().map_err(Failure::corrupt)?;
            sounds::work(job, &sniffed, input, &mut output)?
        }
        Kind::Document => documents::work(job, &sniffed, head, input, &mut output)?,
        Kind::Archive => archives::work(job, &sniffed, input, &mut output)?,
        Kind::Code => code::work(job, &sniffed, head, input, &mut output)?,
        Kind::Video => videos::work(job, &mut sniffed, input, &mut output)?,
        Kind::Other => nothing_made(job, &sniffed)?,
    };
    if outcome.media_type.is_empty() {
        outcome.media_type = sniffed.media_type.to_owned();
        outcome.kind = sniffed.kind;
    }
    outcome.files = output.produced;
    Ok(outcome)
}

/// That a file is no preview is no failure; that it can't be what was asked for is one.
fn nothing_made(job: &Job, sniffed: &Sniffed) -> Result<Outcome, Failure> {
    match job {
        Job::Previews { .. } => Ok(Outcome::default()),
        Job::Avatar | Job::Convert { .. } | Job::Renditions => {
            Err(Failure::unsupported(sniffed.media_type))
        }
    }
}
