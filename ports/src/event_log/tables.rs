//! The tables of the log's file, and the statements that read and write them.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{Entry, Identity, Partition, Standing};

/// Before format 2 all records were in one table, under a partition above so many bits of offset.
const OFFSET_BITS: u32 = 44;

/// Makes what every file has; gives what the log is, which in a new file is what it is born as.
pub(super) fn begin(
    connection: &mut Connection,
    born: &Identity,
    standing: &Standing,
) -> Result<(Identity, Standing), rusqlite::Error> {
    // Whoever has read before it writes is refused at once while somebody else writes.
    let immediate = TransactionBehavior::Immediate;
    let transaction = connection.transaction_with_behavior(immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS about (
             one INTEGER PRIMARY KEY CHECK (one = 1), identity BLOB NOT NULL);",
    )?;
    if has(&transaction, "identity")? {
        let old = identity_of_format_2(&transaction)?;
        stand(&transaction, &old, &Standing::Serving)?;
        transaction.execute_batch("DROP TABLE identity")?;
    }
    transaction.execute(
        "INSERT OR IGNORE INTO about (one, identity) VALUES (1, ?1)",
        params![&born.encode(standing)[..]],
    )?;
    let (identity, standing) = about(&transaction)?;
    for partition in 0..identity.partitions {
        transaction.execute_batch(&definition(partition))?;
    }
    part(&transaction, identity.partitions)?;
    transaction.commit()?;
    Ok((identity, standing))
}

/// A table a partition: a new record always goes to the end of a tree, so a commit writes the last
/// page of it. In the middle of one it would have to make room, which rewrites the pages beside.
fn definition(partition: Partition) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS records_{partition} (
             id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    )
}

/// Gives the records of a file of format 1 to their partitions' tables.
fn part(connection: &Connection, partitions: Partition) -> Result<(), rusqlite::Error> {
    if !has(connection, "records")? {
        return Ok(());
    }
    for partition in 0..partitions {
        let from = i64::from(partition) << OFFSET_BITS;
        connection.execute(
            &format!(
                "INSERT INTO records_{partition} SELECT id - ?1, bytes FROM records
                 WHERE id >= ?1 AND id < ?2 ORDER BY id"
            ),
            params![from, from + (1 << OFFSET_BITS)],
        )?;
    }
    connection.execute_batch("DROP TABLE records")
}

fn has(connection: &Connection, table: &str) -> Result<bool, rusqlite::Error> {
    let found = connection
        .query_row("SELECT 1 FROM sqlite_schema WHERE name = ?1", [table], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// Before format 3 a log could neither move nor be restored.
fn identity_of_format_2(connection: &Connection) -> Result<Identity, rusqlite::Error> {
    connection.query_row("SELECT log, epoch, partitions FROM identity", [], |row| {
        let (log, epoch, partitions) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Identity { log, epoch, partitions, restores: Arc::new([]) })
    })
}

/// What the log is, and whether it may be served.
pub(super) fn about(connection: &Connection) -> Result<(Identity, Standing), rusqlite::Error> {
    let bytes: Vec<u8> =
        connection.query_row("SELECT identity FROM about", [], |row| row.get(0))?;
    let damaged = || {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        rusqlite::Error::SqliteFailure(code, Some("the identity is not readable".to_owned()))
    };
    Identity::decode(bytes.into()).ok_or_else(damaged)
}

/// Stores what the log is.
pub(super) fn stand(
    connection: &Connection,
    identity: &Identity,
    standing: &Standing,
) -> Result<(), rusqlite::Error> {
    let bytes = identity.encode(standing);
    let replace = "INSERT OR REPLACE INTO about (one, identity) VALUES (1, ?1)";
    connection.execute(replace, params![&bytes[..]]).map(drop)
}

/// The offset behind the last record.
pub(super) fn end(connection: &Connection, partition: Partition) -> Result<u64, rusqlite::Error> {
    let last: Option<u64> = connection
        .prepare_cached(&format!("SELECT max(id) FROM records_{partition}"))?
        .query_row([], |row| row.get(0))?;
    Ok(last.map_or(0, |it| it + 1))
}

pub(super) fn read(
    connection: &Connection,
    partition: Partition,
    from: u64,
    limit: usize,
) -> Result<Vec<Entry>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, bytes FROM records_{partition} WHERE id >= ?1 ORDER BY id LIMIT ?2"
    ))?;
    let rows = statement.query_map(params![from, limit], |row| {
        let bytes: Vec<u8> = row.get(1)?;
        Ok(Entry { offset: row.get(0)?, bytes: bytes.into() })
    })?;
    rows.collect()
}

