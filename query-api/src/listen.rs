//! Follows the announcements of all partitions without a gap: a hole is read from the timeline.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};

use chat::checkpoint::Checkpoint;
use chat::kernel::document::Document;
use chat::timeline::{Announcement, Timeline};
use ports::documents::{Order, Scan};
use ports::event_log::{Partition, Position};
use ports::{Error, Ports};

use crate::frame::Shown;

/// How long a read waits for the documents to catch up.
pub(crate) const REACH_TIMEOUT: Duration = Duration::from_secs(3);

/// Pause before a failed read of the timeline is tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// Events read from the timeline at once.
const PAGE: usize = 500;

/// Events handed on together at most.
const TOGETHER_MAX: usize = 64;

/// Those who wait for one place.
type Waiters = Vec<oneshot::Sender<()>>;

/// How far the documents of each partition have come, as this node knows.
pub(crate) struct Saved {
    ordinals: Vec<AtomicU64>,
    /// Goes up whenever documents have changed.
    version: AtomicU64,
    waiters: Mutex<BTreeMap<(Partition, u64), Waiters>>,
}

impl Saved {
    pub(crate) fn new(partitions: u16) -> Self {
        let ordinals = (0..partitions).map(|_| AtomicU64::new(0)).collect();
        Self { ordinals, version: AtomicU64::new(0), waiters: Mutex::default() }
    }

    pub(crate) fn ordinal(&self, partition: Partition) -> u64 {
        self.ordinals[usize::from(partition)].load(Ordering::Acquire)
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn set(&self, partition: Partition, ordinal: u64) {
        self.ordinals[usize::from(partition)].fetch_max(ordinal, Ordering::AcqRel);
        self.version.fetch_add(1, Ordering::AcqRel);
        let mut waiters = self.waiters.lock().expect("no holder of the lock panics");
        let later = waiters.split_off(&(partition, ordinal + 1));
        let mut before = std::mem::replace(&mut *waiters, later);
        let reached = before.split_off(&(partition, 0));
        waiters.append(&mut before);
        drop(waiters);
        for waiter in reached.into_values().flatten() {
            // Whoever waited may have given up.
            let _ = waiter.send(());
        }
    }

    /// The position that everything saved stands for.
    pub(crate) fn position(&self, start: Position) -> Position {
        let mut position = start;
        for (partition, ordinal) in (0..).zip(&self.ordinals) {
            position.advance(partition, ordinal.load(Ordering::Acquire));
        }
        position
    }

    /// Waits, bounded, until a position is saved.
    pub(crate) async fn reach(&self, position: &Position) -> bool {
        let mut waits = Vec::new();
        for (partition, ordinal) in position.iter() {
            if self.ordinal(partition) >= ordinal {
                continue;
            }
            let (sender, receiver) = oneshot::channel();
            let mut waiters = self.waiters.lock().expect("no holder of the lock panics");
            waiters.entry((partition, ordinal)).or_default().push(sender);
            drop(waiters);
            // It may have been reached between the look and the registration.
            if self.ordinal(partition) < ordinal {
                waits.push(receiver);
            }
        }
        let all = futures_util::future::join_all(waits);
        tokio::time::timeout(REACH_TIMEOUT, all).await.is_ok()
    }
}

/// What is handed on to fan-out.
pub(crate) enum Heard {
    /// Events that follow each other, or what passes.
    Shown(Vec<Shown>),
    /// Up to that ordinal nothing else can be read.
    Over(Partition, u64),
}

/// Reads announcements and hands events on in order, each once.
pub(crate) struct Listener {
    pub(crate) ports: Ports,
    pub(crate) saved: Arc<Saved>,
    pub(crate) heard: mpsc::Sender<Heard>,
}

impl Listener {
    /// Listens for ever. It subscribes before it looks where the documents are, so that nothing
    /// falls between.
    pub(crate) async fn start(self) -> Result<(), Error> {
        let mut subscription = self.ports.bus.subscribe().await?;
        for partition in 0..self.ports.event_log.identity().partitions {
            let checkpoint = Checkpoint::load(&*self.ports.documents, partition).await?;
            self.saved.set(partition, checkpoint.fold.ordinal);
        }
        ports::spawn("announcements", async move {
            loop {
                let mut told = subscription.next().await;
                let lost = told.is_none();
                // Losses that stand in line are made good together.
                while told.is_none()
                    && let Some(next) = subscription.next().now_or_never()
                {
                    told = next;
                }
                if lost {
                    self.catch_up_all().await;
                }
                if let Some(announcement) = told {
                    self.hear(&announcement.payload).await;
                }
            }
        });
        Ok(())
    }

