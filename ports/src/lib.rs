//! Every system outside the process: bytes and documents go in and out here, features do not.

pub mod bus;
pub mod cache;
pub mod clock;
pub mod data_dir;
pub mod documents;
pub mod entropy;
pub mod event_log;
pub mod faulty;
pub mod keys;
pub mod promise;

mod error;
mod sqlite;
mod supervised;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::{Error, ErrorKind};
pub use supervised::{Tasks, spawn};

/// Where the outside systems are; an absent URL means the embedded one under `data_dir`.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of the embedded systems.
    pub data_dir: PathBuf,
    /// Number of partitions a new instance is born with; an existing one keeps its own.
    pub partitions: u16,
}

/// Partitions of a new instance; fixed for its life.
pub const PARTITIONS: u16 = 64;

impl Config {
    /// Everything embedded under one folder.
    pub fn embedded(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), partitions: PARTITIONS }
    }
}

/// The bundle of ports that every role is given.
#[derive(Clone)]
pub struct Ports {
    pub event_log: Arc<dyn event_log::EventLog>,
    pub documents: Arc<dyn documents::Documents>,
    pub cache: Arc<dyn cache::Cache>,
    pub bus: Arc<dyn bus::Bus>,
    pub keys: Arc<dyn keys::Keys>,
    pub clock: Arc<dyn clock::Clock>,
    pub entropy: Arc<dyn entropy::Entropy>,
}

/// Opened ports together with the lock on their folder.
pub struct Opened {
    pub ports: Ports,
    dir: data_dir::DataDir,
}

/// Opens every port; fails when another process holds the folder or a newer version wrote it.
///
/// # Errors
/// `Unavailable` when the folder is locked or can't be written, `Corrupt` when its format is
/// newer than this program or a file in it is damaged.
pub fn open(config: &Config) -> Result<Opened, Error> {
    let dir = data_dir::DataDir::lock(&config.data_dir)?;
    let clock: Arc<dyn clock::Clock> = Arc::new(clock::System);
    let entropy: Arc<dyn entropy::Entropy> = Arc::new(entropy::System);
    let event_log = event_log::open(dir.path(), config.partitions, entropy.as_ref())?;
    let documents = documents::open(&dir.documents_file())?;
    let keys = keys::open(dir.path(), Arc::clone(&entropy))?;
    let cache = cache::open(Arc::clone(&clock));
    let bus = bus::open();
    let ports = Ports { event_log, documents, cache, bus, keys, clock, entropy };
    Ok(Opened { ports, dir })
}

/// Opens the log of a folder to read it, also while another process has the folder.
///
/// # Errors
/// `Unavailable` when there is no log, `Corrupt` when the folder's format is newer than this
/// program or the file is damaged.
pub fn open_to_read(data_dir: &Path) -> Result<Arc<dyn event_log::EventLog>, Error> {
    data_dir::check(data_dir)?;
    event_log::open_to_read(data_dir)
}

impl Opened {
    /// Opens an empty set of documents beside the current one, for a rebuild.
    ///
    /// # Errors
    /// `Unavailable` when the file can't be made.
    pub fn beside(&self) -> Result<Arc<dyn documents::Documents>, Error> {
        let file = self.dir.next_documents_file();
        data_dir::remove_database(&file)?;
        documents::open_to_fill(&file)
    }

    /// Makes the rebuilt set the current one; takes effect at the next opening.
    ///
    /// # Errors
    /// `Unavailable` when the folder can't be written.
    pub fn switch(&self) -> Result<(), Error> {
        self.dir.switch_documents()
    }

    /// The folder that holds everything.
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }
}
