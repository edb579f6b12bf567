//! Looks into files that were uploaded, by the media worker, one task a partition.
//!
//! A job stays due until its document says otherwise, so whatever ends this loop in between, the
//! next one goes on. Small files come first; how many are looked into at once the worker says.
//! While there is nothing else to do, what an earlier version of the worker has made is asked for
//! anew, a few files at a time.

mod job;
mod sealing;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use chat::files::FileId;
use chat::kernel::document::Document;
use chat::kernel::{Reader, id};
use chat::media::{Media, RedoMedia};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lru::LruCache;
use ports::cache::Lease;
use ports::documents::{Order, Scan};
use ports::event_log::Partition;
use ports::media_worker::{Load, MediaWorker};
use ports::{Error, Ports};
use tokio::time::Instant;

use crate::acting::Acting;
use crate::progress::Progress;

/// How long nobody else works on a file's variants after one was seen to.
const LEASE: Duration = Duration::from_secs(15);

/// Takes what one holds who works on a file's variants, so that nobody else does the same, or
/// deletes what they make; nothing while another holds it.
pub(crate) async fn lease(ports: &Ports, file: FileId) -> Option<Lease> {
    Lease::take(ports, format!("media/{}", file.0.simple()), LEASE).await
}

/// How often it is looked whether something is due, when nobody has told of it.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The same while something is due later, or is to be tried again: the clock may have been set.
const SOON: Duration = Duration::from_secs(1);

/// Documents read at once: a few more than have a place.
const PAGE: usize = 16;

/// Files of a partition that wait for a place at once, of each of the loads.
const AT_ONCE: usize = 4;

/// Files remembered that are done, until the documents tell so.
const DONE_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("it is not zero");

/// What came of one try: the `seq` from which on its document tells of it, unless it is to be tried
/// again.
type Tried = (String, Option<u64>);

/// What is under way in a partition, and what is done.
struct Underway {
    running: FuturesUnordered<BoxFuture<'static, Tried>>,
    /// What each of them takes.
    these: HashMap<String, Load>,
    done: LruCache<String, u64>,
    /// What could not be done, and when it is tried again: meanwhile others have their turn.
    resting: HashMap<String, Instant>,
}

impl Underway {
    /// Whether nothing is to be done now about what a document says.
    fn knows(&self, id: &str, seq: u64) -> bool {
        let told = self.done.peek(id).is_some_and(|it| seq < *it);
        told || self.these.contains_key(id) || self.resting.contains_key(id)
    }

    fn has_place(&self, load: Load) -> bool {
        self.these.values().filter(|it| **it == load).count() < AT_ONCE
    }

    fn ended(&mut self, (id, told): Tried) {
        self.these.remove(&id);
        match told {
            Some(seq) => {
                self.done.put(id, seq);
            }
            None => {
                self.resting.insert(id, Instant::now() + SOON);
            }
        }
    }
}

impl Acting {
    pub(crate) async fn look_into_files(self, partition: Partition, progress: Arc<Progress>) {
        let Some(worker) = self.media.clone() else { return };
        let mut underway = Underway {
            running: FuturesUnordered::new(),
            these: HashMap::new(),
            done: LruCache::new(DONE_MAX),
            resting: HashMap::new(),
        };
        loop {
            let told = progress.media[usize::from(partition)].notified();
            underway.resting.retain(|_, until| *until > Instant::now());
            let begun = self.begin_due(partition, &worker, &mut underway).await;
            let later = begun.unwrap_or_else(|error| {
                tracing::warn!(partition, %error, "which files are to be looked into is unknown");
                true
            });
            if underway.running.is_empty() && worker.works() {
                let asked = self.redo_outdated(partition, worker.tool()).await;
                if let Err(error) = asked {
                    tracing::warn!(partition, %error, "what is outdated is unknown");
                }
            }
            let soon = later || !underway.resting.is_empty();
            tokio::select! {
                Some(tried) = underway.running.next() => underway.ended(tried),
                () = told => (),
                () = tokio::time::sleep(if soon { SOON } else { LOOK_EVERY }) => (),
            }
        }
    }

    /// Asks for a few of what an earlier version of the worker has made.
    async fn redo_outdated(&self, partition: Partition, tool: u32) -> Result<(), Error> {
        let (from, to) = Media::outdated(partition, tool);
        let (name, index) = (Media::COLLECTION.name, Some("outdated"));
        let (order, limit) = (Order::Ascending, AT_ONCE);
        let scan = Scan { from, to, order, limit, ..Scan::prefix(name, index, "", order, limit) };
        let reader = Reader::new(Arc::clone(&self.ports.documents), Arc::clone(&self.keyring));
        for (_, media) in reader.scan::<Media>(scan).await? {
            let file_id = media.file_id;
            let client_id = id::derive(file_id.0, &[b"redo", &media.seq.to_be_bytes()]);
            let command = Box::new(RedoMedia { file_id, tool });
            let asked = self.door.submit(media.account_id.into(), client_id, command).await;
            if let Err(failure) = asked {
                tracing::warn!(id = %file_id, ?failure, "what is outdated can't be asked for now");
            }
        }
        Ok(())
    }

    /// Begins what is due and has a place; says whether something is due later.
    async fn begin_due(
        &self,
        partition: Partition,
        worker: &Arc<MediaWorker>,
        underway: &mut Underway,
    ) -> Result<bool, Error> {
        let mut later = false;
        for class in Media::CLASSES {
            let due = Media::due(partition, class);
            later |= self.begin_class(&due, worker, underway).await?;
        }
        Ok(later)
    }

    /// The same of those of one class: as many are read as have a place, and no backlog.
    async fn begin_class(
        &self,
        due: &str,
        worker: &Arc<MediaWorker>,
        underway: &mut Underway,
    ) -> Result<bool, Error> {
        let name = Media::COLLECTION.name;
        let mut scan = Scan::prefix(name, Some("due"), due, Order::Ascending, PAGE);
        let now = self.ports.clock.now_ms();
        loop {
            let reader = Reader::new(Arc::clone(&self.ports.documents), Arc::clone(&self.keyring));
            let found = reader.scan::<Media>(scan.clone()).await?;
            let last = found.last().map(|(key, _)| key.clone());
            let more = found.len() == PAGE;
            for (_, media) in found {
                let (id, Some(job)) = (media.file_id.to_string(), media.next()) else { continue };
                if job.due_from.is_some_and(|it| it.0 > now) {
                    return Ok(true);
                }
                if underway.knows(&id, media.seq) {
                    continue;
                }
                let load = job.load(media.size_bytes);
                if !underway.has_place(load) {
                    return Ok(false);
                }
                underway.these.insert(id.clone(), load);
                let trying = self.clone().look_into(Arc::clone(worker), media);
                underway.running.push(Box::pin(async move { (id, trying.await) }));
            }
            let Some(last) = last.filter(|_| more) else { return Ok(false) };
            // A space sorts before whatever the key of another begins with.
            scan.from = format!("{last} ");
        }
    }
}
