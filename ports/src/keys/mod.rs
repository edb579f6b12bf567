//! Keys that can be destroyed: a puncturable tree per (author, stream) seals what an author wrote.
//!
//! Promises of every adapter (the contract checks each):
//! - a tree that was returned by `create` is durable;
//! - after `puncture` the leaf is gone for ever, and every other leaf is what it was;
//! - a destroyed key is `None` from a tree; a store that can't be reached is an error;
//! - secrets of the instance are the same after reopening.

pub mod contract;
pub mod crypto;
mod embedded;
mod tree;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

pub use tree::Tree;

use crate::Error;
use crate::entropy::Entropy;

/// Names the tree of what one author wrote into one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreeId {
    pub author: [u8; 16],
    pub stream: [u8; 16],
}

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

    /// A secret of the instance for one purpose.
    fn secret(&self, purpose: &str) -> Secret;
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
