//! Passwords that thieves have published: whether one is among them, without telling which.
//!
//! A service of ranges is asked for all that share the first five digits of the SHA-1 of a
//! password, and answers `rest:count` a line; it learns no more than those digits (k-anonymity, as
//! Have I Been Pwned offers it). Without a service nothing counts as published.

#[cfg(feature = "real")]
mod http;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Address, Error};

/// Knows passwords that were published.
#[async_trait]
pub trait Breaches: Send + Sync {
    /// Whether a password was published.
    ///
    /// # Errors
    /// `Unavailable` when that can't be told now.
    async fn holds(&self, password: &str) -> Result<bool, Error>;
}

struct Nothing;

#[async_trait]
impl Breaches for Nothing {
    async fn holds(&self, _: &str) -> Result<bool, Error> {
        Ok(false)
    }
}

/// Knows of none.
pub fn none() -> Arc<dyn Breaches> {
    Arc::new(Nothing)
}

/// Asks a service of ranges: `https://api.pwnedpasswords.com/range`.
///
/// # Errors
/// `Unavailable` when the address is malformed.
pub fn connect(address: &Address) -> Result<Arc<dyn Breaches>, Error> {
    #[cfg(feature = "real")]
    match address.scheme() {
        "http" | "https" => http::connect(address),
        _ => Err(crate::unknown_scheme(http::PORT, address)),
    }
    #[cfg(not(feature = "real"))]
    Err(crate::without_clients(if address.scheme().is_empty() { "address" } else { "breaches" }))
}
