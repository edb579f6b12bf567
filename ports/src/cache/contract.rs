//! What every cache promises, as cases to be run against an adapter and a clock in our hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;

use super::{Admission, Cache};
use crate::clock::Clock;
use crate::promise::cases;

/// A clock that stands still until it is moved.
#[derive(Default)]
pub struct HandClock(AtomicI64);

impl HandClock {
    /// Moves on.
    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The cache of one case, twice as two nodes have it, and their clock.
pub struct Place {
    pub cache: Arc<dyn Cache>,
    pub other: Arc<dyn Cache>,
    pub clock: Arc<HandClock>,
}

cases! {
    Place:
    exactly_the_limit_is_admitted
    a_new_window_admits_again
    a_limit_of_none_admits_nobody
    keys_do_not_share_a_limit
    a_lease_has_one_holder
    a_lease_ends_with_its_time
    a_lease_can_be_given_back
    a_lease_names_its_holder
    a_value_ends_with_its_time
    a_value_is_replaced_by_the_next
    absent_is_none
    two_nodes_admit_exactly_the_limit_together
    a_lease_of_one_node_is_refused_to_the_other
    what_one_node_puts_the_other_gets
    a_number_is_raised_and_never_falls
    a_raised_number_ends_with_its_time
    whoever_raises_at_once_the_largest_stays
}

async fn take(cache: &Arc<dyn Cache>, key: &str, limit: u32) -> bool {
    cache.take(key, limit, 1_000).await.expect("a take") == Admission::Admitted
}

async fn exactly_the_limit_is_admitted(Place { cache, .. }: Place) {
    let takes = join_all((0..50).map(|_| take(&cache, "a", 7))).await;
    assert_eq!(takes.into_iter().filter(|it| *it).count(), 7);
    let refused = cache.take("a", 7, 1_000).await.expect("a take");
    assert_eq!(refused, Admission::Refused { retry_after_ms: 1_000 });
}

async fn a_new_window_admits_again(Place { cache, clock, .. }: Place) {
    assert!(take(&cache, "a", 1).await);
    clock.pass(999);
    let refused = cache.take("a", 1, 1_000).await.expect("a take");
    assert_eq!(refused, Admission::Refused { retry_after_ms: 1 });
    clock.pass(1);
    assert!(take(&cache, "a", 1).await);
}

async fn a_limit_of_none_admits_nobody(Place { cache, .. }: Place) {
    assert!(!take(&cache, "a", 0).await);
}

async fn keys_do_not_share_a_limit(Place { cache, .. }: Place) {
    assert!(take(&cache, "a", 1).await);
    assert!(take(&cache, "b", 1).await);
}

async fn lease(cache: &Arc<dyn Cache>, holder: &str) -> bool {
    cache.lease("lease", holder, 1_000).await.expect("a lease")
}

async fn a_lease_has_one_holder(Place { cache, .. }: Place) {
    assert!(lease(&cache, "one").await);
    assert!(!lease(&cache, "two").await);
    assert!(lease(&cache, "one").await);
}

async fn a_lease_ends_with_its_time(Place { cache, clock, .. }: Place) {
    assert!(lease(&cache, "one").await);
    clock.pass(500);
    assert!(lease(&cache, "one").await);
    clock.pass(999);
    assert!(!lease(&cache, "two").await);
    clock.pass(1);
    assert!(lease(&cache, "two").await);
    assert!(!lease(&cache, "one").await);
}

async fn a_lease_can_be_given_back(Place { cache, .. }: Place) {
    assert!(lease(&cache, "one").await);
    cache.forget("lease").await.expect("forgetting");
    assert!(lease(&cache, "two").await);
}

async fn a_lease_names_its_holder(Place { cache, clock, .. }: Place) {
    assert!(lease(&cache, "one").await);
    assert!(!lease(&cache, "two").await);
    assert_eq!(cache.get("lease").await.expect("a get"), Some(Bytes::from_static(b"one")));
    clock.pass(1_000);
    assert_eq!(cache.get("lease").await.expect("a get"), None);
}

async fn a_value_ends_with_its_time(Place { cache, clock, .. }: Place) {
    cache.put("a", Bytes::from_static(b"x"), 1_000).await.expect("a put");
    clock.pass(999);
    assert_eq!(cache.get("a").await.expect("a get"), Some(Bytes::from_static(b"x")));
    clock.pass(1);
    assert_eq!(cache.get("a").await.expect("a get"), None);
}

async fn a_value_is_replaced_by_the_next(Place { cache, .. }: Place) {
    for text in ["x", "y", ""] {
        let value = Bytes::copy_from_slice(text.as_bytes());
        cache.put("a", value.clone(), 1_000).await.expect("a put");
        assert_eq!(cache.get("a").await.expect("a get"), Some(value));
    }
}

async fn absent_is_none(Place { cache, .. }: Place) {
    assert_eq!(cache.get("a").await.expect("a get"), None);
    cache.forget("a").await.expect("forgetting what is absent");
}

async fn two_nodes_admit_exactly_the_limit_together(Place { cache, other, .. }: Place) {
    let takes = (0..100).map(|n| take(if n % 2 == 0 { &cache } else { &other }, "a", 31));
    let takes = join_all(takes).await;
    assert_eq!(takes.into_iter().filter(|it| *it).count(), 31);
}

async fn a_lease_of_one_node_is_refused_to_the_other(Place { cache, other, clock }: Place) {
    assert!(lease(&cache, "one").await);
    assert!(!lease(&other, "two").await);
    assert_eq!(other.get("lease").await.expect("a get"), Some(Bytes::from_static(b"one")));
    clock.pass(1_000);
    assert!(lease(&other, "two").await);
    assert!(!lease(&cache, "one").await);
    other.forget("lease").await.expect("forgetting");
    assert!(lease(&cache, "one").await);
}

async fn what_one_node_puts_the_other_gets(Place { cache, other, .. }: Place) {
    cache.put("a", Bytes::from_static(b"x"), 1_000).await.expect("a put");
    assert_eq!(other.get("a").await.expect("a get"), Some(Bytes::from_static(b"x")));
    other.forget("a").await.expect("forgetting");
    assert_eq!(cache.get("a").await.expect("a get"), None);
}

async fn kept(cache: &Arc<dyn Cache>) -> Option<u64> {
    let stored = cache.get("number").await.expect("a get");
    stored.map(|it| std::str::from_utf8(&it).expect("text").parse().expect("a number"))
}

async fn a_number_is_raised_and_never_falls(Place { cache, .. }: Place) {
    let raise = async |number| cache.raise("number", number, 1_000).await.expect("a raise");
    assert!(raise(0).await);
    assert!(!raise(0).await);
    assert!(raise(9).await);
    assert!(raise(10).await, "numbers are not compared as text");
    assert!(!raise(9).await);
    assert_eq!(kept(&cache).await, Some(10));
    assert!(raise(u64::MAX - 1).await);
    assert!(raise(u64::MAX).await);
    assert!(!raise(u64::MAX).await);
    assert_eq!(kept(&cache).await, Some(u64::MAX));
}

async fn a_raised_number_ends_with_its_time(Place { cache, clock, .. }: Place) {
    assert!(cache.raise("number", 7, 1_000).await.expect("a raise"));
    clock.pass(999);
    assert!(!cache.raise("number", 6, 1_000).await.expect("a raise"));
    clock.pass(1);
    assert_eq!(kept(&cache).await, None);
    assert!(cache.raise("number", 6, 1_000).await.expect("a raise"));
}

async fn whoever_raises_at_once_the_largest_stays(Place { cache, other, .. }: Place) {
    let nodes = [&cache, &other];
    let raises = (0..50).map(|n| nodes[(n % 2) as usize].raise("number", n * 7 % 50, 1_000));
    join_all(raises).await;
    assert_eq!(kept(&cache).await, Some(49));
}
