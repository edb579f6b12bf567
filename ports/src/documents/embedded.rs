//! Documents in one SQLite file: a table a collection, a column and its index an index.
//!
//! A write goes to memory, where it is found at once; a thread commits what has come together.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, RwLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::Notify;

use super::fresh::Layers;
use super::recent::Recent;
use super::tables::{self, Table};
use super::{Collection, Documents, Found, Key, Mark, Scan, Stored, Swap, Write};
use crate::Error;
use crate::event_log::Partition;
use crate::sqlite::{self, Backfill, Durability, Readers};

const PORT: &str = "documents";

/// How long a written document waits for others to be committed with: neighbours share pages, and
/// those that change often are written once.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

/// Bytes of documents after which a commit does not wait any longer.
const FLUSH_BYTES: usize = 8 << 20;

/// Bytes of documents that wait for a commit at most; writers wait beyond that.
const WAITING_BYTES_MAX: usize = 32 << 20;

pub(super) struct Embedded {
    store: Arc<Store>,
    /// Wakes the thread that commits; dropped first, so that it ends.
    nudges: Option<mpsc::SyncSender<()>>,
    flusher: Option<JoinHandle<()>>,
}

struct Store {
    file: PathBuf,
    durability: Durability,
    layers: RwLock<Layers>,
    recent: Recent,
    readers: Readers,
    writer: Mutex<Connection>,
    backfill: Backfill,
    tables: RwLock<HashMap<&'static str, Table>>,
    /// There is room again, or there never will be.
    flushed: Notify,
    /// Why a file that was to be filled is of no use.
    ruined: OnceLock<String>,
}

impl Embedded {
    pub(super) fn open(file: &Path, durability: Durability) -> Result<Self, Error> {
        let writer = sqlite::open(PORT, file, durability)?;
        let highest = tables::begin(&writer).map_err(|it| sqlite::translate(PORT, it))?;
        let store = Arc::new(Store {
            file: file.to_owned(),
            durability,
            layers: RwLock::new(Layers { highest, ..Layers::default() }),
            recent: Recent::default(),
            readers: Readers::open(PORT, file)?,
            backfill: Backfill::start(PORT, file, durability, &writer)?,
            writer: Mutex::new(writer),
            tables: RwLock::default(),
            flushed: Notify::new(),
            ruined: OnceLock::new(),
        });
        let (nudges, nudged) = mpsc::sync_channel(1);
        let flushes = Arc::clone(&store);
        let flusher = thread::Builder::new()
            .name("documents".into())
            .spawn(move || flushes.flush_all(&nudged))
            .map_err(|it| Error::unavailable(PORT, it))?;
        Ok(Self { store, nudges: Some(nudges), flusher: Some(flusher) })
    }
}

impl Drop for Embedded {
    /// Commits what waits, so that the next opening need not fold it again.
    fn drop(&mut self) {
        drop(self.nudges.take());
        if let Some(flusher) = self.flusher.take() {
            // A thread that panicked has ended the process.
            let _ = flusher.join();
        }
    }
}

impl Store {
    fn table(&self, collection: &'static str) -> Result<Table, Error> {
        let tables = self.tables.read().expect("declaring does not panic");
        tables.get(collection).cloned().ok_or_else(|| {
            let file = self.file.display();
            Error::unavailable(PORT, format!("collection {collection} is not declared in {file}"))
        })
    }

