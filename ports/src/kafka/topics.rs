//! Topics: made if they are absent, refused if records could be lost on them.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::settings::{self, BATCH_BYTES_MAX, CALL_MAX, Consumer, Quiet, Settings};
use super::{PORT, unavailable};
use crate::Error;
use crate::event_log::Partition;

/// Which records of a topic are kept.
#[derive(Clone, Copy)]
pub(crate) enum Kept {
    /// Every one, for ever.
    All,
    /// The newest of each key.
    Newest,
}

impl Kept {
    /// What a topic is made with, and what it must have, beside its replication.
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::All => &[
                ("cleanup.policy", "delete"),
                ("retention.ms", "-1"),
                ("retention.bytes", "-1"),
                ("unclean.leader.election.enable", "false"),
            ],
            Self::Newest => {
                &[("cleanup.policy", "compact"), ("unclean.leader.election.enable", "false")]
            }
        }
    }
}

/// Bytes after which a topic of newest records may forget older ones.
const SEGMENT_BYTES: &str = "4194304";

/// How often, and how many times, it is asked for what may not be known yet.
const ASK: Duration = Duration::from_millis(50);
const ASKED_MAX: u32 = 200;

/// How long an answer may take from brokers that are well.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// Troubles of the connections that are looked through for why nobody answers.
const TROUBLES_MAX: usize = 64;

/// Asks the brokers about topics; each call blocks.
pub(crate) struct Topics {
    consumer: Consumer,
    admin: AdminClient<Quiet>,
    runtime: Handle,
    identity: String,
    replication: u16,
    min_insync: u16,
}

/// What a topic consists of.
struct Shape {
    partitions: usize,
    /// Copies of the partition that has the fewest.
    replication: usize,
    /// Whether every partition has a leader.
    led: bool,
}

impl Topics {
    pub(crate) fn new(settings: &Settings, runtime: &Handle) -> Result<Self, Error> {
        let consumer = settings::consumer(&settings.client())?;
        let admin = AdminClient::from_config(&settings.client()).map_err(unavailable)?;
        let (replication, min_insync) = (settings.replication, settings.min_insync);
        let (runtime, identity) = (runtime.clone(), settings.identity.clone());
        Ok(Self { consumer, admin, runtime, identity, replication, min_insync })
    }

    /// Asks any broker for anything.
    pub(crate) fn answers(&self) -> Result<(), Error> {
        let nothing = self.consumer.fetch_metadata(Some(&self.identity), ANSWER_MAX);
        nothing.map(drop).map_err(unavailable)
    }

    /// Whether a topic is there, though brokers that it needs may be down.
    pub(crate) fn exists(&self, topic: &str) -> Result<bool, Error> {
        Ok(soon(|| self.shape(topic))?.is_some())
    }

    /// Makes a topic unless somebody has made it, and waits until it can be used.
    pub(crate) fn ensure(&self, topic: &str, partitions: u16, kept: Kept) -> Result<(), Error> {
        if self.shape(topic)?.is_none() {
            self.make(topic, partitions, kept)?;
        }
        let led = soon(|| Ok(self.shape(topic)?.filter(|it| it.led)))?;
        let without = || Error::unavailable(PORT, format!("topic {topic} has no leader"));
        led.map(drop).ok_or_else(without)
    }

    fn make(&self, topic: &str, partitions: u16, kept: Kept) -> Result<(), Error> {
        let min_insync = self.min_insync.to_string();
        let batch_bytes_max = BATCH_BYTES_MAX.to_string();
        let replication = TopicReplication::Fixed(self.replication.into());
        let mut new = NewTopic::new(topic, partitions.into(), replication)
            .set("min.insync.replicas", &min_insync)
            .set("max.message.bytes", &batch_bytes_max)
            .set("compression.type", "producer");
        new.config.extend(kept.settings());
        if let Kept::Newest = kept {
            new = new.set("segment.bytes", SEGMENT_BYTES);
        }
        let options = AdminOptions::new().operation_timeout(Some(CALL_MAX));
        let made = self.runtime.block_on(self.admin.create_topics([&new], &options));
        match made.map_err(unavailable)?.into_iter().find_map(Result::err) {
            None => tracing::info!(topic, partitions, "topic is made"),
            Some((_, RDKafkaErrorCode::TopicAlreadyExists)) => (),
            Some((_, code)) => {
                let error = format!("topic {topic} can't be made: {code}");
                return Err(Error::unavailable(PORT, error));
            }
        }
        Ok(())
    }

    /// Refuses a topic of another size, or one on which records could be lost.
    pub(crate) fn check(&self, topic: &str, partitions: u16, kept: Kept) -> Result<(), Error> {
        let refuse = |what: String| Err(Error::unavailable(PORT, format!("topic {topic} {what}")));
        let Some(shape) = soon(|| self.shape(topic))? else { return refuse("is absent".into()) };
        if shape.partitions != usize::from(partitions) {
            return refuse(format!("has {} partitions, not {partitions}", shape.partitions));
        }
        if shape.replication < usize::from(self.replication) {
            let (found, asked) = (shape.replication, self.replication);
            return refuse(format!("has replication {found}, not {asked}"));
        }
        let Some(config) = soon(|| self.config(topic))? else {
            return refuse("does not show its settings".into());
        };
        let value = |name| config.get(name).and_then(|it| it.value.clone()).unwrap_or_default();
        for &(name, wanted) in kept.settings() {
            if value(name) != wanted {
                return refuse(format!("has {name}={}, not {wanted}", value(name)));
            }
        }
        let least = [
            ("min.insync.replicas", usize::from(self.min_insync)),
            ("max.message.bytes", BATCH_BYTES_MAX),
        ];
        for (name, least) in least {
            if value(name).parse::<usize>().unwrap_or_default() < least {
                return refuse(format!("has {name}={}, below {least}", value(name)));
            }
        }
        Ok(())
    }

