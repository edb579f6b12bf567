//! "This document changed": announcements between nodes. They may be lost, never invented.
//!
//! Promises of every adapter (the contract checks each):
//! - a subscriber receives what is published after it subscribed, in order per publisher,
//!   or misses some of it; it never receives what nobody published;
//! - publishing never waits for a subscriber.

pub mod contract;
mod embedded;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Error;
use crate::event_log::Partition;

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
