//! Packs what conversations consist of where nothing has happened for long, and removes packs that
//! are of no use any more. What is packed is read as before, so nobody has to know of it.

use std::sync::Arc;
use std::time::Duration;

use chat::cold::{self, Quiet};
use chat::kernel::Timestamp;
use ports::blobs::BlobKey;
use ports::documents::Found;
use ports::documents::packs::Packed;
use ports::{Error, ErrorKind, Ports};

use crate::progress::Progress;

/// Conversations looked at together.
const PAGE: usize = 256;

/// Packs looked at in one round at most.
const PRUNED_MAX: usize = 64;

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
            let mut pruned = None;
            loop {
                tokio::time::sleep((self.after / 10).clamp(LOOK_MIN, LOOK_MAX)).await;
                if let Err(error) = self.round(&mut pruned).await {
                    tracing::warn!(%error, "cold conversations are not packed now");
                }
            }
        });
    }

    async fn round(&self, pruned: &mut Option<BlobKey>) -> Result<(), Error> {
        if self.progress.documents.here().next().is_none() {
            // Those who fold do it.
            return Ok(());
        }
        let after_ms = i64::try_from(self.after.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp(self.ports.clock.now_ms().saturating_sub(after_ms));
        let mut page = cold::conversations(PAGE);
        loop {
            let found = self.ports.documents.scan(page.clone()).await?;
            let Some(last) = found.last() else { break };
            page.from = format!("{} ", last.id);
            for it in &found {
                match self.pack_quiet(it, since).await {
                    // What is damaged in one does not hold up the others.
                    Err(error) if error.kind == ErrorKind::Corrupt => {
                        tracing::error!(id = it.id, %error, "a conversation can't be packed");
                    }
                    done => done?,
                }
            }
        }
        let done = self.ports.packs.prune(pruned.as_ref(), PRUNED_MAX).await?;
        *pruned = done.next;
        Ok(())
    }

    async fn pack_quiet(&self, found: &Found, since: Timestamp) -> Result<(), Error> {
        let Some(quiet) = Quiet::of(found, since)? else { return Ok(()) };
        let partition = quiet.stream.partition(self.ports.event_log.identity().partitions);
        if self.progress.documents.here().all(|(it, _)| it != partition) {
            return Ok(());
        }
        let (last, packs) = (quiet.last(), &self.ports.packs);
        if packs.is_packed(&last).await? {
            return Ok(());
        }
        let last = self.ports.documents.scan(last).await?;
        if !Quiet::is_cold(last.first(), since)? {
            return Ok(());
        }
        for range in &quiet.ranges {
            let Packed { documents, body_bytes, packed_bytes } = packs.pack(range).await?;
            let collection = range.collection;
            tracing::debug!(collection, documents, body_bytes, packed_bytes, "packed");
        }
        Ok(())
    }
}
