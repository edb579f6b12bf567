//! Documents as they were last written: those who hear of a change read it at once.

use std::sync::Mutex;

use lru::LruCache;

use super::{Key, Stored, Write};

/// Bytes of documents kept at most.
const BYTES_MAX: usize = 32 << 20;

/// What is held beside the body of a document, in bytes, about.
const OVERHEAD: usize = 200;

/// The latest documents by their keys. Only writes fill it, each after its commit and in the order
/// of commits, so it never holds what a later commit has replaced.
pub(super) struct Recent {
    kept: Mutex<Kept>,
}

struct Kept {
    documents: LruCache<Key, Stored>,
    bytes: usize,
}

impl Default for Recent {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept { documents: LruCache::unbounded(), bytes: 0 }) }
    }
}

impl Recent {
    pub(super) fn get(&self, key: &Key) -> Option<Stored> {
        self.kept.lock().expect("no holder of the lock panics").documents.get(key).cloned()
    }

    /// Takes in what a commit has stored.
    pub(super) fn put(&self, stored: Vec<&Write>) {
        let mut kept = self.kept.lock().expect("no holder of the lock panics");
        for write in stored {
            let document = Stored { ordinal: write.ordinal, body: write.body.clone() };
            kept.bytes += size(&document);
            if let Some(before) = kept.documents.put(write.key.clone(), document) {
                kept.bytes -= size(&before);
            }
        }
        while kept.bytes > BYTES_MAX
            && let Some((_, oldest)) = kept.documents.pop_lru()
        {
            kept.bytes -= size(&oldest);
        }
    }
}

fn size(document: &Stored) -> usize {
    OVERHEAD + document.body.as_ref().map_or(0, |it| it.len())
}