    async fn hear(&self, payload: &[u8]) {
        match serde_json::from_slice(payload) {
            Ok(Announcement::Events(events)) => {
                let Some(first) = events.first() else { return };
                let (partition, before) = (first.partition, first.ordinal - 1);
                if before > self.saved.ordinal(partition) {
                    self.catch_up(partition, before).await;
                }
                self.hand_on(events).await;
            }
            Ok(Announcement::Head { partition, ordinal }) => {
                self.catch_up(partition, ordinal).await;
            }
            Ok(Announcement::Ephemeral(it)) => {
                // Passing facts may be lost; they never hold up what may not.
                let passing = Heard::Shown(vec![Shown::Passing(Arc::new(it))]);
                let _ = self.heard.try_send(passing);
            }
            Err(error) => tracing::warn!(error = %error, "an announcement can't be read"),
        }
    }

    async fn catch_up_all(&self) {
        metrics::counter!("parlance_announcements_lost_total").increment(1);
        for partition in 0..self.ports.event_log.identity().partitions {
            match Checkpoint::load(&*self.ports.documents, partition).await {
                Ok(checkpoint) => self.catch_up(partition, checkpoint.fold.ordinal).await,
                Err(error) => tracing::warn!(error = %error, "a checkpoint can't be read"),
            }
        }
    }

    /// Reads what was not announced, up to an ordinal.
    async fn catch_up(&self, partition: Partition, to: u64) {
        while self.saved.ordinal(partition) < to {
            let from = self.saved.ordinal(partition) + 1;
            match between(&self.ports, partition, from, to).await {
                Ok(events) => {
                    self.hand_on(events).await;
                    if self.saved.ordinal(partition) < from {
                        // What can't be read has no place in the timeline: pass over it.
                        self.saved.set(partition, to);
                        let _ = self.heard.send(Heard::Over(partition, to)).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "the timeline can't be read");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Hands on what is new of events that follow each other.
    async fn hand_on(&self, mut events: Vec<Timeline>) {
        events.retain(|it| it.ordinal > self.saved.ordinal(it.partition));
        let Some(last) = events.last() else { return };
        self.saved.set(last.partition, last.ordinal);
        let mut events = events.into_iter().map(|it| Shown::Event(Arc::new(it))).peekable();
        while events.peek().is_some() {
            let shown = events.by_ref().take(TOGETHER_MAX).collect();
            // The receiver lives as long as the process.
            let _ = self.heard.send(Heard::Shown(shown)).await;
        }
    }
}

async fn between(
    ports: &Ports,
    partition: Partition,
    from: u64,
    to: u64,
) -> Result<Vec<Timeline>, Error> {
    let scan = Scan {
        collection: Timeline::COLLECTION.name,
        index: None,
        from: Timeline::id(partition, from),
        to: Timeline::id(partition, to + 1),
        order: Order::Ascending,
        limit: PAGE,
    };
    let found = ports.documents.scan(scan).await?;
    let bodies = found.into_iter().filter_map(|it| it.stored.body);
    let events = bodies.map(|it| serde_json::from_slice(&it));
    events.collect::<Result<_, _>>().map_err(|it| Error::corrupt("documents", it))
}