    /// Asks for the ends of all partitions of a topic.
    pub(crate) fn ends(&self, topic: &str, partitions: u16) -> Result<Vec<u64>, Error> {
        ends(&self.consumer, topic, 0..partitions)
    }

    /// Asks for the end of one partition of a topic.
    pub(crate) fn end(&self, topic: &str, partition: Partition) -> Result<u64, Error> {
        Ok(ends(&self.consumer, topic, partition..partition + 1)?[0])
    }

    /// Nothing if the topic is absent.
    fn config(&self, topic: &str) -> Result<Option<ConfigResource>, Error> {
        let resource = ResourceSpecifier::Topic(topic);
        let described = self.admin.describe_configs([&resource], &AdminOptions::new());
        let described = self.runtime.block_on(described).map_err(unavailable)?;
        match described.into_iter().next() {
            // A broker that has not heard of a new topic shows it without settings.
            Some(Ok(config)) => Ok(Some(config).filter(|it| !it.entries.is_empty())),
            None | Some(Err(RDKafkaErrorCode::UnknownTopicOrPartition)) => Ok(None),
            Some(Err(code)) => Err(Error::unavailable(PORT, format!("topic {topic}: {code}"))),
        }
    }

    /// Why no broker answered.
    fn unreached(&self, error: KafkaError) -> Error {
        // The client tells its troubles to whoever polls it.
        for _ in 0..TROUBLES_MAX {
            let _ = self.consumer.poll(Duration::ZERO);
        }
        self.consumer.context().explained(error)
    }

    /// Nothing if the topic is absent.
    fn shape(&self, topic: &str) -> Result<Option<Shape>, Error> {
        let answer = self.consumer.fetch_metadata(Some(topic), CALL_MAX);
        let answer = answer.map_err(|it| self.unreached(it))?;
        let Some(found) = answer.topics().first() else { return Ok(None) };
        match found.error().map(RDKafkaErrorCode::from) {
            None => (),
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                return Ok(None);
            }
            Some(code) => {
                return Err(Error::unavailable(PORT, format!("topic {topic}: {code}")));
            }
        }
        let partitions = found.partitions();
        let Some(replication) = partitions.iter().map(|it| it.replicas().len()).min() else {
            return Ok(None);
        };
        let led = partitions.iter().all(|it| it.leader() >= 0);
        Ok(Some(Shape { partitions: partitions.len(), replication, led }))
    }
}

/// Asks until there is something: not every broker knows at once what was made.
fn soon<T>(ask: impl Fn() -> Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    for _ in 0..ASKED_MAX {
        let answer = ask()?;
        if answer.is_some() {
            return Ok(answer);
        }
        thread::sleep(ASK);
    }
    Ok(None)
}

/// Asks for the ends of partitions of a topic.
pub(crate) fn ends(
    consumer: &Consumer,
    topic: &str,
    partitions: Range<Partition>,
) -> Result<Vec<u64>, Error> {
    let mut moved = None;
    for _ in 0..ASKED_MAX {
        match asked_ends(consumer, topic, partitions.clone()) {
            Ok(ends) => return Ok(ends),
            Err(error) if moves(&error) => moved = Some(error),
            Err(error) => return Err(unavailable(error)),
        }
        thread::sleep(ASK);
    }
    Err(moved.map_or_else(|| Error::unavailable(PORT, "nothing was asked"), unavailable))
}

fn asked_ends(
    consumer: &Consumer,
    topic: &str,
    partitions: Range<Partition>,
) -> Result<Vec<u64>, KafkaError> {
    let mut asked = TopicPartitionList::new();
    for partition in partitions.clone() {
        asked.add_partition_offset(topic, partition.into(), Offset::End)?;
    }
    let answer = consumer.offsets_for_times(asked, CALL_MAX)?;
    let unsaid = || KafkaError::MetadataFetch(RDKafkaErrorCode::OffsetNotAvailable);
    let end = |partition: u16| {
        let found = answer.find_partition(topic, partition.into()).ok_or_else(unsaid)?;
        found.error()?;
        let Offset::Offset(end) = found.offset() else { return Err(unsaid()) };
        u64::try_from(end).map_err(|_| unsaid())
    };
    partitions.map(end).collect()
}

/// Whether leaders are being chosen, or have just been and do not know it yet.
fn moves(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::OffsetNotAvailable
                | RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::FencedLeaderEpoch
                | RDKafkaErrorCode::UnknownLeaderEpoch
                | RDKafkaErrorCode::ReplicaNotAvailable
        )
    )
}
