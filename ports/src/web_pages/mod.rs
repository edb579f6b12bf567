//! Pages of the web that strangers name: fetched as if each name, answer and byte were an attack.
//!
//! Whoever writes a link says where this server connects to, so nothing inside may be reached that
//! way (server-side request forgery): a URL is of `http` or `https`, without credentials, on a
//! listed port; its name is resolved here, every address of the answer is checked, and the
//! connection goes to an address that was checked, not to the name. A redirect begins all of this
//! anew. Proxies of the environment, cookies and what else a client keeps do not exist here.
//!
//! An answer has a listed type, is not compressed, and is read for its first mebibyte; all of it
//! takes five seconds at most.

mod address;
pub mod contract;
#[cfg(feature = "real")]
mod http;
#[cfg(feature = "real")]
mod names;
#[cfg(feature = "real")]
mod target;
#[cfg(feature = "real")]
mod text;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;

use crate::Error;

/// Time from the first look at a URL to the last byte, redirects and all.
pub const FETCH_MAX: Duration = Duration::from_secs(5);

/// Bytes of an answer that are read; what comes behind them is not.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Bytes of the head of an answer.
pub const HEAD_BYTES_MAX: usize = 64 << 10;

/// Lines of the head of an answer.
pub const HEADERS_MAX: usize = 100;

/// Redirects that are followed, one after another.
pub const REDIRECTS_MAX: usize = 5;

/// Bytes of a URL.
pub const URL_BYTES_MAX: usize = 2_048;

/// Pages under way at once in this process; others wait, within their five seconds.
pub const PLACES: usize = 16;

/// Addresses of one name: an answer of more is refused whole.
pub const ADDRESSES_MAX: usize = 32;

/// Ports that a URL may name.
pub const PORTS: [u16; 2] = [80, 443];

/// By which rules pages are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Networks that may be asked though they are not of the public internet.
    pub allow: Vec<IpNet>,
    /// Ports that a URL may name.
    pub ports: Vec<u16>,
    /// Authorities that TLS trusts instead of the system's, in PEM.
    pub ca: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { allow: Vec::new(), ports: PORTS.to_vec(), ca: None }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// HTML or XHTML.
    Html,
    /// JSON.
    Json,
}

/// A page that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it was in the end, after redirects.
    pub url: String,
    /// Its text, decoded.
    pub text: String,
}

/// Why a page is not had. It tells nobody what is there: only operators see it, as a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// No pages are fetched here.
    Off,
    /// No URL of `http` or `https` with a host, or a longer one than there may be.
    Url,
    /// The URL holds a name or a password.
    Credentials,
    /// The port is not on the list.
    Port,
    /// Nobody knows the name.
    Name,
    /// The name has an address that may not be asked.
    Address,
    /// One redirect too many, or one to nowhere.
    Redirects,
    /// Nobody answers, or not in HTTP, or not as whom the URL names.
    Lost,
    /// The answer is something else than a page.
    Status,
    /// The answer has a type that is not on the list.
    Type,
    /// The answer is encoded, though that was not asked for.
    Encoding,
    /// It took too long.
    Late,
}

impl Refused {
    /// Its name in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Url => "url",
            Self::Credentials => "credentials",
            Self::Port => "port",
            Self::Name => "name",
            Self::Address => "address",
            Self::Redirects => "redirects",
            Self::Lost => "lost",
            Self::Status => "status",
            Self::Type => "type",
            Self::Encoding => "encoding",
            Self::Late => "late",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// Fetches pages.
#[async_trait]
pub trait WebPages: Send + Sync {
    /// Whether pages are fetched at all.
    fn are_fetched(&self) -> bool;

    /// Fetches a page, or says why not.
    async fn fetch(&self, url: &str, wanted: Wanted) -> Result<Page, Refused>;
}

/// Says which addresses a name has. It decides nothing: what it answers is checked.
#[async_trait]
pub trait Names: Send + Sync {
    /// The addresses of a name; none when nobody knows it.
    async fn addresses(&self, name: &str) -> Vec<IpAddr>;
}

struct Nothing;

#[async_trait]
impl WebPages for Nothing {
    fn are_fetched(&self) -> bool {
        false
    }

    async fn fetch(&self, _: &str, _: Wanted) -> Result<Page, Refused> {
        Err(Refused::Off)
    }
}

/// Fetches none.
pub fn none() -> Arc<dyn WebPages> {
    Arc::new(Nothing)
}

/// Fetches pages, by the machine's resolver of names.
///
/// # Errors
/// `Unavailable` when the authorities can't be read.
pub fn connect(settings: &Settings) -> Result<Arc<dyn WebPages>, Error> {
    #[cfg(feature = "real")]
    return http::connect(settings, Arc::new(names::System::default()));
    #[cfg(not(feature = "real"))]
    Err(crate::without_clients(if settings.ports.is_empty() { "ports" } else { "web pages" }))
}

/// Fetches pages, by another resolver of names.
///
/// # Errors
/// `Unavailable` when the authorities can't be read.
#[cfg(feature = "real")]
pub fn connect_by(settings: &Settings, names: Arc<dyn Names>) -> Result<Arc<dyn WebPages>, Error> {
    http::connect(settings, names)
}
