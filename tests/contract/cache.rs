//! The cache's adapters.

use std::sync::Arc;

use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::Address;
use ports::cache::Cache;
use ports::cache::contract::{CASES, HandClock, Place};
use tests::servers::Servers;

use crate::trial;

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        trials.push(trial("cache::embedded", case.name, |_| {
            let clock = Arc::new(HandClock::default());
            let cache = ports::cache::open(Arc::clone(&clock) as _);
            (case.run)(Place { other: Arc::clone(&cache), cache, clock })
        }));
        let redis = Arc::clone(servers);
        trials.push(trial("cache::redis", case.name, move |_| {
            let address = redis.redis().address(case.name);
            async move { (case.run)(on(address).await).await }.boxed()
        }));
        let cluster = Arc::clone(servers);
        trials.push(trial("cache::redis_cluster", case.name, move |_| {
            let address = cluster.redis_cluster().address(case.name);
            async move { (case.run)(on(address).await).await }.boxed()
        }));
    }
    trials
}

async fn on(address: Address) -> Place {
    let clock = Arc::new(HandClock::default());
    let cache = connect(&address, &clock).await;
    Place { cache, other: connect(&address, &clock).await, clock }
}

async fn connect(address: &Address, clock: &Arc<HandClock>) -> Arc<dyn Cache> {
    let connected = ports::cache::connect(address, Arc::clone(clock) as _).await;
    connected.expect("a server that answers")
}
