//! What every bus promises, as cases to be run against an adapter.

use std::sync::Arc;

use bytes::Bytes;

use super::{Announcement, Bus, Subscription, Topic};
use crate::promise::cases;

/// Opens the bus of one case again and again: the same place each time.
pub type Open = Box<dyn Fn() -> Arc<dyn Bus> + Send + Sync>;

cases! {
    Open:
    every_subscriber_hears_every_announcement_in_order
    nothing_from_before_the_subscription_is_heard
    publishing_to_nobody_is_no_failure
    a_slow_subscriber_is_told_that_it_lost_some
    topics_and_empty_payloads_arrive_as_sent
}

fn announcement(n: u32) -> Announcement {
    Announcement { topic: Topic::Events(3), payload: n.to_be_bytes().to_vec().into() }
}

async fn publish(bus: &Arc<dyn Bus>, n: u32) {
    bus.publish(announcement(n)).await.expect("publishing");
}

async fn listen(bus: &Arc<dyn Bus>) -> Box<dyn Subscription> {
    bus.subscribe().await.expect("a subscription")
}

async fn every_subscriber_hears_every_announcement_in_order(open: Open) {
    let bus = open();
    let mut listeners = [listen(&bus).await, listen(&bus).await];
    for n in 0..100 {
        publish(&bus, n).await;
    }
    for listener in &mut listeners {
        for n in 0..100 {
            assert_eq!(listener.next().await, Some(announcement(n)));
        }
    }
}

async fn nothing_from_before_the_subscription_is_heard(open: Open) {
    let bus = open();
    publish(&bus, 1).await;
    let mut listener = listen(&bus).await;
    publish(&bus, 2).await;
    assert_eq!(listener.next().await, Some(announcement(2)));
}

async fn publishing_to_nobody_is_no_failure(open: Open) {
    publish(&open(), 1).await;
}

async fn a_slow_subscriber_is_told_that_it_lost_some(open: Open) {
    let bus = open();
    let mut listener = listen(&bus).await;
    for n in 0..20_000 {
        publish(&bus, n).await;
    }
    assert_eq!(listener.next().await, None);
    let heard = listener.next().await.expect("what is left");
    let n = u32::from_be_bytes(heard.payload[..].try_into().expect("four bytes"));
    assert!(n > 0);
}

async fn topics_and_empty_payloads_arrive_as_sent(open: Open) {
    let bus = open();
    let mut listener = listen(&bus).await;
    for topic in [Topic::Ephemeral, Topic::Events(0), Topic::Events(63)] {
        let sent = Announcement { topic, payload: Bytes::new() };
        bus.publish(sent.clone()).await.expect("publishing");
        assert_eq!(listener.next().await, Some(sent));
    }
}
