//! Keys that can be destroyed: a puncturable tree per (author, stream) seals what an author wrote.
//!
//! Promises of every adapter (the contract checks each):
//! - a tree that was returned by `create` is durable;
//! - after `puncture` the leaf is gone for ever, and every other leaf is what it was;
//! - a destroyed key is `None` from a tree; a store that can't be reached is an error;
//! - secrets of the instance are the same after reopening;
//! - a copy of a tree never brings back a leaf, on either side.

pub mod contract;
pub mod crypto;
mod embedded;
#[cfg(feature = "real")]
mod http;
mod master;
mod reading;
mod rotation;
mod tree;
pub mod wire;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

pub use rotation::Rotation;
pub use tree::Tree;

use crate::entropy::Entropy;
use crate::{Address, Error};

/// Names the tree of what one author wrote into one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreeId {
    pub author: [u8; 16],
    pub stream: [u8; 16],
}

/// Trees in one page at most.
pub const PAGE_TREES_MAX: usize = 256;

/// Bytes after which no other tree is added to a page.
pub const PAGE_BYTES_MAX: usize = 1 << 20;

/// A 256-bit key.
pub type Secret = [u8; 32];

/// A store of key trees and of the instance's own secrets.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Loads a tree; `None` when it was never made.
    async fn load(&self, id: TreeId) -> Result<Option<Arc<Tree>>, Error>;

    /// Loads a tree, making it durably when absent.
    async fn create(&self, id: TreeId) -> Result<Arc<Tree>, Error>;

    /// Destroys one leaf; doing it twice is doing it once.
    async fn puncture(&self, id: TreeId, leaf: u64) -> Result<(), Error>;

    /// The root of the instance's secrets.
    fn root(&self) -> Secret;

    /// Trees in the order of their ids, from the one after `after` on; none at the end. At most
    /// [`PAGE_TREES_MAX`] of them, and none after the first [`PAGE_BYTES_MAX`] bytes.
    async fn page(&self, after: Option<TreeId>) -> Result<Vec<(TreeId, Arc<Tree>)>, Error>;

    /// Takes another store's root, to become a copy of it; nobody may use this one meanwhile.
    ///
    /// Fails as `Conflict` when there are trees already, unless the root is the same.
    async fn adopt(&self, root: Secret) -> Result<(), Error>;

    /// Takes in copies of another store's trees, of [`PAGE_TREES_MAX`] at most: whatever was
    /// destroyed there or here is destroyed here.
    ///
    /// Fails as `Conflict` when one is a copy of something else than what is here.
    async fn merge(&self, trees: Vec<(TreeId, Arc<Tree>)>) -> Result<(), Error>;

    /// A secret of the instance for one purpose: the same from every adapter.
    fn secret(&self, purpose: &str) -> Secret {
        crypto::derive(&self.root(), &[b"instance secret", purpose.as_bytes()])
    }
}

/// Opens the keys under a folder.
///
/// # Errors
/// `Unavailable` when the files can't be opened, `Corrupt` when the master key does not fit them.
pub fn open(data_dir: &Path, entropy: Arc<dyn Entropy>) -> Result<Arc<dyn Keys>, Error> {
    let keys =
        embedded::Embedded::open(&data_dir.join("keys.db"), &data_dir.join("master.key"), entropy)?;
    Ok(Arc::new(keys))
}

/// Opens the keys under a folder beside the process that has the folder, if any: changes are
/// refused as `Unavailable`.
///
/// # Errors
/// `Unavailable` when there are none, `Corrupt` when the master key does not fit them.
pub fn open_to_read(data_dir: &Path) -> Result<Arc<dyn Keys>, Error> {
    let keys = reading::Reading::open(&data_dir.join("keys.db"), &data_dir.join("master.key"))?;
    Ok(Arc::new(keys))
}

/// Copies all keys into a store that holds none, or an older copy of these; gives their number.
///
/// # Errors
/// `Conflict` when it holds other keys, in which case nothing was changed; otherwise what the
/// stores say, after which it can be done again.
pub async fn copy(from: &dyn Keys, to: &dyn Keys) -> Result<u64, Error> {
    to.adopt(from.root()).await?;
    let (mut after, mut copied) = (None, 0);
    loop {
        let page = from.page(after).await?;
        let Some((last, _)) = page.last() else { return Ok(copied) };
        after = Some(*last);
        copied += page.len() as u64;
        to.merge(page).await?;
    }
}

/// Reaches the keys at an address: `https://any:token@host:8443`.
///
/// # Errors
/// `Unavailable` when it can't be reached or no adapter speaks to such an address.
#[cfg(feature = "real")]
pub async fn connect(address: &Address) -> Result<Arc<dyn Keys>, Error> {
    match address.scheme() {
        "http" | "https" => http::connect(address).await,
        _ => Err(crate::unknown_scheme("keys", address)),
    }
}

#[cfg(not(feature = "real"))]
pub async fn connect(_: &Address) -> Result<Arc<dyn Keys>, Error> {
    Err(crate::without_clients("keys"))
}
