//! What is put: a stream of bytes, what was said of it, and whether it is so.

use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;

use super::{ByteStream, Put, SIZE_BYTES_MAX, Sha256};
use crate::Error;

/// Bytes to be stored, and what is known of them before they come.
pub struct Source {
    pub bytes: ByteStream,
    /// Where it is given, a stream of another size stores nothing.
    pub size_bytes: Option<u64>,
    /// Where it is given, a stream of another hash stores nothing.
    pub sha256: Option<Sha256>,
}

impl Source {
    /// A stream of which nothing is known.
    pub fn stream(bytes: ByteStream) -> Self {
        Self { bytes, size_bytes: None, sha256: None }
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        let size_bytes = Some(bytes.len() as u64);
        Self { bytes: stream::iter([Ok(bytes)]).boxed(), size_bytes, sha256: None }
    }
}

/// Why a put stores nothing.
#[derive(Debug)]
pub(super) enum Halt {
    Refused(Put),
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Halt {
    pub(super) fn told(self) -> Result<Put, Error> {
        match self {
            Self::Refused(put) => Ok(put),
            Self::Failed(error) => Err(error),
        }
    }
}

/// A source that is counted while it is read, and hashed where a hash was said.
pub(super) struct Tally {
    bytes: ByteStream,
    said_bytes: Option<u64>,
    most_bytes: u64,
    seen_bytes: u64,
    said_sha256: Option<(Sha256, digest::Context)>,
}

impl Tally {
    /// Refuses a source that is said to be too large, before anything is read.
    pub(super) fn new(source: Source) -> Result<Self, Halt> {
        Self::up_to(SIZE_BYTES_MAX, source)
    }

    fn up_to(most_bytes: u64, source: Source) -> Result<Self, Halt> {
        if source.size_bytes.is_some_and(|it| it > most_bytes) {
            return Err(Halt::Refused(Put::TooLarge));
        }
        Ok(Self {
            bytes: source.bytes,
            said_bytes: source.size_bytes,
            most_bytes,
            seen_bytes: 0,
            said_sha256: source.sha256.map(|it| (it, digest::Context::new(&digest::SHA256))),
        })
    }

    /// The next bytes, as they come; `None` is the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Halt> {
        let Some(bytes) = self.bytes.next().await.transpose()? else { return Ok(None) };
        self.seen_bytes += bytes.len() as u64;
        if self.said_bytes.is_some_and(|it| self.seen_bytes > it) {
            return Err(Halt::Refused(Put::Differs));
        }
        if self.seen_bytes > self.most_bytes {
            return Err(Halt::Refused(Put::TooLarge));
        }
        self.said_sha256.iter_mut().for_each(|(_, it)| it.update(&bytes));
        Ok(Some(bytes))
    }

    /// Bytes that may come yet.
    pub(super) fn left_bytes(&self) -> u64 {
        self.said_bytes.unwrap_or(self.most_bytes).saturating_sub(self.seen_bytes)
    }

    /// At the end: how much came, if it is what was said to come.
    pub(super) fn finish(&self) -> Result<u64, Halt> {
        let size = self.said_bytes.is_none_or(|it| it == self.seen_bytes);
        let said = self.said_sha256.as_ref();
        let hash = said.is_none_or(|(said, it)| it.clone().finish().as_ref() == said.as_slice());
        if size && hash { Ok(self.seen_bytes) } else { Err(Halt::Refused(Put::Differs)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(chunks: &[usize], size_bytes: Option<u64>) -> Source {
        let chunks: Vec<_> = chunks.iter().map(|it| Ok(Bytes::from(vec![7; *it]))).collect();
        Source { bytes: stream::iter(chunks).boxed(), size_bytes, sha256: None }
    }

    /// What is made of chunks, of which ten bytes are taken.
    async fn taken(chunks: &[usize], said: Option<u64>) -> Option<Put> {
        let read = async {
            let mut tally = Tally::up_to(10, source(chunks, said))?;
            while tally.next().await?.is_some() {}
            tally.finish()
        };
        match read.await {
            Ok(_) => None,
            Err(halt) => Some(halt.told().unwrap()),
        }
    }

    #[tokio::test]
    async fn a_source_is_as_large_as_it_may_be_and_not_one_byte_larger() {
        assert_eq!(taken(&[4, 6], None).await, None);
        assert_eq!(taken(&[4, 6, 1], None).await, Some(Put::TooLarge));
        assert_eq!(taken(&[10], Some(10)).await, None);
        assert_eq!(taken(&[], Some(11)).await, Some(Put::TooLarge));
    }

    #[tokio::test]
    async fn a_source_is_as_large_as_was_said() {
        for (chunks, said) in [(&[4, 5][..], 10), (&[4, 5], 8), (&[], 1), (&[1], 0)] {
            assert_eq!(taken(chunks, Some(said)).await, Some(Put::Differs), "{chunks:?} {said}");
        }
    }
}
