//! Short-lived facts shared by all nodes: rate limits, leases, presence. Losing them is harmless.
//!
//! Promises of every adapter (the contract checks each):
//! - of any number of concurrent takes in a window, exactly `limit` are admitted; while a server is
//!   away each node counts for itself, so that a limit is never a reason to do nothing;
//! - a lease has one holder until it ends or is given back;
//! - a number that is raised never falls before its time, whoever raises it at once;
//! - a value is gone after its time.

pub mod contract;
mod embedded;
mod lease;
#[cfg(feature = "real")]
mod redis;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use lease::Lease;

use crate::clock::Clock;
use crate::{Address, Error};

/// Answer of a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    /// Try again after this time.
    Refused {
        retry_after_ms: u64,
    },
}

/// A shared store of short-lived values.
#[async_trait]
pub trait Cache: Send + Sync {
    /// Counts one use of `key`; at most `limit` uses are admitted in each window.
    async fn take(&self, key: &str, limit: u32, window_ms: u64) -> Result<Admission, Error>;

    /// Takes or prolongs a lease; `false` when somebody else holds it.
    async fn lease(&self, key: &str, holder: &str, ttl_ms: u64) -> Result<bool, Error>;

    /// Stores a value for a time.
    async fn put(&self, key: &str, value: Bytes, ttl_ms: u64) -> Result<(), Error>;

    /// Keeps a number for a time unless a larger one is kept, or the same; whether it was. Numbers
    /// are read as decimal text.
    async fn raise(&self, key: &str, number: u64, ttl_ms: u64) -> Result<bool, Error>;

    /// Reads a value that has not ended.
    async fn get(&self, key: &str) -> Result<Option<Bytes>, Error>;

    /// Gives a value or a lease back before its time.
    async fn forget(&self, key: &str) -> Result<(), Error>;
}

/// Opens the cache of this process.
pub fn open(clock: Arc<dyn Clock>) -> Arc<dyn Cache> {
    Arc::new(embedded::Embedded::new(clock))
}

/// Reaches the cache at an address: `redis://host:6379`.
///
/// # Errors
/// `Unavailable` when it can't be reached or no adapter speaks to such an address.
#[cfg(feature = "real")]
pub async fn connect(address: &Address, clock: Arc<dyn Clock>) -> Result<Arc<dyn Cache>, Error> {
    match address.scheme() {
        "redis" | "rediss" | "redis+cluster" | "rediss+cluster" => {
            redis::connect(address, clock).await
        }
        _ => Err(crate::unknown_scheme("cache", address)),
    }
}

#[cfg(not(feature = "real"))]
pub async fn connect(_: &Address, _: Arc<dyn Clock>) -> Result<Arc<dyn Cache>, Error> {
    Err(crate::without_clients("cache"))
}
