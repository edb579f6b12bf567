//! Documents in one SQLite file: a table a collection, an indexed column an index.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, RwLock, mpsc};
use std::thread;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter, types::Value};
use tokio::sync::oneshot;

use super::{Collection, Documents, Found, Key, Order, Scan, Stored, Write};
use crate::Error;
use crate::event_log::Partition;
use crate::sqlite::{self, Durability, Readers};

const PORT: &str = "documents";

/// Batches in one commit at most.
const COMMIT_BATCHES_MAX: usize = 256;

pub(super) struct Embedded {
    file: std::path::PathBuf,
    readers: Readers,
    batches: mpsc::Sender<Batch>,
    declared: RwLock<HashMap<&'static str, Statements>>,
    schema: Mutex<Connection>,
}

/// The SQL of one collection, written once.
#[derive(Clone)]
struct Statements {
    load: String,
    upsert: std::sync::Arc<str>,
}

struct Batch {
    partition: Partition,
    writes: Vec<(std::sync::Arc<str>, Write)>,
    checkpoint: Bytes,
    done: oneshot::Sender<Result<usize, Error>>,
}

impl Embedded {
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        let schema = sqlite::open(PORT, file, Durability::Rebuildable)?;
        schema
            .execute_batch(
                "CREATE TABLE IF NOT EXISTS checkpoints (
                     partition INTEGER PRIMARY KEY, bytes BLOB NOT NULL);",
            )
            .map_err(|it| sqlite::translate(PORT, it))?;
        let writer = sqlite::open(PORT, file, Durability::Rebuildable)?;
        let readers = Readers::open(PORT, file)?;
        let (batches, queue) = mpsc::channel();
        thread::Builder::new()
            .name("documents".into())
            .spawn(move || write_all(writer, &queue))
            .map_err(|it| Error::unavailable(PORT, it))?;
        Ok(Self {
            file: file.to_owned(),
            readers,
            batches,
            declared: RwLock::default(),
            schema: Mutex::new(schema),
        })
    }

    fn statements(&self, collection: &'static str) -> Result<Statements, Error> {
        let declared = self.declared.read().expect("declaring does not panic");
        declared.get(collection).cloned().ok_or_else(|| {
            let file = self.file.display();
            Error::unavailable(PORT, format!("collection {collection} is not declared in {file}"))
        })
    }
}

#[async_trait]
impl Documents for Embedded {
    async fn declare(&self, collections: &[Collection]) -> Result<(), Error> {
        let schema = self.schema.lock().expect("declaring does not panic");
        for collection in collections {
            schema
                .execute_batch(&definition(collection))
                .map_err(|it| sqlite::translate(PORT, it))?;
            let mut declared = self.declared.write().expect("declaring does not panic");
            declared.insert(collection.name, Statements::of(collection));
        }
        Ok(())
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        metrics::counter!("parlance_document_queries_total").increment(1);
        let mut statements = Vec::with_capacity(keys.len());
        for key in keys {
            statements.push(self.statements(key.collection)?);
        }
        self.readers.with(|connection| {
            let pairs = keys.iter().zip(&statements);
            pairs
                .map(|(key, sql)| {
                    let mut statement = connection.prepare_cached(&sql.load)?;
                    statement.query_row(params![key.id], |row| stored(row, 0)).optional()
                })
                .collect()
        })
    }

