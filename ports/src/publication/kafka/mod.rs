//! Public topics on Kafka, beside the log's: `<prefix>.<kind>-events.v1`, and
//! `<prefix>.publication-checkpoints.v1`, whose newest record of a partition is its checkpoint.

mod producer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::{Event, Publication};
use crate::event_log::{Fold, Identity, Partition};
use crate::kafka::{CatchUp, Kept, Settings, Topics};
use crate::{Address, Error};
use producer::Producer;

const PORT: &str = "publication";

/// Header with the full name of an event.
const NAME: &str = "event";

/// Where each topic's partition ends at least, by the kinds of streams.
type Ends = BTreeMap<String, u64>;

/// Reaches the topics; makes those that are absent.
pub(super) async fn connect(
    address: &Address,
    kinds: &'static [&'static str],
    log: Identity,
) -> Result<Arc<dyn Publication>, Error> {
    let settings = Settings::new(address)?;
    let runtime = Handle::current();
    Ok(Arc::new(blocking(move || Kafka::open(&settings, kinds, log, &runtime)).await?))
}

/// The client's own calls block.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(call).await.map_err(|it| Error::unavailable(PORT, it))?
}

struct Kafka {
    log: Identity,
    /// Topic of each kind of stream.
    streams: Arc<BTreeMap<&'static str, String>>,
    /// Topic of the checkpoints.
    checkpoints: String,
    topics: Arc<Topics>,
    catch_up: Arc<CatchUp>,
    /// What was published of each partition.
    ends: Vec<Mutex<Ends>>,
    producer: Producer,
}

/// Content of a checkpoint's record.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    log: [u8; 16],
    epoch: u32,
    fold: Fold,
    ends: Ends,
}

impl Kafka {
    fn open(
        settings: &Settings,
        kinds: &'static [&'static str],
        log: Identity,
        runtime: &Handle,
    ) -> Result<Self, Error> {
        let topics = Topics::new(settings, runtime)?;
        let named = |kind: &&'static str| (*kind, settings.topic(&format!("{kind}-events.v1")));
        let streams: BTreeMap<_, _> = kinds.iter().map(named).collect();
        let checkpoints = settings.topic("publication-checkpoints.v1");
        let kept = streams.values().map(|it| (it, Kept::All)).chain([(&checkpoints, Kept::Newest)]);
        for (topic, kept) in kept {
            topics.ensure(topic, log.partitions, kept)?;
            topics.check(topic, log.partitions, kept)?;
        }
        Ok(Self {
            streams: Arc::new(streams),
            topics: Arc::new(topics),
            catch_up: Arc::new(CatchUp::new(settings, checkpoints.clone())),
            ends: (0..log.partitions).map(|_| Mutex::default()).collect(),
            producer: Producer::new(settings)?,
            checkpoints,
            log,
        })
    }

    fn ends(&self, partition: Partition) -> MutexGuard<'_, Ends> {
        self.ends[usize::from(partition)].lock().expect("no holder of the lock panics")
    }

    async fn read_checkpoint(&self, partition: Partition) -> Result<Option<Checkpoint>, Error> {
        let (topics, topic) = (Arc::clone(&self.topics), self.checkpoints.clone());
        let end = blocking(move || topics.end(&topic, partition)).await?;
        // The newest record of a partition is the last thing to be forgotten.
        let Some(newest) = end.checked_sub(1) else { return Ok(None) };
        let records = self.catch_up.read(partition, newest, 1, end).await?;
        let gone = || Error::unavailable(PORT, "the checkpoint of a partition can't be read");
        let record = records.into_iter().next().ok_or_else(gone)?;
        let found: Checkpoint =
            serde_json::from_slice(&record.bytes).map_err(|it| Error::corrupt(PORT, it))?;
        if (found.log, found.epoch) != (self.log.log, self.log.epoch) {
            return Err(Error::corrupt(PORT, "the topics are of another log or epoch"));
        }
        Ok(Some(found))
    }

    /// Whether the topics still have what they had: one that was made anew has not.
    async fn whole(&self, partition: Partition, ends: Ends) -> Result<bool, Error> {
        let (topics, streams) = (Arc::clone(&self.topics), Arc::clone(&self.streams));
        blocking(move || {
            for (kind, end) in ends {
                let Some(topic) = streams.get(kind.as_str()) else { continue };
                let found = topics.end(topic, partition)?;
                if found < end {
                    tracing::error!(topic, partition, end, found, "public events are gone");
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    async fn publish_all(
        &self,
        partition: Partition,
        events: Vec<Event>,
        fold: Fold,
    ) -> Result<(), Error> {
        let records = events.iter().map(|event| {
            let header = Header { key: NAME, value: Some(event.name) };
            let headers = OwnedHeaders::new_with_capacity(1).insert(header);
            let topic = FutureRecord::to(&self.streams[event.kind]);
            let record = topic.partition(partition.into()).headers(headers);
            record.key(event.stream.as_str()).payload(&event.bytes[..])
        });
        let offsets = self.producer.append(records).await?;
        let mut ends = self.ends(partition).clone();
        for (event, offset) in events.iter().zip(offsets) {
            if let Some(offset) = offset {
                ends.insert(event.kind.to_owned(), offset + 1);
            }
        }
        self.ends(partition).clone_from(&ends);
        let checkpoint = Checkpoint { log: self.log.log, epoch: self.log.epoch, fold, ends };
        let checkpoint = serde_json::to_vec(&checkpoint);
        let checkpoint = checkpoint.expect("a checkpoint is plain data");
        let key = partition.to_string();
        let record = FutureRecord::to(&self.checkpoints).partition(partition.into());
        let record = record.key(key.as_str()).payload(&checkpoint[..]);
        self.producer.append(std::iter::once(record)).await.map(drop)
    }
}

impl Publication for Kafka {
    fn checkpoint(&self, partition: Partition) -> BoxFuture<'_, Result<Option<Fold>, Error>> {
        async move {
            let Some(found) = self.read_checkpoint(partition).await? else { return Ok(None) };
            let whole = self.whole(partition, found.ends.clone()).await?;
            *self.ends(partition) = if whole { found.ends } else { Ends::new() };
            Ok(whole.then_some(found.fold))
        }
        .boxed()
    }

    fn publish(
        &self,
        partition: Partition,
        events: Vec<Event>,
        checkpoint: Fold,
    ) -> BoxFuture<'_, Result<(), Error>> {
        if events.iter().any(|it| !self.streams.contains_key(it.kind)) {
            return async { Err(Error::corrupt(PORT, "a kind of stream has no topic")) }.boxed();
        }
        self.publish_all(partition, events, checkpoint).boxed()
    }
}
