//! `rebuild`, `state-hash` and `verify`: the documents from the log, and the log itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use chat::kernel::codec::Batch;
use ports::event_log::{Fold, Rejection, Verdict};
use projectors::rebuild::rebuild;
use projectors::state_hash;
use server::config::Config;

use super::OutOfOrder;
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

#[derive(Args)]
pub(crate) struct Verify {
    /// Prints the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// What was found in the log.
#[derive(Default)]
struct Found {
    records: u64,
    claims: u64,
    /// Records that do not count, by why.
    ignored: BTreeMap<&'static str, u64>,
    events: u64,
    streams: u64,
}

impl Verify {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let opened = ports::open(&config.ports()).await?;
        let log = &opened.ports.event_log;
        let mut found = Found::default();
        for partition in 0..log.identity().partitions {
            verify(log.as_ref(), partition, &mut found).await?;
        }
        let Found { records, claims, ignored, events, streams } = found;
        match self.json {
            true => say(&json!({
                "records": records, "claims": claims, "ignored": ignored,
                "events": events, "streams": streams,
            })
            .to_string()),
            false => say(&format!(
                "{records} records: {events} events in {streams} streams, {claims} claims, \
                 {} ignored; chains whole, sequences dense, every payload readable",
                ignored.values().sum::<u64>()
            )),
        }
    }
}

/// Why a record is ignored, as it is printed.
fn why(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::StaleClaim => "staleClaim",
        Rejection::StaleTerm => "staleTerm",
        Rejection::Duplicate => "duplicate",
        Rejection::Gap => "gap",
        Rejection::ChainMismatch => "chainMismatch",
    }
}

async fn verify(
    log: &dyn ports::event_log::EventLog,
    partition: u16,
    found: &mut Found,
) -> anyhow::Result<()> {
    let mut fold = Fold::default();
    let mut seqs: HashMap<[u8; 16], u64> = HashMap::new();
    loop {
        let entries = log.read(partition, fold.pos, 4_096).await?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            found.records += 1;
            let at = || format!("partition {partition}, offset {}", entry.offset);
            let verdict = fold.step(entry.offset, &entry.bytes);
            let verdict = verdict.map_err(|it| OutOfOrder(format!("{}: {it}", at())))?;
            let (record, first_ordinal) = match verdict {
                Verdict::Claimed(_) => {
                    found.claims += 1;
                    continue;
                }
                Verdict::Rejected { rejection, .. } => {
                    *found.ignored.entry(why(rejection)).or_default() += 1;
                    if rejection == Rejection::ChainMismatch {
                        let text = format!("{}: the chain is broken", at());
                        return Err(OutOfOrder(text).into());
                    }
                    continue;
                }
                Verdict::Accepted { record, first_ordinal } => (record, first_ordinal),
            };
            let header = &record.header;
            let seq = seqs.entry(header.stream).or_insert(0);
            if header.first_seq != *seq + 1 {
                let text = format!("{}: seq {} follows {seq}", at(), header.first_seq);
                return Err(OutOfOrder(text).into());
            }
            *seq += u64::from(header.count);
            let events = Batch::decode(&record.payload)
                .and_then(|it| it.recorded(partition, header.first_seq, first_ordinal));
            let events = events.map_err(|it| OutOfOrder(format!("{}: {it}", at())))?;
            found.events += events.len() as u64;
        }
    }
    found.streams += seqs.len() as u64;
    Ok(())
}
