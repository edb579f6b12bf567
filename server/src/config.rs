//! Every option, from defaults, a file and the environment; read once, passed by reference.

#[cfg(test)]
mod tests;
mod validate;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use chat::kernel::graphql::{Limits, Ways};
use ports::{Address, Addresses, media_worker, web_pages};
use query_api::SocketLimits;
use query_api::files::Intake;

pub use crate::providers::Provider;
pub use crate::token::Token;

/// Every option. In the environment `PARLANCE_` stands before the name in capitals.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Certificate chain to show, in PEM: the server speaks TLS 1.3 itself; absent, a proxy does.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM.
    pub tls_key: Option<PathBuf>,
    /// Folder of the embedded systems.
    pub data_dir: PathBuf,
    /// development, or production, which refuses to start with an embedded system.
    pub profile: Profile,
    /// The event log: `kafka://host:9092,host:9092/prefix`; absent, it is in the folder.
    pub event_log: Option<Address>,
    /// The documents: `mongodb://host:27017/database`; absent, they are in the folder.
    pub documents: Option<Address>,
    /// The cache: `redis://host:6379`; absent, it is in this process.
    pub cache: Option<Address>,
    /// The bus: `redis://host:6379`; absent, it is in this process.
    pub bus: Option<Address>,
    /// The keys: `https://any:token@host:8443`, where `parlance keys` serves them; absent, in the
    /// folder.
    pub keys: Option<Address>,
    /// The blobs: `s3://key:secret@bucket/prefix?region=eu-central-1`, for other servers than AWS
    /// with `&endpoint=https://host&path_style=true`; absent, they are in the folder.
    pub blobs: Option<Address>,
    /// The server for mail: `smtps://user:password@host:465?from=chat@example.org`; absent, mail
    /// goes into the folder `outbox`.
    pub mail: Option<Address>,
    /// The gateway for text messages: `https://any:key@host/path`; absent, they go into the folder
    /// `outbox`.
    pub sms: Option<Address>,
    /// The service that knows published passwords: `https://api.pwnedpasswords.com/range`, which is
    /// asked for ranges and learns no password; absent, none are known.
    pub breached_passwords: Option<Address>,
    /// Database in MaxMind's format, such as GeoLite2 City, that tells people where their sessions
    /// were opened, to the city; read at the start; absent, nobody is told.
    pub places: Option<PathBuf>,
    /// What nodes show to `parlance keys`, at least 32 characters; only that command reads it.
    pub keys_token: Option<Token>,
    /// Certificate chain that `parlance keys` shows, in PEM; only that command reads it.
    pub keys_tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM; only `parlance keys` reads it.
    pub keys_tls_key: Option<PathBuf>,
    /// Address that other nodes reach this one at; port 0 takes any that is free.
    pub peer_listen: SocketAddr,
    /// What other nodes reach this one by, if it is not the address it listens on.
    pub peer_url: Option<String>,
    /// Networks of the proxies in front, such as `["10.0.0.0/8"]`: who asks from there counts as
    /// the client that `X-Forwarded-For` names.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins of other sites whose pages may ask, such as `["https://chat.example"]`; our own
    /// always may.
    pub cors_origins: Vec<String>,
    /// Whether applications may register themselves at `/oauth/register` (RFC 7591).
    pub oauth_registration: bool,
    /// Servers of others by which people sign in, at most 20: `docs/sign-in-providers.md`.
    pub identity_providers: Vec<Provider>,
    /// Whether people may sign in by a link to a mail address that they have proved.
    pub sign_in_links: bool,
    /// Hours that the removal of lost second factors waits, while it can be cancelled; 1 to 720.
    pub factor_recovery_hours: u32,
    /// Whether the pages that messages link to are looked up, to show what they are.
    pub previews: bool,
    /// Networks where pages are looked up though they are not of the public internet, such as
    /// `["10.1.0.0/16"]`.
    pub previews_allow: Vec<IpNet>,
    /// Ports at which pages are looked up, 1 to 16 of them.
    pub previews_ports: Vec<u16>,
    /// Authorities that are trusted for pages instead of the system's, in PEM.
    pub previews_ca: Option<PathBuf>,
    /// Whether files that people upload are looked into, to show what they are.
    pub media: bool,
    /// The program that looks into them; absent, `parlance-media-worker` beside this one.
    pub media_worker: Option<PathBuf>,
    /// Folder where files lie in the clear while they are looked into, best of memory; absent, the
    /// system's for temporary files.
    pub media_folder: Option<PathBuf>,
    /// Files that are looked into at once, at most 1024; 0 is as many as there are processors.
    pub media_at_once: usize,
    /// Partitions that a new instance is born with; an existing one keeps its own.
    pub partitions: u16,
    /// What people reach the server by; issuer of the tokens.
    pub public_url: String,
    /// How log lines are written: text or json.
    pub log_format: LogFormat,
    /// Which log lines are written, as for `RUST_LOG`.
    pub log_filter: String,
    /// Commands of one account in a minute.
    pub rate_per_account: u32,
    /// Requests from one address in a minute.
    pub rate_per_ip: u32,
    /// Registrations from one address in a minute.
    pub rate_register: u32,
    /// Attempts to sign in in a minute, per name and address; six times that per address.
    pub rate_sign_in: u32,
    /// Codes sent to one address in an hour.
    pub rate_codes: u32,
    /// Bytes that the files of one account may take; 0 to 2^53.
    pub account_storage_bytes_max: u64,
    /// Bytes that the files of one conversation's messages may take; 0 to 2^53.
    pub conversation_storage_bytes_max: u64,
    /// What looks through files before they are taken: `clamd://host:3310`, whose `StreamMaxLength`
    /// is at least that of the largest file; absent looks at nothing.
    pub scanner: Option<Address>,
    /// Media types, and endings of names with a dot before them, of files that are not taken:
    /// `["image/svg+xml", ".exe"]`, at most 100.
    pub refused_files: Vec<String>,
    /// A file of SHA-256 digests in hexadecimal, one a line, of contents that are not taken; read
    /// when the server starts.
    pub blocked_digests: Option<PathBuf>,
    /// Days after which a file is discarded whatever refers to it, at most 36,500; 0 for never.
    pub files_kept_days: u32,
    /// Messages from one socket in a second.
    pub rate_per_socket: u32,
    /// Frames that wait for one socket; beyond that it is closed and resumes.
    pub socket_queue_frames: usize,
    /// Bytes that wait for one socket; beyond that it is closed and resumes.
    pub socket_queue_bytes: usize,
    /// Seconds without an event after which a conversation's documents are packed; 0 is never.
    pub pack_after_seconds: u32,
    /// Records that the documents may be behind for the server to be ready.
    pub ready_lag_records_max: u64,
    /// Time that open requests are given when the server stops, in milliseconds.
    pub drain_ms_max: u64,
}

