//! Follows each partition of the log and keeps the documents up to date.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use chat::checkpoint::Checkpoint;
use chat::files::File;
use chat::kernel::codec::Batch;
use chat::kernel::document::Document;
use chat::kernel::event::Reaction;
use chat::kernel::{Keyring, Recorded};
use chat::media::Media;
use chat::outbox::Outgoing;
use chat::previews::LinkPreview;
use chat::timeline::{Announcement, Timeline};
use chat::timers::Timer;
use ports::bus::{self, Topic};
use ports::documents::Write;
use ports::event_log::signed::link;
use ports::event_log::{Partition, Rules, Verdict};
use ports::publication::Publication;
use ports::roster::Roster;
use ports::{Error, Ports};

use crate::acting::Acting;
use crate::fold::Folding;
use crate::progress::Progress;
use crate::publish::Publishing;
use crate::share::share;

/// Records read at once.
const READ_MAX: usize = 256;

/// Events in one announcement at most.
const TOGETHER_MAX: usize = 64;

/// Documents of a partition kept at hand.
const KEPT_MAX: usize = 2_048;

/// How long a partition rests after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the heads are announced, for those who lost an announcement.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Declares the collections and their indexes, to be read or written.
///
/// # Errors
/// When the documents can't be reached.
pub async fn declare(ports: &Ports) -> Result<(), Error> {
    let collections: Vec<_> = chat::PROJECTIONS.iter().map(|it| it.collection).collect();
    ports.documents.declare(&collections).await?;
    ports.documents.index().await
}

/// Declares the collections and starts a projection of every partition.
///
/// # Errors
/// When the documents can't be reached.
pub async fn start(ports: &Ports, keyring: &Arc<Keyring>) -> Result<Arc<Progress>, Error> {
    start_by(Rules::STRICT, ports, keyring).await
}

/// Starts projections that follow given rules; anything but the strict ones is for the simulation.
///
/// # Errors
/// When the documents can't be reached.
pub async fn start_by(
    rules: Rules,
    ports: &Ports,
    keyring: &Arc<Keyring>,
) -> Result<Arc<Progress>, Error> {
    declare(ports).await?;
    let progress = Progress::of_others(ports);
    for partition in 0..ports.event_log.identity().partitions {
        let consumer = Consumer::new(rules, partition, ports, keyring, &progress);
        ports::spawn("projection", consumer.run());
    }
    ports::spawn("heartbeat", heartbeat(ports.clone(), Arc::clone(&progress)));
    Ok(progress)
}

/// Declares the collections, then starts and ends projections, of the documents and of the public
/// topics, as partitions fall to this node and to others. Two nodes that fold one partition for a
/// while write the same documents and publish the same events.
///
/// # Errors
/// When the documents can't be reached.
pub async fn start_shared(
    ports: &Ports,
    keyring: &Arc<Keyring>,
    roster: Arc<Roster>,
    publication: Arc<dyn Publication>,
    acting: Acting,
) -> Result<Arc<Progress>, Error> {
    declare(ports).await?;
    let progress = Progress::of_others(ports);
    ports::spawn("heartbeat", heartbeat(ports.clone(), Arc::clone(&progress)));
    let publishing = Publishing::new(ports, publication, &progress);
    let (ports, keyring, shared) = (ports.clone(), Arc::clone(keyring), Arc::clone(&progress));
    ports::spawn(
        "projections",
        share(roster, move |partition| {
            let documents = Consumer::new(Rules::STRICT, partition, &ports, &keyring, &shared);
            let documents = ports::spawn("projection", documents.run());
            let publication = ports::spawn("publication", publishing.clone().run(partition));
            let [outbox, timers, previews, files, media] = acting.start_for(partition, &shared);
            [documents, publication, outbox, timers, previews, files, media]
        }),
    );
    Ok(progress)
}

async fn heartbeat(ports: Ports, progress: Arc<Progress>) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        for (partition, ordinal) in progress.documents.here() {
            let head = Announcement::Head { partition, ordinal };
            announce(&ports, partition, head.to_bytes()).await;
        }
    }
}

async fn announce(ports: &Ports, partition: Partition, payload: Bytes) {
    let announcement = bus::Announcement { topic: Topic::Events(partition), payload };
    if let Err(error) = ports.bus.publish(announcement).await {
        tracing::warn!(error = %error, "an announcement is lost");
    }
}

struct Consumer {
    rules: Rules,
    partition: Partition,
    ports: Ports,
    keyring: Arc<Keyring>,
    progress: Arc<Progress>,
    folding: Folding,
    checkpoint: Checkpoint,
}

impl Consumer {
    fn new(
        rules: Rules,
        partition: Partition,
        ports: &Ports,
        keyring: &Arc<Keyring>,
        progress: &Arc<Progress>,
    ) -> Self {
        Self {
            rules,
            partition,
            ports: ports.clone(),
            keyring: Arc::clone(keyring),
            progress: Arc::clone(progress),
            folding: Folding::new(Arc::clone(&ports.documents), KEPT_MAX),
            checkpoint: Checkpoint::default(),
        }
    }

