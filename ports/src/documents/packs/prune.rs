//! Removes packs that hold nothing any more, and empties those that hold little.

use super::pack::{Member, PREFIX, Pack, Place};
use super::{Key, Packs, Stored, Swap};
use crate::Error;
use crate::blobs::BlobKey;

/// How long a pack is left alone: whoever puts one may still be about to point documents at it.
pub(super) const LEFT_ALONE_MS: i64 = 24 * 60 * 60 * 1_000;

/// What became of the packs that were looked at.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// Where to go on; at the end `None`.
    pub next: Option<BlobKey>,
    pub removed: u64,
    pub emptied: u64,
}

impl Packs {
    /// Looks at the next packs after a key, at most `limit`. A pack that no document points at is
    /// removed; of one that less than half of its documents point at, those are unpacked, and it is
    /// removed the next time.
    ///
    /// # Errors
    /// When documents or blobs can't be reached; it can be done again.
    pub async fn prune(&self, after: Option<&BlobKey>, limit: usize) -> Result<Pruned, Error> {
        let listed = self.blobs.list(PREFIX, after, limit).await?;
        let old = self.clock.now_ms() - LEFT_ALONE_MS;
        let mut pruned = Pruned::default();
        for blob in listed.into_iter().map(|it| it.key) {
            // They are in the order of their times.
            if made_ms(&blob).is_none_or(|it| it >= old) {
                pruned.next = None;
                return Ok(pruned);
            }
            self.prune_one(&blob, &mut pruned).await?;
            pruned.next = Some(blob);
        }
        Ok(pruned)
    }

    async fn prune_one(&self, blob: &BlobKey, pruned: &mut Pruned) -> Result<(), Error> {
        let Some(pack) = self.read(blob).await? else { return Ok(()) };
        let Some(collection) = self.collection(&pack) else {
            // Of documents that this version does not have.
            return Ok(());
        };
        let key = |it: &Member| Key { collection, id: it.id.clone() };
        let keys: Vec<Key> = pack.members.iter().map(key).collect();
        let standing = self.inner.load(&keys).await?;
        let points = |it: &Option<Stored>| {
            let body = it.as_ref().and_then(|it| it.body.as_ref());
            body.and_then(|it| Place::of(it)).is_some_and(|it| it.pack == *blob)
        };
        let held: Vec<bool> = standing.iter().map(points).collect();
        let count = held.iter().filter(|it| **it).count();
        if count == 0 {
            self.blobs.delete(blob).await?;
            pruned.removed += 1;
        } else if count * 2 < pack.members.len() {
            let members = pack.members.into_iter().zip(held).filter(|(_, held)| *held);
            let unpacked = |(it, _): (Member, bool)| Swap {
                id: it.id,
                ordinal: it.ordinal,
                body: it.body.into(),
            };
            let swaps: Vec<Swap> = members.map(unpacked).collect();
            self.inner.swap(collection, &swaps).await?;
            pruned.emptied += 1;
        }
        Ok(())
    }

    /// The declared name of a pack's collection.
    fn collection(&self, pack: &Pack) -> Option<&'static str> {
        let declared = self.declared.lock().expect("no holder of the lock panics");
        declared.iter().find(|it| **it == pack.collection).copied()
    }
}

/// When a pack was made, by its key.
fn made_ms(key: &BlobKey) -> Option<i64> {
    let (made, _) = key.as_str().strip_prefix(PREFIX)?.split_once('.')?;
    i64::from_str_radix(made, 16).ok()
}
