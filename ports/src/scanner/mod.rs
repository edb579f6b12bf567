//! Scanners of files: whether what somebody uploads is known to do harm.
//!
//! A daemon of ClamAV is sent the contents as they come, and answers once it has all of them.
//! Without one nothing is looked for. A scanner that is away holds uploads up: none becomes a file
//! that was not looked at.

#[cfg(feature = "real")]
mod clamd;

use std::sync::Arc;

use async_trait::async_trait;

use crate::blobs::ByteStream;
use crate::{Address, Error};

/// What a scanner finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that it knows.
    Clean,
    /// What it calls what it found.
    Harmful(String),
}

/// Looks through files.
#[async_trait]
pub trait Scanner: Send + Sync {
    /// Whether there is one: without, nobody need send it anything.
    fn is_there(&self) -> bool;

    /// Looks through all that comes.
    ///
    /// # Errors
    /// `Unavailable` when it can't be told now, also because what came breaks off.
    async fn scan(&self, bytes: ByteStream) -> Result<Verdict, Error>;
}

struct Nobody;

#[async_trait]
impl Scanner for Nobody {
    fn is_there(&self) -> bool {
        false
    }

    async fn scan(&self, _: ByteStream) -> Result<Verdict, Error> {
        Ok(Verdict::Clean)
    }
}

/// Looks for nothing.
pub fn none() -> Arc<dyn Scanner> {
    Arc::new(Nobody)
}

/// Asks a daemon: `clamd://host:3310`, or `clamd:///run/clamav/clamd.ctl` for a socket of this
/// machine.
///
/// # Errors
/// `Unavailable` when the address is malformed.
pub fn connect(address: &Address) -> Result<Arc<dyn Scanner>, Error> {
    #[cfg(feature = "real")]
    match address.scheme() {
        "clamd" => clamd::connect(address),
        _ => Err(crate::unknown_scheme(clamd::PORT, address)),
    }
    #[cfg(not(feature = "real"))]
    Err(crate::without_clients(if address.scheme().is_empty() { "address" } else { "scanner" }))
}
