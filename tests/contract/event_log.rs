//! The event log's adapters.

use std::sync::{Arc, Mutex, Weak};

use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::event_log::contract::CASES;
use ports::event_log::{self, EventLog};
use tests::servers::Servers;

use crate::trial;

/// Partitions of every log here.
pub(crate) const PARTITIONS: u16 = 8;

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        trials.push(trial("event_log::embedded", case.name, |dir| {
            // A file has one handle: whoever opens it meanwhile shares that.
            let shared = Mutex::new(Option::<Weak<dyn EventLog>>::None);
            (case.run)(Box::new(move || {
                let mut shared = shared.lock().expect("no opening panics");
                let log = shared.as_ref().and_then(Weak::upgrade).unwrap_or_else(|| {
                    let opened = event_log::open(&dir, PARTITIONS, &ports::entropy::System);
                    let opened = opened.expect("an opened log");
                    *shared = Some(Arc::downgrade(&opened));
                    opened
                });
                async { log }.boxed()
            }))
        }));
        let servers = Arc::clone(servers);
        trials.push(trial("event_log::kafka", case.name, move |_| {
            (case.run)(Box::new(move || {
                let address = servers.kafka().address(case.name);
                async move {
                    let connected =
                        event_log::connect(&address, PARTITIONS, &ports::entropy::System);
                    connected.await.expect("a connected log")
                }
                .boxed()
            }))
        }));
    }
    trials
}