    async fn write(
        &self,
        partition: Partition,
        writes: Vec<Write>,
        checkpoint: Bytes,
    ) -> Result<usize, Error> {
        let mut prepared = Vec::with_capacity(writes.len());
        for write in writes {
            prepared.push((self.statements(write.key.collection)?.upsert, write));
        }
        let (done, answer) = oneshot::channel();
        let batch = Batch { partition, writes: prepared, checkpoint, done };
        let ended = || Error::unavailable(PORT, "the documents' thread has ended");
        self.batches.send(batch).map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Found>, Error> {
        metrics::counter!("parlance_document_queries_total").increment(1);
        self.statements(scan.collection)?;
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

impl Statements {
    fn of(collection: &Collection) -> Self {
        let name = collection.name;
        let columns: String = collection.indexes.iter().map(|it| format!(", k_{it}")).collect();
        let values: String =
            (0..collection.indexes.len()).map(|it| format!(", ?{}", it + 4)).collect();
        let updates: String =
            collection.indexes.iter().map(|it| format!(", k_{it} = excluded.k_{it}")).collect();
        Self {
            load: format!("SELECT ordinal, body FROM d_{name} WHERE id = ?1"),
            upsert: format!(
                "INSERT INTO d_{name} (id, ordinal, body{columns}) VALUES (?1, ?2, ?3{values})
                 ON CONFLICT (id) DO UPDATE SET ordinal = excluded.ordinal, body = excluded.body
                 {updates} WHERE excluded.ordinal > ordinal"
            )
            .into(),
        }
    }
}

fn definition(collection: &Collection) -> String {
    let name = collection.name;
    let columns: String = collection.indexes.iter().map(|it| format!(", k_{it} TEXT")).collect();
    let mut sql = format!(
        "CREATE TABLE IF NOT EXISTS d_{name} (
             id TEXT PRIMARY KEY, ordinal INTEGER NOT NULL, body BLOB{columns});"
    );
    for index in collection.indexes {
        sql.push_str(&format!(
            "CREATE INDEX IF NOT EXISTS d_{name}_{index} ON d_{name} (k_{index})
                 WHERE k_{index} IS NOT NULL;"
        ));
    }
    sql
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

fn write_all(mut connection: Connection, queue: &mpsc::Receiver<Batch>) {
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        group.extend(queue.try_iter().take(COMMIT_BATCHES_MAX - 1));
        let outcome = commit(&mut connection, &group);
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

fn commit(connection: &mut Connection, group: &[Batch]) -> Result<Vec<usize>, rusqlite::Error> {
    let immediate = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(immediate)?;
    let mut applied = Vec::with_capacity(group.len());
    let mut writes = 0;
    for batch in group {
        let mut count = 0;
        for (sql, write) in &batch.writes {
            count += transaction.prepare_cached(sql)?.execute(params_from_iter(values(write)))?;
        }
        writes += batch.writes.len();
        transaction
            .prepare_cached(
                "INSERT INTO checkpoints (partition, bytes) VALUES (?1, ?2)
                 ON CONFLICT (partition) DO UPDATE SET bytes = excluded.bytes",
            )?
            .execute(params![batch.partition, batch.checkpoint.as_ref()])?;
        applied.push(count);
    }
    transaction.commit()?;
    metrics::counter!("parlance_document_writes_total").increment(writes as u64);
    Ok(applied)
}

fn values(write: &Write) -> Vec<Value> {
    let mut values = Vec::with_capacity(3 + write.index_keys.len());
    values.push(Value::Text(write.key.id.clone()));
    values.push(Value::Integer(i64::try_from(write.ordinal).unwrap_or(i64::MAX)));
    values.push(write.body.as_ref().map_or(Value::Null, |it| Value::Blob(it.to_vec())));
    for key in &write.index_keys {
        let key = key.as_ref().filter(|_| write.body.is_some());
        values.push(key.map_or(Value::Null, |it| Value::Text(it.clone())));
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
        let statements = Statements::of(&collection);
        let scan = |index| Scan::prefix("things", index, "a/", Order::Descending, 5);
        let queries = [
            statements.load,
            scan_sql(&scan(None)),
            scan_sql(&scan(Some("by_owner"))),
            scan_sql(&scan(Some("by_due"))),
        ];
        for sql in queries {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let count = plan.parameter_count();
            let values = vec![Value::Text("a".into()); count];
            let details: Vec<String> = plan
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert_eq!(details.len(), 1, "{sql}: {details:?}");
            assert!(details[0].starts_with("SEARCH"), "{sql}: {details:?}");
            assert!(details[0].contains("INDEX"), "{sql}: {details:?}");
        }
    }
}
