//! `rebuild` and `state-hash`: the documents from the log, and what they are.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use projectors::rebuild::rebuild;
use projectors::state_hash;
use server::config::Config;

use super::progress::{bar, say};

#[derive(Args)]
pub(crate) struct Rebuild {
    /// Every collection
    #[arg(long, required = true)]
    all: bool,
    /// Prints the outcome as JSON
    #[arg(long)]
    json: bool,
}

impl Rebuild {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let opened = ports::open(&config.ports()).await?;
        nobody_works(&opened.ports).await?;
        let log = Arc::clone(&opened.ports.event_log);
        let mut records = 0;
        for partition in 0..log.identity().partitions {
            records += log.end(partition).await?;
        }
        let started = ports::clock::Stopwatch::start();
        let shown = bar(records, "events");
        let progress = {
            let shown = shown.clone();
            Arc::new(move |events| shown.inc(events))
        };
        let documents = opened.beside().await?;
        let events = rebuild(log, documents, progress).await?;
        opened.switch().await?;
        shown.finish_and_clear();
        let seconds = started.seconds();
        let rate = events as f64 / seconds;
        match self.json {
            true => say(&json!({ "events": events, "seconds": seconds }).to_string()),
            false => say(&format!("{events} events in {seconds:.2} s, {rate:.0} a second")),
        }
    }
}

/// Refuses while nodes write, or go by documents that are taken away.
pub(super) async fn nobody_works(ports: &ports::Ports) -> anyhow::Result<()> {
    for role in [command_api::ROLE, projectors::ROLE, query_api::ROLE] {
        let nodes = ports::roster::nodes(&*ports.cache, role).await?;
        let names: Vec<_> = nodes.into_iter().collect();
        anyhow::ensure!(names.is_empty(), "stop these nodes first, {role}: {}", names.join(", "));
    }
    Ok(())
}

#[derive(Args)]
pub(crate) struct StateHash {
    /// Prints the hashes as JSON
    #[arg(long)]
    json: bool,
}

impl StateHash {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let opened = ports::open(&config.ports()).await?;
        let hashes = state_hash(&opened.ports.documents).await?;
        match self.json {
            true => say(&serde_json::to_string(&hashes)?),
            false => {
                for (collection, hash) in hashes {
                    say(&format!("{hash}  {collection}"))?;
                }
                Ok(())
            }
        }
    }
}
