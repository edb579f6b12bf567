//! Destroys again what the log says is destroyed, where older keys have been brought back.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use chat::kernel::event::Reaction;
use ports::Error;
use ports::event_log::{EventLog, Fold, Partition};
use ports::keys::{Keys, TreeId};

use crate::consume::accepted;

/// Records read at once.
const READ_MAX: usize = 256;

/// Keys asked for or destroyed at the same time.
const AT_ONCE: usize = 64;

/// What was found while erasing again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Erasures that had been undone.
    pub undone: u64,
    /// Trees that sealed something and are not among the keys: nobody can read it any more.
    pub missing: u64,
}

/// Carries out every erasure of the log once more.
///
/// # Errors
/// When a port fails or the log can't be read; then it can be done again.
pub async fn erase_again(log: &dyn EventLog, keys: &dyn Keys) -> Result<Erased, Error> {
    let mut erased = Erased::default();
    for partition in 0..log.identity().partitions {
        let mut again = Again { keys, trees: BTreeSet::new(), erased };
        again.erase_partition(log, partition).await?;
        erased = again.erased;
    }
    Ok(erased)
}

struct Again<'a> {
    keys: &'a dyn Keys,
    /// Trees of the partition that were looked for; those of its streams are in no other.
    trees: BTreeSet<TreeId>,
    erased: Erased,
}

impl Again<'_> {
    async fn erase_partition(
        &mut self,
        log: &dyn EventLog,
        partition: Partition,
    ) -> Result<(), Error> {
        let mut fold = Fold::default();
        loop {
            let entries = log.read(partition, fold.pos, READ_MAX).await?;
            if entries.is_empty() {
                return Ok(());
            }
            let (mut sealed, mut reactions) = (BTreeSet::new(), Vec::new());
            for entry in entries {
                let verdict = fold.step(entry.offset, &entry.bytes);
                let verdict = verdict.map_err(|it| Error::corrupt("event log", it))?;
                for mut recorded in accepted(partition, verdict) {
                    reactions.extend(chat::reactions(&recorded));
                    let names = recorded.event.personal().into_iter();
                    sealed.extend(names.filter_map(|it| it.name().map(|it| it.tree)));
                }
            }
            // Looked for before an erasure makes one.
            self.look_for(sealed).await?;
            self.erase(reactions).await?;
        }
    }

    async fn look_for(&mut self, sealed: BTreeSet<TreeId>) -> Result<(), Error> {
        let new: Vec<TreeId> = sealed.difference(&self.trees).copied().collect();
        let keys = self.keys;
        let found = new.iter().map(|it| async move { Ok(keys.load(*it).await?.is_none()) });
        let missing: Result<Vec<bool>, Error> =
            stream::iter(found).buffer_unordered(AT_ONCE).try_collect().await;
        self.erased.missing += count(missing?);
        self.trees.extend(new);
        Ok(())
    }

    async fn erase(&mut self, reactions: Vec<Reaction>) -> Result<(), Error> {
        let erased = reactions.into_iter().map(|it| erase(self.keys, it));
        let undone: Result<Vec<bool>, Error> =
            stream::iter(erased).buffer_unordered(AT_ONCE).try_collect().await;
        self.erased.undone += count(undone?);
        Ok(())
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

fn count(all: Vec<bool>) -> u64 {
    all.into_iter().filter(|it| *it).count() as u64
}
