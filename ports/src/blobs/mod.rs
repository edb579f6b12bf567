//! Bytes that are too large for the log: each blob lies whole under a key of its own.
//!
//! Promises of every adapter (the contract checks each):
//! - a blob that was put is durable, and survives reopening;
//! - a reader sees one blob whole, never a part or a mixture: a put that failed, was given up or
//!   differs from what was said leaves what was there before; of two puts the last wins;
//! - a put that may have happened is `Unknown`; doing it again is safe, since it stores the same;
//! - absent is `None`; what lies past the end of a blob is empty; deleting twice is deleting once;
//! - a stream that ends without an error is complete.

pub mod contract;
mod copy;
mod embedded;
mod folders;
mod key;
#[cfg(feature = "real")]
mod s3;
mod source;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use copy::copy;
pub use key::{BlobKey, KEY_CHARS_MAX};
pub use source::Source;

use crate::{Address, Error};

/// Bytes of a blob at most: 64 GiB.
pub const SIZE_BYTES_MAX: u64 = 64 << 30;

/// Blobs in one answer of a list at most.
pub const LIST_MAX: usize = 1_000;

/// How long a link is good for at most: seven days.
pub const LINK_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Bytes that a link takes at most: 5 GiB.
pub const LINK_BYTES_MAX: u64 = 5 << 30;

/// Bytes as they come; after an error nothing follows.
pub type ByteStream = BoxStream<'static, Result<Bytes, Error>>;

/// The SHA-256 of a blob.
pub type Sha256 = [u8; 32];

/// What became of a put.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is stored, and durable.
    Stored { size_bytes: u64 },
    /// The bytes are not those that were said to come: nothing is stored.
    Differs,
    /// There are more than `SIZE_BYTES_MAX`: nothing is stored.
    TooLarge,
}

/// Which bytes of a blob are wanted; what lies past its end is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Whole,
    From { offset: u64, bytes_max: u64 },
    Last { bytes_max: u64 },
}

impl Span {
    /// Where it begins in a blob of that size, and how many bytes it has.
    fn within(self, size_bytes: u64) -> (u64, u64) {
        match self {
            Self::Whole => (0, size_bytes),
            Self::From { offset, bytes_max } => {
                let offset = offset.min(size_bytes);
                (offset, bytes_max.min(size_bytes - offset))
            }
            Self::Last { bytes_max } => {
                let length = bytes_max.min(size_bytes);
                (size_bytes - length, length)
            }
        }
    }
}

/// A blob that is being read.
pub struct Reading {
    /// Of the whole blob, whatever span of it is read.
    pub size_bytes: u64,
    pub bytes: ByteStream,
}

/// A blob in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub key: BlobKey,
    pub size_bytes: u64,
}

/// What the holder of a link may do, once or more often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    Get,
    /// Put exactly as many bytes, and only those of that hash where one is given.
    Put {
        size_bytes: u64,
        sha256: Option<Sha256>,
    },
}

/// A URL that needs no other permission than itself: it is handed to whoever may, and not logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    /// `GET` or `PUT`.
    pub method: &'static str,
    pub url: String,
    /// What the request has to carry besides, as names and values.
    pub headers: Vec<(String, String)>,
}

/// A store of blobs.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores what the source gives under a key, in place of what was there. It holds a few parts
    /// of the source in memory, however long that is. Giving up a put that is under way (dropping
    /// its future) stores nothing or everything.
    ///
    /// # Errors
    /// What the source fails with; `Unavailable` when nothing was stored; `Unknown` when it may
    /// have been.
    async fn put(&self, key: &BlobKey, source: Source) -> Result<Put, Error>;

    /// Reads a span of a blob. What is read was there at one moment, whatever is put meanwhile.
    ///
    /// # Errors
    /// `Unavailable`, also inside the stream; `Corrupt` when a blob ends before its size.
    async fn get(&self, key: &BlobKey, span: Span) -> Result<Option<Reading>, Error>;

    /// The size of a blob in bytes.
    async fn size(&self, key: &BlobKey) -> Result<Option<u64>, Error>;

    /// Deletes a blob; one that is not there is as good as deleted.
    ///
    /// # Errors
    /// `Unavailable` when nothing happened, `Unknown` when it may have.
    async fn delete(&self, key: &BlobKey) -> Result<(), Error>;

    /// Blobs whose keys begin with something and come after one, in the order of the keys' bytes,
    /// at most `limit` and `LIST_MAX`. An empty answer to a limit above zero is the end. To list
    /// those of some whole words, with the dot behind them, does not cost more for others.
    async fn list(
        &self,
        beginning: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<Listed>, Error>;

    /// A link that is good for a time, for a client that comes without us. `None` where blobs
    /// have no address of their own, as in a folder: then bytes go through us.
    ///
    /// # Errors
    /// `Unavailable` when the time is not between a second and `LINK_MAX`, or more than
    /// `LINK_BYTES_MAX` are to be put.
    async fn link(
        &self,
        key: &BlobKey,
        grant: Grant,
        good: Duration,
    ) -> Result<Option<Link>, Error>;
}

/// Opens the blobs under a folder.
///
/// # Errors
/// `Unavailable` when the folder can't be made or read.
pub fn open(data_dir: &Path) -> Result<Arc<dyn Blobs>, Error> {
    Ok(Arc::new(embedded::Embedded::open(&data_dir.join("blobs"))?))
}

/// Reaches the blobs at an address: `s3://bucket/prefix?region=eu-central-1`.
///
/// # Errors
/// `Unavailable` when it can't be reached or no adapter speaks to such an address.
#[cfg(feature = "real")]
pub async fn connect(address: &Address) -> Result<Arc<dyn Blobs>, Error> {
    match address.scheme() {
        "s3" => Ok(Arc::new(s3::S3::connect(address).await?)),
        _ => Err(crate::unknown_scheme(PORT, address)),
    }
}

#[cfg(not(feature = "real"))]
pub async fn connect(_: &Address) -> Result<Arc<dyn Blobs>, Error> {
    Err(crate::without_clients(PORT))
}

/// Keys of the puts at an address that have begun to store parts and not ended, for tests: what
/// is left here costs space and is seen by nobody.
///
/// # Errors
/// `Unavailable` when it can't be reached.
#[cfg(feature = "real")]
pub async fn unfinished(address: &Address) -> Result<Vec<String>, Error> {
    s3::S3::connect(address).await?.unfinished().await
}

const PORT: &str = "blobs";

/// Whether a link may be made.
fn check_link(grant: Grant, good: Duration) -> Result<(), Error> {
    if good < Duration::from_secs(1) || good > LINK_MAX {
        return Err(Error::unavailable(PORT, "a link is good for a second to seven days"));
    }
    if matches!(grant, Grant::Put { size_bytes, .. } if size_bytes > LINK_BYTES_MAX) {
        return Err(Error::unavailable(PORT, "a link takes 5 GiB at most"));
    }
    Ok(())
}