    fn layers(&self) -> std::sync::RwLockReadGuard<'_, Layers> {
        self.layers.read().expect("no holder of the lock panics")
    }

    fn layers_mut(&self) -> std::sync::RwLockWriteGuard<'_, Layers> {
        self.layers.write().expect("no holder of the lock panics")
    }

    fn writer(&self) -> std::sync::MutexGuard<'_, Connection> {
        self.writer.lock().expect("no holder of the lock panics")
    }

    /// Commits now and then until nobody can write any more.
    fn flush_all(&self, nudged: &mpsc::Receiver<()>) {
        let waited = |it| it != Err(mpsc::RecvTimeoutError::Disconnected);
        let mut open = true;
        while open {
            open = nudged.recv().is_ok();
            if open && self.layers().filling.bytes() < FLUSH_BYTES {
                open = waited(nudged.recv_timeout(FLUSH_AFTER));
            }
            while let Err(error) = self.flush() {
                tracing::warn!(port = PORT, %error, "documents are not committed");
                metrics::counter!("parlance_document_commits_failed_total").increment(1);
                if !open || self.ruined.get().is_some() {
                    return;
                }
                open = waited(nudged.recv_timeout(FLUSH_AFTER));
            }
        }
    }

    /// Refuses what is to be done to a file that could not be filled.
    fn sound(&self) -> Result<(), Error> {
        self.ruined.get().map_or(Ok(()), |it| Err(Error::unavailable(PORT, it.as_str())))
    }

    /// Commits everything that was written until now.
    fn flush(&self) -> Result<(), Error> {
        let mut writer = self.writer();
        self.sound()?;
        loop {
            let (fresh, failed_before) = {
                let mut layers = self.layers_mut();
                let failed_before = layers.flushing.is_some();
                if !failed_before && !layers.filling.is_empty() {
                    layers.flushing = Some(Arc::new(std::mem::take(&mut layers.filling)));
                    self.flushed.notify_waiters();
                }
                (layers.flushing.clone(), failed_before)
            };
            let Some(fresh) = fresh else { return Ok(()) };
            let tables = self.tables.read().expect("declaring does not panic").clone();
            if let Err(error) = tables::commit(&mut writer, &fresh, &tables) {
                if self.durability == Durability::Filling {
                    // Without a journal nothing is known of the file any more.
                    let _ = self.ruined.set(error.to_string());
                    self.flushed.notify_waiters();
                }
                return Err(sqlite::translate(PORT, error));
            }
            self.backfill.after_commit();
            self.layers_mut().flushing = None;
            if !failed_before {
                return Ok(());
            }
        }
    }

    /// Takes writes in; says how many applied, and whether the thread that commits must wake.
    fn put(
        &self,
        partition: Partition,
        writes: Vec<Write>,
        mark: Mark,
    ) -> Result<(usize, bool), Error> {
        let mut layers = self.layers_mut();
        let before = (layers.filling.is_empty(), layers.filling.bytes());
        let highest = layers.highest.get(&partition).copied().unwrap_or_default();
        // What may fail comes first, so that all of a batch is taken in or nothing.
        let mut standing = Vec::with_capacity(writes.len());
        for write in &writes {
            let newer = write.ordinal > highest;
            standing.push(if newer { None } else { self.ordinal(&layers, &write.key)? });
        }
        let marked = match layers.mark(partition) {
            Some(fresh) => Some(fresh.pos),
            None => self.stored_mark(partition)?.map(|it| it.pos),
        };
        let mut reached = highest;
        let mut applied = 0;
        for (write, standing) in writes.into_iter().zip(standing) {
            // The same document may come twice.
            let fresh = layers.filling.get(write.key.collection, &write.key.id);
            let standing = fresh.map(|it| it.ordinal).or(standing);
            if standing.is_none_or(|it| it < write.ordinal) {
                reached = reached.max(write.ordinal);
                self.recent.forget(&write.key);
                // Nobody scans what is being filled.
                layers.filling.put(write, self.durability != Durability::Filling);
                applied += 1;
            }
        }
        if reached > highest {
            layers.highest.insert(partition, reached);
            layers.filling.set_highest(partition, reached);
        }
        if marked.is_none_or(|it| it < mark.pos) {
            layers.filling.set_mark(partition, mark);
        }
        let full = before.1 < FLUSH_BYTES && layers.filling.bytes() >= FLUSH_BYTES;
        Ok((applied, before.0 || full))
    }

    /// The ordinal of a document, wherever it is.
    fn ordinal(&self, layers: &Layers, key: &Key) -> Result<Option<u64>, Error> {
        if let Some(fresh) = layers.get(key) {
            return Ok(Some(fresh.ordinal));
        }
        let sql = self.table(key.collection)?.ordinal;
        self.readers.with(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_row(params![key.id], |row| row.get(0)).optional()
        })
    }

    fn stored_mark(&self, partition: Partition) -> Result<Option<Mark>, Error> {
        self.readers.with(|connection| {
            connection
                .prepare_cached("SELECT pos, bytes FROM checkpoints WHERE partition = ?1")?
                .query_row(params![partition], |row| {
                    let checkpoint: Vec<u8> = row.get(1)?;
                    Ok(Mark { pos: row.get(0)?, checkpoint: checkpoint.into() })
                })
                .optional()
        })
    }

    /// What a scan finds in the file among the documents that nothing newer hides.
    fn scan_file(&self, scan: &Scan, hidden: impl Fn(&str) -> bool) -> Result<Vec<Found>, Error> {
        let sql = tables::scan_sql(scan);
        self.readers.with(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![scan.from, scan.to], |row| {
                Ok(Found {
                    id: row.get(0)?,
                    index_key: row.get(1)?,
                    stored: tables::stored(row, 2)?,
                })
            })?;
            let visible = |it: &Result<Found, _>| it.as_ref().map_or(true, |it| !hidden(&it.id));
            rows.filter(visible).take(scan.limit).collect()
        })
    }
}

