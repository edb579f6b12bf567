//! The bus inside one process: a bounded ring that slow listeners fall out of.

use async_trait::async_trait;
use tokio::sync::broadcast;

use super::{Announcement, Bus, Subscription};
use crate::Error;

/// Announcements a listener may be behind before it loses some.
const BEHIND_MAX: usize = 8_192;

pub(super) struct Embedded {
    sender: broadcast::Sender<Announcement>,
}

impl Embedded {
    pub(super) fn new() -> Self {
        Self { sender: broadcast::channel(BEHIND_MAX).0 }
    }
}

#[async_trait]
impl Bus for Embedded {
    async fn publish(&self, announcement: Announcement) -> Result<(), Error> {
        // Nobody listening is no failure.
        let _ = self.sender.send(announcement);
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error> {
        Ok(Box::new(Listener { receiver: self.sender.subscribe() }))
    }
}

struct Listener {
    receiver: broadcast::Receiver<Announcement>,
}

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Option<Announcement> {
        match self.receiver.recv().await {
            Ok(announcement) => Some(announcement),
            Err(broadcast::error::RecvError::Lagged(_)) => None,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
