//! Moving an instance: `migrate` to other systems, `backup` into a folder, `restore` out of one.
//!
//! All three copy a log record by record into one of the same identity, and keys into a store of
//! the same root, and the blobs that are absent. Documents are folded from the log again.

mod backup;
mod manifest;
mod migrate;
mod restore;

pub(super) use backup::Backup;
pub(super) use migrate::Migrate;
pub(super) use restore::Restore;

use std::path::Path;

use chat::checkpoint::Checkpoint;
use ports::event_log::copy::{self, Copied};
use ports::event_log::{EventLog, Standing};
use ports::{ErrorKind, Ports};

use super::maintain::nobody_works;
use super::progress::bar;

/// Copies what is before these offsets, and shows it.
async fn copy_log(from: &dyn EventLog, to: &dyn EventLog, ends: &[u64]) -> anyhow::Result<Copied> {
    let shown = bar(ends.iter().sum(), "records");
    let copied = copy::copy(from, to, ends, &|records| shown.inc(records)).await;
    shown.finish_and_clear();
    Ok(copied?)
}

/// Refuses a place to copy into that is served or was, or that holds documents.
async fn vacant(ports: &Ports) -> anyhow::Result<()> {
    match ports.event_log.standing() {
        Standing::Copy => (),
        Standing::Serving => anyhow::bail!("the target is an instance that is served already"),
        Standing::Moved(place) => anyhow::bail!("the target's log has moved to {place}"),
    }
    nobody_works(ports).await?;
    for partition in 0..ports.event_log.identity().partitions {
        let checkpoint = Checkpoint::load(&*ports.documents, partition).await?;
        anyhow::ensure!(
            checkpoint == Checkpoint::default(),
            "the target's documents are not empty"
        );
    }
    Ok(())
}

/// What makes documents of the log that has arrived.
const NEXT: &str = "fold its documents with `parlance rebuild --all`, or just start it";

/// Refuses the keys of an instance that has moved: what is erased at its new place is not erased in
/// them. A folder of keys alone has no log that could say so.
pub(super) async fn stayed(folder: &Path) -> anyhow::Result<()> {
    match ports::open_to_read(&ports::Config::embedded(folder)).await {
        Ok(log) => match log.standing() {
            Standing::Serving | Standing::Copy => Ok(()),
            Standing::Moved(place) => anyhow::bail!("the keys' instance has moved to {place}"),
        },
        Err(error) if error.kind == ErrorKind::Unavailable => Ok(()),
        Err(error) => Err(error.into()),
    }
}
