//! The tables of a file of documents, and the statements that read and write them.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, params, params_from_iter};

use super::fresh::{Document, Fresh};
use super::{Body, Collection, Order, Scan, Stored};
use crate::event_log::Partition;

/// A collection and its SQL, written once.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) collection: Collection,
    pub(super) load: Arc<str>,
    pub(super) ordinal: Arc<str>,
    pub(super) swap: Arc<str>,
    upsert: Arc<str>,
}

impl Table {
    pub(super) fn of(collection: &Collection) -> Self {
        let name = collection.name;
        let columns: String = collection.indexes.iter().map(|it| format!(", k_{it}")).collect();
        let values: String =
            (0..collection.indexes.len()).map(|it| format!(", ?{}", it + 4)).collect();
        let updates: String =
            collection.indexes.iter().map(|it| format!(", k_{it} = excluded.k_{it}")).collect();
        Self {
            collection: *collection,
            load: format!("SELECT ordinal, body FROM d_{name} WHERE id = ?1").into(),
            ordinal: format!("SELECT ordinal FROM d_{name} WHERE id = ?1").into(),
            swap: format!(
                "UPDATE d_{name} SET body = ?3 WHERE id = ?1 AND ordinal = ?2 AND body IS NOT NULL"
            )
            .into(),
            upsert: format!(
                "INSERT INTO d_{name} (id, ordinal, body{columns}) VALUES (?1, ?2, ?3{values})
                 ON CONFLICT (id) DO UPDATE SET ordinal = excluded.ordinal, body = excluded.body
                 {updates} WHERE excluded.ordinal > ordinal"
            )
            .into(),
        }
    }
}

/// Makes what every file has; gives the highest ordinal of each partition.
pub(super) fn begin(connection: &Connection) -> Result<HashMap<Partition, u64>, rusqlite::Error> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS checkpoints (
             partition INTEGER PRIMARY KEY, pos INTEGER NOT NULL, bytes BLOB NOT NULL);
         CREATE TABLE IF NOT EXISTS highest (
             partition INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL);",
    )?;
    let mut statement = connection.prepare("SELECT partition, ordinal FROM highest")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Rows live in the tree of their ids, so that a new document touches one page, not two.
pub(super) fn definition(collection: &Collection) -> String {
    let name = collection.name;
    let columns: String = collection.indexes.iter().map(|it| format!(", k_{it} TEXT")).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS d_{name} (
             id TEXT PRIMARY KEY, ordinal INTEGER NOT NULL, body BLOB{columns}) WITHOUT ROWID;"
    )
}

pub(super) fn indexes(collection: &Collection) -> String {
    let name = collection.name;
    let index = |it| {
        format!(
            "CREATE INDEX IF NOT EXISTS d_{name}_{it} ON d_{name} (k_{it})
                 WHERE k_{it} IS NOT NULL;"
        )
    };
    collection.indexes.iter().map(index).collect()
}

pub(super) fn scan_sql(scan: &Scan) -> String {
    let column = scan.index.map_or_else(|| "id".to_owned(), |it| format!("k_{it}"));
    let direction = match scan.order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    format!(
        "SELECT id, {column}, ordinal, body FROM d_{} WHERE {column} >= ?1 AND {column} < ?2
         ORDER BY {column} {direction}",
        scan.collection
    )
}

pub(super) fn stored(row: &rusqlite::Row<'_>, at: usize) -> Result<Stored, rusqlite::Error> {
    let body: Option<Vec<u8>> = row.get(at + 1)?;
    Ok(Stored { ordinal: row.get(at)?, body: body.map(Body::from) })
}

/// Stores what was written, each document if it is newer, then the marks.
pub(super) fn commit(
    connection: &mut Connection,
    fresh: &Fresh,
    tables: &HashMap<&'static str, Table>,
) -> Result<(), rusqlite::Error> {
    let immediate = rusqlite::TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(immediate)?;
    let mut stored = 0;
    for (collection, documents) in fresh.collections() {
        let Table { collection, upsert, .. } = &tables[collection];
        let mut statement = transaction.prepare_cached(upsert)?;
        for (id, document) in documents {
            let values = values(id, document, collection.indexes.len());
            stored += statement.execute(params_from_iter(values.map(ToSqlOutput::Borrowed)))?;
        }
    }
    for (partition, mark) in fresh.marks() {
        transaction
            .prepare_cached(
                "INSERT INTO checkpoints (partition, pos, bytes) VALUES (?1, ?2, ?3)
                 ON CONFLICT (partition) DO UPDATE SET pos = excluded.pos, bytes = excluded.bytes
                 WHERE excluded.pos > pos",
            )?
            .execute(params![partition, mark.pos, mark.checkpoint.as_ref()])?;
    }
    for (partition, ordinal) in fresh.highest() {
        transaction
            .prepare_cached(
                "INSERT INTO highest (partition, ordinal) VALUES (?1, ?2)
                 ON CONFLICT (partition) DO UPDATE SET ordinal = excluded.ordinal
                 WHERE excluded.ordinal > ordinal",
            )?
            .execute(params![partition, ordinal])?;
    }
    transaction.commit()?;
    metrics::counter!("parlance_document_writes_total").increment(stored as u64);
    Ok(())
}

fn values<'a>(
    id: &'a str,
    document: &'a Document,
    indexes: usize,
) -> impl Iterator<Item = ValueRef<'a>> {
    let text = |it: &'a str| ValueRef::Text(it.as_bytes());
    let Stored { ordinal, body } = &document.stored;
    let ordinal = ValueRef::Integer(i64::try_from(*ordinal).unwrap_or(i64::MAX));
    let body = body.as_deref().map_or(ValueRef::Null, ValueRef::Blob);
    let key = |it| document.index_keys.get(it).and_then(Option::as_deref);
    let keys = (0..indexes).map(move |it| key(it).map_or(ValueRef::Null, text));
    [text(id), ordinal, body].into_iter().chain(keys)
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
        let statements = Table::of(&collection);
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
