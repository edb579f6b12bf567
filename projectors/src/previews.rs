//! Looks up the pages that messages link to, and notes what they are, one task a partition.
//!
//! A message stays due until its document says otherwise, so whatever ends this loop in between,
//! the next one looks it up again. What a page said is kept for some hours under a digest of its
//! URL, sealed by a key that follows from the URL: whoever reads the cache finds nobody's links.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat::kernel::document::Document;
use chat::kernel::{Failure, Keyring, Reader, Timestamp, id};
use chat::previews::{
    LinkPreview, PER_AUTHOR, PER_HOST, Preview, RecordPreview, read_oembed, read_page,
};
use futures_util::{StreamExt, stream};
use lru::LruCache;
use ports::cache::Admission;
use ports::documents::{Order, Scan};
use ports::event_log::Partition;
use ports::keys::{Secret, crypto};
use ports::web_pages::Wanted;
use ports::{Error, Ports};

use crate::acting::Acting;
use crate::progress::Progress;

/// How often it is looked whether something waits.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Messages read at once.
const PAGE: usize = 64;

/// Pages of a partition that are under way at once; the port has its own limit for all.
const AT_ONCE: usize = 4;

/// Messages remembered that are done, until the documents tell so.
const DONE_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("it is not zero");

/// How long it is kept what a page said, and how long that it was not had.
const FOUND_MS: u64 = 6 * 3_600 * 1_000;
const MISSED_MS: u64 = 15 * 60 * 1_000;

/// The time that the rates of authors and hosts are counted in.
const RATE_MS: u64 = 60 * 1_000;

/// The text of a message that was looked up: the message and its edits so far.
type Text = (String, u64);

fn text(due: &LinkPreview) -> Text {
    (due.message_id.to_string(), due.revision)
}

impl Acting {
    pub(crate) async fn look_up_links(self, partition: Partition, progress: Arc<Progress>) {
        let mut done = LruCache::new(DONE_MAX);
        loop {
            if let Err(error) = self.look_up_due(partition, &mut done).await {
                tracing::warn!(partition, %error, "pages can't be looked up now");
            }
            let changed = progress.previews[usize::from(partition)].notified();
            // Whether it was told or the time has passed: it is looked either way.
            let _ = tokio::time::timeout(LOOK_EVERY, changed).await;
        }
    }

    async fn look_up_due(
        &self,
        partition: Partition,
        done: &mut LruCache<Text, ()>,
    ) -> Result<(), Error> {
        let (name, due) = (LinkPreview::COLLECTION.name, LinkPreview::due(partition));
        let mut scan = Scan::prefix(name, Some("due"), &due, Order::Ascending, PAGE);
        loop {
            let reader = Reader::new(Arc::clone(&self.ports.documents), Arc::clone(&self.keyring));
            let found = reader.scan::<LinkPreview>(scan.clone()).await?;
            let whole = found.len() == PAGE;
            if let Some((last, _)) = found.last() {
                // A space sorts before whatever the key of another begins with.
                scan.from = format!("{last} ");
            }
            // The documents may not tell yet what became of some.
            let left = found.into_iter().map(|(_, it)| it);
            let left = left.filter(|it| !done.contains(&text(it)));
            let looked_up: Vec<(Text, bool)> = stream::iter(left.collect::<Vec<_>>())
                .map(|it| self.settle(&reader, it))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            for (text, _) in looked_up.into_iter().filter(|(_, settled)| *settled) {
                done.put(text, ());
            }
            if !whole {
                return Ok(());
            }
        }
    }

