//! Read-model documents: folded from the log, found by id or by a declared index.
//!
//! Promises of every adapter (the contract checks each):
//! - a write applies only if its ordinal is above the stored one, so a late writer changes nothing;
//! - a removed document stays as its ordinal, so that a late writer can't revive it;
//! - when a checkpoint is stored, all writes given with it or before it are stored;
//! - a checkpoint is stored only over one of a lower position, so a late writer puts nothing back;
//! - a swap changes the form of a body, never what an ordinal stands for (`packs/contract.rs`);
//! - scans run over declared indexes only, in the order of the bytes of the keys;
//! - absent is `None`, not an error.

mod body;
pub mod contract;
mod embedded;
mod fresh;
#[cfg(feature = "real")]
mod mongo;
pub mod packs;
mod recent;
mod tables;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use self::body::Body;
use crate::data_dir::{DataDir, remove_database};
use crate::event_log::Partition;
use crate::sqlite::Durability;
use crate::{Address, Error};

/// A collection and the indexes that its documents may be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Collection {
    pub name: &'static str,
    pub indexes: &'static [&'static str],
}

/// Names one document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub collection: &'static str,
    pub id: String,
}

/// A stored document; without a body it has been removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub ordinal: u64,
    pub body: Option<Body>,
}

/// One document to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub key: Key,
    pub ordinal: u64,
    /// The document's keys in its collection's indexes, in the order of their declaration;
    /// ASCII text, numbers padded, so that both adapters sort alike. `None` leaves it out.
    pub index_keys: Vec<Option<String>>,
    /// `None` removes.
    pub body: Option<Body>,
    /// Whether there is most likely none of that key yet. It saves work and changes nothing.
    pub first: bool,
}

/// Another form of the body of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    pub id: String,
    /// The document's; one of another ordinal is left as it is.
    pub ordinal: u64,
    pub body: Body,
}

/// How far the documents of a partition have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Offset of the next record.
    pub pos: u64,
    /// Whatever the projector needs to go on from there.
    pub checkpoint: Bytes,
}

/// A range over one index, or over the ids when `index` is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    pub collection: &'static str,
    pub index: Option<&'static str>,
    /// First key that may be found.
    pub from: String,
    /// First key beyond the range.
    pub to: String,
    pub order: Order,
    pub limit: usize,
}

/// Direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Ascending,
    Descending,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub id: String,
    /// Its key in the scanned index.
    pub index_key: String,
    pub stored: Stored,
}

/// A store of documents.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Makes collections that are absent; from then on they can be written and loaded from.
    async fn declare(&self, collections: &[Collection]) -> Result<(), Error>;

    /// Makes the declared collections' indexes that are absent; from then on they can be scanned.
    /// A rebuild fills first: sorting all keys at once is less work than placing each.
    async fn index(&self) -> Result<(), Error>;

    /// Whether a load costs no way to another machine, so that it need not wait for others.
    fn near(&self) -> bool {
        false
    }

    /// Loads documents in the order of their keys; removed ones come without a body.
    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error>;

    /// Stores documents of one partition, then the mark; says how many writes applied. Nobody sees
    /// one of another collection before those that are in the collection of the first.
    async fn write(
        &self,
        partition: Partition,
        writes: Vec<Write>,
        mark: Mark,
    ) -> Result<usize, Error>;

    /// Puts other forms in place of the bodies of documents of a collection, whose ordinals and
    /// keys stay; says how many it found. One that waits to be stored may be left as it is.
    async fn swap(&self, collection: &'static str, swaps: &[Swap]) -> Result<usize, Error>;

    /// Finds documents in a range of an index; removed ones are never found by an index.
    async fn scan(&self, scan: Scan) -> Result<Vec<Found>, Error>;

    /// The partition's checkpoint.
    async fn checkpoint(&self, partition: Partition) -> Result<Option<Bytes>, Error>;
}

impl Scan {
    /// Everything whose key begins with `prefix`.
    pub fn prefix(
        collection: &'static str,
        index: Option<&'static str>,
        prefix: &str,
        order: Order,
        limit: usize,
    ) -> Self {
        // '~' sorts after every character that keys are made of.
        let (from, to) = (prefix.to_owned(), format!("{prefix}~"));
        Self { collection, index, from, to, order, limit }
    }
}

/// Opens the documents in a file, which nobody else may have open: a handle holds what was written
/// through it for a while. Writes of the last half second and of the commit under way are lost with
/// the process, together with the checkpoints that cover them, so they are folded again.
///
/// # Errors
/// `Unavailable` when it can't be opened, `Corrupt` when it is no database.
pub fn open(file: &Path) -> Result<Arc<dyn Documents>, Error> {
    Ok(Arc::new(embedded::Embedded::open(file, Durability::Rebuildable)?))
}

/// Opens a file to fill it from the beginning; what it holds is durable once `index` returns.
///
/// # Errors
/// `Unavailable` when it can't be opened, `Corrupt` when it is no database.
pub fn open_to_fill(file: &Path) -> Result<Arc<dyn Documents>, Error> {
    Ok(Arc::new(embedded::Embedded::open(file, Durability::Filling)?))
}

/// The documents in use and those that a rebuild fills beside them.
#[async_trait]
pub(crate) trait Generations: Send + Sync {
    /// Opens the documents in use.
    async fn current(&self) -> Result<Arc<dyn Documents>, Error>;

    /// Opens an empty set beside them; what it holds is durable once `index` returns.
    async fn beside(&self) -> Result<Arc<dyn Documents>, Error>;

    /// Makes that set the one in use, from the next opening on, and removes the other.
    async fn switch(&self) -> Result<(), Error>;
}

/// The documents of a data folder: a file a generation.
pub(crate) fn in_folder(dir: Arc<DataDir>) -> Box<dyn Generations> {
    Box::new(Folder(dir))
}

struct Folder(Arc<DataDir>);

#[async_trait]
impl Generations for Folder {
    async fn current(&self) -> Result<Arc<dyn Documents>, Error> {
        open(&self.0.documents_file())
    }

    async fn beside(&self) -> Result<Arc<dyn Documents>, Error> {
        let file = self.0.next_documents_file();
        remove_database(&file)?;
        open_to_fill(&file)
    }

    async fn switch(&self) -> Result<(), Error> {
        self.0.switch_documents()
    }
}

/// Reaches the documents of an address: `mongodb://…/database`.
///
/// # Errors
/// `Unavailable` when they can't be reached or no adapter speaks to such an address.
#[cfg(feature = "real")]
pub(crate) async fn connect(address: &Address) -> Result<Box<dyn Generations>, Error> {
    match address.scheme() {
        "mongodb" | "mongodb+srv" => mongo::connect(address).await,
        _ => Err(crate::unknown_scheme("documents", address)),
    }
}

/// Reaches the documents in use at an address.
///
/// # Errors
/// `Unavailable` when they can't be reached or no adapter speaks to such an address.
pub async fn reach(address: &Address) -> Result<Arc<dyn Documents>, Error> {
    connect(address).await?.current().await
}

/// How MongoDB finds what a scan asks for, and two documents of its collection by their ids.
///
/// # Errors
/// `Unavailable` when it can't be reached.
#[cfg(feature = "real")]
pub async fn explain(address: &Address, scan: &Scan) -> Result<[String; 2], Error> {
    mongo::explain(address, scan).await
}

#[cfg(not(feature = "real"))]
pub(crate) async fn connect(_: &Address) -> Result<Box<dyn Generations>, Error> {
    Err(crate::without_clients("documents"))
}
