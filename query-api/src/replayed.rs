//! Frames of the past that were executed a moment ago: many come back at the same time.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;

use chat::timeline::Timeline;
use ports::event_log::Partition;

use crate::selection::{Executed, Selection};

/// Frames kept at most.
const KEPT_MAX: usize = 256;

/// Bytes of a frame that is kept at most.
const BYTES_MAX: usize = 64 << 10;

/// How long a frame is kept, in milliseconds, even where nothing is announced.
const KEPT_MS: i64 = 1_000;

/// Frames as they are as long as no document changes.
pub(crate) struct Replayed(Mutex<Kept>);

struct Kept {
    /// Of the documents that the frames show.
    version: u64,
    frames: LruCache<Place, Frame>,
}

/// A selection, by where it lies in memory, and an event.
type Place = (usize, Partition, u64);

struct Frame {
    /// Keeps its place in memory from being another's.
    _selection: Arc<Selection>,
    since_ms: i64,
    executed: Executed,
}

impl Default for Replayed {
    fn default() -> Self {
        let size = NonZeroUsize::new(KEPT_MAX).expect("the size is not zero");
        Self(Mutex::new(Kept { version: 0, frames: LruCache::new(size) }))
    }
}

fn place(selection: &Arc<Selection>, event: &Timeline) -> Place {
    (Arc::as_ptr(selection) as usize, event.partition, event.ordinal)
}

impl Replayed {
    /// The frames of a version of the documents; those of another are dropped.
    fn of(&self, version: u64) -> std::sync::MutexGuard<'_, Kept> {
        let mut kept = self.0.lock().expect("no holder of the lock panics");
        if kept.version != version {
            kept.frames.clear();
            kept.version = version;
        }
        kept
    }

    /// The frame, if it was executed when the documents were as they are.
    pub(crate) fn get(
        &self,
        selection: &Arc<Selection>,
        event: &Timeline,
        version: u64,
        now_ms: i64,
    ) -> Option<Executed> {
        let mut kept = self.of(version);
        let place = place(selection, event);
        let since_ms = kept.frames.get(&place)?.since_ms;
        if !(since_ms..since_ms + KEPT_MS).contains(&now_ms) {
            kept.frames.pop(&place);
        }
        kept.frames.get(&place).map(|it| it.executed.clone())
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
        if matches!(executed, Executed::Shared(it) if it.failed || it.bytes() > BYTES_MAX) {
            return;
        }
        let (_selection, executed) = (Arc::clone(selection), executed.clone());
        let frame = Frame { _selection, since_ms, executed };
        self.of(version).frames.put(place(selection, event), frame);
    }
}
