//! The keys' file as it is read, also beside the process that changes it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Keys, PAGE_BYTES_MAX, PAGE_TREES_MAX, Secret, Tree, TreeId, crypto};
use crate::Error;
use crate::sqlite::Readers;

pub(super) const PORT: &str = "keys";

/// Id of the row that holds the root of the instance's secrets; it comes before every other.
pub(super) const ROOT: TreeId = TreeId { author: [0; 16], stream: [0; 16] };

/// Reads trees and unwraps them.
pub(super) struct Reading {
    master: Secret,
    readers: Readers,
    root: Secret,
}

impl Reading {
    pub(super) fn open(file: &Path, master_file: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(master_file).map_err(|it| Error::unavailable(PORT, it))?;
        let master = bytes
            .try_into()
            .map_err(|_| Error::corrupt(PORT, "the master key does not have 32 bytes"))?;
        let readers = Readers::open(PORT, file)?;
        let root = readers.with(|it| stored(it, ROOT))?;
        let root = root.map(|it| unwrap(&master, ROOT, &it)).transpose()?;
        let gone = || Error::corrupt(PORT, "the root of the secrets is gone");
        let root = root.and_then(|it| it.leaf(0)).ok_or_else(gone)?;
        Ok(Self { master, readers, root })
    }

    pub(super) fn tree(&self, id: TreeId) -> Result<Option<Arc<Tree>>, Error> {
        let wrapped = self.readers.with(|it| stored(it, id))?;
        wrapped.map(|it| unwrap(&self.master, id, &it).map(Arc::new)).transpose()
    }

    pub(super) fn trees(&self, after: TreeId) -> Result<Vec<(TreeId, Arc<Tree>)>, Error> {
        let rows = self.readers.with(|it| page(it, after))?;
        let open = |(id, wrapped): (TreeId, Vec<u8>)| {
            Ok((id, Arc::new(unwrap(&self.master, id, &wrapped)?)))
        };
        rows.into_iter().map(open).collect()
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

pub(super) fn unwrap(master: &Secret, id: TreeId, wrapped: &[u8]) -> Result<Tree, Error> {
    crypto::unseal(master, &id_bytes(id), wrapped)
        .and_then(|it| Tree::from_bytes(&it))
        .ok_or_else(|| Error::corrupt(PORT, "a key tree does not open under the master key"))
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

fn page(connection: &Connection, after: TreeId) -> Result<Vec<(TreeId, Vec<u8>)>, rusqlite::Error> {
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
