//! The owner of one partition: claims it, decides its commands in order, follows the verdicts.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;

use chat::checkpoint::Checkpoint;
use chat::kernel::codec::Batch;
use chat::kernel::keyring::LEAVES;
use chat::kernel::{Accepted, Failure, Keyring, Recorded, StreamId, Timestamp};
use ports::Ports;
use ports::event_log::{Ack, Fold, OwnerId, Partition, Rules, Verdict};
use ports::roster::Roster;

use crate::leaves::Leaves;
use crate::recent::{CommandKey, Done, Recent};
use crate::router::{Known, Reply, Request};
use crate::shelf::{Shelf, TAIL_MAX};

/// Records in flight at most.
pub(crate) const IN_FLIGHT_MAX: usize = 64;

/// How long a record may be without a verdict before the owner gives up its term.
const VERDICT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a new owner waits for its claim, and before it claims again.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(2);
const CLAIM_PAUSE: Duration = Duration::from_millis(50);

/// Records read at once.
pub(crate) const READ_MAX: usize = 512;

/// Events by which the tail grows before the checkpoint is looked at again.
const TRIM_EVERY: usize = 512;

/// What became of an append: its index, the record and the log's answer.
type Answered = (u64, Bytes, Result<Ack, ports::Error>);

/// The term has ended: somebody else has claimed, or what happened is not known.
pub(crate) struct SteppedDown;

/// One partition's writer.
pub(crate) struct Owner {
    pub(crate) rules: Rules,
    pub(crate) known: Known,
    pub(crate) partition: Partition,
    pub(crate) ports: Ports,
    pub(crate) keyring: Arc<Keyring>,
    inbox: mpsc::Receiver<Request>,
    /// Says whether to claim again, where partitions are shared between nodes.
    roster: Option<Arc<Roster>>,
    /// What has been accepted.
    pub(crate) fold: Fold,
    pub(crate) me: OwnerId,
    /// What will have been accepted once everything in flight is.
    pub(crate) ahead: Ahead,
    pub(crate) leaves: Leaves,
    pub(crate) shelf: Shelf,
    pub(crate) recent: Recent,
    pub(crate) heads: HashMap<StreamId, Head>,
    /// Streams of which a record can't be read; they are refused until that is mended.
    pub(crate) quarantined: HashSet<[u8; 16]>,
    pub(crate) pending: VecDeque<Pending>,
    pub(crate) barriers: VecDeque<Barrier>,
    acks: FuturesUnordered<BoxFuture<'static, Answered>>,
    pub(crate) stash: BTreeMap<u64, Bytes>,
    trim_at: usize,
}

/// The speculative end of the partition.
#[derive(Default)]
pub(crate) struct Ahead {
    pub(crate) n: u64,
    pub(crate) chain: [u8; 32],
    pub(crate) ordinal: u64,
}

/// The speculative end of a stream.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) seq: u64,
    pub(crate) occurred_at: Timestamp,
}

/// A record in flight.
pub(crate) struct Pending {
    pub(crate) n: u64,
    pub(crate) ordinal: u64,
    pub(crate) replies: Vec<(Reply, Result<Accepted, Failure>)>,
}

/// An answer that may be given once what it rests on is accepted and the ownership confirmed.
pub(crate) struct Barrier {
    pub(crate) n: u64,
    pub(crate) pos: u64,
    pub(crate) reply: Reply,
    pub(crate) outcome: Result<Accepted, Failure>,
}

impl Owner {
    pub(crate) fn new(
        (rules, known): (Rules, Known),
        partition: Partition,
        ports: Ports,
        keyring: Arc<Keyring>,
        inbox: mpsc::Receiver<Request>,
        roster: Option<Arc<Roster>>,
    ) -> Self {
        Self {
            rules,
            known,
            partition,
            ports,
            keyring,
            inbox,
            roster,
            fold: Fold::default(),
            me: [0; 16],
            ahead: Ahead::default(),
            leaves: Leaves::new(0, 0),
            shelf: Shelf::new(),
            recent: Recent::default(),
            heads: HashMap::new(),
            quarantined: HashSet::new(),
            pending: VecDeque::new(),
            barriers: VecDeque::new(),
            acks: FuturesUnordered::new(),
            stash: BTreeMap::new(),
            trim_at: TRIM_EVERY,
        }
    }