    async fn run(mut self) {
        loop {
            let Err(error) = self.follow().await;
            tracing::warn!(partition = self.partition, error = %error, "the projection rests");
            metrics::counter!("parlance_projection_failures_total").increment(1);
            self.folding.forget();
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, Error> {
        let documents = Arc::clone(&self.ports.documents);
        self.checkpoint = Checkpoint::load(&*documents, self.partition).await?;
        self.announce_place();
        self.progress.trails.begin(self.partition, &self.checkpoint.fold);
        loop {
            let log = Arc::clone(&self.ports.event_log);
            let pos = self.checkpoint.fold.pos;
            let entries = log.read(self.partition, pos, READ_MAX).await?;
            if entries.is_empty() {
                log.wait(self.partition, pos).await?;
                continue;
            }
            let mut events = Vec::with_capacity(entries.len());
            let mut links = Vec::with_capacity(entries.len());
            for entry in entries {
                let verdict = self.checkpoint.fold.step_by(self.rules, entry.offset, &entry.bytes);
                let verdict = verdict.map_err(|it| Error::corrupt("event log", it))?;
                if matches!(verdict, Verdict::Accepted { .. }) {
                    links.push(link(&self.checkpoint.fold.chain));
                }
                events.extend(accepted(self.partition, verdict));
            }
            self.save(&events).await?;
            self.progress.trails.extend(self.partition, &links, &self.checkpoint.fold);
        }
    }

    async fn save(&mut self, events: &[Recorded]) -> Result<(), Error> {
        events.iter().for_each(|it| self.checkpoint.cover(it));
        for reaction in events.iter().flat_map(chat::reactions) {
            let Reaction::DestroyKey { tree, leaf } = reaction;
            self.keyring.puncture(tree, leaf).await?;
        }
        let writes = self.folding.fold(events).await?;
        let announced = announced(&writes);
        let writes_to = |name| writes.iter().any(|it| it.key.collection == name);
        let sends = writes_to(Outgoing::COLLECTION.name);
        let times = writes_to(Timer::COLLECTION.name);
        let previews = writes_to(LinkPreview::COLLECTION.name);
        let files = writes_to(File::COLLECTION.name);
        let media = writes_to(Media::COLLECTION.name);
        let mark = self.checkpoint.mark();
        self.ports.documents.write(self.partition, writes, mark).await?;
        self.announce_place();
        if sends {
            self.progress.outbox[usize::from(self.partition)].notify_one();
        }
        if times {
            self.progress.timers[usize::from(self.partition)].notify_one();
        }
        if previews {
            self.progress.previews[usize::from(self.partition)].notify_one();
        }
        if files {
            self.progress.files[usize::from(self.partition)].notify_one();
        }
        if media {
            self.progress.media[usize::from(self.partition)].notify_one();
        }
        metrics::counter!("parlance_events_projected_total").increment(events.len() as u64);
        for event in events {
            let trace = event.command.client_id.simple();
            tracing::debug!(
                trace.id = %trace, partition = self.partition, ordinal = event.ordinal, "projected"
            );
            let lag_ms = self.ports.clock.now_ms() - event.occurred_at.0;
            metrics::histogram!("parlance_projection_seconds").record(lag_ms as f64 / 1_000.0);
        }
        for payload in announced {
            announce(&self.ports, self.partition, payload).await;
        }
        Ok(())
    }

    fn announce_place(&self) {
        let fold = &self.checkpoint.fold;
        self.progress.documents.set(self.partition, fold);
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.progress.documents.leave(self.partition);
        self.progress.trails.leave(self.partition);
    }
}

/// The timeline's new documents as announcements, in order.
fn announced(writes: &[Write]) -> Vec<Bytes> {
    let timeline = writes.iter().filter(|it| it.key.collection == Timeline::COLLECTION.name);
    let bodies: Vec<&[u8]> = timeline.filter_map(|it| it.body.as_deref()).collect();
    bodies.chunks(TOGETHER_MAX).map(Announcement::of_stored).collect()
}

/// The events of an accepted record; one that can't be read is told and passed over, so that it
/// holds up only its own stream.
pub(crate) fn accepted(partition: Partition, verdict: Verdict) -> Vec<Recorded> {
    let Verdict::Accepted { record, first_ordinal } = verdict else { return Vec::new() };
    let events = Batch::decode(&record.payload)
        .and_then(|it| it.recorded(partition, record.header.first_seq, first_ordinal));
    events.unwrap_or_else(|_| {
        tracing::error!(partition, ordinal = first_ordinal, "a record's payload can't be read");
        metrics::counter!("parlance_events_unreadable_total").increment(1);
        Vec::new()
    })
}
