//! Adapters × promises: every case of every port's contract, run on every adapter.
//!
//! Servers are started once and shared: each case has a place of its own on them.

mod blobs;
mod bus;
mod cache;
mod documents;
mod event_log;
mod kafka;
mod keys;
mod outage;
mod outbound;
mod packs;
mod publication;
mod scanner;
mod secure;
mod web_pages;

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};
use tests::servers::Servers;

fn main() {
    let arguments = Arguments::from_args();
    let servers = Arc::new(Servers::default());
    let mut trials = Vec::new();
    trials.extend(event_log::trials(&servers));
    trials.extend(kafka::trials(&servers));
    trials.extend(documents::trials(&servers));
    trials.extend(keys::trials(&servers));
    trials.extend(blobs::trials(&servers));
    trials.extend(cache::trials(&servers));
    trials.extend(bus::trials(&servers));
    trials.extend(packs::trials(&servers));
    trials.extend(publication::trials(&servers));
    trials.extend(outbound::trials());
    trials.extend(outage::trials());
    trials.extend(scanner::trials());
    trials.extend(secure::trials());
    trials.extend(web_pages::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    // `exit` would leave the servers behind.
    drop(servers);
    conclusion.exit();
}

/// A case on an adapter; it may use a folder.
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
