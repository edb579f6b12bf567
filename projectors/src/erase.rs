//! Destroys again what the log says is destroyed, where older keys have been brought back.

use futures_util::{StreamExt, TryStreamExt, stream};

use chat::kernel::event::Reaction;
use ports::Error;
use ports::event_log::{EventLog, Fold, Partition};
use ports::keys::Keys;

use crate::consume::accepted;

/// Records read at once.
const READ_MAX: usize = 256;

/// Keys destroyed at the same time.
const AT_ONCE: usize = 64;

/// Carries out every erasure of the log once more; gives how many of them had been undone.
///
/// # Errors
/// When a port fails or the log can't be read; then it can be done again.
pub async fn erase_again(log: &dyn EventLog, keys: &dyn Keys) -> Result<u64, Error> {
    let mut undone = 0;
    for partition in 0..log.identity().partitions {
        undone += erase_partition(log, keys, partition).await?;
    }
    Ok(undone)
}

async fn erase_partition(
    log: &dyn EventLog,
    keys: &dyn Keys,
    partition: Partition,
) -> Result<u64, Error> {
    let (mut fold, mut undone) = (Fold::default(), 0);
    loop {
        let entries = log.read(partition, fold.pos, READ_MAX).await?;
        if entries.is_empty() {
            return Ok(undone);
        }
        let mut reactions = Vec::new();
        for entry in entries {
            let verdict = fold.step(entry.offset, &entry.bytes);
            let verdict = verdict.map_err(|it| Error::corrupt("event log", it))?;
            reactions.extend(accepted(partition, verdict).iter().flat_map(chat::reactions));
        }
        let erased = reactions.into_iter().map(|it| erase(keys, it));
        let erased: Vec<bool> =
            stream::iter(erased).buffer_unordered(AT_ONCE).try_collect().await?;
        undone += erased.into_iter().filter(|it| *it).count() as u64;
    }
}

/// Gives whether there was something to be destroyed.
async fn erase(keys: &dyn Keys, reaction: Reaction) -> Result<bool, Error> {
    let Reaction::DestroyKey { tree, leaf } = reaction;
    // Keys older than the tree do not have it; projections destroy its leaf all the same.
    if keys.create(tree).await?.leaf(leaf).is_none() {
        return Ok(false);
    }
    keys.puncture(tree, leaf).await?;
    Ok(true)
}