    /// Looks one up and notes what came of it; says whether that is settled.
    async fn settle(&self, reader: &Reader, due: Arc<LinkPreview>) -> (Text, bool) {
        let text = text(&due);
        let found = match self.look_up(reader, &due).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(id = %due.message_id, %error, "a page can't be looked up now");
                return (text, false);
            }
        };
        let outcome = if found.is_some() { "found" } else { "missed" };
        metrics::counter!("parlance_previews_total", "outcome" => outcome).increment(1);
        let parts = [b"preview".as_slice(), &due.revision.to_be_bytes()];
        let client_id = id::derive(due.message_id.0, &parts);
        let (conversation_id, revision) = (due.conversation_id, due.revision);
        let command =
            RecordPreview { conversation_id, message_id: due.message_id, revision, found };
        let submitted = self.door.submit(due.author_id.into(), client_id, Box::new(command)).await;
        let again = match &submitted {
            Ok(_) => false,
            Err(
                Failure::Rejected(_)
                | Failure::IdempotencyMismatch
                | Failure::ClientIdInvalid
                | Failure::TooLarge,
            ) => false,
            Err(Failure::RateLimited { .. } | Failure::Unavailable | Failure::Unknown) => true,
        };
        if let Err(failure) = submitted {
            tracing::warn!(id = %due.message_id, ?failure, "what a page is can't be noted");
        }
        (text, !again)
    }

    /// What the page is that a message links to; nothing when it is not had, or says nothing.
    async fn look_up(&self, reader: &Reader, due: &LinkPreview) -> Result<Option<Preview>, Error> {
        let now = Timestamp(self.ports.clock.now_ms());
        let Some(link) = due.link(reader, now).await? else { return Ok(None) };
        let link = link.as_str();
        let cached = Cached::of(&self.keyring, link);
        if let Some(known) = cached.get(&self.ports).await? {
            return Ok(known.map(|it| Preview { url: link.to_owned(), ..it }));
        }
        if !self.admits(due, link).await? {
            return Ok(None);
        }
        let found = self.fetch(link).await;
        cached.put(&self.ports, found.as_ref()).await?;
        Ok(found)
    }

    /// Whether neither the author nor the host has had their share.
    async fn admits(&self, due: &LinkPreview, link: &str) -> Result<bool, Error> {
        let host = url::Url::parse(link).ok();
        let host = host.as_ref().and_then(url::Url::host_str).unwrap_or_default();
        let host = crypto::fingerprint(&self.keyring.secret("previews"), &[host.as_bytes()]);
        let rates = [
            (format!("preview-rate/{}", due.author_id), PER_AUTHOR),
            (format!("preview-host/{host}"), PER_HOST),
        ];
        for (key, limit) in rates {
            let taken = self.ports.cache.take(&key, limit, RATE_MS).await?;
            if taken != Admission::Admitted {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn fetch(&self, link: &str) -> Option<Preview> {
        let page = match self.ports.web_pages.fetch(link, Wanted::Html).await {
            Ok(page) => page,
            // Which link it was is nobody's business.
            Err(refused) => {
                tracing::debug!(%refused, "a page is not had");
                return None;
            }
        };
        let (of, at) = (link.to_owned(), page.url.clone());
        // A hostile page takes a while to read: others go on meanwhile.
        let read = move || read_page(&of, &at, &page.text);
        let read = tokio::task::spawn_blocking(read).await.ok()?;
        let Some(oembed) = read.oembed else { return read.preview };
        match self.ports.web_pages.fetch(&oembed, Wanted::Json).await {
            Ok(json) => read_oembed(link, &page.url, &json.text, read.preview),
            Err(_) => read.preview,
        }
    }
}

/// Where what a page said is kept, and by which key it is sealed there.
struct Cached {
    at: String,
    key: Secret,
}

impl Cached {
    fn of(keyring: &Keyring, link: &str) -> Self {
        let secret = keyring.secret("previews");
        // What stands behind `#` is the same page.
        let page = link.split('#').next().unwrap_or_default().as_bytes();
        let at = format!("preview/{}", crypto::fingerprint(&secret, &[b"at", page]));
        Self { at, key: crypto::derive(&secret, &[b"key", page]) }
    }

    /// What is known of the page: what it is, or that it is not had.
    async fn get(&self, ports: &Ports) -> Result<Option<Option<Preview>>, Error> {
        let Some(sealed) = ports.cache.get(&self.at).await? else { return Ok(None) };
        let plain = crypto::unseal(&self.key, self.at.as_bytes(), &sealed);
        Ok(plain.and_then(|it| serde_json::from_slice(&it).ok()))
    }

    async fn put(&self, ports: &Ports, found: Option<&Preview>) -> Result<(), Error> {
        let plain = serde_json::to_vec(&found).expect("a preview is plain data");
        let nonce = ports.entropy.bytes();
        let sealed = crypto::seal(&self.key, nonce, self.at.as_bytes(), &plain);
        let ttl_ms = if found.is_some() { FOUND_MS } else { MISSED_MS };
        ports.cache.put(&self.at, Bytes::from(sealed), ttl_ms).await
    }
}