    /// Owns the partition until nobody can send commands any more.
    pub(crate) async fn run(mut self) {
        loop {
            match self.take_over().await {
                Ok(()) => {
                    if self.serve().await.is_ok() {
                        return;
                    }
                    metrics::counter!("parlance_partition_terms_lost_total").increment(1);
                }
                Err(error) => {
                    tracing::warn!(partition = self.partition, error = %error, "no ownership");
                }
            }
            self.step_down();
            if self.inbox.is_closed() && self.inbox.is_empty() {
                return;
            }
            tokio::time::sleep(CLAIM_PAUSE).await;
            // Somebody else has claimed, perhaps while this process stood still: what has fallen
            // to another node is not taken back.
            if let Some(roster) = &self.roster
                && !roster.confirm(self.partition).await
            {
                return;
            }
        }
    }

    /// Reads the tail beyond the checkpoint, claims the partition and waits for the claim.
    async fn take_over(&mut self) -> Result<(), ports::Error> {
        let checkpoint = Checkpoint::load(&*self.ports.documents, self.partition).await?;
        self.recent = Recent::after(checkpoint.highest_client_ms);
        self.fold = checkpoint.fold;
        self.shelf = Shelf::new();
        self.heads.clear();
        self.read_to_end().await?;
        self.me = self.ports.entropy.bytes();
        let closed = || ports::Error::unavailable("event log", "the partition is closed");
        let claim = self.fold.next_claim(self.me).ok_or_else(closed)?;
        let append = self.ports.event_log.append(self.partition, claim.record().encode());
        if let Err(error) = append.await
            && error.kind == ports::ErrorKind::Unavailable
        {
            return Err(error);
        }
        if !self.rules.serve_after_own_claim {
            self.fold.term = claim.term;
            self.fold.owner = self.me;
            self.fold.next = 0;
        }
        while self.fold.term < claim.term {
            let wait = self.ports.event_log.wait(self.partition, self.fold.pos);
            let waited = tokio::time::timeout(CLAIM_TIMEOUT, wait).await;
            waited.map_err(|_| ports::Error::unavailable("event log", "the claim is lost"))??;
            self.read_to_end().await?;
        }
        if self.fold.owner != self.me {
            return Err(ports::Error::unavailable("event log", "somebody else has claimed"));
        }
        let fold = &self.fold;
        self.ahead = Ahead { n: fold.next, chain: fold.chain, ordinal: fold.ordinal };
        // Above all that records of this term may have taken.
        self.leaves = Leaves::new(fold.term, fold.next * LEAVES);
        Ok(())
    }

