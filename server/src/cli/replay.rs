//! `parlance replay`: accepted events to a file or a pipe, in the form in which they are public.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};

use chat::conversations::ConversationId;
use chat::kernel::codec::Batch;
use chat::kernel::{StreamId, Timestamp};
use ports::event_log::{Entry, EventLog, Fold, Partition, Position, Record, Verdict};
use server::config::Config;

use super::form::{Form, Public, Sink, format_all};
use super::progress::bar;

#[derive(Args)]
pub(crate) struct Replay {
    /// How events are written
    #[arg(long, value_enum, default_value_t = Form::Ndjson)]
    format: Form,
    /// Where to; standard output when absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only what comes after a position, or from a time on (RFC 3339)
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Only what comes up to a position, or before a time (RFC 3339)
    #[arg(long, value_name = "PLACE")]
    to: Option<String>,
    /// Only events of one conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<ConversationId>,
    /// Only events of one kind, by its name or full name
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// Goes on with what happens next
    #[arg(long)]
    follow: bool,
}

/// Records formatted together.
const CHUNK: usize = 4_096;

/// Chunks formatted at the same time.
const AT_ONCE: usize = 3;

/// Which events are wanted.
#[derive(Clone)]
struct Filter {
    from: Bound,
    to: Bound,
    stream: Option<StreamId>,
    event: Option<String>,
}

/// A place or a time.
#[derive(Clone)]
enum Bound {
    None,
    Position(Position),
    Time(Timestamp),
}

type Source = (Partition, Fold);

impl Replay {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let log = ports::open_to_read(&config.ports()).await?;
        let filter = Filter {
            from: bound(log.as_ref(), self.from.as_deref())?,
            to: bound(log.as_ref(), self.to.as_deref())?,
            stream: self.conversation.map(StreamId::Conversation),
            event: self.event.clone(),
        };
        let partitions = log.identity().partitions;
        let wanted =
            |it: &Partition| filter.stream.is_none_or(|stream| stream.partition(partitions) == *it);
        let mut sources: Vec<Source> =
            (0..partitions).filter(wanted).map(|it| (it, Fold::default())).collect();
        let mut records = 0;
        for (partition, _) in &sources {
            records += log.end(*partition).await?;
        }
        let shown = bar(records, "records");
        let out: Box<dyn Write + Send> = match &self.out {
            Some(path) => Box::new(File::create(path)?),
            None => Box::new(std::io::stdout()),
        };
        let mut sink = Sink::new(self.format, out)?;
        loop {
            for source in &mut sources {
                source.1 = copy(&log, source, &filter, &mut sink, &shown).await?;
            }
            sink.flush()?;
            if !self.follow {
                break;
            }
            let waits = sources.iter().map(|(it, fold)| log.wait(*it, fold.pos));
            let (first, ..) = futures_util::future::select_all(waits).await;
            first?;
        }
        shown.finish_and_clear();
        Ok(())
    }
}

fn bound(log: &dyn EventLog, text: Option<&str>) -> anyhow::Result<Bound> {
    let Some(text) = text else { return Ok(Bound::None) };
    if let Some(time) = Timestamp::parse(text) {
        return Ok(Bound::Time(time));
    }
    Ok(Bound::Position(Position::parse(&log.identity(), text)?))
}

/// Writes one partition's events from where its fold stands; gives the fold at the end.
async fn copy(
    log: &Arc<dyn EventLog>,
    (partition, fold): &Source,
    filter: &Filter,
    sink: &mut Sink,
    shown: &indicatif::ProgressBar,
) -> anyhow::Result<Fold> {
    let partition = *partition;
    let mut fold = fold.clone();
    let start = (Arc::clone(log), fold.pos);
    let chunks = stream::try_unfold(start, move |(log, from)| async move {
        let entries = log.read(partition, from, CHUNK).await?;
        let next = entries.last().map(|it| it.offset + 1);
        anyhow::Ok(next.map(|it| (entries, (log, it))))
    });
    let form = sink.form;
    // The fold is sequential and cheap; what is accepted is formatted on every core.
    let folding = &mut fold;
    let folded = chunks.map(move |chunk| {
        chunk.and_then(|entries| {
            let accepted = accept(folding, &entries)?;
            Ok((entries.len() as u64, accepted, filter.clone(), form))
        })
    });
    let formatted = folded.map(|chunk| async move {
        let (records, accepted, filter, form) = chunk?;
        let formatted = tokio::task::spawn_blocking(move || {
            format_all(form, publish_all(partition, &accepted, &filter)?)
        });
        anyhow::Ok((records, formatted.await??))
    });
    let mut formatted = Box::pin(formatted.buffered(AT_ONCE));
    while let Some((records, output)) = formatted.try_next().await? {
        sink.write(output)?;
        shown.inc(records);
    }
    drop(formatted);
    Ok(fold)
}

/// The records of a chunk that count, with the ordinals of their first events.
fn accept(fold: &mut Fold, entries: &[Entry]) -> anyhow::Result<Vec<(Record, u64)>> {
    let mut accepted = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Verdict::Accepted { record, first_ordinal } =
            fold.step(entry.offset, &entry.bytes)?
        {
            accepted.push((record, first_ordinal));
        }
    }
    Ok(accepted)
}

/// The wanted events of accepted records.
fn publish_all(
    partition: Partition,
    accepted: &[(Record, u64)],
    filter: &Filter,
) -> anyhow::Result<Vec<Public>> {
    let mut published = Vec::with_capacity(accepted.len());
    for (record, first_ordinal) in accepted {
        if filter.stream.is_some_and(|it| it.bytes() != record.header.stream) {
            continue;
        }
        let batch = Batch::decode(&record.payload)?;
        for event in batch.public(record, *first_ordinal) {
            let event = event?;
            let (ordinal, subject) = (event.ordinal, event.subject);
            if filter.event.as_deref().is_some_and(|it| it != event.name && it != subject)
                || !filter.covers(partition, ordinal, event.occurred_at())
            {
                continue;
            }
            published.push(Public { partition, ordinal, subject, bytes: event.bytes() });
        }
    }
    Ok(published)
}

impl Filter {
    fn covers(&self, partition: Partition, ordinal: u64, occurred_at: Timestamp) -> bool {
        let after = match &self.from {
            Bound::None => true,
            Bound::Position(it) => ordinal > it.ordinal(partition),
            Bound::Time(it) => occurred_at >= *it,
        };
        let before = match &self.to {
            Bound::None => true,
            Bound::Position(it) => ordinal <= it.ordinal(partition),
            Bound::Time(it) => occurred_at < *it,
        };
        after && before
    }
}
