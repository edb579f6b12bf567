//! Other nodes of the same instance: a question and its answer, in bytes.
//!
//! Promises of every adapter:
//! - `Unavailable` says that the question has certainly not arrived; anything else that fails is
//!   `Unknown`;
//! - only nodes that know the instance's secret are answered.

#[cfg(feature = "real")]
mod http;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Error;
use crate::keys::Secret;

/// Largest question or answer.
pub const BYTES_MAX: usize = 1 << 20;

/// Path that a node answers its peers at.
pub const PATH: &str = "/peer";

/// Asks other nodes.
#[async_trait]
pub trait Peers: Send + Sync {
    /// Asks the node at an address; the answer is what its [`Answers`] say.
    async fn ask(&self, peer: &str, question: Bytes) -> Result<Bytes, Error>;
}

/// Answers other nodes.
#[async_trait]
pub trait Answers: Send + Sync {
    /// The answer to a question that a node of this instance has asked.
    async fn answer(&self, question: Bytes) -> Bytes;
}

/// What peers show each other, in hexadecimal, as a bearer token.
pub fn token(secret: &Secret) -> String {
    secret.iter().map(|it| format!("{it:02x}")).collect()
}

/// Peers over HTTP, who know each other by a secret of the instance.
///
/// # Errors
/// `Unavailable` when the client can't be made.
#[cfg(feature = "real")]
pub fn open(secret: &Secret) -> Result<Arc<dyn Peers>, Error> {
    Ok(Arc::new(http::Http::new(secret)?))
}

#[cfg(not(feature = "real"))]
pub fn open(_: &Secret) -> Result<Arc<dyn Peers>, Error> {
    Err(crate::without_clients("peers"))
}
