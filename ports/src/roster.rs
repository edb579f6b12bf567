//! Which nodes of a role live, and which of them each partition falls to: a hint, never a lock.
//!
//! A node holds a seat as long as it beats. Every node reads the seats and finds the same owner for
//! each partition by rendezvous hashing, so a node that comes or goes moves only its own share. It
//! takes the partition's lease before it works on it, so that the one before can finish first.
//! Two nodes may believe in a lease at once, after a pause or an outage of the cache: what is
//! written then is sorted out by the fold and by the documents' guards.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use tokio::sync::watch;

use crate::cache::Cache;
use crate::event_log::{EventLog, Partition};
use crate::{Error, Ports};

/// Nodes of one role at most.
pub const NODES_MAX: u8 = 32;

/// How often a node shows that it lives.
const BEAT: Duration = Duration::from_millis(500);

/// How long a seat or a lease outlives its last beat, in milliseconds.
const TTL_MS: u64 = 3_000;

/// How often it is asked whether the log can be reached from here, and how many times in a row it
/// can't until this node leaves its share to others.
const PULSE: Duration = Duration::from_millis(500);
const MISSES_MAX: u32 = 3;

/// A node's place among those of its role.
pub struct Roster {
    cache: Arc<dyn Cache>,
    role: &'static str,
    me: String,
    partitions: u16,
    seat: Mutex<Option<u8>>,
    held: watch::Sender<BTreeSet<Partition>>,
    /// What was held and has not been given back.
    unreturned: watch::Sender<BTreeSet<Partition>>,
    leaving: watch::Sender<bool>,
    /// Whether the log can be reached from here.
    fit: AtomicBool,
}

impl Roster {
    /// Joins the nodes of a role; `me` is what others reach this node by, and its own alone.
    pub fn join(ports: &Ports, role: &'static str, me: String) -> Arc<Self> {
        let partitions = ports.event_log.identity().partitions;
        let roster = Arc::new(Self::new(Arc::clone(&ports.cache), role, me, partitions));
        let (felt, log) = (Arc::downgrade(&roster), Arc::clone(&ports.event_log));
        crate::spawn("pulse", feel(felt, log));
        crate::spawn("roster", Arc::clone(&roster).run());
        roster
    }

    /// Joins the nodes of a role among whom nothing is shared out, so that others see them.
    pub fn attend(ports: &Ports, role: &'static str, me: String) -> Arc<Self> {
        let roster = Arc::new(Self::new(Arc::clone(&ports.cache), role, me, 0));
        crate::spawn("roster", Arc::clone(&roster).run());
        roster
    }

    fn new(cache: Arc<dyn Cache>, role: &'static str, me: String, partitions: u16) -> Self {
        let (held, unreturned) = (watch::Sender::default(), watch::Sender::default());
        let (leaving, fit) = (watch::Sender::new(false), AtomicBool::new(true));
        let seat = Mutex::default();
        Self { cache, role, me, partitions, seat, held, unreturned, leaving, fit }
    }

    /// The partitions that fall to this node, now and as that changes.
    pub fn held(&self) -> watch::Receiver<BTreeSet<Partition>> {
        self.held.subscribe()
    }

    /// Whether the log can be reached from here, as far as is known.
    pub fn is_fit(&self) -> bool {
        self.fit.load(Ordering::Acquire)
    }

    /// Whether this node has a partition's lease, as the cache says.
    pub async fn confirm(&self, partition: Partition) -> bool {
        if !self.held.borrow().contains(&partition) {
            return false;
        }
        let lease = self.cache.lease(&lease(self.role, partition), &self.me, TTL_MS).await;
        // While the cache is away nobody else can take it over either.
        lease.unwrap_or(true) && self.held.borrow().contains(&partition)
    }

    /// Gives a partition's lease back once the work on it has ended, so that another can go on.
    pub async fn give_back(&self, partition: Partition) {
        // What was given up may be another's by now.
        let mine = self.unreturned.borrow().contains(&partition);
        if mine && !self.held.borrow().contains(&partition) {
            // A lease that can't be given back ends with its time.
            let _ = self.cache.forget(&lease(self.role, partition)).await;
            self.unreturned.send_modify(|it| {
                it.remove(&partition);
            });
        }
    }

    /// Leaves its share to others at once: what is under way here can't be finished anyhow.
    async fn give_up(&self) {
        self.stand_up().await;
        let given: BTreeSet<Partition> = self.unreturned.borrow().clone();
        join_all(given.iter().map(|it| self.give_back(*it))).await;
    }

