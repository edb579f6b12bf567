//! Packs what conversations consist of where nothing has happened for long, and sweeps up after it.
//! What is packed is found and read as before, so nobody has to know of it.

use std::sync::Arc;
use std::time::Duration;

use chat::cold;
use chat::conversations::Conversation;
use chat::kernel::{Document, StreamId, Timestamp};
use chat::timeline::Timeline;
use ports::blobs::BlobKey;
use ports::documents::{Found, Order, Scan};
use ports::{Error, Ports};
use serde::de::DeserializeOwned;

use crate::progress::Progress;

/// Conversations looked at together.
const PAGE: usize = 256;

/// Packs swept in one round at most.
const SWEPT_MAX: usize = 64;

/// How often it is looked for what has grown cold: a tenth of the time that takes, within these.
const LOOK_MIN: Duration = Duration::from_secs(1);
const LOOK_MAX: Duration = Duration::from_secs(60 * 60);

/// Packs the conversations of the partitions that are folded here.
pub struct Packing {
    pub ports: Ports,
    pub progress: Arc<Progress>,
    /// How long nothing has to have happened.
    pub after: Duration,
}

impl Packing {
    /// Packs from now on whatever grows cold.
    pub fn start(self) {
        ports::spawn("packing", async move {
            let mut swept = None;
            loop {
                tokio::time::sleep((self.after / 10).clamp(LOOK_MIN, LOOK_MAX)).await;
                if let Err(error) = self.round(&mut swept).await {
                    tracing::warn!(%error, "cold conversations are not packed now");
                }
            }
        });
    }

    async fn round(&self, swept: &mut Option<BlobKey>) -> Result<(), Error> {
        let after_ms = i64::try_from(self.after.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp(self.ports.clock.now_ms().saturating_sub(after_ms));
        let all = Scan::prefix(Conversation::COLLECTION.name, None, "", Order::Ascending, PAGE);
        let mut page = all;
        loop {
            let found = self.ports.documents.scan(page.clone()).await?;
            let Some(last) = found.last() else { break };
            page.from = format!("{} ", last.id);
            for it in &found {
                let conversation = read::<Conversation>(it)?;
                if let Some(it) = conversation.filter(|it| cold::is_quiet(it, since)) {
                    self.pack(&it, since).await?;
                }
            }
        }
        let done = self.ports.packs.sweep(swept.as_ref(), SWEPT_MAX).await?;
        *swept = done.next;
        Ok(())
    }

    async fn pack(&self, conversation: &Conversation, since: Timestamp) -> Result<(), Error> {
        let partitions = self.ports.event_log.identity().partitions;
        let partition = StreamId::Conversation(conversation.id).partition(partitions);
        if self.progress.documents.here().all(|(it, _)| it != partition) {
            return Ok(());
        }
        let ranges = cold::ranges(conversation.id);
        let [.., events] = &ranges;
        if self.ports.packs.is_packed(events).await? {
            return Ok(());
        }
        let last = Scan { order: Order::Descending, ..events.clone() };
        let last = self.ports.documents.scan(last).await?;
        let last = last.first().map(read::<Timeline>).transpose()?.flatten();
        if !last.is_some_and(|it| cold::is_cold(&it, since)) {
            return Ok(());
        }
        for range in &ranges {
            let packed = self.ports.packs.pack(range).await?;
            if packed.documents > 0 {
                tracing::debug!(
                    collection = range.collection,
                    documents = packed.documents,
                    body_bytes = packed.body_bytes,
                    packed_bytes = packed.packed_bytes,
                    "packed"
                );
            }
        }
        Ok(())
    }
}

/// Reads a document; a removed one is none.
fn read<D: DeserializeOwned>(found: &Found) -> Result<Option<D>, Error> {
    let body = found.stored.body.as_deref();
    let read = body.map(serde_json::from_slice).transpose();
    read.map_err(|it| Error::corrupt("documents", it))
}
