//! Documents in one SQLite file: a table a collection, a column and its index an index.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::recent::Recent;
use super::{Collection, Documents, Found, Key, Mark, Order, Scan, Stored, Write};
use crate::Error;
use crate::event_log::Partition;
use crate::sqlite::{self, Backfill, Durability, Readers};

const PORT: &str = "documents";

/// Batches in one commit at most.
const COMMIT_BATCHES_MAX: usize = 256;

/// The writer rests so many times as long as its last commit took: neighbours share pages, so under
/// load fewer and larger commits write less. An idle writer has rested already.
const REST: u32 = 2;

/// A rest is no longer than this.
const REST_MAX: Duration = Duration::from_millis(2);

pub(super) struct Embedded {
    file: PathBuf,
    durability: Durability,
    readers: Readers,
    backfill: Backfill,
    /// What waits to be committed, by whoever has the writer next.
    waiting: Mutex<Vec<Batch>>,
    writer: tokio::sync::Mutex<Connection>,
    rested: Mutex<Instant>,
    recent: Recent,
    declared: RwLock<HashMap<&'static str, Declared>>,
}

/// A collection and its SQL, written once.
#[derive(Clone)]
struct Declared {
    collection: Collection,
    load: Arc<str>,
    upsert: Arc<str>,
}

struct Batch {
    partition: Partition,
    writes: Vec<(Arc<str>, Write)>,
    mark: Mark,
    done: oneshot::Sender<Result<usize, Error>>,
}

impl Embedded {
    pub(super) fn open(file: &Path, durability: Durability) -> Result<Self, Error> {
        let writer = sqlite::open(PORT, file, durability)?;
        writer
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS checkpoints (
                     partition INTEGER PRIMARY KEY, pos INTEGER NOT NULL, bytes BLOB NOT NULL);",
            )
            .map_err(|it| sqlite::translate(PORT, it))?;
        Ok(Self {
            file: file.to_owned(),
            durability,
            readers: Readers::open(PORT, file)?,
            backfill: Backfill::start(PORT, file, durability, &writer)?,
            waiting: Mutex::default(),
            writer: tokio::sync::Mutex::new(writer),
            rested: Mutex::new(Instant::now()),
            recent: Recent::default(),
            declared: RwLock::default(),
        })
    }

    fn declared(&self, collection: &'static str) -> Result<Declared, Error> {
        let declared = self.declared.read().expect("declaring does not panic");
        declared.get(collection).cloned().ok_or_else(|| {
            let file = self.file.display();
            Error::unavailable(PORT, format!("collection {collection} is not declared in {file}"))
        })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Batch>> {
        self.waiting.lock().expect("no holder of the lock panics")
    }

    fn rested(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.rested.lock().expect("no holder of the lock panics")
    }

    /// Waits until the writer has rested, and lets others come first that are about to write.
    async fn rest(&self) {
        let rested = *self.rested();
        match self.durability == Durability::Filling || rested <= Instant::now() {
            true => tokio::task::yield_now().await,
            false => tokio::time::sleep_until(rested).await,
        }
    }

    /// Commits what waits, the oldest first.
    fn commit_some(&self, writer: &mut Connection) {
        let started = Instant::now();
        let group: Vec<Batch> = {
            let mut waiting = self.waiting();
            let many = waiting.len().min(COMMIT_BATCHES_MAX);
            waiting.drain(..many).collect()
        };
        let outcome = commit(writer, &group, &self.recent);
        self.backfill.after_commit();
        *self.rested() = Instant::now() + (started.elapsed() * REST).min(REST_MAX);
        for (at, batch) in group.into_iter().enumerate() {
            let answer = match &outcome {
                Ok(applied) => Ok(applied[at]),
                Err(error) => Err(Error::unavailable(PORT, error.to_string())),
            };
            // A projector that has gone away starts again from its checkpoint.
            let _ = batch.done.send(answer);
        }
    }
}

#[async_trait]
impl Documents for Embedded {
    async fn declare(&self, collections: &[Collection]) -> Result<(), Error> {
        let writer = self.writer.lock().await;
        for collection in collections {
            writer
                .execute_batch(&definition(collection))
                .map_err(|it| sqlite::translate(PORT, it))?;
            let mut declared = self.declared.write().expect("declaring does not panic");
            declared.insert(collection.name, Declared::of(collection));
        }
        Ok(())
    }