    /// Resolves when everything that was held has been given back.
    pub async fn returned(&self) {
        // The sender lives as long as this does.
        let _ = self.unreturned.subscribe().wait_for(BTreeSet::is_empty).await;
    }

    /// Leaves: nothing falls to this node any more. Those who work give their leases back.
    pub async fn leave(&self) {
        self.leaving.send_replace(true);
        self.stand_up().await;
    }

    /// Holds nothing and gives the seat back.
    async fn stand_up(&self) {
        self.held.send_if_modified(|it| !std::mem::take(it).is_empty());
        let seat = self.seat.lock().expect("no holder of the lock panics").take();
        if let Some(seat) = seat {
            // A seat that can't be given back ends with its time.
            let _ = self.cache.forget(&seat_key(self.role, seat)).await;
        }
    }

    async fn run(self: Arc<Self>) {
        let mut leaving = self.leaving.subscribe();
        while !*leaving.borrow_and_update() {
            if !self.is_fit() {
                self.give_up().await;
            } else if let Err(error) = self.beat().await {
                // What this node has it keeps: it may be the only one that can work.
                tracing::warn!(role = self.role, %error, "the roster can't be read");
            }
            let asked = tokio::time::timeout(BEAT, leaving.changed()).await;
            if matches!(asked, Ok(Err(_))) {
                return;
            }
        }
    }

    async fn beat(&self) -> Result<(), Error> {
        self.keep_seat().await?;
        let nodes = self.nodes().await?;
        let mine = |it: &Partition| chosen(&nodes, *it) == Some(self.me.as_str());
        let wanted: Vec<Partition> = (0..self.partitions).filter(mine).collect();
        let leases = wanted.iter().map(|it| {
            let key = lease(self.role, *it);
            async move { self.cache.lease(&key, &self.me, TTL_MS).await }
        });
        let leased = try_join_all(leases).await?;
        let leased = wanted.into_iter().zip(leased).filter(|it| it.1);
        let held: BTreeSet<Partition> = leased.map(|it| it.0).collect();
        if !*self.leaving.borrow() {
            self.unreturned.send_modify(|it| it.extend(&held));
            self.held.send_if_modified(|it| {
                let changed = *it != held;
                *it = held;
                changed
            });
        }
        Ok(())
    }

    /// Keeps this node's seat, or takes the first that is free.
    async fn keep_seat(&self) -> Result<(), Error> {
        let kept = *self.seat.lock().expect("no holder of the lock panics");
        for seat in kept.into_iter().chain(0..NODES_MAX) {
            if self.cache.lease(&seat_key(self.role, seat), &self.me, TTL_MS).await? {
                *self.seat.lock().expect("no holder of the lock panics") = Some(seat);
                return Ok(());
            }
        }
        Err(Error::unavailable("cache", format!("{NODES_MAX} nodes have this role already")))
    }

    async fn nodes(&self) -> Result<BTreeSet<String>, Error> {
        nodes(&*self.cache, self.role).await
    }
}

/// Asks again and again whether the log can be reached. A node that can't write would only keep its
/// share from those that can.
async fn feel(roster: Weak<Roster>, log: Arc<dyn EventLog>) {
    let mut misses = 0;
    while let Some(roster) = roster.upgrade() {
        match log.answers().await {
            Ok(()) => misses = 0,
            Err(error) => {
                misses += 1;
                tracing::warn!(role = roster.role, %error, misses, "the log does not answer");
            }
        }
        roster.fit.store(misses < MISSES_MAX, Ordering::Release);
        drop(roster);
        tokio::time::sleep(PULSE).await;
    }
}

/// The nodes of a role that live.
///
/// # Errors
/// When the cache can't be reached.
pub async fn nodes(cache: &dyn Cache, role: &str) -> Result<BTreeSet<String>, Error> {
    let seats = (0..NODES_MAX).map(|it| async move { cache.get(&seat_key(role, it)).await });
    let found = join_all(seats).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let names = found.into_iter().flatten().map(|it| String::from_utf8_lossy(&it).into_owned());
    Ok(names.collect())
}

/// Who works on a partition, as far as is known.
///
/// # Errors
/// When the cache can't be reached.
pub async fn owner(
    cache: &dyn Cache,
    role: &str,
    partition: Partition,
) -> Result<Option<String>, Error> {
    let held = cache.get(&lease(role, partition)).await?;
    Ok(held.map(|it| String::from_utf8_lossy(&it).into_owned()))
}

