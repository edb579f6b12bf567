//! Append-only partitions of records, and the rule that says which of them count.
//!
//! Promises of every adapter (the contract checks each):
//! - an append that resolved `Ok` is in the log for ever, also after power loss;
//! - a failed append may be in the log (`Unknown`) or is not (`Unavailable`);
//! - appends to one partition by one handle land in the order in which they were called;
//! - every reader sees the same records at the same offsets; gaps in offsets mean nothing.

pub mod contract;
mod embedded;
mod fold;
#[cfg(feature = "real")]
mod kafka;
mod position;
mod reading;
mod record;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

pub use fold::{Fold, Halt, Rejection, Rules, Verdict};
pub use position::{Position, PositionInvalid};
pub use record::{Claim, Header, Kind, OwnerId, RECORD_BYTES_MAX, Record};

use crate::{Address, Error};

/// One of the `V` parts of the log.
pub type Partition = u16;

/// What makes one log different from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Made at birth.
    pub log: [u8; 16],
    /// Raised by a restore from a backup.
    pub epoch: u32,
    /// Number of partitions, fixed at birth.
    pub partitions: u16,
}

/// A stored record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub offset: u64,
    pub bytes: Bytes,
}

/// Where an append landed, when the log says so.
pub type Ack = Option<u64>;

/// An append-only log of partitions.
pub trait EventLog: Send + Sync {
    /// Which log this is.
    fn identity(&self) -> Identity;

    /// Queues a record at the end of a partition, in call order; resolves once it is durable.
    /// `Ok(None)` means durable at an offset that the log did not tell.
    fn append(&self, partition: Partition, record: Bytes)
    -> BoxFuture<'static, Result<Ack, Error>>;

    /// Reads at most `limit` records from `from` on; empty at the end.
    fn read(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, Error>>;

    /// Offset that the next record will have at least; a reader at it has read all.
    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<u64, Error>>;

    /// Resolves when a record at or beyond `from` can be read.
    fn wait(&self, partition: Partition, from: u64) -> BoxFuture<'_, Result<(), Error>>;

    /// Whether the log can be reached from here now, or why not; at once where it is in the folder.
    fn answers(&self) -> BoxFuture<'_, Result<(), Error>> {
        async { Ok(()) }.boxed()
    }
}

/// Opens the log under a folder.
///
/// # Errors
/// `Unavailable` when the file can't be opened, `Corrupt` when it is not a log.
pub fn open(
    data_dir: &Path,
    partitions: u16,
    entropy: &dyn crate::entropy::Entropy,
) -> Result<Arc<dyn EventLog>, Error> {
    Ok(Arc::new(embedded::Embedded::open(&file(data_dir), partitions, entropy)?))
}

/// Opens the log under a folder beside the process that has the folder, if any: appends are refused
/// as `Unavailable`.
///
/// # Errors
/// `Unavailable` when the file can't be opened, `Corrupt` when it is not a log.
pub(crate) fn open_to_read(data_dir: &Path) -> Result<Arc<dyn EventLog>, Error> {
    Ok(Arc::new(reading::Reading::open(&file(data_dir))?))
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("log.db")
}

/// Reaches the event log at an address: `kafka://broker:9092,broker:9092/prefix`.
///
/// # Errors
/// `Unavailable` when it can't be reached or no adapter speaks to such an address.
#[cfg(feature = "real")]
pub async fn connect(
    address: &Address,
    partitions: u16,
    entropy: &dyn crate::entropy::Entropy,
) -> Result<Arc<dyn EventLog>, Error> {
    match address.scheme() {
        "kafka" | "kafka+ssl" => kafka::connect(address, partitions, entropy).await,
        _ => Err(crate::unknown_scheme("event log", address)),
    }
}

#[cfg(not(feature = "real"))]
pub async fn connect(
    _: &Address,
    _: u16,
    _: &dyn crate::entropy::Entropy,
) -> Result<Arc<dyn EventLog>, Error> {
    Err(crate::without_clients("event log"))
}
