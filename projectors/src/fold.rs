//! Folds a batch of events into the documents that they touch, each guarded by its ordinal.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use chat::PROJECTIONS;
use chat::kernel::document::{Document, Shared};
use chat::kernel::reader::parse;
use chat::kernel::{Projection, Recorded};
use chat::timeline::Timeline;
use ports::Error;
use ports::documents::{Documents, Key, Write};

/// A document with the ordinal that it stands for.
#[derive(Clone)]
struct Standing {
    ordinal: u64,
    document: Option<Shared>,
    /// Whether the last event that changed it made it anew: most of those never change again.
    begun: bool,
    /// Whether an event of the batch at hand has changed it.
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
        let touched = touched(events);
        let mut standing = self.load(&touched).await?;
        let mut changed = Vec::new();
        for (event, projection, key) in touched {
            let it = standing.get_mut(&key).expect("everything touched was loaded");
            if it.ordinal < event.ordinal {
                it.document = (projection.project)(it.document.take(), &key.id, event);
                it.ordinal = event.ordinal;
                it.begun = (projection.begins)(event);
                if !std::mem::replace(&mut it.changed, true) {
                    changed.push((projection, key));
                }
            }
        }
        // The timeline first: who reads what a document is now finds there how it came to be.
        changed
            .sort_by_key(|(projection, _)| projection.collection.name != Timeline::COLLECTION.name);
        let mut writes = Vec::with_capacity(changed.len());
        for (projection, key) in changed {
            let mut it = standing.remove(&key).expect("everything changed was loaded");
            it.changed = false;
            let index_keys = match &it.document {
                Some(document) => document.index_keys(),
                None => vec![None; projection.collection.indexes.len()],
            };
            let body = it.document.as_ref().map(|document| document.json());
            writes.push(Write { key: key.clone(), ordinal: it.ordinal, index_keys, body });
            if let Some((hasher, written)) = &mut self.written {
                written.insert(hasher.hash_one(&key));
            }
            match it.begun {
                true => self.kept.pop(&key),
                false => self.kept.put(key, it),
            };
        }
        Ok(writes)
    }

    async fn load(
        &mut self,
        touched: &[(&Recorded, &'static Projection, Key)],
    ) -> Result<HashMap<Key, Standing>, Error> {
        let mut standing = HashMap::with_capacity(touched.len());
        let mut missing = Vec::new();
        for (event, projection, key) in touched {
            if standing.contains_key(key) {
                continue;
            }
            let fresh = (projection.begins)(event) || self.is_new(key);
            let found = self.kept.get(key).cloned();
            if found.is_none() && !fresh {
                missing.push(key.clone());
            }
            let absent = Standing { ordinal: 0, document: None, begun: false, changed: false };
            standing.insert(key.clone(), found.unwrap_or(absent));
        }
        if missing.is_empty() {
            return Ok(standing);
        }
        let stored = self.documents.load(&missing).await?;
        for (key, stored) in missing.into_iter().zip(stored) {
            if let Some(stored) = stored {
                let document = stored.body.map(|it| parse(key.collection, &it)).transpose()?;
                standing.insert(
                    key,
                    Standing { ordinal: stored.ordinal, document, begun: false, changed: false },
                );
            }
        }
        Ok(standing)
    }

    fn is_new(&self, key: &Key) -> bool {
        self.written.as_ref().is_some_and(|(hasher, it)| !it.contains(&hasher.hash_one(key)))
    }

    /// Forgets everything at hand: what was written may not have been stored.
    pub fn forget(&mut self) {
        self.kept.clear();
    }
}

fn touched(events: &[Recorded]) -> Vec<(&Recorded, &'static Projection, Key)> {
    let mut touched = Vec::with_capacity(events.len() * 4);
    for event in events {
        for projection in PROJECTIONS {
            for id in (projection.ids)(event) {
                touched.push((
                    event,
                    projection,
                    Key { collection: projection.collection.name, id },
                ));
            }
        }
    }
    touched
}
