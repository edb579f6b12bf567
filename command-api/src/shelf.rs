//! Documents at hand for decisions: loaded ones, brought up to date by the events since.

use std::collections::{HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use chat::kernel::document::Shared;
use chat::kernel::{Projection, Recorded, StreamId};
use ports::documents::Key;

/// Documents kept at most.
const KEPT_MAX: usize = 50_000;

/// Events kept beyond the documents' checkpoint at most; beyond that commands are refused.
pub(crate) const TAIL_MAX: usize = 50_000;

/// Documents as of the newest event, accepted or in flight.
pub(crate) struct Shelf {
    kept: LruCache<Key, Option<Shared>>,
    /// Events that the stored documents may not cover yet.
    tail: VecDeque<Arc<Recorded>>,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        let size = NonZeroUsize::new(KEPT_MAX).expect("the size is not zero");
        Self { kept: LruCache::new(size), tail: VecDeque::new() }
    }

    /// A document that is at hand.
    pub(crate) fn get(&mut self, key: &Key) -> Option<Option<Shared>> {
        self.kept.get(key).cloned()
    }

    /// Takes in a document as it was stored, with its ordinal, and folds what came after.
    pub(crate) fn put(&mut self, stream: StreamId, key: Key, ordinal: u64, stored: Option<Shared>) {
        let projection = projection(&key);
        // A document is folded from one stream, and comparing streams is cheap.
        let later = self.tail.iter().filter(|it| it.stream == stream && it.ordinal > ordinal);
        let document = later.fold(stored, |document, event| {
            let touched = (projection.ids)(event).contains(&key.id);
            if touched { (projection.project)(document, &key.id, event) } else { document }
        });
        self.kept.put(key, document);
    }

    /// Folds a new event into the documents at hand.
    pub(crate) fn push(&mut self, event: Arc<Recorded>) {
        for projection in chat::PROJECTIONS {
            for id in (projection.ids)(&event) {
                let key = Key { collection: projection.collection.name, id };
                if let Some(document) = self.kept.peek_mut(&key) {
                    *document = (projection.project)(document.take(), &key.id, &event);
                }
            }
        }
        self.tail.push_back(event);
    }

    /// Streams with events beyond the checkpoint.
    pub(crate) fn streams(&self) -> HashSet<StreamId> {
        self.tail.iter().map(|it| it.stream).collect()
    }

    /// Events beyond the checkpoint.
    pub(crate) fn tail_len(&self) -> usize {
        self.tail.len()
    }

    /// Forgets events that the stored documents cover.
    pub(crate) fn trim(&mut self, covered: u64) {
        while self.tail.front().is_some_and(|it| it.ordinal <= covered) {
            self.tail.pop_front();
        }
    }
}

fn projection(key: &Key) -> &'static Projection {
    Projection::by_collection(key.collection).expect("the collection is a room's")
}
