//! Every system outside the process: bytes and documents go in and out here, features do not.

pub mod blobs;
pub mod breaches;
pub mod bus;
pub mod cache;
pub mod clock;
pub mod data_dir;
pub mod documents;
pub mod entropy;
pub mod event_log;
pub mod faulty;
pub mod identity_providers;
pub mod keys;
pub mod media_worker;
pub mod outbound;
pub mod peers;
pub mod places;
pub mod promise;
pub mod publication;
pub mod roster;
pub mod scanner;
pub mod web_pages;

mod address;
#[cfg(feature = "real")]
mod breaker;
mod error;
#[cfg(feature = "real")]
mod kafka;
mod reach;
#[cfg(feature = "real")]
mod redis;
mod sqlite;
mod supervised;

use std::path::PathBuf;
use std::sync::Arc;

pub use address::Address;
pub use error::{Error, ErrorKind};
pub use supervised::{Tasks, spawn};

use documents::Generations;
use documents::packs::Packs;
use event_log::{Identity, Purpose};

/// Where the outside systems are.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder of the embedded systems.
    pub data_dir: PathBuf,
    /// Number of partitions a new instance is born with; an existing one keeps its own.
    pub partitions: u16,
    /// Systems that are not embedded.
    pub addresses: Addresses,
}

/// Addresses of systems outside the process; an absent one is embedded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    pub event_log: Option<Address>,
    pub documents: Option<Address>,
    pub cache: Option<Address>,
    pub bus: Option<Address>,
    pub keys: Option<Address>,
    pub blobs: Option<Address>,
    /// Mail; without a server it goes into a folder.
    pub mail: Option<Address>,
    /// Text messages; without a gateway they go into a folder.
    pub sms: Option<Address>,
    /// Passwords that were published; without a service none are known.
    pub breaches: Option<Address>,
    /// The file that tells where addresses are; without it nobody knows.
    pub places: Option<PathBuf>,
    /// Servers of others that tell who somebody is.
    pub identity_providers: Vec<identity_providers::Settings>,
    /// What looks through files; without it nothing does.
    pub scanner: Option<Address>,
    /// By which rules pages of the web are fetched; without any none are.
    pub web_pages: Option<web_pages::Settings>,
}

/// Partitions of a new instance; fixed for its life.
pub const PARTITIONS: u16 = 64;

impl Config {
    /// Everything embedded under one folder.
    pub fn embedded(data_dir: impl Into<PathBuf>) -> Self {
        let addresses = Addresses::default();
        Self { data_dir: data_dir.into(), partitions: PARTITIONS, addresses }
    }
}

impl Addresses {
    /// Ports that live in the data folder, by the names of their options.
    pub fn in_folder(&self) -> Vec<&'static str> {
        let all = [
            ("event_log", &self.event_log),
            ("documents", &self.documents),
            ("keys", &self.keys),
            ("blobs", &self.blobs),
        ];
        all.iter().filter(|(_, it)| it.is_none()).map(|(name, _)| *name).collect()
    }

    /// Ports that live in this process or its folder, by the names of their options.
    pub fn embedded(&self) -> Vec<&'static str> {
        let mut all = self.in_folder();
        all.extend(self.cache.is_none().then_some("cache"));
        all.extend(self.bus.is_none().then_some("bus"));
        all
    }
}

/// The bundle of ports that every role is given.
#[derive(Clone)]
pub struct Ports {
    pub event_log: Arc<dyn event_log::EventLog>,
    pub documents: Arc<dyn documents::Documents>,
    /// The same documents, for whoever packs them.
    pub packs: Arc<Packs>,
    pub cache: Arc<dyn cache::Cache>,
    pub bus: Arc<dyn bus::Bus>,
    pub keys: Arc<dyn keys::Keys>,
    pub blobs: Arc<dyn blobs::Blobs>,
    pub mail: Arc<dyn outbound::Outbound>,
    pub sms: Arc<dyn outbound::Outbound>,
    pub breaches: Arc<dyn breaches::Breaches>,
    pub places: places::Places,
    pub identity_providers: identity_providers::IdentityProviders,
    pub web_pages: Arc<dyn web_pages::WebPages>,
    pub scanner: Arc<dyn scanner::Scanner>,
    pub clock: Arc<dyn clock::Clock>,
    pub entropy: Arc<dyn entropy::Entropy>,
}

/// Opened ports together with the lock on their folder.
pub struct Opened {
    pub ports: Ports,
    generations: Box<dyn Generations>,
    _dir: Option<Arc<data_dir::DataDir>>,
}

/// Opens every port to work on an instance; fails when another process holds the folder or a newer
/// version wrote it.
///
/// # Errors
/// `Unavailable` when the folder is locked or can't be written, a system can't be reached, or the
/// instance is not to be served ([`event_log::Refused`]); `Corrupt` when the folder's format is
/// newer than this program or what is stored is damaged.
pub async fn open(config: &Config) -> Result<Opened, Error> {
    let born = Identity::new(config.partitions, &entropy::System);
    open_for(config, &born, Purpose::Serve).await
}

/// Opens every port to copy an instance into it or out of it, whether or not it may be served; a
/// new log is born with the given identity and is not served until it is whole.
///
/// # Errors
/// As [`open`], but for an instance that is not to be served.
pub async fn open_to_copy(config: &Config, born: &Identity) -> Result<Opened, Error> {
    open_for(config, born, Purpose::Copy).await
}

