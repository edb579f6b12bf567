//! Folds a batch of events into the documents that they touch, each guarded by its ordinal.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::Arc;

use indexmap::IndexMap;
use indexmap::map::Entry;
use lru::LruCache;

use chat::PROJECTIONS;
use chat::kernel::document::{Document, Shared};
use chat::kernel::reader::parse;
use chat::kernel::{Projection, Recorded};
use chat::timeline::Timeline;
use ports::Error;
use ports::documents::{Body, Documents, Key, Write};

/// A document with the ordinal that it stands for.
#[derive(Default)]
struct Standing {
    ordinal: u64,
    document: Option<Shared>,
}

/// A document that a batch of events touches.
struct Touched {
    projection: &'static Projection,
    standing: Standing,
    /// Whether it must be read first.
    missing: bool,
    /// Whether there was none of its key, as far as is known.
    first: bool,
    /// Whether the last event that changed it made it anew: most of those never change again.
    begun: bool,
    /// Whether an event of the batch has changed it.
    changed: bool,
}

/// Folds the events of one partition; recently written documents need not be read again.
pub struct Folding {
    documents: Arc<dyn Documents>,
    kept: LruCache<Key, Standing>,
    /// When there was nothing in the beginning: hashes of all keys written since.
    written: Option<(RandomState, HashSet<u64>)>,
}

impl Folding {
    /// Starts with nothing at hand and keeps at most so many documents.
    pub fn new(documents: Arc<dyn Documents>, kept_max: usize) -> Self {
        let size = NonZeroUsize::new(kept_max.max(1)).expect("the size is not zero");
        Self { documents, kept: LruCache::new(size), written: None }
    }

    /// The same on empty documents, where what was never written need not be looked for.
    pub fn from_nothing(documents: Arc<dyn Documents>, kept_max: usize) -> Self {
        Self { written: Some(Default::default()), ..Self::new(documents, kept_max) }
    }

    /// The writes that a batch of events makes.
    ///
    /// # Errors
    /// When the documents can't be read.
    pub async fn fold(&mut self, events: &[Recorded]) -> Result<Vec<Write>, Error> {
        let mut touched = IndexMap::with_capacity(events.len() * 3);
        let mut steps = Vec::with_capacity(events.len() * 4);
        for event in events {
            for projection in PROJECTIONS {
                for id in (projection.ids)(event) {
                    let entry = touched.entry(Key { collection: projection.collection.name, id });
                    steps.push((event, entry.index()));
                    if let Entry::Vacant(it) = entry {
                        let first = self.take(projection, it.key(), event);
                        it.insert(first);
                    }
                }
            }
        }
        self.load(&mut touched).await?;
        for (event, at) in steps {
            let (key, it) = touched.get_index_mut(at).expect("it was put there");
            if it.standing.ordinal < event.ordinal {
                let document = it.standing.document.take();
                it.standing.document = (it.projection.project)(document, &key.id, event);
                it.standing.ordinal = event.ordinal;
                it.begun = (it.projection.begins)(event);
                it.changed = true;
            }
        }
        // The timeline first: who reads what a document is now finds there how it came to be.
        let (mut writes, others): (Vec<_>, Vec<_>) = touched
            .into_iter()
            .filter_map(|(key, it)| self.put_back(key, it))
            .partition(|it| it.key.collection == Timeline::COLLECTION.name);
        writes.extend(others);
        Ok(writes)
    }

    /// A document as it stands, out of what is at hand.
    fn take(&mut self, projection: &'static Projection, key: &Key, event: &Recorded) -> Touched {
        let kept = self.kept.pop(key);
        let missing = kept.is_none() && !(projection.begins)(event) && !self.is_new(key);
        let standing = kept.unwrap_or_default();
        // What an event makes anew is hardly ever there before.
        let first = standing.ordinal == 0;
        Touched { projection, standing, missing, first, begun: false, changed: false }
    }

    /// Reads what is not at hand.
    async fn load(&self, touched: &mut IndexMap<Key, Touched>) -> Result<(), Error> {
        let missing = touched.iter().filter(|(_, it)| it.missing);
        let missing: Vec<Key> = missing.map(|(key, _)| key.clone()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let stored = self.documents.load(&missing).await?;
        for (key, stored) in missing.into_iter().zip(stored) {
            let Some(stored) = stored else { continue };
            let document = stored.body.map(|it| parse(key.collection, &it)).transpose()?;
            let it = touched.get_mut(&key).expect("it was missing there");
            it.standing = Standing { ordinal: stored.ordinal, document };
            it.first = false;
        }
        Ok(())
    }

    /// Keeps a document at hand if it may change again; gives the write if it has changed.
    fn put_back(&mut self, key: Key, touched: Touched) -> Option<Write> {
        let Touched { projection, standing, first, begun, changed, .. } = touched;
        let write = changed.then(|| {
            let document = standing.document.as_ref();
            let index_keys = match document {
                Some(it) => it.index_keys(),
                None => vec![None; projection.collection.indexes.len()],
            };
            // Nobody reads what is being built from nothing.
            let body = document.map(|it| match self.written {
                None => Body::of(it.json(), Arc::clone(it)),
                Some(_) => it.json().into(),
            });
            Write { key: key.clone(), ordinal: standing.ordinal, index_keys, body, first }
        });
        if changed && let Some((hasher, written)) = &mut self.written {
            written.insert(hasher.hash_one(&key));
        }
        if !begun {
            self.kept.put(key, standing);
        }
        write
    }

    fn is_new(&self, key: &Key) -> bool {
        self.written.as_ref().is_some_and(|(hasher, it)| !it.contains(&hasher.hash_one(key)))
    }

    /// Forgets everything at hand: what was written may not have been stored.
    pub fn forget(&mut self) {
        self.kept.clear();
    }
}
