//! "This document changed": announcements between nodes. They may be lost, never invented.
//!
//! Promises of every adapter (the contract checks each):
//! - a subscriber receives what is published after it subscribed, in order per publisher,
//!   or misses some of it; it never receives what nobody published;
//! - publishing never waits for a subscriber.

pub mod contract;
mod embedded;
#[cfg(feature = "real")]
mod redis;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::event_log::Partition;
use crate::{Address, Error};

/// What an announcement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Accepted events whose documents are saved.
    Events(Partition),
    /// Typing and presence: never in the log.
    Ephemeral,
}

/// One announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    pub topic: Topic,
    pub payload: Bytes,
}

/// A lossy broadcast between nodes.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Tells every subscriber.
    async fn publish(&self, announcement: Announcement) -> Result<(), Error>;

    /// Listens to everything from now on.
    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error>;
}

/// One listener.
#[async_trait]
pub trait Subscription: Send {
    /// The next announcement; `None` says that some were lost here.
    async fn next(&mut self) -> Option<Announcement>;
}

/// Opens the bus of this process.
pub fn open() -> Arc<dyn Bus> {
    Arc::new(embedded::Embedded::new())
}

/// Reaches the bus at an address: `redis://host:6379`.
///
/// # Errors
/// `Unavailable` when it can't be reached or no adapter speaks to such an address.
#[cfg(feature = "real")]
pub async fn connect(address: &Address) -> Result<Arc<dyn Bus>, Error> {
    match address.scheme() {
        "redis" | "rediss" | "redis+cluster" | "rediss+cluster" => redis::connect(address).await,
        _ => Err(crate::unknown_scheme("bus", address)),
    }
}

#[cfg(not(feature = "real"))]
pub async fn connect(_: &Address) -> Result<Arc<dyn Bus>, Error> {
    Err(crate::without_clients("bus"))
}
