//! Follows the ends of all partitions, so that what others append is known as soon as it is there.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::PORT;
use super::recent::{Fault, Recent};
use crate::Error;
use crate::event_log::Partition;
use crate::kafka::{self, Consumer, Settings, is_gone, unavailable};

/// How soon the thread ends after the log was dropped.
const POLL: Duration = Duration::from_millis(100);

/// Follows the log until it is dropped.
pub(super) struct Tail {
    _alive: Arc<()>,
}

impl Tail {
    /// Starts to follow the partitions from their known ends.
    pub(super) fn start(settings: &Settings, recent: Arc<Recent>) -> Result<Self, Error> {
        let consumer = kafka::consumer(&settings.consumer())?;
        let alive = Arc::new(());
        let watched = Arc::downgrade(&alive);
        let follower = Follower { consumer, topic: settings.log.clone(), recent };
        follower.assign().map_err(unavailable)?;
        thread::Builder::new()
            .name("log-tail".into())
            .spawn(move || follower.run(&watched))
            .map_err(|it| Error::unavailable(PORT, it))?;
        Ok(Self { _alive: alive })
    }
}

struct Follower {
    consumer: Consumer,
    topic: String,
    recent: Arc<Recent>,
}

impl Follower {
    fn assign(&self) -> Result<(), KafkaError> {
        let mut assigned = TopicPartitionList::new();
        for partition in self.recent.partitions() {
            // One that has failed would fail again and again.
            if let Ok(end) = self.recent.healthy_end(partition) {
                let end = Offset::Offset(end.cast_signed());
                assigned.add_partition_offset(&self.topic, partition.into(), end)?;
            }
        }
        self.consumer.assign(&assigned)
    }

    fn run(self, alive: &Weak<()>) {
        while alive.strong_count() > 0 {
            match self.consumer.poll(POLL) {
                None => (),
                Some(Ok(message)) => {
                    let partition = Partition::try_from(message.partition());
                    let offset = u64::try_from(message.offset());
                    if let (Ok(partition), Ok(offset)) = (partition, offset) {
                        self.recent.found(partition, offset, message.payload().unwrap_or_default());
                    }
                }
                Some(Err(error)) if is_gone(&error) => self.look_for_loss(&error),
                // The client goes on by itself, from where it was.
                Some(Err(error)) => tracing::debug!(error = %error, "the log's tail waits"),
            }
        }
    }

    /// The place of some partition is not there; the client does not say of which one.
    fn look_for_loss(&self, error: &KafkaError) {
        // Known before the brokers are asked, since appends are acknowledged meanwhile.
        let known: Vec<u64> = self.recent.partitions().map(|it| self.recent.end(it)).collect();
        let ends = kafka::ends(&self.consumer, &self.topic, 0..self.recent.count());
        let ends = ends.unwrap_or_else(|unanswered| {
            tracing::warn!(error = %unanswered, "the log's tail does not know where it is");
            known.clone()
        });
        for ((partition, known), end) in self.recent.partitions().zip(known).zip(ends) {
            if end < known {
                tracing::error!(partition, end, known, error = %error, "the log has lost records");
                self.recent.fail(partition, Fault::Lost);
            }
        }
        if let Err(error) = self.assign() {
            tracing::error!(error = %error, "the log's tail can't go on");
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        for partition in self.recent.partitions() {
            self.recent.fail(partition, Fault::Stopped);
        }
    }
}
