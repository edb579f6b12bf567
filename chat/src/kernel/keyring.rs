//! Opens and seals personal fields with keys from the port, held for 30 seconds at most.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;
use serde::de::DeserializeOwned;

use ports::clock::Clock;
use ports::entropy::Entropy;
use ports::keys::{Keys, Secret, Tree, TreeId};
use ports::{Error, Ports};

use super::codec::codec;
use super::personal::{KeyName, Personal};
use crate::Event;

/// How long a tree may be used after it was loaded; a key destroyed meanwhile outlives it so long.
pub const HELD_MS: i64 = 30_000;

/// Trees held at most.
const TREES_MAX: usize = 20_000;

/// Keys at hand.
pub struct Keyring {
    keys: Arc<dyn Keys>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    held: Mutex<LruCache<TreeId, (Arc<Tree>, i64)>>,
}

/// Leaves of one record at most: each of its events that seals something takes one, so that what
/// one says can be destroyed alone.
pub const LEAVES: u64 = 128;

/// Where the events of a record will stand.
#[derive(Clone, Copy)]
pub struct Place {
    pub tree: TreeId,
    /// The first of those for what asks for none.
    pub fresh_leaf: u64,
    pub term: u64,
    pub first_seq: u64,
}

impl Keyring {
    /// A keyring without keys yet.
    pub fn new(ports: &Ports) -> Self {
        let size = NonZeroUsize::new(TREES_MAX).expect("the size is not zero");
        Self {
            keys: Arc::clone(&ports.keys),
            clock: Arc::clone(&ports.clock),
            entropy: Arc::clone(&ports.entropy),
            held: Mutex::new(LruCache::new(size)),
        }
    }

    /// A secret of the instance.
    pub fn secret(&self, purpose: &str) -> Secret {
        self.keys.secret(purpose)
    }

    /// The tree of an author in a stream, made when absent.
    ///
    /// # Errors
    /// When the keys can't be reached.
    pub async fn create(&self, id: TreeId) -> Result<Arc<Tree>, Error> {
        if let Some(tree) = self.held(id) {
            return Ok(tree);
        }
        let tree = self.keys.create(id).await?;
        self.hold(id, &tree);
        Ok(tree)
    }

    /// The key of a leaf; `None` when it has been destroyed.
    ///
    /// # Errors
    /// When the keys can't be reached, which must never pass for destroyed.
    pub async fn leaf(&self, id: TreeId, leaf: u64) -> Result<Option<Secret>, Error> {
        if let Some(tree) = self.held(id) {
            return Ok(tree.leaf(leaf));
        }
        let Some(tree) = self.keys.load(id).await? else {
            return Err(Error::corrupt("keys", "the tree of a sealed value is missing"));
        };
        self.hold(id, &tree);
        Ok(tree.leaf(leaf))
    }

    /// Opens a value; `None` when its key has been destroyed.
    ///
    /// # Errors
    /// When the keys can't be reached or the value was changed.
    pub async fn open<T: DeserializeOwned>(
        &self,
        personal: &Personal<T>,
    ) -> Result<Option<T>, Error> {
        let Personal::Sealed(sealed) = personal else {
            return Err(Error::corrupt("keys", "a stored value is not sealed"));
        };
        let Some(leaf) = self.leaf(sealed.name.tree, sealed.name.leaf).await? else {
            return Ok(None);
        };
        let value = Personal::open(sealed, &leaf)
            .ok_or_else(|| Error::corrupt("keys", "a sealed value was changed"))?;
        Ok(Some(value))
    }

    /// Seals the personal fields of a record's events and says how many fresh leaves that took;
    /// `None` when a key that one of them must share has been destroyed meanwhile.
    pub fn seal(&self, tree: &Tree, place: &Place, events: &mut [Event]) -> Option<u64> {
        let (mut fresh, end) = (place.fresh_leaf, place.fresh_leaf + LEAVES);
        for (seq, event) in (place.first_seq..).zip(events) {
            let mut taken = false;
            let schema = codec().schema_id(event.name());
            for (field, personal) in (0_u8..).zip(event.personal()) {
                let leaf = personal.wanted_leaf().unwrap_or_else(|| {
                    taken = true;
                    fresh
                });
                let name = KeyName { tree: place.tree, leaf, term: place.term, seq, schema, field };
                personal.seal(name, &tree.leaf(leaf)?, self.entropy.bytes());
            }
            if taken {
                fresh += 1;
            }
        }
        debug_assert!(fresh <= end, "a record seals too much");
        Some(fresh - place.fresh_leaf)
    }

    /// Destroys the key of a leaf.
    ///
    /// # Errors
    /// When the keys can't be reached.
    pub async fn puncture(&self, id: TreeId, leaf: u64) -> Result<(), Error> {
        self.keys.puncture(id, leaf).await?;
        self.held.lock().expect("no holder of the lock panics").pop(&id);
        Ok(())
    }

    fn held(&self, id: TreeId) -> Option<Arc<Tree>> {
        let now = self.clock.now_ms();
        let mut held = self.held.lock().expect("no holder of the lock panics");
        // A clock that was set back must not lengthen the time.
        let current = |since: i64| (since..since + HELD_MS).contains(&now);
        held.get(&id).filter(|(_, since)| current(*since)).map(|(tree, _)| Arc::clone(tree))
    }

    fn hold(&self, id: TreeId, tree: &Arc<Tree>) {
        let since = self.clock.now_ms();
        let mut held = self.held.lock().expect("no holder of the lock panics");
        held.put(id, (Arc::clone(tree), since));
    }
}
