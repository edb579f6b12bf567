//! What becomes of the cache and the bus when Redis is killed and comes again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::bus::{Announcement, Bus, Topic};
use ports::cache::{Admission, Cache};
use ports::clock::Stopwatch;
use ports::{Error, ErrorKind};
use tests::servers::LOOPBACK;
use tests::servers::redis::Redis;

use crate::trial;

/// How long anything may take to be as before.
const AGAIN_MAX: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("cache::redis", "works_again_when_its_server_does", |_| cache().boxed()),
        trial("bus::redis", "works_again_when_its_server_does", |_| bus().boxed()),
    ]
}

async fn until<T, F>(what: &str, attempt: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, Error>>,
{
    let tried = async {
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let done = tokio::time::timeout(AGAIN_MAX, tried).await;
    done.unwrap_or_else(|_| panic!("{what} does not work again"))
}

async fn cache() {
    let mut server = Redis::start(LOOPBACK);
    let address = server.address("outage");
    let cache = ports::cache::connect(&address, Arc::new(ports::clock::System)).await;
    let cache = cache.expect("a server that answers");
    let taken = || lease(Arc::clone(&cache));
    assert!(taken().await.expect("a lease"));
    server.kill();
    for _ in 0..3 {
        let error = cache.get("a").await.expect_err("there is no server");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        taken().await.expect_err("there is no server");
    }
    // Uses are counted all the same.
    for admission in [Admission::Admitted, Admission::Refused { retry_after_ms: 60_000 }] {
        let taken = cache.take("uses", 1, 60_000).await.expect("a count");
        assert_eq!(std::mem::discriminant(&taken), std::mem::discriminant(&admission));
    }
    server.start_again();
    // The scripts are gone from the server too.
    assert!(until("the cache", taken).await);
}

async fn lease(cache: Arc<dyn Cache>) -> Result<bool, Error> {
    cache.lease("a", "one", 60_000).await
}

async fn bus() {
    let mut server = Redis::start(LOOPBACK);
    let bus = ports::bus::connect(&server.address("outage")).await.expect("a server that answers");
    let mut listener = bus.subscribe().await.expect("a subscription");
    publish(Arc::clone(&bus), "before").await.expect("publishing");
    assert_eq!(listener.next().await, Some(announcement("before")));
    server.kill();
    let waited = Stopwatch::start();
    for _ in 0..3 {
        publish(Arc::clone(&bus), "lost").await.expect_err("there is no server");
    }
    assert!(waited.seconds() < 3.5, "publishing waits for a server that is away");
    bus.subscribe().await.err().expect("nothing can be subscribed to");
    server.start_again();
    let lost = tokio::time::timeout(AGAIN_MAX, listener.next()).await;
    assert_eq!(lost.expect("the listener is told"), None);
    // Whoever can subscribe hears what is announced from now on.
    until("subscribing", || bus.subscribe()).await;
    until("publishing", || publish(Arc::clone(&bus), "after")).await;
    // It is told for as long as there may be something that it does not hear.
    let heard = async {
        loop {
            if let Some(heard) = listener.next().await {
                return heard;
            }
        }
    };
    assert_eq!(tokio::time::timeout(AGAIN_MAX, heard).await.ok(), Some(announcement("after")));
}

fn announcement(text: &'static str) -> Announcement {
    Announcement { topic: Topic::Events(5), payload: Bytes::from_static(text.as_bytes()) }
}

async fn publish(bus: Arc<dyn Bus>, text: &'static str) -> Result<(), Error> {
    bus.publish(announcement(text)).await
}
