//! Builds the documents again from the first record on, beside those that are in use.

use std::sync::Arc;

use chat::checkpoint::Checkpoint;
use ports::Error;
use ports::documents::Documents;
use ports::event_log::{EventLog, Partition};

use crate::consume::accepted;
use crate::fold::Folding;

/// Records read at once.
const READ_MAX: usize = 256;

/// Documents of a partition kept at hand.
const KEPT_MAX: usize = 50_000;

/// Partitions folded at the same time.
const AT_ONCE: usize = 2;

/// Folds the whole log into empty documents; `progress` hears of the events of each batch.
///
/// # Errors
/// When a port fails or the log can't be read.
pub async fn rebuild(
    log: Arc<dyn EventLog>,
    documents: Arc<dyn Documents>,
    progress: Arc<dyn Fn(u64) + Send + Sync>,
) -> Result<u64, Error> {
    let collections: Vec<_> = chat::PROJECTIONS.iter().map(|it| it.collection).collect();
    documents.declare(&collections).await?;
    let mut running = tokio::task::JoinSet::new();
    let mut total = 0;
    for partition in 0..log.identity().partitions {
        if running.len() >= AT_ONCE {
            total += joined(running.join_next().await)?;
        }
        let (log, documents) = (Arc::clone(&log), Arc::clone(&documents));
        running.spawn(fold_partition(partition, log, documents, Arc::clone(&progress)));
    }
    while let Some(done) = running.join_next().await {
        total += joined(Some(done))?;
    }
    documents.index().await?;
    Ok(total)
}

fn joined(done: Option<Result<Result<u64, Error>, tokio::task::JoinError>>) -> Result<u64, Error> {
    done.map_or(Ok(0), |it| it.expect("folding does not panic"))
}

async fn fold_partition(
    partition: Partition,
    log: Arc<dyn EventLog>,
    documents: Arc<dyn Documents>,
    progress: Arc<dyn Fn(u64) + Send + Sync>,
) -> Result<u64, Error> {
    let mut folding = Folding::from_nothing(Arc::clone(&documents), KEPT_MAX);
    let mut checkpoint = Checkpoint::default();
    loop {
        let entries = log.read(partition, checkpoint.fold.pos, READ_MAX).await?;
        if entries.is_empty() {
            return Ok(checkpoint.fold.ordinal);
        }
        let mut events = Vec::with_capacity(entries.len());
        for entry in entries {
            let verdict = checkpoint.fold.step(entry.offset, &entry.bytes);
            let verdict = verdict.map_err(|it| Error::corrupt("event log", it))?;
            events.extend(accepted(partition, verdict));
        }
        events.iter().for_each(|it| checkpoint.cover(it));
        let writes = folding.fold(&events).await?;
        documents.write(partition, writes, checkpoint.mark()).await?;
        progress(events.len() as u64);
    }
}