async fn open_for(config: &Config, born: &Identity, purpose: Purpose) -> Result<Opened, Error> {
    let addresses = &config.addresses;
    let locked = || data_dir::DataDir::lock(&config.data_dir).map(Arc::new);
    let dir = if addresses.in_folder().is_empty() { None } else { Some(locked()?) };
    let folder = config.data_dir.as_path();
    let clock: Arc<dyn clock::Clock> = Arc::new(clock::System);
    let entropy: Arc<dyn entropy::Entropy> = Arc::new(entropy::System);
    let event_log = match &addresses.event_log {
        None => event_log::open(folder, born, purpose)?,
        Some(at) => event_log::connect(at, born, purpose).await?,
    };
    let generations = match (&addresses.documents, &dir) {
        (Some(at), _) => documents::connect(at).await?,
        (None, Some(dir)) => documents::in_folder(Arc::clone(dir)),
        (None, None) => unreachable!("documents without an address are in the folder"),
    };
    let keys = match &addresses.keys {
        None => keys::open(folder, Arc::clone(&entropy))?,
        Some(at) => keys::connect(at).await?,
    };
    let blobs = open_blobs(config).await?;
    let packs = Packs::over(generations.current().await?, &blobs, &clock, &entropy);
    let cache = match &addresses.cache {
        None => cache::open(Arc::clone(&clock)),
        Some(at) => cache::connect(at, Arc::clone(&clock)).await?,
    };
    let bus = match &addresses.bus {
        None => bus::open(),
        Some(at) => bus::connect(at).await?,
    };
    let mail = match &addresses.mail {
        None => outbound::mail_folder(folder),
        Some(at) => outbound::connect_mail(at)?,
    };
    let sms = match &addresses.sms {
        None => outbound::sms_folder(folder),
        Some(at) => outbound::connect_sms(at)?,
    };
    let breaches = addresses.breaches.as_ref();
    let breaches = breaches.map_or_else(|| Ok(breaches::none()), breaches::connect)?;
    let places = addresses.places.as_deref().map(places::Places::read);
    let places = places.transpose()?.unwrap_or_default();
    let identity_providers = identity_providers::connect(&addresses.identity_providers)?;
    let web_pages = addresses.web_pages.as_ref();
    let web_pages = web_pages.map_or_else(|| Ok(web_pages::none()), web_pages::connect)?;
    let scanner = addresses.scanner.as_ref();
    let scanner = scanner.map_or_else(|| Ok(scanner::none()), scanner::connect)?;
    let ports = Ports {
        event_log,
        documents: Arc::clone(&packs) as Arc<dyn documents::Documents>,
        packs,
        cache,
        bus,
        keys,
        blobs,
        mail,
        sms,
        breaches,
        places,
        identity_providers,
        web_pages,
        scanner,
        clock,
        entropy,
    };
    Ok(Opened { ports, generations, _dir: dir })
}

/// Opens the log to read it, also while others write it.
///
/// # Errors
/// `Unavailable` when there is no log, `Corrupt` when the folder's format is newer than this
/// program or the file is damaged.
pub async fn open_to_read(config: &Config) -> Result<Arc<dyn event_log::EventLog>, Error> {
    match &config.addresses.event_log {
        Some(at) => {
            let born = Identity::new(config.partitions, &entropy::System);
            event_log::connect(at, &born, Purpose::Read).await
        }
        None => {
            data_dir::check(&config.data_dir)?;
            event_log::open_to_read(&config.data_dir)
        }
    }
}

/// Opens the keys to read them, also while another process has their folder.
///
/// # Errors
/// `Unavailable` when there are none, `Corrupt` when the master key does not fit them.
pub async fn open_keys_to_read(config: &Config) -> Result<Arc<dyn keys::Keys>, Error> {
    match &config.addresses.keys {
        Some(at) => keys::connect(at).await,
        None => {
            data_dir::check(&config.data_dir)?;
            keys::open_to_read(&config.data_dir)
        }
    }
}

/// Opens the blobs, also while another process has their folder.
///
/// # Errors
/// `Unavailable` when the folder can't be made or read, or a system can't be reached.
pub async fn open_blobs(config: &Config) -> Result<Arc<dyn blobs::Blobs>, Error> {
    match &config.addresses.blobs {
        None => blobs::open(&config.data_dir),
        Some(at) => blobs::connect(at).await,
    }
}

impl Opened {
    /// Opens an empty set of documents beside the current one, for a rebuild.
    ///
    /// # Errors
    /// `Unavailable` when it can't be made.
    pub async fn beside(&self) -> Result<Arc<dyn documents::Documents>, Error> {
        self.generations.beside().await
    }

    /// Makes the rebuilt set the current one; takes effect at the next opening.
    ///
    /// # Errors
    /// `Unavailable` when that can't be stored.
    pub async fn switch(&self) -> Result<(), Error> {
        self.generations.switch().await
    }
}

/// Whoever built the program left the clients of real servers out.
#[cfg(not(feature = "real"))]
fn without_clients(port: &'static str) -> Error {
    Error::unavailable(port, "this program was built without clients of servers")
}

/// No adapter speaks to such an address.
#[cfg(feature = "real")]
fn unknown_scheme(port: &'static str, address: &Address) -> Error {
    Error::unavailable(port, format!("no adapter for {}://", address.scheme()))
}
