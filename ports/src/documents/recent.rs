//! Documents of the file as they were last read: names and memberships are asked for all the time.

use std::sync::Mutex;

use lru::LruCache;

use super::{Key, Stored};

/// Bytes of documents kept at most.
const BYTES_MAX: usize = 32 << 20;

/// What is held beside the body of a document, in bytes, about.
const OVERHEAD: usize = 200;

/// Documents by their keys. Whoever reads keeps others from writing until what was read is here,
/// and whoever writes takes the document out, so nothing here is older than the file.
#[derive(Default)]
pub(super) struct Recent {
    kept: Mutex<Kept>,
}

struct Kept {
    documents: LruCache<Key, Stored>,
    bytes: usize,
}

impl Default for Kept {
    fn default() -> Self {
        Self { documents: LruCache::unbounded(), bytes: 0 }
    }
}

impl Recent {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("no holder of the lock panics")
    }

    pub(super) fn get(&self, key: &Key) -> Option<Stored> {
        self.kept().documents.get(key).cloned()
    }

    /// Takes in what was read.
    pub(super) fn put(&self, key: &Key, document: &Stored) {
        let mut kept = self.kept();
        kept.bytes += size(document);
        if let Some(before) = kept.documents.put(key.clone(), document.clone()) {
            kept.bytes -= size(&before);
        }
        while kept.bytes > BYTES_MAX
            && let Some((_, oldest)) = kept.documents.pop_lru()
        {
            kept.bytes -= size(&oldest);
        }
    }

    /// Takes out what is about to be replaced.
    pub(super) fn forget(&self, key: &Key) {
        let mut kept = self.kept();
        if let Some(before) = kept.documents.pop(key) {
            kept.bytes -= size(&before);
        }
    }
}

fn size(document: &Stored) -> usize {
    // What it is read as takes about as much again.
    OVERHEAD + document.body.as_ref().map_or(0, |it| 2 * it.len())
}
