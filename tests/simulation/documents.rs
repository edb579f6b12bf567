//! Documents that survive their nodes, whose writes may be lost, late or done in part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use ports::Error;
use ports::documents::{Collection, Documents, Found, Key, Mark, Order, Scan, Stored, Swap, Write};
use ports::event_log::Partition;
use tokio::sync::oneshot;

use crate::sim::{Mutant, Sim, outside, unavailable, unknown};

const PORT: &str = "documents";

/// A collection's documents with their keys in its indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shelf {
    indexes: &'static [&'static str],
    pub(crate) by_id: BTreeMap<String, (Stored, Vec<Option<String>>)>,
    by_key: Vec<BTreeSet<(String, String)>>,
}

/// Everything that is stored.
#[derive(Default)]
pub(crate) struct DocumentStore {
    shelves: Mutex<BTreeMap<&'static str, Shelf>>,
    marks: Mutex<BTreeMap<Partition, Mark>>,
}

impl DocumentStore {
    /// Every collection as it is.
    pub(crate) fn all(&self) -> BTreeMap<&'static str, Shelf> {
        self.shelves.lock().expect("a lock").clone()
    }

    pub(crate) fn checkpoint(&self, partition: Partition) -> Option<Bytes> {
        self.marks.lock().expect("a lock").get(&partition).map(|it| it.checkpoint.clone())
    }

    fn set_mark(&self, partition: Partition, mark: Mark) {
        let mut marks = self.marks.lock().expect("a lock");
        if marks.get(&partition).is_none_or(|it| it.pos < mark.pos) {
            marks.insert(partition, mark);
        }
    }

    fn declare(&self, collections: &[Collection]) {
        let mut shelves = self.shelves.lock().expect("a lock");
        for it in collections {
            let shelf = shelves.entry(it.name).or_default();
            shelf.indexes = it.indexes;
            shelf.by_key.resize(it.indexes.len(), BTreeSet::new());
        }
    }

    fn apply(&self, writes: Vec<Write>) -> usize {
        let mut shelves = self.shelves.lock().expect("a lock");
        let mut applied = 0;
        for write in writes {
            let shelf = shelves.get_mut(write.key.collection).expect("a declared collection");
            applied += usize::from(shelf.put(write));
        }
        applied
    }

    fn swap(&self, collection: &'static str, swaps: &[Swap]) -> usize {
        let mut shelves = self.shelves.lock().expect("a lock");
        let shelf = shelves.get_mut(collection).expect("a declared collection");
        let mut found = 0;
        for Swap { id, ordinal, body } in swaps {
            let standing = shelf.by_id.get_mut(id).map(|it| &mut it.0);
            let standing = standing.filter(|it| it.ordinal == *ordinal && it.body.is_some());
            found += usize::from(standing.is_some());
            standing.into_iter().for_each(|it| it.body = Some(body.clone()));
        }
        found
    }

    fn load(&self, keys: &[Key]) -> Vec<Option<Stored>> {
        let shelves = self.shelves.lock().expect("a lock");
        let one = |it: &Key| shelves.get(it.collection)?.by_id.get(&it.id).map(|it| it.0.clone());
        keys.iter().map(one).collect()
    }

    fn scan(&self, scan: &Scan) -> Vec<Found> {
        let shelves = self.shelves.lock().expect("a lock");
        let Some(shelf) = shelves.get(scan.collection) else { return Vec::new() };
        if scan.from >= scan.to {
            return Vec::new();
        }
        let range = scan.from.clone()..scan.to.clone();
        let found = |key: &str, id: &str| Found {
            id: id.to_owned(),
            index_key: key.to_owned(),
            stored: shelf.by_id[id].0.clone(),
        };
        let mut all: Vec<Found> = match scan.index {
            None => shelf.by_id.range(range).map(|(id, _)| found(id, id)).collect(),
            Some(index) => {
                let at = shelf.indexes.iter().position(|it| *it == index).expect("an index");
                let range = (range.start, String::new())..(range.end, String::new());
                shelf.by_key[at].range(range).map(|(key, id)| found(key, id)).collect()
            }
        };
        if scan.order == Order::Descending {
            all.reverse();
        }
        all.truncate(scan.limit);
        all
    }
}

