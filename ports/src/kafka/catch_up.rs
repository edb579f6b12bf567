//! Reads records that are not at hand, by a few clients that stay where they have read to.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::sync::Semaphore;

use super::settings::{self, Consumer, Settings};
use super::{PORT, is_gone, unavailable};
use crate::Error;
use crate::event_log::{Entry, Partition};

/// Readings at the same time at most.
const CLIENTS_MAX: usize = 4;

/// Records that a client fetches ahead, in KiB.
const AHEAD_KIB: &str = "4096";

const POLL: Duration = Duration::from_millis(100);

/// Polls without a record until the brokers count as unreachable.
const SILENT_POLLS_MAX: u32 = 80;

/// Polls without a record until a partition that is said to have ended has: the client may mean
/// an end that it saw earlier, and a new leader may not know yet how much is acknowledged.
const ENDED_POLLS_MAX: u32 = 10;

pub(crate) struct CatchUp {
    config: ClientConfig,
    topic: String,
    idle: Mutex<Vec<Reader>>,
    permits: Arc<Semaphore>,
}

struct Reader {
    consumer: Consumer,
    /// What it would read next.
    at: Option<(Partition, u64)>,
}

/// A page of a partition, none of it at or beyond `end`.
#[derive(Clone, Copy)]
struct Page {
    partition: Partition,
    from: u64,
    limit: usize,
    end: u64,
}

impl CatchUp {
    pub(crate) fn new(settings: &Settings, topic: String) -> Self {
        let mut config = settings.consumer();
        config
            .set("enable.partition.eof", "true")
            .set("queued.max.messages.kbytes", AHEAD_KIB)
            // A client that was at an end asks there once more before it reads elsewhere.
            .set("fetch.wait.max.ms", "20");
        let permits = Arc::new(Semaphore::new(CLIENTS_MAX));
        Self { config, topic, idle: Mutex::default(), permits }
    }

    /// Reads a page of a partition that ends at `end`, as far as is known.
    pub(crate) fn read(
        self: &Arc<Self>,
        partition: Partition,
        from: u64,
        limit: usize,
        end: u64,
    ) -> BoxFuture<'static, Result<Vec<Entry>, Error>> {
        let this = Arc::clone(self);
        let page = Page { partition, from, limit, end };
        async move {
            let permit = Arc::clone(&this.permits).acquire_owned().await;
            // The client's own calls block. Whoever stops waiting leaves a reading that ends soon.
            let read = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                this.read_now(page)
            });
            read.await.map_err(|it| Error::unavailable(PORT, it))?
        }
        .boxed()
    }

    /// Reads the first records of a topic that has one partition and may be empty.
    pub(crate) fn first(&self, limit: usize, end: u64) -> Result<Vec<Bytes>, Error> {
        let entries = self.read_now(Page { partition: 0, from: 0, limit, end })?;
        Ok(entries.into_iter().map(|it| it.bytes).collect())
    }

    fn read_now(&self, page: Page) -> Result<Vec<Entry>, Error> {
        let mut reader = self.reader(page)?;
        // One that has failed ends: it might tell the same failure to the next reading.
        let entries = reader.read(&self.topic, page)?;
        self.idle.lock().expect("no holder of the lock panics").push(reader);
        Ok(entries)
    }

    /// Prefers the client that is there already, then one that is nowhere, and takes one from its
    /// place only if there are many.
    fn reader(&self, page: Page) -> Result<Reader, Error> {
        let mut idle = self.idle.lock().expect("no holder of the lock panics");
        let find = |at| idle.iter().position(|it| it.at == at);
        let found = find(Some((page.partition, page.from))).or_else(|| find(None));
        if let Some(found) = found.or_else(|| (idle.len() >= CLIENTS_MAX).then_some(0)) {
            return Ok(idle.remove(found));
        }
        drop(idle);
        Ok(Reader { consumer: settings::consumer(&self.config)?, at: None })
    }
}

impl Drop for CatchUp {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut *self.idle.lock().expect("no holder of the lock panics"));
        if !idle.is_empty() {
            // Clients end slowly, and the log may be dropped where nothing may block.
            let _ = thread::Builder::new().name("log-readers".into()).spawn(move || drop(idle));
        }
    }
}

impl Reader {
    fn read(&mut self, topic: &str, page: Page) -> Result<Vec<Entry>, Error> {
        if self.at.take() != Some((page.partition, page.from)) {
            self.go(topic, page).map_err(unavailable)?;
        }
        let mut entries = Vec::new();
        let mut next = page.from;
        let (mut silent, mut ended) = (0, false);
        while entries.len() < page.limit && next < page.end {
            match self.consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let offset = u64::try_from(message.offset()).unwrap_or_default();
                    if message.partition() == i32::from(page.partition) && offset >= next {
                        let bytes = Bytes::copy_from_slice(message.payload().unwrap_or_default());
                        entries.push(Entry { offset, bytes });
                        (next, silent, ended) = (offset + 1, 0, false);
                    }
                }
                Some(Err(error)) if is_gone(&error) => return Err(Error::corrupt(PORT, error)),
                Some(Err(KafkaError::PartitionEOF(_))) => ended = true,
                Some(Err(error)) => refused(error)?,
                None => silent += 1,
            }
            if ended && silent > ENDED_POLLS_MAX {
                break;
            }
            if silent > SILENT_POLLS_MAX {
                return Err(Error::unavailable(PORT, "the brokers do not answer"));
            }
        }
        if next < page.end && !ended {
            self.at = Some((page.partition, next));
        } else {
            // It would go on asking for what comes after.
            self.consumer.unassign().map_err(unavailable)?;
        }
        Ok(entries)
    }

    fn go(&self, topic: &str, page: Page) -> Result<(), KafkaError> {
        let mut assigned = TopicPartitionList::new();
        let from = Offset::Offset(page.from.cast_signed());
        assigned.add_partition_offset(topic, page.partition.into(), from)?;
        self.consumer.assign(&assigned)
    }
}

/// Most failures end by themselves, as when a broker restarts; no rights do not.
fn refused(error: KafkaError) -> Result<(), Error> {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => Err(unavailable(error)),
        _ => {
            tracing::debug!(error = %error, "a reading of the log waits");
            Ok(())
        }
    }
}
