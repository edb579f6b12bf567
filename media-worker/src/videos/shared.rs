//! One open file that is read or written from several places, each with a place of its own.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Nothing is opened behind the walls, and a file has only one place where it is read.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    file: Arc<File>,
    at: u64,
}

impl Shared {
    pub(super) fn new(file: File) -> Shared {
        Shared { file: Arc::new(file), at: 0 }
    }

    /// The same file, from its beginning.
    pub(super) fn again(&self) -> Shared {
        Shared { file: self.file.clone(), at: 0 }
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        self.file.as_ref().seek(SeekFrom::End(0))
    }

    /// Takes what was written off the disk.
    pub(super) fn clear(&self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

impl Read for Shared {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(bytes, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.at)?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.length()?, by),
        };
        let at = from.checked_add_signed(by);
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
