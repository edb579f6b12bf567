//! `parlance verify`: the whole log, record by record, against its own chain and against signed
//! checkpoints; `parlance checkpoints`: what an auditor keeps of them elsewhere.
//!
//! The chain alone shows what was changed in the middle. That an end was cut, or a history written
//! anew with a chain of its own, shows only against checkpoints from before.
//!
//! With `--counters` the documents are held against the log too: what is unread is counted again.

mod counters;
mod diagnose;
mod known;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use ports::event_log::signed::PublicKey;
use server::config::Config;

use super::OutOfOrder;
use super::progress::{bar, say};
use counters::Compared;
use known::Keeping;
use walk::verify;

/// What a signed checkpoint vouches for is found changed, cut, reordered or written anew; what no
/// checkpoint vouches for yet is found changed unless it is at the end of a partition. Keep
/// checkpoints elsewhere (`parlance checkpoints`, or `GET /checkpoints`): whoever can write the log
/// may be able to delete those beside it.
#[derive(Args)]
pub(crate) struct Verify {
    /// Signed checkpoints that were kept elsewhere: a file, or a folder of files
    #[arg(long, value_name = "PATH")]
    checkpoints: Vec<PathBuf>,
    /// The key that they are checked with; the instance's own when absent
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<PublicKey>,
    /// Counts what is unread again, from the log alone, and compares it with what the documents
    /// answer; nobody may be serving meanwhile
    #[arg(long)]
    counters: bool,
    /// Prints the outcome as JSON
    #[arg(long)]
    json: bool,
}

fn key(text: &str) -> Result<PublicKey, String> {
    PublicKey::parse(text).ok_or_else(|| "it is not what `checkpoints --key` prints".to_owned())
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Wrong {
    /// It can't be read.
    Unreadable,
    /// It is not as it was written.
    Changed,
    /// One or more before it are missing.
    Missing,
    /// The end is missing.
    Cut,
    /// It stands before one that it came after.
    Reordered,
    /// From it on another history was written.
    Forked,
    /// Its stream has another seq to come.
    Sequence,
}

/// The first record of a partition that is wrong.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    pub(crate) partition: u16,
    pub(crate) offset: u64,
    pub(crate) wrong: Wrong,
    /// Absent where it can't be read, or is not there.
    pub(crate) stream: Option<String>,
    pub(crate) seq: Option<u64>,
    /// Ordinal of the last event before it.
    pub(crate) after_ordinal: u64,
    pub(crate) message: String,
}

/// What was found in the log.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) records: u64,
    pub(crate) claims: u64,
    /// Records that do not count, by why.
    pub(crate) ignored: BTreeMap<&'static str, u64>,
    pub(crate) events: u64,
    pub(crate) streams: u64,
    /// Checkpoints that agree.
    pub(crate) checkpoints: u64,
    /// Events that one of them vouches for.
    pub(crate) vouched: u64,
    /// Checkpoints of what a restore has left behind, or of what comes after a copy.
    pub(crate) left: u64,
    /// Gaps that are in order unless a checkpoint says otherwise: nothing was accepted since.
    pub(crate) undecided: u64,
    pub(crate) findings: Vec<Finding>,
}

impl Verify {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let ports = config.ports();
        let log = ports::open_to_read(&ports).await?;
        let mut keeping = Keeping::open(&ports, &log.identity(), self.key).await?;
        for path in &self.checkpoints {
            keeping.add(path)?;
        }
        let mut records = 0;
        for partition in 0..log.identity().partitions {
            records += log.end(partition).await?;
        }
        let shown = bar(records, "records");
        let started = ports::clock::Stopwatch::start();
        let mut found = Found::default();
        for partition in 0..log.identity().partitions {
            let known = keeping.of(&*log, partition).await?;
            verify(&*log, partition, known, &mut found, &shown).await?;
        }
        shown.finish_and_clear();
        let seconds = started.seconds();
        let rate = found.events as f64 / seconds;
        drop(log);
        let compared = match self.counters {
            true => Some(counters::compare(&ports).await?),
            false => None,
        };
        let mut lines: Vec<String> = found.findings.iter().map(Finding::text).collect();
        lines.extend(compared.iter().flat_map(Compared::lines));
        match self.json {
            true => say(&found.json(seconds, rate, compared.as_ref()))?,
            false if lines.is_empty() => {
                say(&found.text(seconds, rate))?;
                compared.map_or(Ok(()), |it| say(&it.text()))?;
            }
            false => (),
        }
        match lines.is_empty() {
            true => Ok(()),
            false => Err(OutOfOrder(lines.join("\n")).into()),
        }
    }
}

impl Finding {
    fn text(&self) -> String {
        let Self { partition, offset, stream, seq, message, .. } = self;
        let place = match (stream, seq) {
            (Some(stream), Some(seq)) => format!(" ({stream} seq {seq})"),
            (None | Some(_), _) => String::new(),
        };
        format!("partition {partition}, offset {offset}{place}: {message}")
    }
}

impl Found {
    fn json(&self, seconds: f64, rate: f64, compared: Option<&Compared>) -> String {
        let mut whole = json!({
            "records": self.records, "claims": self.claims, "ignored": self.ignored,
            "events": self.events, "streams": self.streams,
            "checkpoints": self.checkpoints, "vouchedEvents": self.vouched,
            "checkpointsLeft": self.left, "undecidedGaps": self.undecided,
            "findings": self.findings, "seconds": seconds, "eventsPerSecond": rate,
        });
        if let Some(compared) = compared {
            whole["counters"] = json!(compared);
        }
        whole.to_string()
    }

    fn text(&self, seconds: f64, rate: f64) -> String {
        let Self { records, events, streams, claims, checkpoints, vouched, .. } = self;
        let ignored: u64 = self.ignored.values().sum();
        let mut text = format!(
            "{records} records: {events} events in {streams} streams, {claims} claims, \
             {ignored} ignored; chains whole, sequences dense, every payload readable\n\
             {checkpoints} signed checkpoints agree, which vouch for {vouched} of the events\n\
             {seconds:.2} s, {rate:.0} events a second"
        );
        if self.left > 0 {
            let left = self.left;
            text.push_str(&format!("\n{left} checkpoints are of what this log has left behind"));
        }
        if self.undecided > 0 {
            let undecided = self.undecided;
            text.push_str(&format!("\n{undecided} gaps with nothing accepted since"));
        }
        text
    }
}

/// The newest checkpoint of each partition as they are served, to be kept where whoever can write
/// the log can't write.
#[derive(Args)]
pub(crate) struct Checkpoints {
    /// Prints the key that they are checked with instead
    #[arg(long)]
    key: bool,
    /// Prints every checkpoint that is kept, not only the newest
    #[arg(long)]
    all: bool,
}

impl Checkpoints {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let ports = config.ports();
        let identity = ports::open_to_read(&ports).await?.identity();
        if self.key {
            let keys = ports::open_keys_to_read(&ports).await?;
            return say(&projectors::signer(&identity, &*keys).public().to_string());
        }
        let blobs = ports::open_blobs(&ports).await?;
        for partition in 0..identity.partitions {
            let notes = match self.all {
                true => projectors::kept(&*blobs, partition).await?,
                false => projectors::newest(&*blobs, partition).await?.into_iter().collect(),
            };
            for note in notes {
                say(&note)?;
            }
        }
        Ok(())
    }
}
