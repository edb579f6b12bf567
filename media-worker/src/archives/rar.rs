//! RAR: a header before each of its entries.

use std::fs::File;

use rars::{ArchiveFamily, ArchiveReadOptions, ArchiveReader, Error, ErrorKind};

use super::Listed;
use super::entries::{Entries, Entry};
use crate::outcome::Failure;

/// Headers that are read of one archive, and their bytes together.
const HEADERS_MAX: u64 = 200_000;
const HEADERS_BYTES_MAX: u64 = 64 << 20;

pub(super) fn list(input: File) -> Result<Listed, Failure> {
    let options = ArchiveReadOptions::new()
        .with_max_header_count(HEADERS_MAX)
        .with_max_header_bytes(HEADERS_BYTES_MAX);
    let archive = match ArchiveReader::read_reader_with_options(input, options) {
        Ok(archive) => archive,
        Err(error) if is_sealed(&error) => return Ok(Listed::sealed()),
        Err(error) => return Err(failure(&error)),
    };
    let mut entries = Entries::default();
    let mut total = 0;
    let mut room = true;
    for member in archive.members().map(|it| it.meta) {
        total += 1;
        if room {
            let mut path = member.name_lossy();
            if member.family != ArchiveFamily::Rar50Plus {
                // What stands between folders there.
                path = path.replace('\\', "/");
            }
            let (bytes, folder) = (member.unpacked_size, member.is_directory);
            let entry = Entry::new(&path, bytes, folder, member.is_encrypted);
            room = entries.add(entry);
        }
    }
    Ok(Listed { entries, total: Some(total) })
}

/// Ciphers are not built in: there is no password to try.
fn is_sealed(error: &Error) -> bool {
    let ciphers = matches!(error.root_cause(), Error::FeatureDisabled { feature: "encryption" });
    ciphers || error.kind() == ErrorKind::PasswordRequired
}

fn failure(error: &Error) -> Failure {
    let kind = error.kind();
    if kind == ErrorKind::ResourceLimit {
        Failure::too_large(error)
    } else if [ErrorKind::UnsupportedFormat, ErrorKind::UnsupportedFeature].contains(&kind) {
        Failure::unsupported(error)
    } else {
        Failure::corrupt(error)
    }
}