/// What an instance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    Development,
    Production,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

impl Default for Config {
    fn default() -> Self {
        let (rates, socket) = (Limits::default(), SocketLimits::default());
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls_cert: None,
            tls_key: None,
            data_dir: PathBuf::from("data"),
            profile: Profile::Development,
            event_log: None,
            documents: None,
            cache: None,
            bus: None,
            keys: None,
            blobs: None,
            mail: None,
            sms: None,
            breached_passwords: None,
            places: None,
            keys_token: None,
            keys_tls_cert: None,
            keys_tls_key: None,
            peer_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            peer_url: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            oauth_registration: false,
            identity_providers: Vec::new(),
            sign_in_links: false,
            factor_recovery_hours: 72,
            previews: true,
            previews_allow: Vec::new(),
            previews_ports: web_pages::PORTS.to_vec(),
            previews_ca: None,
            media: true,
            media_worker: None,
            media_folder: None,
            media_at_once: 0,
            partitions: ports::PARTITIONS,
            public_url: "http://localhost:8080".to_owned(),
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            rate_per_account: rates.per_account,
            rate_per_ip: rates.per_ip,
            rate_register: rates.register,
            rate_sign_in: rates.sign_in,
            rate_codes: rates.codes,
            account_storage_bytes_max: rates.storage_bytes,
            conversation_storage_bytes_max: rates.conversation_bytes,
            scanner: None,
            refused_files: Vec::new(),
            blocked_digests: None,
            files_kept_days: 0,
            rate_per_socket: socket.per_socket,
            socket_queue_frames: socket.queue_frames,
            socket_queue_bytes: socket.queue_bytes,
            ready_lag_records_max: 1_000,
            pack_after_seconds: 90 * 24 * 60 * 60,
            drain_ms_max: 10_000,
        }
    }
}

