//! Documents at hand for decisions: loaded ones, brought up to date by the events since.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
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
    tail: VecDeque<Late>,
    hasher: RandomState,
}

/// An event with the hashes of the keys that it touches, sorted: one that adds hundreds of members
/// must not be asked for all its ids by each document that is loaded.
struct Late {
    event: Arc<Recorded>,
    touched: Vec<u64>,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        let size = NonZeroUsize::new(KEPT_MAX).expect("the size is not zero");
        Self { kept: LruCache::new(size), tail: VecDeque::new(), hasher: RandomState::new() }
    }

    /// A document that is at hand.
    pub(crate) fn get(&mut self, key: &Key) -> Option<Option<Shared>> {
        self.kept.get(key).cloned()
    }

    /// Takes in a document as it was stored, with its ordinal, and folds what came after.
    pub(crate) fn put(&mut self, stream: StreamId, key: Key, ordinal: u64, stored: Option<Shared>) {
        let projection = projection(&key);
        // A document is folded from one stream, and comparing streams is cheap.
        let later = self.tail.iter().filter(|it| it.event.stream == stream);
        let hash = self.hasher.hash_one(&key);
        let later = later
            .filter(|it| it.event.ordinal > ordinal && it.touched.binary_search(&hash).is_ok());
        let document = later.fold(stored, |document, Late { event, .. }| {
            let touched = (projection.ids)(event).contains(&key.id);
            if touched { (projection.project)(document, &key.id, event) } else { document }
        });
        self.kept.put(key, document);
    }

    /// Folds a new event into the documents at hand.
    pub(crate) fn push(&mut self, event: Arc<Recorded>) {
        let mut touched = Vec::new();
        for projection in chat::PROJECTIONS {
            for id in (projection.ids)(&event) {
                let key = Key { collection: projection.collection.name, id };
                touched.push(self.hasher.hash_one(&key));
                if let Some(document) = self.kept.peek_mut(&key) {
                    *document = (projection.project)(document.take(), &key.id, &event);
                }
            }
        }
        touched.sort_unstable();
        self.tail.push_back(Late { event, touched });
    }

    /// Streams with events beyond the checkpoint.
    pub(crate) fn streams(&self) -> HashSet<StreamId> {
        self.tail.iter().map(|it| it.event.stream).collect()
    }

    /// Events beyond the checkpoint.
    pub(crate) fn tail_len(&self) -> usize {
        self.tail.len()
    }

    /// Forgets events that the stored documents cover.
    pub(crate) fn trim(&mut self, covered: u64) {
        while self.tail.front().is_some_and(|it| it.event.ordinal <= covered) {
            self.tail.pop_front();
        }
    }
}

fn projection(key: &Key) -> &'static Projection {
    Projection::by_collection(key.collection).expect("the collection is a room's")
}
