//! Adapters × promises: every case of every port's contract, run on every adapter.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use ports::documents::Documents;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for case in ports::event_log::contract::CASES {
        trials.push(trial("event_log::embedded", case.name, |dir| {
            (case.run)(Box::new(move || {
                ports::event_log::open(&dir, 8, &ports::entropy::System).expect("an opened log")
            }))
        }));
    }
    for case in ports::documents::contract::CASES {
        trials.push(trial("documents::embedded", case.name, |dir| {
            // A file has one handle: whoever opens it meanwhile shares that.
            let shared = Mutex::new(Option::<Weak<dyn Documents>>::None);
            (case.run)(Box::new(move || {
                let mut shared = shared.lock().expect("no opening panics");
                shared.as_ref().and_then(Weak::upgrade).unwrap_or_else(|| {
                    let opened = ports::documents::open(&dir.join("documents.db"));
                    let opened = opened.expect("opened documents");
                    *shared = Some(Arc::downgrade(&opened));
                    opened
                })
            }))
        }));
    }
    for case in ports::keys::contract::CASES {
        trials.push(trial("keys::embedded", case.name, |dir| {
            let open = move || ports::keys::open(&dir, Arc::new(ports::entropy::System));
            (case.run)(Box::new(move || open().expect("opened keys")))
        }));
    }
    for case in ports::cache::contract::CASES {
        trials.push(trial("cache::embedded", case.name, |_| {
            let clock = Arc::new(ports::cache::contract::HandClock::default());
            (case.run)((ports::cache::open(Arc::clone(&clock) as _), clock))
        }));
    }
    for case in ports::bus::contract::CASES {
        trials.push(trial("bus::embedded", case.name, |_| {
            let bus = ports::bus::open();
            (case.run)(Box::new(move || Arc::clone(&bus)))
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(
    adapter: &str,
    case: &'static str,
    run: impl FnOnce(PathBuf) -> BoxFuture<'static, ()> + Send + 'static,
) -> Trial {
    Trial::test(format!("{adapter}::{case}"), move || {
        let dir = tempfile::tempdir().map_err(Failed::from)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(Failed::from)?;
        runtime.block_on(run(dir.path().to_owned()));
        Ok(())
    })
}
