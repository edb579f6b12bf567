//! The keys' file as it is read, also beside the process that changes it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::master::Masters;
use super::{Keys, PAGE_BYTES_MAX, PAGE_TREES_MAX, Secret, Tree, TreeId};
use crate::sqlite::Readers;
use crate::{Error, ErrorKind};

pub(super) const PORT: &str = "keys";

/// Id of the row that holds the root of the instance's secrets; it comes before every other.
pub(super) const ROOT: TreeId = TreeId { author: [0; 16], stream: [0; 16] };

/// Reads trees and unwraps them.
pub(super) struct Reading {
    master_file: PathBuf,
    /// What the file held when it was last looked into.
    masters: Mutex<Arc<Masters>>,
    readers: Readers,
    root: Secret,
}

impl Reading {
    pub(super) fn open(file: &Path, master_file: &Path) -> Result<Self, Error> {
        let masters = Mutex::new(Arc::new(Masters::read(master_file)?));
        let readers = Readers::open(PORT, file)?;
        let master_file = master_file.to_owned();
        let mut reading = Self { master_file, masters, readers, root: Secret::default() };
        let gone = || Error::corrupt(PORT, "the root of the secrets is gone");
        reading.root = reading.tree(ROOT)?.and_then(|it| it.leaf(0)).ok_or_else(gone)?;
        Ok(reading)
    }

    pub(super) fn tree(&self, id: TreeId) -> Result<Option<Arc<Tree>>, Error> {
        let open = |masters: &Masters, wrapped: Option<Vec<u8>>| {
            wrapped.map(|it| masters.unwrap(id, &it).map(Arc::new)).transpose()
        };
        self.opened(|it| stored(it, id), open)
    }

    pub(super) fn trees(&self, after: TreeId) -> Result<Vec<(TreeId, Arc<Tree>)>, Error> {
        let open = |masters: &Masters, rows: Vec<(TreeId, Vec<u8>)>| {
            let open = |(id, it): (TreeId, Vec<u8>)| Ok((id, Arc::new(masters.unwrap(id, &it)?)));
            rows.into_iter().map(open).collect()
        };
        self.opened(|it| page(it, after), open)
    }

    /// Reads and unwraps. What was read after the file of the master key opens under what that
    /// held, unless a rotation has begun or ended between; then both are read again.
    fn opened<R, T>(
        &self,
        read: impl Fn(&Connection) -> Result<R, rusqlite::Error>,
        open: impl Fn(&Masters, R) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut masters = Arc::clone(&self.masters.lock().expect("no holder of the lock panics"));
        loop {
            let error = match open(&masters, self.readers.with(&read)?) {
                Err(error) if error.kind == ErrorKind::Corrupt => error,
                opened => return opened,
            };
            let now = Arc::new(Masters::read(&self.master_file)?);
            if now == masters {
                return Err(error);
            }
            *self.masters.lock().expect("no holder of the lock panics") = Arc::clone(&now);
            masters = now;
        }
    }
}

#[async_trait]
impl Keys for Reading {
    async fn load(&self, id: TreeId) -> Result<Option<Arc<Tree>>, Error> {
        self.tree(id)
    }

    async fn create(&self, _: TreeId) -> Result<Arc<Tree>, Error> {
        Err(only_read())
    }

    async fn puncture(&self, _: TreeId, _: u64) -> Result<(), Error> {
        Err(only_read())
    }

    fn root(&self) -> Secret {
        self.root
    }

    async fn page(&self, after: Option<TreeId>) -> Result<Vec<(TreeId, Arc<Tree>)>, Error> {
        self.trees(after.unwrap_or(ROOT))
    }

    async fn adopt(&self, _: Secret) -> Result<(), Error> {
        Err(only_read())
    }

    async fn merge(&self, _: Vec<(TreeId, Arc<Tree>)>) -> Result<(), Error> {
        Err(only_read())
    }
}

fn only_read() -> Error {
    Error::unavailable(PORT, "they are open for reading only")
}

pub(super) fn id_bytes(id: TreeId) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&id.author);
    bytes[16..].copy_from_slice(&id.stream);
    bytes
}

pub(super) fn stored(
    connection: &Connection,
    id: TreeId,
) -> Result<Option<Vec<u8>>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT wrapped FROM trees WHERE id = ?1")?
        .query_row(params![id_bytes(id)], |row| row.get(0))
        .optional()
}

pub(super) fn page(
    connection: &Connection,
    after: TreeId,
) -> Result<Vec<(TreeId, Vec<u8>)>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT substr(id, 1, 16), substr(id, 17), wrapped FROM trees
         WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let mut rows = statement.query(params![id_bytes(after), PAGE_TREES_MAX])?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES_MAX
        && let Some(row) = rows.next()?
    {
        let wrapped: Vec<u8> = row.get(2)?;
        bytes += wrapped.len();
        page.push((TreeId { author: row.get(0)?, stream: row.get(1)? }, wrapped));
    }
    Ok(page)
}
