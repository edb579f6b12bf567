//! Bodies of documents that nobody has changed for long, compressed together in blobs.
//!
//! A packed document keeps its id, its ordinal and its keys, so it is found and guarded as before;
//! in place of its body stands where that lies. It comes back by being read, and for good by being
//! written: whoever reads or writes through [`Packs`] sees no difference.
//!
//! Documents are packed in the order of an index, so that a page lies in one blob or two. Every
//! change here puts one form of a body in place of another of the same ordinal, so it does not
//! matter who else packs, unpacks or writes meanwhile.

pub mod contract;
mod pack;
mod prune;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use lru::LruCache;

use self::pack::{Member, Pack, Place};
use super::{Body, Collection, Documents, Found, Key, Mark, Order, Scan, Stored, Swap, Write};
use crate::Error;
use crate::blobs::{BlobKey, Blobs, Put, Span};
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::event_log::Partition;

pub(crate) use self::pack::PREFIX;

const PORT: &str = "documents";

/// Documents in a pack at most.
const MEMBERS_MAX: usize = 256;

/// Bytes of bodies after which a pack takes no other.
const BODIES_BYTES_MAX: usize = 4 << 20;

/// Fewer documents than this are not worth a blob.
pub const MEMBERS_MIN: usize = 32;

/// Packs kept open.
const OPEN_MAX: NonZeroUsize = NonZeroUsize::new(32).expect("it is not zero");

/// How often documents are read anew whose pack has gone: they were unpacked meanwhile.
const TRIES: usize = 3;

/// Documents that may be packed.
pub struct Packs {
    inner: Arc<dyn Documents>,
    blobs: Arc<dyn Blobs>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Names of the collections.
    declared: Mutex<Vec<&'static str>>,
    open: Mutex<LruCache<BlobKey, Arc<Vec<Body>>>>,
}

/// What was packed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    pub documents: u64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
    /// Bytes of the blobs that hold them now.
    pub packed_bytes: u64,
}

impl Packed {
    fn add(&mut self, other: Self) {
        self.documents += other.documents;
        self.body_bytes += other.body_bytes;
        self.packed_bytes += other.packed_bytes;
    }
}

impl Packs {
    /// Documents whose packs are among the blobs.
    pub fn over(
        inner: Arc<dyn Documents>,
        blobs: &Arc<dyn Blobs>,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
    ) -> Arc<Self> {
        let (blobs, clock, entropy) = (Arc::clone(blobs), Arc::clone(clock), Arc::clone(entropy));
        let open = Mutex::new(LruCache::new(OPEN_MAX));
        Arc::new(Self { inner, blobs, clock, entropy, declared: Mutex::default(), open })
    }

    /// Whether the last document of a range is packed; a range is packed from its beginning.
    ///
    /// # Errors
    /// When the documents can't be read.
    pub async fn is_packed(&self, range: &Scan) -> Result<bool, Error> {
        let last = Scan { order: Order::Descending, limit: 1, ..range.clone() };
        let found = self.inner.scan(last).await?;
        let body = found.first().and_then(|it| it.stored.body.as_ref());
        Ok(body.is_some_and(|it| Place::of(it).is_some()))
    }

    /// Packs the documents of a range of an index that are not packed, in its order; a range of
    /// fewer than `MEMBERS_MIN` documents stays as it is. `range.limit` and `range.order` are of no
    /// account.
    ///
    /// # Errors
    /// When documents or blobs can't be reached; then some are packed, and it can be done again.
    pub async fn pack(&self, range: &Scan) -> Result<Packed, Error> {
        let (mut from, mut packed) = (range.from.clone(), Packed::default());
        loop {
            let page = Scan {
                from: from.clone(),
                order: Order::Ascending,
                limit: MEMBERS_MAX,
                ..range.clone()
            };
            let found = self.inner.scan(page).await?;
            let few = found.len() < MEMBERS_MIN && from == range.from;
            let Some(last) = found.last().filter(|_| !few) else { return Ok(packed) };
            // Keys of an index that is packed by are one document's each.
            from = format!("{} ", last.index_key);
            let ended = found.len() < MEMBERS_MAX;
            packed.add(self.pack_page(range.collection, found).await?);
            if ended {
                return Ok(packed);
            }
        }
    }

    async fn pack_page(
        &self,
        collection: &'static str,
        found: Vec<Found>,
    ) -> Result<Packed, Error> {
        let mut packed = Packed::default();
        let (mut members, mut bytes) = (Vec::new(), 0);
        for Found { id, stored: Stored { ordinal, body }, .. } in found {
            let Some(body) = body.filter(|it| Place::of(it).is_none()) else { continue };
            bytes += body.len();
            members.push(Member { id, ordinal, body: body.to_vec() });
            if bytes >= BODIES_BYTES_MAX {
                packed.add(self.put(collection, std::mem::take(&mut members)).await?);
                bytes = 0;
            }
        }
        packed.add(self.put(collection, members).await?);
        Ok(packed)
    }

