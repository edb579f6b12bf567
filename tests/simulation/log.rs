//! A log that survives its nodes, whose appends may be lost, doubled, late or out of order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ports::Error;
use ports::event_log::{Ack, Entry, EventLog, Identity, Partition, Standing};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::sim::{Sim, outside, unavailable, unknown};

const PORT: &str = "event log";

/// The records of all partitions.
pub(crate) struct LogStore {
    sim: Arc<Sim>,
    parts: Vec<Part>,
}

struct Part {
    landed: Mutex<Landed>,
    grown: Notify,
}

#[derive(Default)]
struct Landed {
    entries: Vec<Entry>,
    next: u64,
}

impl LogStore {
    pub(crate) fn new(sim: &Arc<Sim>) -> Arc<Self> {
        let part = |_| Part { landed: Mutex::default(), grown: Notify::new() };
        let parts = (0..sim.config.partitions).map(part).collect();
        Arc::new(Self { sim: Arc::clone(sim), parts })
    }

    pub(crate) fn identity(&self) -> Identity {
        let partitions = self.sim.config.partitions;
        Identity { log: [7; 16], epoch: 0, partitions, restores: Arc::new([]) }
    }

    fn part(&self, partition: Partition) -> &Part {
        &self.parts[usize::from(partition)]
    }

    fn land(&self, partition: Partition, bytes: Bytes) -> u64 {
        let part = self.part(partition);
        let mut landed = part.landed.lock().expect("a lock");
        let gap = if self.sim.dice.happens(300) { self.sim.dice.between(1, 3) } else { 0 };
        let offset = landed.next + gap;
        landed.next = offset + 1;
        landed.entries.push(Entry { offset, bytes });
        drop(landed);
        part.grown.notify_waiters();
        offset
    }

    pub(crate) fn end(&self, partition: Partition) -> u64 {
        self.part(partition).landed.lock().expect("a lock").next
    }

    pub(crate) fn entries(&self, partition: Partition) -> Vec<Entry> {
        self.part(partition).landed.lock().expect("a lock").entries.clone()
    }

    fn from(&self, partition: Partition, from: u64, limit: usize) -> Vec<Entry> {
        let landed = self.part(partition).landed.lock().expect("a lock");
        let first = landed.entries.partition_point(|it| it.offset < from);
        landed.entries[first..].iter().take(limit).cloned().collect()
    }
}

/// The log as one node reaches it.
pub(crate) struct SimLog {
    pub(crate) node: usize,
    pub(crate) sim: Arc<Sim>,
    pub(crate) store: Arc<LogStore>,
    /// When the last append of each partition lands: they keep their order unless a fault strikes.
    last: Vec<Mutex<Option<Instant>>>,
}

impl SimLog {
    pub(crate) fn new(node: usize, sim: &Arc<Sim>, store: &Arc<LogStore>) -> Self {
        let last = (0..sim.config.partitions).map(|_| Mutex::new(None)).collect();
        Self { node, sim: Arc::clone(sim), store: Arc::clone(store), last }
    }

    /// Orders a landing, and says when it happened and where.
    fn landing(
        &self,
        partition: Partition,
        bytes: &Bytes,
        after: Duration,
        in_order: bool,
    ) -> oneshot::Receiver<u64> {
        let mut at = Instant::now() + after;
        if in_order {
            let mut last = self.last[usize::from(partition)].lock().expect("a lock");
            let step = Duration::from_millis(1);
            at = last.map_or(at, |it: Instant| at.max(it + step));
            *last = Some(at);
        }
        let (told, landed) = oneshot::channel();
        let (store, bytes) = (Arc::clone(&self.store), bytes.clone());
        outside(async move {
            tokio::time::sleep_until(at).await;
            // Whoever appended may be gone.
            let _ = told.send(store.land(partition, bytes));
        });
        landed
    }
}

impl EventLog for SimLog {
    fn identity(&self) -> Identity {
        self.store.identity()
    }

    fn standing(&self) -> Standing {
        Standing::Serving
    }

    fn stand(&self, _: Standing) -> BoxFuture<'_, Result<(), Error>> {
        // Nobody moves an instance here.
        async { Err(unavailable(PORT)) }.boxed()
    }

    fn append(
        &self,
        partition: Partition,
        record: Bytes,
    ) -> BoxFuture<'static, Result<Ack, Error>> {
        let (sim, node) = (Arc::clone(&self.sim), self.node);
        let config = &sim.config;
        let late = Duration::from_millis(sim.dice.between(300, 9_000));
        let answer = |outcome: Result<Ack, Error>| {
            let sim = Arc::clone(&sim);
            async move {
                sim.pass(node, "crash after append").await;
                outcome
            }
            .boxed()
        };
        if sim.strikes("append refused", config.append_refused) {
            return answer(Err(unavailable(PORT)));
        }
        if sim.strikes("append lost", config.append_lost) {
            return answer(Err(unknown(PORT)));
        }
        if sim.strikes("append late", config.append_late) {
            self.landing(partition, &record, late, false);
            return answer(Err(unknown(PORT)));
        }
        let in_order = !sim.strikes("append reordered", config.append_reordered);
        let wait = if in_order { sim.latency() } else { sim.latency() * 5 };
        let landed = self.landing(partition, &record, wait, in_order);
        if sim.strikes("append twice", config.append_twice) {
            let again = if sim.dice.happens(5_000) { late / 4 } else { wait + sim.latency() };
            self.landing(partition, &record, again, false);
        }
        if sim.strikes("append unheard", config.append_unheard) {
            return match sim.dice.happens(5_000) {
                true => answer(Err(unknown(PORT))),
                false => futures_util::future::pending().boxed(),
            };
        }
        let untold = sim.strikes("append without offset", config.append_untold);
        async move {
            let offset = landed.await.map_err(|_| unknown(PORT))?;
            sim.pass(node, "crash after append").await;
            Ok((!untold).then_some(offset))
        }
        .boxed()
    }

    fn read(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        async move {
            // What is read may be as of the call or as of the answer.
            let early = self.sim.dice.happens(3_000);
            let most = if self.sim.dice.happens(2_000) { self.sim.dice.between(1, 4) } else { 512 };
            let limit = limit.min(usize::try_from(most).expect("it is small"));
            let before = early.then(|| self.store.from(partition, from, limit));
            self.sim.pass(self.node, "crash after read").await;
            if self.sim.strikes("read refused", self.sim.config.read_refused) {
                return Err(unavailable(PORT));
            }
            let before = before.filter(|it| !it.is_empty() || self.store.end(partition) <= from);
            Ok(before.unwrap_or_else(|| self.store.from(partition, from, limit)))
        }
        .boxed()
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<u64, Error>> {
        async move {
            self.sim.pass(self.node, "crash at end").await;
            Ok(self.store.end(partition))
        }
        .boxed()
    }

    fn wait(&self, partition: Partition, from: u64) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            let part = self.store.part(partition);
            loop {
                let grown = part.grown.notified();
                tokio::pin!(grown);
                grown.as_mut().enable();
                if self.store.end(partition) > from {
                    break;
                }
                grown.await;
            }
            self.sim.pass(self.node, "crash after wait").await;
            Ok(())
        }
        .boxed()
    }
}