pub(super) fn insert(
    connection: &Connection,
    partition: Partition,
    offset: u64,
    record: &[u8],
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(&format!("INSERT INTO records_{partition} (id, bytes) VALUES (?1, ?2)"))?
        .execute(params![offset, record])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;
    use crate::entropy::System;
    use crate::sqlite::{self, Durability};

    fn born(partitions: Partition) -> Identity {
        Identity::new(partitions, &System)
    }

    /// A file as format 1 had it, with three records in partition 0 and two in partition 2.
    fn of_format_1() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE records (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
                 CREATE TABLE identity (
                     one INTEGER PRIMARY KEY CHECK (one = 1),
                     log BLOB NOT NULL, epoch INTEGER NOT NULL, partitions INTEGER NOT NULL);
                 INSERT INTO identity VALUES (1, x'000102030405060708090a0b0c0d0e0f', 3, 4);
                 INSERT INTO records VALUES (0, x'00'), (1, x'01'), (2, x'02'),
                     ((2 << 44) + 0, x'20'), ((2 << 44) + 1, x'21');",
            )
            .unwrap();
        connection
    }

    fn all(connection: &Connection, partition: Partition) -> Vec<(u64, Vec<u8>)> {
        let entries = read(connection, partition, 0, 9).unwrap();
        entries.into_iter().map(|it| (it.offset, it.bytes.to_vec())).collect()
    }

    #[test]
    fn records_of_format_1_keep_their_places() {
        let mut connection = of_format_1();
        let begun = begin(&mut connection, &born(64), &Standing::Copy).unwrap();
        let (identity, standing) = begun;
        assert_eq!(standing, Standing::Serving);
        assert_eq!((identity.log[15], identity.epoch, identity.partitions), (15, 3, 4));
        for _ in 0..2 {
            let records = [vec![0], vec![1], vec![2]];
            assert_eq!(all(&connection, 0), (0..).zip(records).collect::<Vec<_>>());
            assert_eq!(all(&connection, 1), []);
            assert_eq!(all(&connection, 2), [(0, vec![0x20]), (1, vec![0x21])]);
            let ends: Vec<_> = (0..4).map(|it| end(&connection, it).unwrap()).collect();
            assert_eq!(ends, [3, 0, 2, 0]);
            let again = begin(&mut connection, &born(64), &Standing::Copy).unwrap();
            assert_eq!(again.0, identity);
        }
    }

    #[test]
    fn who_opens_a_log_waits_for_a_writer_that_is_about_to_end() {
        static WAITS: AtomicBool = AtomicBool::new(false);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        let open = || sqlite::open("event log", &file, Durability::Full).unwrap();
        let (mut last, mut next) = (open(), open());
        begin(&mut last, &born(4), &Standing::Serving).unwrap();
        let waits = |_| {
            WAITS.store(true, Ordering::SeqCst);
            thread::yield_now();
            true
        };
        next.busy_handler(Some(waits)).unwrap();
        let writing = last.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        thread::scope(|scope| {
            let begun = scope.spawn(|| begin(&mut next, &born(4), &Standing::Serving).map(drop));
            while !WAITS.load(Ordering::SeqCst) && !begun.is_finished() {
                thread::yield_now();
            }
            writing.commit().unwrap();
            assert_eq!(begun.join().unwrap(), Ok(()));
        });
    }

    #[test]
    fn a_record_costs_the_last_page_of_its_partition() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        let mut connection = sqlite::open("event log", &file, Durability::Full).unwrap();
        begin(&mut connection, &born(4), &Standing::Serving).unwrap();
        let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
        connection.query_row(truncate, [], |_| Ok(())).unwrap();
        for at in 0..200 {
            let partition = Partition::try_from(at % 4).unwrap();
            insert(&connection, partition, at / 4, &[7; 500]).unwrap();
        }
        let page = 4_096 + 24;
        let pages = folder.path().join("log.db-wal").metadata().unwrap().len() / page;
        // Each eighth record begins a page, which three others come to know of.
        assert!((200..300).contains(&pages), "{pages} pages for 200 records");
    }
}
