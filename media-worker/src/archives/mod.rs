//! Archives: what they say they hold. Nothing in them is unpacked, and an archive in an archive is
//! an entry like others.

mod entries;
mod rar;
mod seven_zip;
mod zip;

use std::fs::File;

use crate::job::Job;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::sniff::Sniffed;
use entries::Entries;
pub(crate) use zip::failure as zip_failure;

/// What is known of an archive.
struct Listed {
    entries: Entries,
    /// How many it holds, told or not. Nothing if even that is encrypted.
    total: Option<u64>,
}

impl Listed {
    /// Of what tells nothing without a password.
    fn sealed() -> Listed {
        Listed { entries: Entries::default(), total: None }
    }
}

/// Does what is asked with an archive.
pub(crate) fn work(
    job: &Job,
    sniffed: &Sniffed,
    input: File,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    match job {
        Job::Previews { .. } => (),
        Job::Avatar | Job::Convert { .. } | Job::Renditions => {
            return Err(Failure::unsupported("an archive"));
        }
    }
    let listed = match sniffed.media_type {
        "application/zip" => zip::list(input)?,
        "application/x-7z-compressed" => seven_zip::list(input)?,
        "application/vnd.rar" => rar::list(input)?,
        other => return Err(Failure::unsupported(other)),
    };
    let encrypted = listed.total.is_none() || listed.entries.encrypted();
    if listed.total.is_some() {
        output.write("entries.json", None, &listed.entries.written()?)?;
    }
    Ok(Outcome { entries: listed.total, encrypted: Some(encrypted), ..Outcome::default() })
}