/// The name of the program that looks into files.
const MEDIA_WORKER: &str = "parlance-media-worker";

impl Config {
    /// Reads the options: defaults, then the file, then the environment.
    ///
    /// # Errors
    /// When an option is unknown, malformed or out of range.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let mut config: Self = figment.merge(Env::prefixed("PARLANCE_")).extract()?;
        config.identity_providers.iter_mut().try_for_each(Provider::read_secret)?;
        config.validate()?;
        Ok(config)
    }

    /// Reads the options of another place: defaults, then its file, and nothing of this process.
    ///
    /// # Errors
    /// When an option is unknown, malformed or out of range.
    pub fn of_file(file: &Path) -> anyhow::Result<Self> {
        let defaults = Figment::from(Serialized::defaults(Self::default()));
        let mut config: Self = defaults.merge(Toml::file_exact(file)).extract()?;
        config.identity_providers.iter_mut().try_for_each(Provider::read_secret)?;
        config.validate()?;
        Ok(config)
    }

    /// Where the instance is kept, as it may be shown.
    pub fn place(&self) -> String {
        match &self.event_log {
            Some(address) => address.to_string(),
            None => self.data_dir.display().to_string(),
        }
    }

    /// Where the outside systems are.
    pub fn ports(&self) -> ports::Config {
        let addresses = Addresses {
            event_log: self.event_log.clone(),
            documents: self.documents.clone(),
            cache: self.cache.clone(),
            bus: self.bus.clone(),
            keys: self.keys.clone(),
            blobs: self.blobs.clone(),
            mail: self.mail.clone(),
            sms: self.sms.clone(),
            breaches: self.breached_passwords.clone(),
            places: self.places.clone(),
            scanner: self.scanner.clone(),
            identity_providers: self.identity_providers.iter().map(Provider::settings).collect(),
            web_pages: self.previews.then(|| web_pages::Settings {
                allow: self.previews_allow.clone(),
                ports: self.previews_ports.clone(),
                ca: self.previews_ca.clone(),
            }),
        };
        ports::Config { data_dir: self.data_dir.clone(), partitions: self.partitions, addresses }
    }

    /// How files are looked into, if they are.
    pub fn media(&self) -> Option<media_worker::Settings> {
        let beside = || std::env::current_exe().unwrap_or_default().with_file_name(MEDIA_WORKER);
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.media.then(|| media_worker::Settings {
            program: self.media_worker.clone().unwrap_or_else(beside),
            folder: self.media_folder.clone().unwrap_or_else(std::env::temp_dir),
            at_once: if self.media_at_once == 0 { cores() } else { self.media_at_once },
            wall: media_worker::WALL_MAX,
        })
    }

    /// The rates and amounts that apply to callers.
    pub fn limits(&self) -> Limits {
        Limits {
            per_account: self.rate_per_account,
            per_ip: self.rate_per_ip,
            register: self.rate_register,
            sign_in: self.rate_sign_in,
            codes: self.rate_codes,
            storage_bytes: self.account_storage_bytes_max,
            conversation_bytes: self.conversation_storage_bytes_max,
        }
    }

    /// Which files are not taken.
    ///
    /// # Errors
    /// When the list of digests can't be read, or a line is none.
    pub fn intake(&self) -> anyhow::Result<Intake> {
        let blocked = match &self.blocked_digests {
            Some(place) => {
                let text = std::fs::read_to_string(place)
                    .with_context(|| format!("blocked_digests: {}", place.display()))?;
                Intake::digests(&text).context("blocked_digests")?
            }
            None => HashSet::new(),
        };
        let kept_days = self.files_kept_days;
        Ok(Intake { refused: self.refused_files.clone(), blocked, kept_days })
    }

    /// What was decided about ways to sign in.
    pub fn ways(&self) -> Ways {
        let factor_recovery_ms = i64::from(self.factor_recovery_hours) * 3_600 * 1_000;
        Ways { sign_in_links: self.sign_in_links, factor_recovery_ms }
    }

    /// The limits of one socket.
    pub fn socket(&self) -> SocketLimits {
        SocketLimits {
            per_socket: self.rate_per_socket,
            queue_frames: self.socket_queue_frames,
            queue_bytes: self.socket_queue_bytes,
        }
    }
}
