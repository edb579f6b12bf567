//! Follows each partition of the log and keeps the public topics up to date, apart from documents.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use chat::kernel::StreamId;
use chat::kernel::codec::{Batch, Unreadable};
use ports::event_log::{Entry, EventLog, Partition, Record, Verdict};
use ports::publication::{Event, Publication};
use ports::{Error, Ports};

use crate::progress::Progress;

/// Records read at once.
const READ_MAX: usize = 256;

/// Readings of the log at the same time: those that fold it into documents need the other half.
const READING_MAX: usize = 2;

/// How long a partition rests after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Publishes partitions of the log; how far each has come is kept beside the public topics, so a
/// rebuild of the documents publishes nothing again.
#[derive(Clone)]
pub(crate) struct Publishing {
    log: Arc<dyn EventLog>,
    publication: Arc<dyn Publication>,
    progress: Arc<Progress>,
    readings: Arc<Semaphore>,
}

impl Publishing {
    pub(crate) fn new(
        ports: &Ports,
        publication: Arc<dyn Publication>,
        progress: &Arc<Progress>,
    ) -> Self {
        let (log, progress) = (Arc::clone(&ports.event_log), Arc::clone(progress));
        let readings = Arc::new(Semaphore::new(READING_MAX));
        Self { log, publication, progress, readings }
    }

    /// Publishes one partition until it is dropped.
    pub(crate) async fn run(self, partition: Partition) {
        let _leaving = Leaving { progress: &self.progress, partition };
        loop {
            let Err(error) = self.follow(partition).await;
            tracing::warn!(partition, error = %error, "publishing rests");
            metrics::counter!("parlance_publication_failures_total").increment(1);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow(&self, partition: Partition) -> Result<Infallible, Error> {
        let mut fold = self.publication.checkpoint(partition).await?.unwrap_or_default();
        self.progress.publication.set(partition, &fold);
        loop {
            let entries = self.read(partition, fold.pos).await?;
            if entries.is_empty() {
                self.log.wait(partition, fold.pos).await?;
                continue;
            }
            let mut events = Vec::with_capacity(entries.len());
            for entry in entries {
                let verdict = fold.step(entry.offset, &entry.bytes);
                let verdict = verdict.map_err(|it| Error::corrupt("event log", it))?;
                if let Verdict::Accepted { record, first_ordinal } = verdict {
                    // Unlike a document, a reader of the topics can't be told later what was left
                    // out: a newer version has to publish what this one can't read.
                    let read = public(&record, first_ordinal, &mut events);
                    read.map_err(|it| Error::corrupt("event log", it))?;
                }
            }
            let count = events.len() as u64;
            self.publication.publish(partition, events, fold.clone()).await?;
            self.progress.publication.set(partition, &fold);
            metrics::counter!("parlance_events_published_total").increment(count);
        }
    }

    async fn read(&self, partition: Partition, from: u64) -> Result<Vec<Entry>, Error> {
        let _one = self.readings.acquire().await.expect("nobody closes it");
        self.log.read(partition, from, READ_MAX).await
    }
}

/// The public events of an accepted record.
fn public(record: &Record, first_ordinal: u64, events: &mut Vec<Event>) -> Result<(), Unreadable> {
    let batch = Batch::decode(&record.payload)?;
    let stream: StreamId = batch.stream_id.parse().map_err(|_| Unreadable)?;
    for event in batch.public(record, first_ordinal) {
        let event = event?;
        events.push(Event {
            kind: stream.kind(),
            stream: batch.stream_id.clone(),
            name: event.subject,
            bytes: event.bytes(),
        });
    }
    Ok(())
}

/// Tells that a partition is published here no longer, however that ends.
struct Leaving<'a> {
    progress: &'a Progress,
    partition: Partition,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.progress.publication.leave(self.partition);
    }
}
