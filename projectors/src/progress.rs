//! How far the projections of each partition have come, and how far behind the log that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use chat::checkpoint::Checkpoint;
use ports::event_log::{Fold, Partition};
use ports::{Error, Ports};
use tokio::sync::Notify;

use crate::trails::Trails;

/// How far the projections of each partition have come.
pub struct Progress {
    /// The documents'.
    pub(crate) documents: Places,
    /// The public topics'.
    pub(crate) publication: Places,
    /// Of each partition: told when its outbox has changed.
    pub(crate) outbox: Vec<Notify>,
    /// Of each partition: told when its timers have changed.
    pub(crate) timers: Vec<Notify>,
    /// Of each partition: told when pages are to be looked up.
    pub(crate) previews: Vec<Notify>,
    /// Of each partition: told when files have left blobs behind.
    pub(crate) files: Vec<Notify>,
    /// Of each partition: told when files are to be looked into.
    pub(crate) media: Vec<Notify>,
    /// What is still to be vouched for.
    pub(crate) trails: Trails,
}

/// How far a projection of each partition has come.
pub(crate) struct Places(Vec<Place>);

/// How far one partition has come; known here only while this node folds it.
#[derive(Default)]
struct Place {
    here: AtomicBool,
    /// Offset of the next record.
    offset: AtomicU64,
    /// Ordinal of the last saved event.
    ordinal: AtomicU64,
}

impl Progress {
    /// The progress that other nodes make.
    pub fn of_others(ports: &Ports) -> Arc<Self> {
        let partitions = ports.event_log.identity().partitions;
        let places = || Places((0..partitions).map(|_| Place::default()).collect());
        let told = || (0..partitions).map(|_| Notify::new()).collect();
        Arc::new(Self {
            documents: places(),
            publication: places(),
            outbox: told(),
            timers: told(),
            previews: told(),
            files: told(),
            media: told(),
            trails: Trails::new(partitions),
        })
    }

    /// Records that are in the log and not in the documents, over all partitions.
    ///
    /// # Errors
    /// When the log or the documents can't be reached.
    pub async fn lag(&self, ports: &Ports) -> Result<u64, Error> {
        let mut lag = 0;
        for (partition, offset) in self.documents.offsets() {
            let offset = match offset {
                Some(offset) => offset,
                None => Checkpoint::load(&*ports.documents, partition).await?.fold.pos,
            };
            lag += ports.event_log.end(partition).await?.saturating_sub(offset);
        }
        metrics::gauge!("parlance_projection_lag_records").set(lag as f64);
        Ok(lag)
    }

    /// Records that are in the log and not in the public topics, over the partitions that this
    /// node publishes.
    ///
    /// # Errors
    /// When the log can't be reached.
    pub async fn publication_lag(&self, ports: &Ports) -> Result<u64, Error> {
        let mut lag = 0;
        for (partition, offset) in self.publication.offsets() {
            if let Some(offset) = offset {
                lag += ports.event_log.end(partition).await?.saturating_sub(offset);
            }
        }
        metrics::gauge!("parlance_publication_lag_records").set(lag as f64);
        Ok(lag)
    }
}

impl Places {
    pub(crate) fn set(&self, partition: Partition, fold: &Fold) {
        let place = &self.0[usize::from(partition)];
        place.offset.store(fold.pos, Ordering::Release);
        place.ordinal.store(fold.ordinal, Ordering::Release);
        place.here.store(true, Ordering::Release);
    }

    pub(crate) fn leave(&self, partition: Partition) {
        self.0[usize::from(partition)].here.store(false, Ordering::Release);
    }

    /// Whether a partition is folded here up to an offset.
    pub(crate) fn has_reached(&self, partition: Partition, offset: u64) -> bool {
        let place = &self.0[usize::from(partition)];
        place.here.load(Ordering::Acquire) && place.offset.load(Ordering::Acquire) >= offset
    }

    /// The partitions that are folded here, with their last ordinals.
    pub(crate) fn here(&self) -> impl Iterator<Item = (Partition, u64)> {
        let places = (0..).zip(&self.0).filter(|(_, it)| it.here.load(Ordering::Acquire));
        places.map(|(partition, it)| (partition, it.ordinal.load(Ordering::Acquire)))
    }

    /// All partitions, with their next offsets if they are folded here.
    fn offsets(&self) -> impl Iterator<Item = (Partition, Option<u64>)> {
        let offset =
            |it: &Place| it.here.load(Ordering::Acquire).then(|| it.offset.load(Ordering::Acquire));
        (0..).zip(&self.0).map(move |(partition, it)| (partition, offset(it)))
    }
}
