//! Frames of the past that were executed a moment ago: many come back at the same time.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;

use chat::timeline::Timeline;
use ports::event_log::Partition;

use crate::selection::{Executed, Selection};

/// Frames kept at most.
const KEPT_MAX: usize = 1_024;

/// How long a frame is kept, in milliseconds, even where nothing is announced.
const KEPT_MS: i64 = 1_000;

/// Frames as they are as long as no document changes.
pub(crate) struct Replayed {
    kept: Mutex<LruCache<Place, Kept>>,
}

/// A selection, by where it lies in memory, and an event.
type Place = (usize, Partition, u64);

struct Kept {
    /// Keeps its place in memory from being another's.
    _selection: Arc<Selection>,
    version: u64,
    since_ms: i64,
    executed: Executed,
}

impl Default for Replayed {
    fn default() -> Self {
        let size = NonZeroUsize::new(KEPT_MAX).expect("the size is not zero");
        Self { kept: Mutex::new(LruCache::new(size)) }
    }
}

fn place(selection: &Arc<Selection>, event: &Timeline) -> Place {
    (Arc::as_ptr(selection) as usize, event.partition, event.ordinal)
}

impl Replayed {
    /// The frame, if it was executed when the documents were as they are.
    pub(crate) fn get(
        &self,
        selection: &Arc<Selection>,
        event: &Timeline,
        version: u64,
        now_ms: i64,
    ) -> Option<Executed> {
        let mut kept = self.kept.lock().expect("no holder of the lock panics");
        let found = kept.get(&place(selection, event))?;
        let current = (found.since_ms..found.since_ms + KEPT_MS).contains(&now_ms);
        (current && found.version == version).then(|| found.executed.clone())
    }

    /// Keeps a frame that was executed when the documents had that version.
    pub(crate) fn put(
        &self,
        selection: &Arc<Selection>,
        event: &Timeline,
        version: u64,
        since_ms: i64,
        executed: &Executed,
    ) {
        let (_selection, executed) = (Arc::clone(selection), executed.clone());
        let mut kept = self.kept.lock().expect("no holder of the lock panics");
        kept.put(place(selection, event), Kept { _selection, version, since_ms, executed });
    }
}
