//! What the embedded adapters share: how a database file is opened and how errors are told.

use std::cell::Cell;
use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::thread;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::{Error, ErrorKind};

/// How much a commit must survive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A commit survives power loss.
    Full,
    /// A commit survives a crash of the process; what is lost can be built again.
    Rebuildable,
    /// Nothing survives until the file is synced as a whole; after a failure it is of no use.
    Filling,
}

/// Opens a database; with a write-ahead log, unless it is to be filled.
pub(crate) fn open(
    port: &'static str,
    file: &Path,
    durability: Durability,
) -> Result<Connection, Error> {
    let connection = Connection::open(file).map_err(|it| translate(port, it))?;
    let (journal, synchronous, secure_delete, cache_kib) = match durability {
        Durability::Full => ("WAL", "FULL", "ON", 16_384),
        Durability::Rebuildable => ("WAL", "NORMAL", "ON", 16_384),
        // What is folded again was erased before: there is nothing in it to be overwritten. Keys
        // are sorted within the cache, without it in several goes.
        Durability::Filling => ("OFF", "OFF", "OFF", 131_072),
    };
    let page_size = durability.page_size();
    connection
        .execute_batch(&format!(
            "PRAGMA page_size={page_size}; PRAGMA journal_mode={journal};
             PRAGMA synchronous={synchronous}; PRAGMA secure_delete={secure_delete};
             PRAGMA temp_store=MEMORY; PRAGMA mmap_size=1073741824;
             PRAGMA cache_size=-{cache_kib}; PRAGMA wal_autocheckpoint=2000;"
        ))
        .map_err(|it| translate(port, it))?;
    configure(&connection).map_err(|it| translate(port, it))?;
    Ok(connection)
}

/// Makes a file that was filled durable as a whole.
pub(crate) fn settle(port: &'static str, file: &Path) -> Result<(), Error> {
    let synced = std::fs::File::open(file).and_then(|it| it.sync_all());
    synced.map_err(|it| Error::unavailable(port, it))
}

/// Tells a storage error in the words of the ports; before a commit nothing has happened.
pub(crate) fn translate(port: &'static str, error: rusqlite::Error) -> Error {
    let kind = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            ErrorKind::Corrupt
        }
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, port, error)
}

/// Statements are prepared once; without the guarantee of stable plans SQLite would prepare those
/// that search a range again for each new bound.
fn configure(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Copies what commits left in the write-ahead log into the file, beside the writer: copying takes
/// two syncs, and a commit that did it itself would keep everybody waiting.
pub(crate) struct Backfill {
    nudges: mpsc::SyncSender<()>,
    /// Pages in the write-ahead log that are due to be copied.
    due: i32,
}

impl Durability {
    /// Bytes of a page. Beside those who wait for messages a commit writes a few whole pages, so
    /// they are small; in a file that is filled, large ones hold more and are seldom split.
    fn page_size(self) -> u32 {
        match self {
            Self::Full | Self::Rebuildable => 4_096,
            Self::Filling => 16_384,
        }
    }

    /// Bytes in the write-ahead log that are due to be copied. What is synced with every commit
    /// gains from a short one, which is soon written over in place; what is not is copied seldom,
    /// since the disk is slow for others meanwhile.
    fn backfill_bytes(self) -> i32 {
        match self {
            Self::Full => 4 << 20,
            Self::Rebuildable | Self::Filling => 64 << 20,
        }
    }
}

thread_local! {
    /// Pages in the write-ahead log after this thread's last commit.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

impl Backfill {
    /// Takes the copying over from the writer of that file.
    pub(crate) fn start(
        port: &'static str,
        file: &Path,
        durability: Durability,
        writer: &Connection,
    ) -> Result<Self, Error> {
        writer.wal_hook(Some(|_, pages| {
            PAGES.set(pages);
            Ok(())
        }));
        let connection = open(port, file, durability)?;
        // A file keeps the pages that it was made with.
        let page_size = writer.query_row("PRAGMA page_size", [], |row| row.get::<_, i32>(0));
        let page_size = page_size.map_err(|it| translate(port, it))?;
        let (nudges, nudged) = mpsc::sync_channel(1);
        let copy_all = move || {
            while nudged.recv().is_ok() {
                if let Err(error) = backfill(&connection) {
                    tracing::warn!(port, %error, "the write-ahead log is not copied");
                }
            }
        };
        let thread = thread::Builder::new().name("backfill".into()).spawn(copy_all);
        thread.map_err(|it| Error::unavailable(port, it))?;
        Ok(Self { nudges, due: durability.backfill_bytes() / page_size })
    }

    /// Has the write-ahead log copied if it is due; called after a commit, on its thread.
    pub(crate) fn after_commit(&self) {
        if PAGES.get() >= self.due {
            // One that is under way or asked for will do.
            let _ = self.nudges.try_send(());
        }
    }
}

/// Copies most beside the writer, then what has come meanwhile while the writer waits: it starts
/// over in the log only when all of it has been copied.
fn backfill(connection: &Connection) -> Result<(), rusqlite::Error> {
    for mode in ["PASSIVE", "FULL"] {
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))?;
    }
    Ok(())
}

/// A few read-only connections; a reader takes the first that is free.
pub(crate) struct Readers {
    port: &'static str,
    connections: Vec<Mutex<Connection>>,
}

/// Readers of one database file.
const READERS: usize = 3;

impl Readers {
    pub(crate) fn open(port: &'static str, file: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(file, flags)?;
            connection.execute_batch(
                "PRAGMA mmap_size=1073741824; PRAGMA cache_size=-16384; PRAGMA query_only=ON;",
            )?;
            configure(&connection)?;
            Ok(Mutex::new(connection))
        };
        let connections: Result<_, _> = (0..READERS).map(|_| open()).collect();
        Ok(Self { port, connections: connections.map_err(|it| translate(port, it))? })
    }

    /// Runs a short read; reads take microseconds, so they run where they are asked for.
    pub(crate) fn with<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, Error> {
        let free = self.connections.iter().find_map(|it| it.try_lock().ok());
        let guard = match free {
            Some(guard) => guard,
            None => self.connections[0].lock().expect("no reader panics while it holds the lock"),
        };
        read(&guard).map_err(|it| translate(self.port, it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_filled_keeps_a_write_ahead_log_of_as_many_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let due_bytes = |name: &str, before: Option<Durability>| {
            let file = folder.path().join(name);
            if let Some(before) = before {
                let filled = open("documents", &file, before).unwrap();
                filled.execute_batch("CREATE TABLE things (id TEXT PRIMARY KEY);").unwrap();
            }
            let writer = open("documents", &file, Durability::Rebuildable).unwrap();
            writer.execute_batch("CREATE TABLE others (id TEXT PRIMARY KEY);").unwrap();
            let due = Backfill::start("documents", &file, Durability::Rebuildable, &writer);
            let page_size: i32 =
                writer.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
            (page_size, due.unwrap().due * page_size)
        };
        assert_eq!(due_bytes("new", None), (4_096, 64 << 20));
        assert_eq!(due_bytes("filled", Some(Durability::Filling)), (16_384, 64 << 20));
    }
}