fn seat_key(role: &str, seat: u8) -> String {
    format!("{role}/seat/{seat}")
}

fn lease(role: &str, partition: Partition) -> String {
    format!("{role}/partition/{partition}")
}

/// The node with the highest hash of itself and the partition (rendezvous hashing, Thaler 1996).
fn chosen(nodes: &BTreeSet<String>, partition: Partition) -> Option<&str> {
    let weight = |node: &&String| {
        let text = [&partition.to_be_bytes()[..], node.as_bytes()].concat();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
        digest.as_ref().to_vec()
    };
    nodes.iter().max_by_key(weight).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache;
    use crate::cache::contract::HandClock;

    struct Place {
        cache: Arc<dyn Cache>,
        clock: Arc<HandClock>,
    }

    impl Place {
        fn new() -> Self {
            let clock = Arc::new(HandClock::default());
            Self { cache: cache::open(Arc::clone(&clock) as _), clock }
        }

        fn node(&self, name: &str) -> Roster {
            Roster::new(Arc::clone(&self.cache), "work", name.to_owned(), 64)
        }
    }

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn held(node: &Roster) -> BTreeSet<Partition> {
        node.held.borrow().clone()
    }

    #[test]
    fn a_lone_node_has_everything() {
        let place = Place::new();
        let one = place.node("one");
        run(one.beat()).unwrap();
        assert_eq!(held(&one).len(), 64);
    }

    #[test]
    fn nodes_share_without_overlap_once_the_one_before_has_given_back() {
        run(async {
            let place = Place::new();
            let (one, two) = (place.node("one"), place.node("two"));
            one.beat().await.unwrap();
            two.beat().await.unwrap();
            assert_eq!(held(&two).len(), 0, "the first has all leases");
            one.beat().await.unwrap();
            let left = held(&one);
            assert!(left.len() > 16 && left.len() < 48, "a fair share, not {}", left.len());
            two.beat().await.unwrap();
            assert_eq!(held(&two).len(), 0, "the first has not finished");
            for partition in (0..64).filter(|it| !left.contains(it)) {
                one.give_back(partition).await;
            }
            two.beat().await.unwrap();
            assert_eq!(held(&two).len(), 64 - left.len());
            assert!(held(&two).is_disjoint(&left));
        });
    }

    #[test]
    fn what_a_silent_node_had_falls_to_the_others() {
        run(async {
            let place = Place::new();
            let (one, two) = (place.node("one"), place.node("two"));
            one.beat().await.unwrap();
            place.clock.pass(2_999);
            two.beat().await.unwrap();
            assert_eq!(held(&two).len(), 0);
            place.clock.pass(1);
            two.beat().await.unwrap();
            assert_eq!(held(&two).len(), 64);
            assert!(!one.confirm(0).await, "it has lost the lease and learns so when it asks");
        });
    }

    #[test]
    fn who_leaves_is_gone_at_once() {
        run(async {
            let place = Place::new();
            let (one, two) = (place.node("one"), place.node("two"));
            one.beat().await.unwrap();
            one.leave().await;
            for partition in 0..64 {
                one.give_back(partition).await;
            }
            one.returned().await;
            two.beat().await.unwrap();
            assert_eq!(held(&two).len(), 64);
            let owner = owner(&*place.cache, "work", 7).await.unwrap();
            assert_eq!(owner.as_deref(), Some("two"));
            assert_eq!(nodes(&*place.cache, "work").await.unwrap().len(), 1);
        });
    }

    #[test]
    fn who_can_not_reach_the_log_leaves_its_share_until_it_can() {
        run(async {
            let place = Place::new();
            let (one, two) = (place.node("one"), place.node("two"));
            one.beat().await.unwrap();
            one.give_up().await;
            assert!(!one.confirm(0).await, "asking does not take a lease again");
            two.beat().await.unwrap();
            assert_eq!(held(&two).len(), 64);
            one.give_back(0).await;
            let owner = owner(&*place.cache, "work", 0).await.unwrap();
            assert_eq!(owner.as_deref(), Some("two"), "whose it is not gives nothing back");
            one.beat().await.unwrap();
            two.beat().await.unwrap();
            assert!(held(&two).len() < 64, "it is back");
        });
    }

    #[test]
    fn one_node_too_many_is_refused() {
        run(async {
            let place = Place::new();
            for n in 0..NODES_MAX {
                place.node(&format!("node {n}")).beat().await.unwrap();
            }
            assert!(place.node("one more").beat().await.is_err());
        });
    }
}
