//! What the embedded adapters share: how a database file is opened and how errors are told.

use std::path::Path;
use std::sync::Mutex;

use rusqlite::{Connection, OpenFlags};

use crate::{Error, ErrorKind};

/// How much a commit must survive.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A commit survives power loss.
    Full,
    /// A commit survives a crash of the process; what is lost can be built again.
    Rebuildable,
}

/// Opens a database in WAL mode.
pub(crate) fn open(
    port: &'static str,
    file: &Path,
    durability: Durability,
) -> Result<Connection, Error> {
    let connection = Connection::open(file).map_err(|it| translate(port, it))?;
    let synchronous = if durability == Durability::Full { "FULL" } else { "NORMAL" };
    connection
        .execute_batch(&format!(
            "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};
             PRAGMA temp_store=MEMORY; PRAGMA mmap_size=1073741824; PRAGMA cache_size=-16384;
             PRAGMA wal_autocheckpoint=2000; PRAGMA secure_delete=ON;"
        ))
        .map_err(|it| translate(port, it))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
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