    async fn index(&self) -> Result<(), Error> {
        let writer = self.writer.lock().await;
        let declared = self.declared.read().expect("declaring does not panic").clone();
        let sql: String = declared.values().map(|it| indexes(&it.collection)).collect();
        writer.execute_batch(&sql).map_err(|it| sqlite::translate(PORT, it))?;
        match self.durability {
            Durability::Filling => sqlite::settle(PORT, &self.file),
            Durability::Full | Durability::Rebuildable => Ok(()),
        }
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        let mut loaded: Vec<Option<Stored>> = keys.iter().map(|it| self.recent.get(it)).collect();
        let mut missing = Vec::new();
        for (at, key) in keys.iter().enumerate().filter(|(at, _)| loaded[*at].is_none()) {
            missing.push((at, key, self.declared(key.collection)?.load));
        }
        if missing.is_empty() {
            return Ok(loaded);
        }
        metrics::counter!("parlance_document_queries_total").increment(1);
        self.readers.with(|connection| {
            for (at, key, sql) in missing {
                let mut statement = connection.prepare_cached(&sql)?;
                loaded[at] =
                    statement.query_row(params![key.id], |row| stored(row, 0)).optional()?;
            }
            Ok(loaded)
        })
    }

    /// Whoever gets the writer commits for all that wait, in the place where it runs: a commit
    /// writes to memory that the system saves, so no thread need be woken to wait for a disk.
    async fn write(
        &self,
        partition: Partition,
        writes: Vec<Write>,
        mark: Mark,
    ) -> Result<usize, Error> {
        let mut prepared = Vec::with_capacity(writes.len());
        for write in writes {
            prepared.push((self.declared(write.key.collection)?.upsert, write));
        }
        let (done, mut answer) = oneshot::channel();
        self.waiting().push(Batch { partition, writes: prepared, mark, done });
        loop {
            self.rest().await;
            let mut writer = self.writer.lock().await;
            // Somebody else may have committed it meanwhile.
            let mut outcome = answer.try_recv();
            if outcome.is_err() {
                self.commit_some(&mut writer);
                outcome = answer.try_recv();
            }
            if let Ok(outcome) = outcome {
                return outcome;
            }
        }
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Found>, Error> {
        metrics::counter!("parlance_document_queries_total").increment(1);
        self.declared(scan.collection)?;
        let sql = scan_sql(&scan);
        self.readers.with(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![scan.from, scan.to, scan.limit], |row| {
                Ok(Found { id: row.get(0)?, index_key: row.get(1)?, stored: stored(row, 2)? })
            })?;
            rows.collect()
        })
    }

    async fn checkpoint(&self, partition: Partition) -> Result<Option<Bytes>, Error> {
        self.readers.with(|connection| {
            connection
                .query_row(
                    "SELECT bytes FROM checkpoints WHERE partition = ?1",
                    params![partition],
                    |row| row.get::<_, Vec<u8>>(0).map(Bytes::from),
                )
                .optional()
        })
    }
}

impl Declared {
    fn of(collection: &Collection) -> Self {
        let name = collection.name;
        let columns: String = collection.indexes.iter().map(|it| format!(", k_{it}")).collect();
        let values: String =
            (0..collection.indexes.len()).map(|it| format!(", ?{}", it + 4)).collect();
        let updates: String =
            collection.indexes.iter().map(|it| format!(", k_{it} = excluded.k_{it}")).collect();
        Self {
            collection: *collection,
            load: format!("SELECT ordinal, body FROM d_{name} WHERE id = ?1").into(),
            upsert: format!(
                "INSERT INTO d_{name} (id, ordinal, body{columns}) VALUES (?1, ?2, ?3{values})
                 ON CONFLICT (id) DO UPDATE SET ordinal = excluded.ordinal, body = excluded.body
                 {updates} WHERE excluded.ordinal > ordinal"
            )
            .into(),
        }
    }
}

