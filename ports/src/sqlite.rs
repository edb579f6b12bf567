//! What the embedded adapters share: how a database file is opened and how errors are told.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use rusqlite::{Connection, OpenFlags};

use crate::{Error, ErrorKind};

/// How much a commit must survive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A commit survives power loss.
    Full,
    /// A commit survives a crash of the process; what is lost can be built again.
    Rebuildable,
    /// Nothing survives until the file is synced as a whole.
    Filling,
}

/// Opens a database in WAL mode.
pub(crate) fn open(
    port: &'static str,
    file: &Path,
    durability: Durability,
) -> Result<Connection, Error> {
    let connection = Connection::open(file).map_err(|it| translate(port, it))?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Rebuildable => "NORMAL",
        Durability::Filling => "OFF",
    };
    connection
        .execute_batch(&format!(
            "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};
             PRAGMA temp_store=MEMORY; PRAGMA mmap_size=1073741824; PRAGMA cache_size=-16384;
             PRAGMA wal_autocheckpoint=0; PRAGMA secure_delete=ON;"
        ))
        .map_err(|it| translate(port, it))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Copies everything into the file itself and makes that durable.
pub(crate) fn settle(
    port: &'static str,
    connection: &Connection,
    file: &Path,
) -> Result<(), Error> {
    let copied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    let busy: bool = copied.map_err(|it| translate(port, it))?;
    if busy {
        return Err(Error::unavailable(port, "somebody else reads the file"));
    }
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

/// Copies what commits left in the write-ahead log into the file, beside the writer: copying takes
/// two syncs, and a commit that did it itself would keep everybody waiting.
pub(crate) struct Backfill {
    rows: AtomicUsize,
    nudges: mpsc::SyncSender<()>,
}

/// Rows written between two copies. Seldom, since the disk is slow for others meanwhile, and often
/// enough that opening after a crash reads the write-ahead log in well under a second.
const BACKFILL_ROWS: usize = 8_000;

/// Pages that the write-ahead log may hold before the writer is made to wait for a whole copy.
const WAL_PAGES_MAX: i64 = 65_536;

impl Backfill {
    pub(crate) fn start(
        port: &'static str,
        file: &Path,
        durability: Durability,
    ) -> Result<Self, Error> {
        let connection = open(port, file, durability)?;
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
        Ok(Self { rows: AtomicUsize::new(0), nudges })
    }

    /// Counts what was written and has it copied when it is due.
    pub(crate) fn wrote(&self, rows: usize) {
        if self.rows.fetch_add(rows, Ordering::Relaxed) + rows >= BACKFILL_ROWS {
            self.rows.store(0, Ordering::Relaxed);
            // One that is under way or asked for will do.
            let _ = self.nudges.try_send(());
        }
    }
}

fn backfill(connection: &Connection) -> Result<(), rusqlite::Error> {
    let copy = |mode: &str| {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        connection.query_row(&sql, [], |row| Ok((row.get(1)?, row.get(2)?)))
    };
    let (pages, copied): (i64, i64) = copy("PASSIVE")?;
    // The writer starts over in the log only when all of it has been copied, which beside a busy
    // writer never happens by itself.
    if copied < pages && pages > WAL_PAGES_MAX {
        copy("FULL")?;
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
            connection.set_prepared_statement_cache_capacity(128);
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