    /// Puts documents into a pack, then what stands for their bodies into them.
    async fn put(&self, collection: &'static str, members: Vec<Member>) -> Result<Packed, Error> {
        if members.is_empty() {
            return Ok(Packed::default());
        }
        let name = u128::from_be_bytes(self.entropy.bytes());
        let key = BlobKey::new(&format!("{PREFIX}{:012x}.{name:032x}", self.clock.now_ms()));
        let key = key.expect("hexadecimal digits are plain");
        let pack = Pack { collection: collection.to_owned(), members };
        let bytes = pack.to_bytes()?;
        let packed_bytes = bytes.len() as u64;
        match self.blobs.put(&key, Bytes::from(bytes).into()).await? {
            Put::Stored { .. } => (),
            Put::Differs | Put::TooLarge => {
                return Err(Error::unavailable(PORT, "a pack could not be put"));
            }
        }
        let swap = |(at, member): (usize, &Member)| Swap {
            id: member.id.clone(),
            ordinal: member.ordinal,
            body: Place { pack: key.clone(), at }.body(),
        };
        let swaps: Vec<Swap> = pack.members.iter().enumerate().map(swap).collect();
        let documents = self.inner.swap(collection, &swaps).await? as u64;
        metrics::counter!("parlance_documents_packed_total").increment(documents);
        Ok(Packed { documents, body_bytes: pack.body_bytes(), packed_bytes })
    }

    /// The bodies of a pack; `None` when there is none of that key.
    async fn open(&self, key: &BlobKey) -> Result<Option<Arc<Vec<Body>>>, Error> {
        let open = || self.open.lock().expect("no holder of the lock panics");
        if let Some(bodies) = open().get(key) {
            return Ok(Some(Arc::clone(bodies)));
        }
        let Some(pack) = self.read(key).await? else { return Ok(None) };
        let bodies: Vec<Body> = pack.members.into_iter().map(|it| it.body.into()).collect();
        let bodies = Arc::new(bodies);
        open().put(key.clone(), Arc::clone(&bodies));
        metrics::counter!("parlance_packs_opened_total").increment(1);
        Ok(Some(bodies))
    }

    async fn read(&self, key: &BlobKey) -> Result<Option<Pack>, Error> {
        let Some(reading) = self.blobs.get(key, Span::Whole).await? else { return Ok(None) };
        let bytes: Vec<Bytes> = reading.bytes.try_collect().await?;
        Pack::from_bytes(&bytes.concat()).map(Some)
    }

    /// Puts bodies where places stand; gives whether none of their packs is missing.
    async fn fill(&self, documents: Vec<&mut Stored>) -> Result<bool, Error> {
        let mut wanted: BTreeMap<BlobKey, Vec<(usize, &mut Body)>> = BTreeMap::new();
        for body in documents.into_iter().filter_map(|it| it.body.as_mut()) {
            if let Some(Place { pack, at }) = Place::of(body) {
                wanted.entry(pack).or_default().push((at, body));
            }
        }
        let keys: Vec<&BlobKey> = wanted.keys().collect();
        let opened = try_join_all(keys.iter().map(|it| self.open(it))).await?;
        let opened: HashMap<BlobKey, _> = keys.into_iter().cloned().zip(opened).collect();
        for (key, places) in wanted {
            let Some(bodies) = &opened[&key] else { return Ok(false) };
            for (at, body) in places {
                let packed = bodies.get(at).ok_or_else(|| {
                    Error::corrupt(PORT, format!("the pack {key} has no document {at}"))
                })?;
                *body = packed.clone();
            }
        }
        Ok(true)
    }
}

fn lost() -> Error {
    Error::corrupt(PORT, "a pack is missing: the documents have to be built again")
}

#[async_trait]
impl Documents for Packs {
    async fn declare(&self, collections: &[Collection]) -> Result<(), Error> {
        self.inner.declare(collections).await?;
        let mut declared = self.declared.lock().expect("no holder of the lock panics");
        declared.extend(collections.iter().map(|it| it.name));
        Ok(())
    }

    async fn index(&self) -> Result<(), Error> {
        self.inner.index().await
    }

    fn near(&self) -> bool {
        self.inner.near()
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        for _ in 0..TRIES {
            let mut loaded = self.inner.load(keys).await?;
            if self.fill(loaded.iter_mut().flatten().collect()).await? {
                return Ok(loaded);
            }
        }
        Err(lost())
    }

    async fn write(
        &self,
        partition: Partition,
        writes: Vec<Write>,
        mark: Mark,
    ) -> Result<usize, Error> {
        self.inner.write(partition, writes, mark).await
    }

    async fn swap(&self, collection: &'static str, swaps: &[Swap]) -> Result<usize, Error> {
        self.inner.swap(collection, swaps).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Found>, Error> {
        for _ in 0..TRIES {
            let mut found = self.inner.scan(scan.clone()).await?;
            if self.fill(found.iter_mut().map(|it| &mut it.stored).collect()).await? {
                return Ok(found);
            }
        }
        Err(lost())
    }

    async fn checkpoint(&self, partition: Partition) -> Result<Option<Bytes>, Error> {
        self.inner.checkpoint(partition).await
    }
}