impl Shelf {
    fn put(&mut self, write: Write) -> bool {
        let id = write.key.id;
        if let Some((stored, keys)) = self.by_id.get(&id) {
            if write.ordinal <= stored.ordinal {
                return false;
            }
            for (index, key) in self.by_key.iter_mut().zip(keys) {
                if let Some(key) = key {
                    index.remove(&(key.clone(), id.clone()));
                }
            }
        }
        let keys = match write.body {
            Some(_) => write.index_keys,
            None => vec![None; self.indexes.len()],
        };
        for (index, key) in self.by_key.iter_mut().zip(&keys) {
            if let Some(key) = key {
                index.insert((key.clone(), id.clone()));
            }
        }
        // What it was made of does not outlive the writer, as in a store elsewhere.
        let body = write.body.map(|it| it.to_vec().into());
        self.by_id.insert(id, (Stored { ordinal: write.ordinal, body }, keys));
        true
    }
}

/// The documents as one node reaches them.
pub(crate) struct SimDocuments {
    pub(crate) node: usize,
    pub(crate) sim: Arc<Sim>,
    pub(crate) store: Arc<DocumentStore>,
}

impl SimDocuments {
    /// Reads as of the call or as of the answer.
    async fn read<T>(&self, call: &'static str, read: impl Fn() -> T + Send) -> Result<T, Error>
    where
        T: Send,
    {
        let early = self.sim.dice.happens(3_000).then(&read);
        self.sim.pass(self.node, call).await;
        match self.sim.strikes("documents refused", self.sim.config.read_refused) {
            true => Err(unavailable(PORT)),
            false => Ok(early.unwrap_or_else(read)),
        }
    }
}

#[async_trait]
impl Documents for SimDocuments {
    fn near(&self) -> bool {
        self.sim.config.near
    }

    async fn declare(&self, collections: &[Collection]) -> Result<(), Error> {
        self.store.declare(collections);
        Ok(())
    }

    async fn index(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        self.read("crash at load", || self.store.load(keys)).await
    }

    async fn write(
        &self,
        partition: Partition,
        mut writes: Vec<Write>,
        mark: Mark,
    ) -> Result<usize, Error> {
        let sim = &self.sim;
        if sim.strikes("write lost", sim.config.write_lost) {
            sim.pass(self.node, "crash after write").await;
            return Err(unknown(PORT));
        }
        let partly = sim.strikes("write in part", sim.config.write_partly);
        if partly {
            let kept = sim.dice.below(writes.len() as u64 + 1);
            writes.truncate(usize::try_from(kept).expect("it is a length"));
        }
        let checkpoint_first = sim.config.mutant == Mutant::CheckpointFirst;
        let (done, applied) = oneshot::channel();
        let (store, wait) = (Arc::clone(&self.store), sim.latency());
        outside(async move {
            tokio::time::sleep(wait).await;
            let applied = store.apply(writes);
            if !partly || checkpoint_first {
                store.set_mark(partition, mark);
            }
            // Whoever wrote may be gone.
            let _ = done.send(applied);
        });
        let applied = applied.await.map_err(|_| unknown(PORT))?;
        sim.pass(self.node, "crash after write").await;
        if partly || sim.strikes("write unheard", sim.config.write_lost / 2) {
            return Err(unknown(PORT));
        }
        Ok(applied)
    }

    async fn swap(&self, collection: &'static str, swaps: &[Swap]) -> Result<usize, Error> {
        Ok(self.store.swap(collection, swaps))
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Found>, Error> {
        let found = self.read("crash at scan", || self.store.scan(&scan)).await?;
        let forgets = self.sim.config.mutant == Mutant::ForgetCommands;
        Ok(if forgets && scan.index == Some("by_command") { Vec::new() } else { found })
    }

    async fn checkpoint(&self, partition: Partition) -> Result<Option<Bytes>, Error> {
        self.read("crash at checkpoint", || self.store.checkpoint(partition)).await
    }
}