/// Rows live in the tree of their ids, so that a new document touches one page, not two.
fn definition(collection: &Collection) -> String {
    let name = collection.name;
    let columns: String = collection.indexes.iter().map(|it| format!(", k_{it} TEXT")).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS d_{name} (
             id TEXT PRIMARY KEY, ordinal INTEGER NOT NULL, body BLOB{columns}) WITHOUT ROWID;"
    )
}

fn indexes(collection: &Collection) -> String {
    let name = collection.name;
    let index = |it| {
        format!(
            "CREATE INDEX IF NOT EXISTS d_{name}_{it} ON d_{name} (k_{it})
                 WHERE k_{it} IS NOT NULL;"
        )
    };
    collection.indexes.iter().map(index).collect()
}

fn scan_sql(scan: &Scan) -> String {
    let column = scan.index.map_or_else(|| "id".to_owned(), |it| format!("k_{it}"));
    let direction = match scan.order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    format!(
        "SELECT id, {column}, ordinal, body FROM d_{} WHERE {column} >= ?1 AND {column} < ?2
         ORDER BY {column} {direction} LIMIT ?3",
        scan.collection
    )
}

fn stored(row: &rusqlite::Row<'_>, at: usize) -> Result<Stored, rusqlite::Error> {
    let body: Option<Vec<u8>> = row.get(at + 1)?;
    Ok(Stored { ordinal: row.get(at)?, body: body.map(Bytes::from) })
}

fn commit(
    connection: &mut Connection,
    group: &[Batch],
    recent: &Recent,
) -> Result<Vec<usize>, rusqlite::Error> {
    let immediate = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(immediate)?;
    let mut applied = Vec::with_capacity(group.len());
    let mut stored = Vec::new();
    for batch in group {
        let before = stored.len();
        for (sql, write) in &batch.writes {
            let values = values(write).into_iter().map(ToSqlOutput::Borrowed);
            if transaction.prepare_cached(sql)?.execute(params_from_iter(values))? > 0 {
                stored.push(write);
            }
        }
        let mark = &batch.mark;
        transaction
            .prepare_cached(
                "INSERT INTO checkpoints (partition, pos, bytes) VALUES (?1, ?2, ?3)
                 ON CONFLICT (partition) DO UPDATE SET pos = excluded.pos, bytes = excluded.bytes
                 WHERE excluded.pos > pos",
            )?
            .execute(params![batch.partition, mark.pos, mark.checkpoint.as_ref()])?;
        applied.push(stored.len() - before);
    }
    transaction.commit()?;
    metrics::counter!("parlance_document_writes_total").increment(stored.len() as u64);
    recent.put(stored);
    Ok(applied)
}

fn values(write: &Write) -> Vec<ValueRef<'_>> {
    let mut values = Vec::with_capacity(3 + write.index_keys.len());
    values.push(ValueRef::Text(write.key.id.as_bytes()));
    values.push(ValueRef::Integer(i64::try_from(write.ordinal).unwrap_or(i64::MAX)));
    values.push(write.body.as_deref().map_or(ValueRef::Null, ValueRef::Blob));
    for key in &write.index_keys {
        let key = key.as_deref().filter(|_| write.body.is_some());
        values.push(key.map_or(ValueRef::Null, |it| ValueRef::Text(it.as_bytes())));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_is_a_search_of_an_index() {
        let connection = Connection::open_in_memory().unwrap();
        let collection = Collection { name: "things", indexes: &["by_owner", "by_due"] };
        connection.execute_batch(&definition(&collection)).unwrap();
        connection.execute_batch(&indexes(&collection)).unwrap();
        let statements = Declared::of(&collection);
        let scan = |index| Scan::prefix("things", index, "a/", Order::Descending, 5);
        let queries = [
            statements.load.to_string(),
            scan_sql(&scan(None)),
            scan_sql(&scan(Some("by_owner"))),
            scan_sql(&scan(Some("by_due"))),
        ];
        for sql in queries {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let count = plan.parameter_count();
            let values = vec!["a"; count];
            let details: Vec<String> = plan
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert_eq!(details.len(), 1, "{sql}: {details:?}");
            assert!(details[0].starts_with("SEARCH"), "{sql}: {details:?}");
            let by_key = details[0].contains("INDEX") || details[0].contains("PRIMARY KEY");
            assert!(by_key, "{sql}: {details:?}");
        }
    }
}