#[async_trait]
impl Documents for Embedded {
    async fn declare(&self, collections: &[Collection]) -> Result<(), Error> {
        let writer = self.store.writer();
        for collection in collections {
            writer
                .execute_batch(&tables::definition(collection))
                .map_err(|it| sqlite::translate(PORT, it))?;
            let mut tables = self.store.tables.write().expect("declaring does not panic");
            tables.insert(collection.name, Table::of(collection));
        }
        Ok(())
    }

    async fn index(&self) -> Result<(), Error> {
        let store = &self.store;
        store.flush()?;
        let writer = store.writer();
        let tables = store.tables.read().expect("declaring does not panic").clone();
        let sql: String = tables.values().map(|it| tables::indexes(&it.collection)).collect();
        writer.execute_batch(&sql).map_err(|it| sqlite::translate(PORT, it))?;
        match store.durability {
            Durability::Filling => sqlite::settle(PORT, &store.file),
            Durability::Full | Durability::Rebuildable => Ok(()),
        }
    }

    fn near(&self) -> bool {
        true
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        let (layers, recent) = (self.store.layers(), &self.store.recent);
        let at_hand = |it| layers.get(it).cloned().or_else(|| recent.get(it));
        let mut loaded: Vec<Option<Stored>> = keys.iter().map(at_hand).collect();
        let mut missing = Vec::new();
        for (at, key) in keys.iter().enumerate().filter(|(at, _)| loaded[*at].is_none()) {
            missing.push((at, key, self.store.table(key.collection)?.load));
        }
        if missing.is_empty() {
            return Ok(loaded);
        }
        metrics::counter!("parlance_document_queries_total").increment(1);
        self.store.readers.with(|connection| {
            for (at, key, sql) in missing {
                let mut statement = connection.prepare_cached(&sql)?;
                loaded[at] = statement
                    .query_row(params![key.id], |row| tables::stored(row, 0))
                    .optional()?;
                loaded[at].iter().for_each(|it| recent.put(key, it));
            }
            Ok(loaded)
        })
    }

    async fn write(
        &self,
        partition: Partition,
        writes: Vec<Write>,
        mark: Mark,
    ) -> Result<usize, Error> {
        loop {
            let flushed = self.store.flushed.notified();
            self.store.sound()?;
            if self.store.layers().filling.bytes() < WAITING_BYTES_MAX {
                break;
            }
            flushed.await;
        }
        let (applied, wake) = self.store.put(partition, writes, mark)?;
        if wake {
            // A nudge that is waiting will do.
            self.nudges.iter().for_each(|it| {
                let _ = it.try_send(());
            });
        }
        Ok(applied)
    }

    async fn swap(&self, collection: &'static str, swaps: &[Swap]) -> Result<usize, Error> {
        let sql = self.store.table(collection)?.swap;
        let mut writer = self.store.writer();
        self.store.sound()?;
        // Whoever reads keeps what was read at hand.
        let _no_reader = self.store.layers_mut();
        let mut swap_all = || {
            let file = writer.transaction()?;
            let mut found = 0;
            for Swap { id, ordinal, body } in swaps {
                found += file.prepare_cached(&sql)?.execute(params![id, ordinal, &**body])?;
                self.store.recent.forget(&Key { collection, id: id.clone() });
            }
            file.commit().map(|()| found)
        };
        swap_all().map_err(|it| sqlite::translate(PORT, it))
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Found>, Error> {
        metrics::counter!("parlance_document_queries_total").increment(1);
        let collection = self.store.table(scan.collection)?.collection;
        let index = scan.index.and_then(|it| collection.indexes.iter().position(|at| *at == it));
        let layers = self.store.layers();
        let hidden = |id: &str| layers.hide(scan.collection, id);
        layers.scan(&scan, index, || self.store.scan_file(&scan, hidden))
    }

    async fn checkpoint(&self, partition: Partition) -> Result<Option<Bytes>, Error> {
        let layers = self.store.layers();
        if let Some(fresh) = layers.mark(partition) {
            return Ok(Some(fresh.checkpoint.clone()));
        }
        Ok(self.store.stored_mark(partition)?.map(|it| it.checkpoint))
    }
}

#[cfg(test)]
mod tests;
