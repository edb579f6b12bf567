//! The bus's adapters.

use std::sync::Arc;

use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::Address;
use ports::bus::contract::{CASES, Open};
use tests::servers::Servers;

use crate::trial;

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        trials.push(trial("bus::embedded", case.name, |_| {
            let bus = ports::bus::open();
            (case.run)(Box::new(move || std::future::ready(Arc::clone(&bus)).boxed()))
        }));
        let redis = Arc::clone(servers);
        trials.push(trial("bus::redis", case.name, move |_| {
            (case.run)(on(redis.redis().address(case.name)))
        }));
        let cluster = Arc::clone(servers);
        trials.push(trial("bus::redis_cluster", case.name, move |_| {
            (case.run)(on(cluster.redis_cluster().address(case.name)))
        }));
    }
    trials
}

fn on(address: Address) -> Open {
    Box::new(move || {
        let address = address.clone();
        async move { ports::bus::connect(&address).await.expect("a server that answers") }.boxed()
    })
}
