//! Topics in which every accepted event is public, one for each kind of stream.
//!
//! Promises, which hold for several who publish the same partition at once, and for those who are
//! cut off at any point:
//! - events of one call can be read in their order, and no event of a topic before all that were
//!   to be published there before it; what is published again is a repeat of those;
//! - the checkpoint that is kept covers only what can be read.
//!
//! There is no embedded twin: a folder has no readers but `parlance replay`, which gives the same
//! events in the same form.

#[cfg(feature = "real")]
mod kafka;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::event_log::{Fold, Identity, Partition};
use crate::{Address, Error};

/// An event as its readers get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Kind of its stream, which names the topic: `<kind>-events.v1`.
    pub kind: &'static str,
    /// Id of its stream, as text: the key.
    pub stream: String,
    /// Its full name, in the header `event`.
    pub name: &'static str,
    /// What a reader decodes, less than a megabyte.
    pub bytes: Vec<u8>,
}

/// Public topics, each with the partitions of the log.
pub trait Publication: Send + Sync {
    /// How far a partition of the log is public; nothing when that is to begin, or to begin again
    /// since a topic has lost what it had. `Corrupt` when what is there is of another log, or of
    /// another epoch of it.
    fn checkpoint(&self, partition: Partition) -> BoxFuture<'_, Result<Option<Fold>, Error>>;

    /// Appends events to the topics of their kinds, in order, and keeps the checkpoint that they
    /// reach to once all of them are durable. As long as the brokers are away it waits; after an
    /// error it is to be begun again from the checkpoint.
    fn publish(
        &self,
        partition: Partition,
        events: Vec<Event>,
        checkpoint: Fold,
    ) -> BoxFuture<'_, Result<(), Error>>;
}

/// Reaches the public topics beside the event log at an address; makes those that are absent.
///
/// # Errors
/// `Unavailable` when they can't be reached, or one of them may lose events.
#[cfg(feature = "real")]
pub async fn connect(
    address: &Address,
    kinds: &'static [&'static str],
    log: &Identity,
) -> Result<Arc<dyn Publication>, Error> {
    match address.scheme() {
        "kafka" | "kafka+ssl" => kafka::connect(address, kinds, log.clone()).await,
        _ => Err(crate::unknown_scheme("publication", address)),
    }
}

#[cfg(not(feature = "real"))]
pub async fn connect(
    _: &Address,
    _: &'static [&'static str],
    _: &Identity,
) -> Result<Arc<dyn Publication>, Error> {
    Err(crate::without_clients("publication"))
}
