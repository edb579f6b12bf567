//! ZIP: the central directory, an entry at a time, as far as it is told.

use std::fs::File;
use std::io::BufReader;

use zip::read::Config;
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;

use super::Listed;
use super::entries::{Entries, Entry};
use crate::outcome::Failure;

pub(super) fn list(input: File) -> Result<Listed, Failure> {
    let mut archive = ZipIterable::try_new(BufReader::new(input), Config::default());
    let archive = archive.as_mut().map_err(|it| failure(it))?;
    // It is at most what the bytes of the directory have place for.
    let total = archive.len() as u64;
    let mut entries = Entries::default();
    for entry in archive.files().map_err(|it| failure(&it))? {
        let entry = entry.map_err(|it| failure(&it))?;
        let path = match entry.name() {
            Ok(path) => path,
            Err(_) => String::from_utf8_lossy(entry.name_raw()),
        };
        if !entries.add(Entry::new(&path, entry.size(), entry.is_dir(), entry.encrypted())) {
            break;
        }
    }
    Ok(Listed { entries, total: Some(total) })
}

/// What the library says of a file.
pub(crate) fn failure(error: &ZipError) -> Failure {
    let unsupported = matches!(
        error,
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_)
    );
    if unsupported { Failure::unsupported(error) } else { Failure::corrupt(error) }
}