    /// Folds every record that can be read.
    async fn read_to_end(&mut self) -> Result<(), ports::Error> {
        loop {
            let log = Arc::clone(&self.ports.event_log);
            let entries = log.read(self.partition, self.fold.pos, READ_MAX).await?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                let verdict = self.fold.step_by(self.rules, entry.offset, &entry.bytes);
                let verdict = verdict.map_err(|it| ports::Error::corrupt("event log", it))?;
                if let Verdict::Accepted { record, first_ordinal } = verdict {
                    self.learn(&record, first_ordinal);
                }
            }
        }
    }

    /// Remembers the events of a record that somebody appended.
    pub(crate) fn learn(&mut self, record: &ports::event_log::Record, first_ordinal: u64) {
        let header = &record.header;
        let events = Batch::decode(&record.payload)
            .and_then(|it| it.recorded(self.partition, header.first_seq, first_ordinal));
        match events {
            Ok(events) => self.remember(events),
            Err(_) => {
                tracing::error!(partition = self.partition, "a record's payload can't be read");
                self.quarantined.insert(header.stream);
            }
        }
    }

    /// Takes the events of one command into everything that decisions rest on.
    pub(crate) fn remember(&mut self, events: Vec<Recorded>) {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
        if let Some(actor) = first.actor {
            let key =
                CommandKey { stream: first.stream, actor, client_id: first.command.client_id };
            let done = Done {
                digest: first.command.digest,
                leaf: first.command.leaf,
                first_seq: first.seq,
                ordinal: last.ordinal,
            };
            self.recent.insert(key, done);
        }
        let head = Head { seq: last.seq, occurred_at: last.occurred_at };
        self.heads.insert(last.stream, head);
        for event in events {
            self.shelf.push(Arc::new(event));
        }
    }

    /// Decides and follows until the term ends, or until nobody can send commands any more.
    async fn serve(&mut self) -> Result<(), SteppedDown> {
        loop {
            self.advance().await?;
            self.open_barriers();
            self.trim().await;
            let log = Arc::clone(&self.ports.event_log);
            let may_take = self.pending.len() < IN_FLIGHT_MAX;
            let busy = !self.pending.is_empty() || !self.barriers.is_empty();
            let step = async {
                tokio::select! {
                    biased;
                    Some((n, record, outcome)) = self.acks.next(), if !self.acks.is_empty() => {
                        Step::Ack(n, record, outcome)
                    }
                    request = self.inbox.recv(), if may_take => Step::Command(request),
                    waited = log.wait(self.partition, self.fold.pos), if self.acks.is_empty() => {
                        Step::Tail(waited)
                    }
                }
            };
            let step = match busy {
                true => {
                    tokio::time::timeout(VERDICT_TIMEOUT, step).await.map_err(|_| SteppedDown)?
                }
                false => step.await,
            };
            match step {
                Step::Ack(n, record, outcome) => self.acknowledged(n, record, outcome).await?,
                Step::Command(Some(request)) => {
                    let mut group = vec![request];
                    while group.len() + self.pending.len() < IN_FLIGHT_MAX
                        && let Ok(request) = self.inbox.try_recv()
                    {
                        group.push(request);
                    }
                    self.decide_group(group).await?;
                }
                Step::Command(None) if busy => {
                    // Nobody asks any more; what is in flight is still followed to its verdict.
                    let ack = self.acks.next().await;
                    let (n, record, outcome) = ack.ok_or(SteppedDown)?;
                    self.acknowledged(n, record, outcome).await?;
                }
                Step::Command(None) => return Ok(()),
                Step::Tail(waited) => {
                    waited.map_err(|_| SteppedDown)?;
                    self.read_on().await?;
                }
            }
        }
    }

    /// Sends a record on its way.
    pub(crate) fn append(&mut self, n: u64, record: Bytes) {
        let append = self.ports.event_log.append(self.partition, record.clone());
        self.acks.push(Box::pin(async move { (n, record, append.await) }));
    }

    /// Gives the answers that waited for what they rest on.
    fn open_barriers(&mut self) {
        let settled = self.pending.front().map_or(self.ahead.n, |it| it.n);
        while let Some(barrier) = self.barriers.front()
            && barrier.n <= settled
            && barrier.pos <= self.fold.pos
        {
            let barrier = self.barriers.pop_front().expect("it was found");
            let _ = barrier.reply.send(barrier.outcome);
        }
    }

    /// Forgets what the stored documents cover.
    async fn trim(&mut self) {
        if self.shelf.tail_len() < self.trim_at {
            return;
        }
        if let Ok(it) = Checkpoint::load(&*self.ports.documents, self.partition).await {
            let covered = it.fold.ordinal.min(self.fold.ordinal);
            self.shelf.trim(covered);
            self.recent.trim(covered);
            self.trim_at = self.shelf.tail_len() + TRIM_EVERY;
            if self.heads.len() > TAIL_MAX {
                // Heads beyond the checkpoint can't be read from the documents yet.
                let tail = self.shelf.streams();
                self.heads.retain(|it, _| tail.contains(it));
            }
        }
    }

    /// Drops everything that rested on the term.
    fn step_down(&mut self) {
        self.acks.clear();
        self.stash.clear();
        for pending in self.pending.drain(..) {
            for (reply, _) in pending.replies {
                let _ = reply.send(Err(Failure::Unknown));
            }
        }
        for barrier in self.barriers.drain(..) {
            let _ = barrier.reply.send(Err(Failure::Unavailable));
        }
    }
}

enum Step {
    Ack(u64, Bytes, Result<Ack, ports::Error>),
    Command(Option<Request>),
    Tail(Result<(), ports::Error>),
}
