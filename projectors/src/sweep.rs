//! Deletes the blobs that files leave behind, and notes it, one task a partition.
//!
//! Of what is over these are all of its blobs, unless it holds contents for its aliases; of what
//! was uploaded, the parts that it came in, and contents that another node put together at the same
//! time, or that another file holds. A file stays in the index until its document says otherwise,
//! so whatever ends this loop in between, the next one sweeps again.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use chat::files::{
    File, FileState, ListedPart, NoteSwept, contents_blob, contents_prefix, key_of, parts_of,
    parts_prefix, variants_prefix,
};
use chat::kernel::document::Document;
use chat::kernel::{Failure, Reader, Timestamp, id};
use futures_util::{StreamExt, stream};
use lru::LruCache;
use ports::blobs::{BlobKey, LIST_MAX};
use ports::documents::{Order, Scan};
use ports::event_log::Partition;
use ports::{Error, ErrorKind};

use crate::acting::Acting;
use crate::media;
use crate::progress::Progress;

/// How often it is looked whether something was left, when nobody has told of it.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long is rested after something could not be deleted.
const PAUSE: Duration = Duration::from_secs(1);

/// Files read at once.
const PAGE: usize = 64;

/// Files of a partition that are swept at once.
const AT_ONCE: usize = 4;

/// Files remembered that are done, until the documents tell so.
const DONE_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("it is not zero");

/// A file as one event made it.
type Left = (String, u64);

impl Acting {
    pub(crate) async fn sweep_files(self, partition: Partition, progress: Arc<Progress>) {
        let mut done = LruCache::new(DONE_MAX);
        loop {
            let told = progress.files[usize::from(partition)].notified();
            let whole = self.sweep_left(partition, &mut done).await.unwrap_or_else(|error| {
                tracing::warn!(partition, %error, "what files leave behind can't be read now");
                false
            });
            let wait = if whole { LOOK_EVERY } else { PAUSE };
            // Whether it was told or the time has passed: it is looked either way.
            let _ = tokio::time::timeout(wait, told).await;
        }
    }

    /// Sweeps what there is; says whether nothing is to be tried again.
    async fn sweep_left(
        &self,
        partition: Partition,
        done: &mut LruCache<Left, ()>,
    ) -> Result<bool, Error> {
        let (name, left) = (File::COLLECTION.name, File::left(partition));
        let mut scan = Scan::prefix(name, Some("left"), &left, Order::Ascending, PAGE);
        let now = Timestamp(self.ports.clock.now_ms());
        let mut whole = true;
        loop {
            let reader = Reader::new(Arc::clone(&self.ports.documents), Arc::clone(&self.keyring));
            let found = reader.scan::<File>(scan.clone()).await?;
            let more = found.len() == PAGE;
            if let Some((last, _)) = found.last() {
                // A space sorts before whatever the key of another begins with.
                scan.from = format!("{last} ");
            }
            let left = found.into_iter().filter(|(_, it)| it.is_to_be_swept(now));
            let left = left.map(|(key, it)| ((key, it.seq), it));
            let left: Vec<_> = left.filter(|(left, _)| !done.contains(left)).collect();
            let swept: Vec<Option<Left>> = stream::iter(left)
                .map(|(left, file)| async move { self.sweep(&file).await.then_some(left) })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            for left in swept {
                whole &= left.is_some();
                if let Some(left) = left {
                    done.put(left, ());
                }
            }
            if !more {
                return Ok(whole);
            }
        }
    }

    /// Sweeps after one file; says whether that is settled.
    async fn sweep(&self, file: &File) -> bool {
        // Whoever looks into it may be about to store what was made of it.
        let lease = match file.state {
            FileState::Over => match media::lease(&self.ports, file.id).await {
                Some(lease) => Some(lease),
                None => return false,
            },
            FileState::Uploading | FileState::Uploaded => None,
        };
        let deleted = self.delete_left(file);
        let deleted = match lease {
            Some(lease) => lease.during(&self.ports, deleted).await,
            None => deleted.await,
        };
        if let Err(error) = deleted {
            tracing::warn!(id = %file.id, %error, "what a file leaves behind can't be deleted now");
            // Of a file whose list can't be read nobody knows what it needs.
            return error.kind == ErrorKind::Corrupt;
        }
        let client_id = id::derive(file.id.0, &[b"swept", &file.seq.to_be_bytes()]);
        let command = Box::new(NoteSwept { file_id: file.id, seq: file.seq });
        match self.door.submit(file.account_id.into(), client_id, command).await {
            Ok(_) => true,
            Err(
                failure @ (Failure::Rejected(_)
                | Failure::IdempotencyMismatch
                | Failure::ClientIdInvalid
                | Failure::TooLarge),
            ) => {
                tracing::warn!(id = %file.id, ?failure, "a sweep can't be noted");
                true
            }
            Err(Failure::RateLimited { .. } | Failure::Unavailable | Failure::Unknown) => false,
        }
    }

    async fn delete_left(&self, file: &File) -> Result<(), Error> {
        if file.state == FileState::Uploading {
            return Ok(());
        }
        let kept = self.holding(file).await?;
        for prefix in [parts_prefix(file.id), contents_prefix(file.id)] {
            self.delete_beginning(&prefix, &kept).await?;
        }
        if file.state == FileState::Over && !file.withdrawn {
            self.delete_beginning(&variants_prefix(file.id), &[]).await?;
        }
        Ok(())
    }

    /// The blobs that hold the contents of a file, while it has them.
    async fn holding(&self, file: &File) -> Result<Vec<BlobKey>, Error> {
        let Some(blob) = file.blob else { return Ok(Vec::new()) };
        let parts = match key_of(&self.keyring, file).await? {
            Some(key) => parts_of(&*self.ports.blobs, file, &key).await?,
            // Nobody reads any of it any more.
            None => Vec::new(),
        };
        let parts = parts.iter().filter_map(ListedPart::blob);
        Ok(parts.chain([contents_blob(file.id, blob)]).collect())
    }

    /// The blobs whose keys begin with something, but for some.
    pub(crate) async fn beginning(
        &self,
        prefix: &str,
        kept: &[BlobKey],
    ) -> Result<Vec<BlobKey>, Error> {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let listed = self.ports.blobs.list(prefix, after.as_ref(), LIST_MAX).await?;
            let Some(last) = listed.last() else { return Ok(all) };
            after = Some(last.key.clone());
            all.extend(listed.into_iter().map(|it| it.key).filter(|it| !kept.contains(it)));
        }
    }

    async fn delete_beginning(&self, prefix: &str, kept: &[BlobKey]) -> Result<(), Error> {
        for key in self.beginning(prefix, kept).await? {
            self.ports.blobs.delete(&key).await?;
        }
        Ok(())
    }
}
