//! Append-only partitions of records, and the rule that says which of them count.
//!
//! Promises of every adapter (the contract checks each):
//! - an append that resolved `Ok` is in the log for ever, also after power loss;
//! - a failed append may be in the log (`Unknown`) or is not (`Unavailable`);
//! - appends to one partition by one handle land in the order in which they were called;
//! - every reader sees the same records at the same offsets; gaps in offsets mean nothing;
//! - a log keeps the identity that it was born with, and what has moved is never served again.

pub mod contract;
pub mod copy;
mod embedded;
mod fold;
mod identity;
#[cfg(feature = "real")]
mod kafka;
mod position;
mod reading;
mod record;
pub mod signed;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

pub use fold::{Fold, Halt, Rejection, Rules, Verdict};
pub use identity::{Identity, PLACE_BYTES_MAX, Purpose, RESTORES_MAX, Refused, Restore, Standing};
pub use position::{Position, PositionInvalid};
pub use record::{Claim, Header, Kind, OwnerId, RECORD_BYTES_MAX, Record};

use crate::{Address, Error};

/// One of the `V` parts of the log.
pub type Partition = u16;

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

    /// Whether it may be served, as far as is known here.
    fn standing(&self) -> Standing;

    /// Changes the standing durably, for whoever opens the log from now on.
    ///
    /// Fails as `Unavailable` when the log has moved elsewhere, with [`Refused`] as its cause.
    fn stand(&self, standing: Standing) -> BoxFuture<'_, Result<(), Error>>;

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

/// Opens the log under a folder; a new one is born with the given identity.
///
/// # Errors
/// `Unavailable` when the file can't be opened or the log is not for this purpose, `Corrupt` when
/// it is not a log.
pub fn open(
    data_dir: &Path,
    born: &Identity,
    purpose: Purpose,
) -> Result<Arc<dyn EventLog>, Error> {
    let log = embedded::Embedded::open(&file(data_dir), born, purpose)?;
    Ok(Arc::new(log))
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

/// Reaches the event log at an address: `kafka://broker:9092,broker:9092/prefix`; a new one is born
/// with the given identity.
///
/// # Errors
/// `Unavailable` when it can't be reached, is not for this purpose, or no adapter speaks to such an
/// address.
#[cfg(feature = "real")]
pub async fn connect(
    address: &Address,
    born: &Identity,
    purpose: Purpose,
) -> Result<Arc<dyn EventLog>, Error> {
    match address.scheme() {
        "kafka" | "kafka+ssl" => kafka::connect(address, born.clone(), purpose).await,
        _ => Err(crate::unknown_scheme("event log", address)),
    }
}

#[cfg(not(feature = "real"))]
pub async fn connect(_: &Address, _: &Identity, _: Purpose) -> Result<Arc<dyn EventLog>, Error> {
    Err(crate::without_clients("event log"))
}
