//! Packed documents, over the embedded adapters and over servers; and whatever any store of
//! documents promises, through them.

use std::sync::{Arc, Mutex, Weak};

use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::clock::Clock;
use ports::documents::packs::{self, Packs};
use ports::documents::{self, Documents};
use ports::entropy::Entropy;
use tests::servers::Servers;

use crate::trial;

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in packs::contract::CASES {
        trials.push(trial("packs::embedded", case.name, |dir| {
            let count = Mutex::new(0);
            (case.run)(Box::new(move || {
                let mut count = count.lock().expect("no opening panics");
                *count += 1;
                let dir = dir.join(count.to_string());
                std::fs::create_dir(&dir).expect("a folder");
                let documents = documents::open(&dir.join("documents.db")).expect("documents");
                let blobs = ports::blobs::open(&dir).expect("blobs");
                futures_util::future::ready((documents, blobs)).boxed()
            }))
        }));
        let servers = Arc::clone(servers);
        trials.push(trial("packs::servers", case.name, move |_| {
            (case.run)(Box::new(move || {
                let documents = crate::documents::place(&servers);
                let blobs = servers.s3().address(&crate::documents::own_name());
                let opened = async move {
                    let blobs = ports::blobs::connect(&blobs).await.expect("blobs");
                    (documents::reach(&documents).await.expect("documents"), blobs)
                };
                opened.boxed()
            }))
        }));
    }
    for case in documents::contract::CASES {
        trials.push(trial("documents::packed", case.name, |dir| {
            // A file has one handle: whoever opens it meanwhile shares that.
            let shared = Arc::new(Mutex::new(Option::<Weak<Packs>>::None));
            (case.run)(Box::new(move || {
                let mut shared = shared.lock().expect("no opening panics");
                let open = shared.as_ref().and_then(Weak::upgrade).unwrap_or_else(|| {
                    let documents = documents::open(&dir.join("documents.db"));
                    let clock: Arc<dyn Clock> = Arc::new(ports::clock::System);
                    let entropy: Arc<dyn Entropy> = Arc::new(ports::entropy::System);
                    let blobs = ports::blobs::open(&dir).expect("blobs");
                    Packs::over(documents.expect("documents"), &blobs, &clock, &entropy)
                });
                *shared = Some(Arc::downgrade(&open));
                futures_util::future::ready(open as Arc<dyn Documents>).boxed()
            }))
        }));
    }
    trials
}
