//! What every bus promises, as cases to be run against an adapter.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{Announcement, Bus, Subscription, Topic};
use crate::promise::cases;

/// Opens the bus of one case again and again, as nodes do: the same place each time.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Bus>> + Send + Sync>;

cases! {
    Open:
    every_subscriber_hears_every_announcement_in_order
    nothing_from_before_the_subscription_is_heard
    publishing_to_nobody_is_no_failure
    a_slow_subscriber_is_told_that_it_lost_some
    topics_and_empty_payloads_arrive_as_sent
    what_one_node_publishes_another_hears_in_order
    nothing_from_before_is_heard_from_another_node
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
    let bus = open().await;
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
    let bus = open().await;
    publish(&bus, 1).await;
    let mut listener = listen(&bus).await;
    publish(&bus, 2).await;
    assert_eq!(listener.next().await, Some(announcement(2)));
}

async fn publishing_to_nobody_is_no_failure(open: Open) {
    publish(&open().await, 1).await;
}

async fn a_slow_subscriber_is_told_that_it_lost_some(open: Open) {
    let bus = open().await;
    let mut listener = listen(&bus).await;
    for n in 0..20_000 {
        publish(&bus, n).await;
    }
    assert_eq!(listener.next().await, None);
    // More may be on its way yet, and push out what waits: then that is told as well.
    let mut last = 0;
    while last < 19_999 {
        let Some(heard) = listener.next().await else { continue };
        let n = u32::from_be_bytes(heard.payload[..].try_into().expect("four bytes"));
        assert!(n > last);
        last = n;
    }
}

async fn topics_and_empty_payloads_arrive_as_sent(open: Open) {
    let bus = open().await;
    let mut listener = listen(&bus).await;
    for topic in [Topic::Ephemeral, Topic::Events(0), Topic::Events(63)] {
        let sent = Announcement { topic, payload: Bytes::new() };
        bus.publish(sent.clone()).await.expect("publishing");
        assert_eq!(listener.next().await, Some(sent));
    }
}

async fn what_one_node_publishes_another_hears_in_order(open: Open) {
    let nodes = [open().await, open().await];
    let mut listeners = [listen(&nodes[0]).await, listen(&nodes[1]).await];
    for n in 0..1_000_u32 {
        let topic = Topic::Events((n % 2) as u16);
        let payload = Bytes::copy_from_slice(&n.to_be_bytes());
        let said = Announcement { topic, payload };
        nodes[(n % 2) as usize].publish(said).await.expect("publishing");
    }
    for listener in &mut listeners {
        let mut next = [0, 1];
        for _ in 0..1_000 {
            let heard = listener.next().await.expect("nothing is lost");
            let n = u32::from_be_bytes(heard.payload[..].try_into().expect("four bytes"));
            assert_eq!((heard.topic, n), (Topic::Events((n % 2) as u16), next[(n % 2) as usize]));
            next[(n % 2) as usize] += 2;
        }
    }
}

async fn nothing_from_before_is_heard_from_another_node(open: Open) {
    let (one, two) = (open().await, open().await);
    // The second node listens already; a further listener of it must still not hear the past.
    let _first = listen(&two).await;
    for n in 0..500 {
        publish(&one, n).await;
    }
    let mut listener = listen(&two).await;
    publish(&one, 500).await;
    assert_eq!(listener.next().await, Some(announcement(500)));
}
