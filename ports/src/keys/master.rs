//! The master key in its file: 32 bytes, or while it is being replaced twice as many, the newer
//! first.
//!
//! The file changes only while the database is locked for writing. So whoever writes reads it again
//! under that lock, in whichever process, and wraps by the newest; whoever reads and finds a tree
//! that no known key opens looks into the file again.

use std::fs::File;
use std::io::{ErrorKind as IoErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rusqlite::Connection;

use super::reading::{PORT, ROOT, id_bytes, stored};
use super::{Secret, Tree, TreeId, crypto};
use crate::Error;
use crate::data_dir::write_durably;
use crate::entropy::Entropy;

/// What the file holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Masters {
    pub(super) newest: Secret,
    /// The one that is being replaced.
    pub(super) older: Option<Secret>,
}

impl Masters {
    pub(super) fn read(file: &Path) -> Result<Self, Error> {
        Self::told(file).map_err(|it| Error::unavailable(PORT, it))?
    }

    fn told(file: &Path) -> std::io::Result<Result<Self, Error>> {
        let mut file = File::open(file)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let changed = file.metadata()?.modified()?.duration_since(SystemTime::UNIX_EPOCH);
        let changed_s = changed.unwrap_or_default().as_secs_f64();
        metrics::gauge!("parlance_master_key_changed_seconds").set(changed_s);
        let wrong = || Error::corrupt(PORT, "the master key has neither 32 bytes nor 64");
        let masters = match bytes.as_chunks::<32>() {
            ([only], []) => Some(Self { newest: *only, older: None }),
            ([newest, older], []) => Some(Self { newest: *newest, older: Some(*older) }),
            _ => None,
        };
        Ok(masters.ok_or_else(wrong))
    }

    pub(super) fn save(&self, file: &Path) -> Result<(), Error> {
        let older = self.older.as_ref().map_or(&[][..], |it| it);
        write_durably(file, &[&self.newest, older].concat())
    }

    /// Opens a tree under either key.
    pub(super) fn unwrap(&self, id: TreeId, wrapped: &[u8]) -> Result<Tree, Error> {
        let keys = std::iter::once(&self.newest).chain(&self.older);
        let opened = keys.into_iter().find_map(|it| unwrap(it, id, wrapped));
        opened.ok_or_else(|| Error::corrupt(PORT, "a key tree does not open under the master key"))
    }
}

/// Opens a tree under one key.
pub(super) fn unwrap(master: &Secret, id: TreeId, wrapped: &[u8]) -> Option<Tree> {
    crypto::unseal(master, &id_bytes(id), wrapped).and_then(|it| Tree::from_bytes(&it))
}

/// What a writer wraps with.
pub(super) struct Wrap {
    pub(super) file: PathBuf,
    pub(super) masters: Masters,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Wrap {
    /// Reads the master key, or makes it when the instance is new. A missing key of an old instance
    /// is not made again: that would hide that everything it sealed is lost.
    pub(super) fn open(file: &Path, fresh: bool, entropy: Arc<dyn Entropy>) -> Result<Self, Error> {
        let masters = match Masters::told(file) {
            Ok(masters) => masters?,
            Err(error) if error.kind() == IoErrorKind::NotFound && fresh => {
                let made = Masters { newest: entropy.bytes(), older: None };
                made.save(file)?;
                made
            }
            Err(error) => return Err(Error::unavailable(PORT, error)),
        };
        Ok(Self { file: file.to_owned(), masters, entropy })
    }

    /// Takes what the file holds now, while the database is locked for writing. A key that does not
    /// open the root is somebody else's: nothing is wrapped by it.
    pub(super) fn renew(&mut self, locked: &Connection) -> Result<(), Error> {
        let masters = Masters::read(&self.file)?;
        if let Some(root) = stored(locked, ROOT).map_err(|it| Error::unavailable(PORT, it))? {
            masters.unwrap(ROOT, &root)?;
        }
        self.masters = masters;
        Ok(())
    }

    /// Changes what the file holds, while the database is locked for writing.
    pub(super) fn replace(&mut self, masters: Masters) -> Result<(), Error> {
        masters.save(&self.file)?;
        self.masters = masters;
        Ok(())
    }

    pub(super) fn seal(&self, id: TreeId, tree: &Tree) -> Vec<u8> {
        let nonce = self.entropy.bytes();
        crypto::seal(&self.masters.newest, nonce, &id_bytes(id), &tree.to_bytes())
    }
}
