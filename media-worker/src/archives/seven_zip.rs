//! 7Z: the header at its end, which is itself compressed, and may be encrypted.

use std::fs::File;
use std::io::BufReader;

use sevenz_rust2::{Archive, EncoderMethod, Error, Password};

use super::Listed;
use super::entries::{Entries, Entry};
use crate::outcome::Failure;

/// What a header may unpack to, and the dictionary it is unpacked with: room for a million
/// entries.
const HEADER_KIB_MAX: usize = 128 << 10;

pub(super) fn list(input: File) -> Result<Listed, Failure> {
    let mut input = BufReader::new(input);
    let read = Archive::read_with_memory_limit(&mut input, &Password::empty(), HEADER_KIB_MAX);
    let archive = match read {
        Ok(archive) => archive,
        Err(error) if is_sealed(&error) => return Ok(Listed::sealed()),
        Err(Error::MaxMemLimited { .. }) => return Err(Failure::too_large("a header of 7Z")),
        Err(
            error @ (Error::UnsupportedVersion { .. } | Error::UnsupportedCompressionMethod(_)),
        ) => {
            return Err(Failure::unsupported(error));
        }
        Err(error) => return Err(Failure::corrupt(error)),
    };
    let mut entries = Entries::default();
    for (number, file) in archive.files.iter().enumerate() {
        let encrypted = archive.is_file_encrypted(number);
        if !entries.add(Entry::new(file.name(), file.size(), file.is_directory(), encrypted)) {
            break;
        }
    }
    Ok(Listed { entries, total: Some(archive.files.len() as u64) })
}

/// Ciphers are not built in: there is no password to try.
fn is_sealed(error: &Error) -> bool {
    if let Error::UnsupportedCompressionMethod(it) = error {
        return it == EncoderMethod::AES256_SHA256.name();
    }
    matches!(error, Error::PasswordRequired)
}
