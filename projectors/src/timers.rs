//! Gives the commands of timers that are due, one task a partition.
//!
//! A timer stays due until its document says otherwise, so whatever ends this loop in between, the
//! next one gives the command again, and that changes nothing the second time.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use chat::kernel::document::Document;
use chat::kernel::graphql::describe;
use chat::kernel::{Failure, Reader};
use chat::timers::{Timer, action};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lru::LruCache;
use ports::Error;
use ports::documents::{Order, Scan};
use ports::event_log::Partition;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::acting::Acting;
use crate::progress::Progress;

/// How often the clock is asked: it may have been set, and then what is due has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long the documents are taken to hold nothing new when nobody has told of it.
const TAKEN_FOR_GRANTED: Duration = Duration::from_secs(10);

/// Timers of a partition that are under way at once.
const AT_ONCE: usize = 64;

/// Timers read at once.
const PAGE: usize = 256;

/// Timers remembered that are done, until the documents tell so.
const DONE_MAX: NonZeroUsize = NonZeroUsize::new(4_096).expect("it is not zero");

/// A timer as one event set it: its key, and the `seq` of the event.
type Set = (String, u64);

/// What is under way in a partition, and what is done.
struct Underway {
    running: FuturesUnordered<BoxFuture<'static, (Set, bool)>>,
    these: HashSet<Set>,
    done: LruCache<Set, ()>,
    /// What could not be given, and when it is tried again: meanwhile others have their turn.
    resting: HashMap<Set, Instant>,
    /// Whether something is to be given again.
    again: bool,
}

impl Underway {
    /// Whether a timer is not to be given now.
    fn knows(&self, set: &Set) -> bool {
        self.these.contains(set) || self.done.contains(set) || self.resting.contains_key(set)
    }
}

impl Acting {
    pub(crate) async fn fire_timers(self, partition: Partition, progress: Arc<Progress>) {
        let mut underway = Underway {
            running: FuturesUnordered::new(),
            these: HashSet::new(),
            done: LruCache::new(DONE_MAX),
            resting: HashMap::new(),
            again: false,
        };
        loop {
            let next = self.look(partition, &mut underway).await.unwrap_or_else(|error| {
                tracing::warn!(partition, %error, "what is due can't be read now");
                underway.again = true;
                None
            });
            self.rest(next, &progress.timers[usize::from(partition)], &mut underway).await;
        }
    }

    /// Begins what is due; gives the time of the first timer that is not.
    async fn look(
        &self,
        partition: Partition,
        underway: &mut Underway,
    ) -> Result<Option<i64>, Error> {
        underway.resting.retain(|_, until| *until > Instant::now());
        underway.again = !underway.resting.is_empty();
        let now = self.ports.clock.now_ms();
        let reader = Reader::new(Arc::clone(&self.ports.documents), Arc::clone(&self.keyring));
        let prefix = Timer::due(partition);
        let name = Timer::COLLECTION.name;
        let mut scan = Scan::prefix(name, Some("due"), &prefix, Order::Ascending, PAGE);
        loop {
            let found = reader.scan::<Timer>(scan.clone()).await?;
            let whole = found.len() == PAGE;
            for (key, timer) in found {
                let due = timer.due_from().0;
                if due > now {
                    return Ok(Some(due));
                }
                if underway.these.len() >= AT_ONCE {
                    // The others have their turn once one of these has ended.
                    return Ok(None);
                }
                // A space sorts before whatever the key of another begins with.
                scan.from = format!("{key} ");
                let set = (key, timer.seq);
                if !underway.knows(&set) {
                    underway.these.insert(set.clone());
                    underway.running.push(Box::pin(self.clone().fire(set, timer)));
                }
            }
            if !whole {
                return Ok(None);
            }
        }
    }

    /// Waits until there may be something to do.
    async fn rest(&self, next: Option<i64>, told: &Notify, underway: &mut Underway) {
        let mut waited = Duration::ZERO;
        loop {
            let ahead = next.map(|it| it.saturating_sub(self.ports.clock.now_ms()));
            if ahead.is_some_and(|it| it <= 0) {
                return;
            }
            let ahead = ahead.map(|it| Duration::from_millis(it.unsigned_abs()));
            let wait = ahead.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
            tokio::select! {
                biased;
                Some((set, settled)) = underway.running.next() => {
                    let crowded = underway.these.len() >= AT_ONCE;
                    underway.these.remove(&set);
                    if settled {
                        underway.done.put(set, ());
                    } else {
                        underway.resting.insert(set, Instant::now() + LOOK_EVERY);
                        underway.again = true;
                    }
                    if crowded {
                        return;
                    }
                }
                () = told.notified() => return,
                () = tokio::time::sleep(wait) => {
                    waited += wait;
                    if underway.again || waited > TAKEN_FOR_GRANTED {
                        return;
                    }
                }
            }
        }
    }

    /// Gives what a timer asks for; says whether that is settled.
    async fn fire(self, set: Set, timer: Arc<Timer>) -> (Set, bool) {
        let reader = Reader::new(Arc::clone(&self.ports.documents), Arc::clone(&self.keyring));
        let mut next = match action(&reader, &timer).await {
            Ok(Some(action)) => Some(action),
            Ok(None) => return (set, false),
            Err(error) => {
                tracing::warn!(id = %timer.id, %error, "a timer can't fire now");
                return (set, false);
            }
        };
        let mut changed = false;
        while let Some(action) = next {
            let caller = action.account_id.into();
            let answer = match self.door.submit(caller, action.client_id, action.command).await {
                Ok(accepted) => {
                    changed |= accepted.first_seq > 0 && !accepted.repeated;
                    Ok(accepted)
                }
                Err(
                    failure @ (Failure::Rejected(_)
                    | Failure::IdempotencyMismatch
                    | Failure::TooLarge),
                ) => Err(describe(&failure).0),
                Err(
                    failure @ (Failure::ClientIdInvalid
                    | Failure::RateLimited { .. }
                    | Failure::Unavailable
                    | Failure::Unknown),
                ) => {
                    tracing::warn!(id = %timer.id, ?failure, "a timer fires again");
                    return (set, false);
                }
            };
            next = action.then.and_then(|then| then(answer));
        }
        if changed {
            let late_ms = self.ports.clock.now_ms() - timer.due_at.0;
            metrics::histogram!("parlance_timer_lag_seconds").record(late_ms as f64 / 1_000.0);
        }
        (set, true)
    }
}
