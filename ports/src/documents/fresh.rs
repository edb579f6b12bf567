//! Documents that were written and are not in the file yet, found like those in the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::{Found, Key, Mark, Order, Scan, Stored, Write};
use crate::event_log::Partition;

/// What is held beside the keys and the body of a document, in bytes, about.
const OVERHEAD: usize = 200;

/// Written documents, the newest of each.
#[derive(Default)]
pub(super) struct Fresh {
    shelves: BTreeMap<&'static str, Shelf>,
    marks: HashMap<Partition, Mark>,
    /// The highest ordinal of each partition that was written to.
    highest: HashMap<Partition, u64>,
    bytes: usize,
}

#[derive(Default)]
struct Shelf {
    by_id: BTreeMap<Arc<str>, Document>,
    /// Key and id of each document that has a key, an index each.
    by_index: Vec<BTreeSet<(String, Arc<str>)>>,
}

/// A document with its keys.
pub(super) struct Document {
    pub(super) stored: Stored,
    pub(super) index_keys: Vec<Option<String>>,
}

impl Fresh {
    pub(super) fn is_empty(&self) -> bool {
        self.shelves.is_empty() && self.marks.is_empty()
    }

    /// Bytes held, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, collection: &str, id: &str) -> Option<&Stored> {
        Some(&self.shelves.get(collection)?.by_id.get(id)?.stored)
    }

    pub(super) fn mark(&self, partition: Partition) -> Option<&Mark> {
        self.marks.get(&partition)
    }

    /// Takes in a document that is newer than any other of its id.
    /// Without `indexed` it is not found by its keys until it is in the file.
    pub(super) fn put(&mut self, write: Write, indexed: bool) {
        let shelf = self.shelves.entry(write.key.collection).or_default();
        let indexes = if indexed { write.index_keys.len() } else { 0 };
        shelf.by_index.resize_with(indexes.max(shelf.by_index.len()), BTreeSet::new);
        let removed = write.body.is_none();
        let index_keys = if removed { Vec::new() } else { write.index_keys };
        let stored = Stored { ordinal: write.ordinal, body: write.body };
        let document = Document { stored, index_keys };
        self.bytes += document.bytes();
        let keys = if indexed { document.index_keys.clone() } else { Vec::new() };
        let id: Arc<str> = write.key.id.into();
        if let Some(before) = shelf.by_id.insert(Arc::clone(&id), document) {
            self.bytes -= before.bytes();
            for (index, key) in shelf.by_index.iter_mut().zip(before.index_keys) {
                key.map(|it| index.remove(&(it, Arc::clone(&id))));
            }
        }
        for (index, key) in shelf.by_index.iter_mut().zip(keys) {
            index.extend(key.map(|it| (it, Arc::clone(&id))));
        }
    }

    pub(super) fn set_highest(&mut self, partition: Partition, ordinal: u64) {
        self.highest.insert(partition, ordinal);
    }

    pub(super) fn highest(&self) -> impl Iterator<Item = (Partition, u64)> {
        self.highest.iter().map(|(partition, ordinal)| (*partition, *ordinal))
    }

    pub(super) fn set_mark(&mut self, partition: Partition, mark: Mark) {
        self.marks.insert(partition, mark);
    }

    /// Everything held, a collection at a time, in the order of the file.
    pub(super) fn collections(
        &self,
    ) -> impl Iterator<Item = (&'static str, impl Iterator<Item = (&str, &Document)>)> {
        self.shelves.iter().map(|(collection, shelf)| {
            (*collection, shelf.by_id.iter().map(|(id, document)| (&**id, document)))
        })
    }

    pub(super) fn marks(&self) -> impl Iterator<Item = (Partition, &Mark)> {
        self.marks.iter().map(|(partition, mark)| (*partition, mark))
    }

    /// What a scan of an index, or of the ids, finds among the visible; as many as it asks for.
    fn scan(
        &self,
        scan: &Scan,
        index: Option<usize>,
        visible: impl Fn(&str) -> bool,
    ) -> Vec<Found> {
        let (from, to) = (scan.from.as_str(), scan.to.as_str());
        let Some(shelf) = self.shelves.get(scan.collection).filter(|_| from < to) else {
            return Vec::new();
        };
        let found = |key: &str, id: &str, document: &Document| Found {
            id: id.to_owned(),
            index_key: key.to_owned(),
            stored: document.stored.clone(),
        };
        let Some(index) = index else {
            let range = (Bound::Included(from), Bound::Excluded(to));
            let range = shelf.by_id.range::<str, _>(range).filter(|(id, _)| visible(id));
            return first(range.map(|(id, it)| found(id, id, it)), scan);
        };
        let Some(keys) = shelf.by_index.get(index) else { return Vec::new() };
        let bound = |key: &str| (key.to_owned(), Arc::from(""));
        let range = keys.range(bound(from)..bound(to)).filter(|(_, id)| visible(id));
        first(range.map(|(key, id)| found(key, id, &shelf.by_id[id])), scan)
    }
}

fn first(range: impl DoubleEndedIterator<Item = Found>, scan: &Scan) -> Vec<Found> {
    match scan.order {
        Order::Ascending => range.take(scan.limit).collect(),
        Order::Descending => range.rev().take(scan.limit).collect(),
    }
}

impl Document {
    fn bytes(&self) -> usize {
        let keys: usize = self.index_keys.iter().flatten().map(|it| it.len()).sum();
        // What it was made of takes about as much again.
        OVERHEAD + keys + self.stored.body.as_ref().map_or(0, |it| 2 * it.len())
    }
}

/// What is written now, and what is on its way into the file: each hides what is below it.
#[derive(Default)]
pub(super) struct Layers {
    pub(super) filling: Fresh,
    pub(super) flushing: Option<Arc<Fresh>>,
    /// The highest ordinal of each partition, here or in the file: what is above it is newer than
    /// any document, without a look at that.
    pub(super) highest: HashMap<Partition, u64>,
}

impl Layers {
    fn each(&self) -> impl Iterator<Item = &Fresh> {
        std::iter::once(&self.filling).chain(self.flushing.as_deref())
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Stored> {
        self.each().find_map(|it| it.get(key.collection, &key.id))
    }

    pub(super) fn mark(&self, partition: Partition) -> Option<&Mark> {
        self.each().find_map(|it| it.mark(partition))
    }

    /// Whether a document of the file is hidden by a newer one.
    pub(super) fn hide(&self, collection: &str, id: &str) -> bool {
        self.each().any(|it| it.get(collection, id).is_some())
    }

    /// What a scan finds here and in the file, where `below` reads what is not hidden.
    pub(super) fn scan<E>(
        &self,
        scan: &Scan,
        index: Option<usize>,
        below: impl FnOnce() -> Result<Vec<Found>, E>,
    ) -> Result<Vec<Found>, E> {
        let mut all = self.filling.scan(scan, index, |_| true);
        if let Some(flushing) = &self.flushing {
            let visible = |id: &str| self.filling.get(scan.collection, id).is_none();
            all.extend(flushing.scan(scan, index, visible));
        }
        let stored = below()?;
        if all.is_empty() {
            return Ok(stored);
        }
        all.extend(stored);
        all.sort_unstable_by(|one, two| (&one.index_key, &one.id).cmp(&(&two.index_key, &two.id)));
        if scan.order == Order::Descending {
            all.reverse();
        }
        all.truncate(scan.limit);
        Ok(all)
    }
}
