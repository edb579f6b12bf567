//! Reads documents for one request: batched, typed, checked against their audience.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use serde::de::DeserializeOwned;

use ports::Error;
use ports::documents::{Body, Documents, Key, Scan};

use super::document::{Document, Projection, Shared, key, typed};
use super::{Keyring, Personal};
use crate::accounts::AccountId;

/// Reads of one request; what it has loaded once it does not load again, and neither do its clones.
#[derive(Clone)]
pub struct Reader {
    documents: Arc<dyn Documents>,
    pub keyring: Arc<Keyring>,
    loaded: Arc<Loaded>,
}

/// What was loaded, and how more is.
enum Loaded {
    /// At once, where that costs no way to another machine.
    Near(Mutex<HashMap<Key, Option<Shared>>>),
    /// With what others of the request ask for at the same time.
    Far(DataLoader<Batch, HashMapCache>),
}

struct Batch(Arc<dyn Documents>);

impl Loader<Key> for Batch {
    type Value = Option<Shared>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[Key]) -> Result<HashMap<Key, Option<Shared>>, Arc<Error>> {
        let loaded = load(&*self.0, keys).await.map_err(Arc::new)?;
        Ok(keys.iter().cloned().zip(loaded).collect())
    }
}

async fn load(documents: &dyn Documents, keys: &[Key]) -> Result<Vec<Option<Shared>>, Error> {
    let stored = documents.load(keys).await?;
    let loaded = keys.iter().zip(stored).map(|(key, stored)| {
        let body = stored.and_then(|it| it.body);
        body.map(|it| parse(key.collection, &it)).transpose()
    });
    loaded.collect()
}

/// Reads a document of a collection, or finds it read.
///
/// # Errors
/// `Corrupt` when it can't be read.
pub fn parse(collection: &'static str, body: &Body) -> Result<Shared, Error> {
    let projection = Projection::by_collection(collection).expect("the collection is a room's");
    body.value(projection.parse)
        .ok_or_else(|| Error::corrupt("documents", format!("a document of {collection}")))
}

impl Reader {
    /// A reader that has read nothing yet.
    pub fn new(documents: Arc<dyn Documents>, keyring: Arc<Keyring>) -> Self {
        let loaded = match documents.near() {
            true => Loaded::Near(Mutex::default()),
            false => {
                let spawn = |task| ports::spawn("document loader", task);
                let batch = Batch(Arc::clone(&documents));
                let loader = DataLoader::with_cache(batch, spawn, HashMapCache::default());
                Loaded::Far(loader.delay(Duration::ZERO))
            }
        };
        Self { documents, keyring, loaded: Arc::new(loaded) }
    }

    /// A reader that knows nothing of what this one has loaded.
    pub fn anew(&self) -> Self {
        Self::new(Arc::clone(&self.documents), Arc::clone(&self.keyring))
    }

    /// Forgets what was loaded: a command has changed it.
    pub fn forget(&self) {
        match &*self.loaded {
            Loaded::Near(loaded) => loaded.lock().expect("no holder of the lock panics").clear(),
            Loaded::Far(loader) => loader.clear::<Key>(),
        }
    }

    /// A document, whoever asks: for joins behind a check that was made.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load<D: Document>(&self, id: impl Into<String>) -> Result<Option<Arc<D>>, Error> {
        let loaded = self.shared(vec![key::<D>(id)]).await?.pop().flatten();
        Ok(loaded.as_ref().map(typed))
    }

    /// Documents in the order of their ids, whoever asks.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load_many<D: Document>(
        &self,
        ids: impl IntoIterator<Item = String>,
    ) -> Result<Vec<Option<Arc<D>>>, Error> {
        let loaded = self.shared(ids.into_iter().map(key::<D>).collect()).await?;
        Ok(loaded.iter().map(|it| it.as_ref().map(typed)).collect())
    }

    async fn shared(&self, keys: Vec<Key>) -> Result<Vec<Option<Shared>>, Error> {
        let loaded = match &*self.loaded {
            Loaded::Near(loaded) => loaded,
            Loaded::Far(loader) => {
                let found = loader.load_many(keys.iter().cloned()).await.map_err(unshare)?;
                return Ok(keys.iter().map(|it| found.get(it).cloned().flatten()).collect());
            }
        };
        let at_hand = || loaded.lock().expect("no holder of the lock panics");
        let missing: Vec<Key> = {
            let loaded = at_hand();
            keys.iter().filter(|it| !loaded.contains_key(it)).cloned().collect()
        };
        if !missing.is_empty() {
            let found = load(&*self.documents, &missing).await?;
            let mut loaded = at_hand();
            // Whoever asked for the same meanwhile was first.
            missing.into_iter().zip(found).for_each(|(key, it)| {
                loaded.entry(key).or_insert(it);
            });
        }
        let loaded = at_hand();
        Ok(keys.iter().map(|it| loaded.get(it).cloned().flatten()).collect())
    }

    /// A document that the viewer may read; what may not be seen is absent.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn fetch<D: Document>(
        &self,
        viewer: AccountId,
        id: impl Into<String>,
    ) -> Result<Option<Arc<D>>, Error> {
        let Some(document) = self.load::<D>(id).await? else { return Ok(None) };
        let admitted = document.audience().admits(viewer, self).await?;
        Ok(admitted.then_some(document))
    }

    /// Documents in a range of an index with their keys in it, whoever asks.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn scan<D: Document>(&self, scan: Scan) -> Result<Vec<(String, Arc<D>)>, Error> {
        let found = self.documents.scan(scan).await?;
        let mut documents = Vec::with_capacity(found.len());
        for it in found {
            if let Some(body) = it.stored.body {
                let document = parse(D::COLLECTION.name, &body)?;
                documents.push((it.index_key, typed(&document)));
            }
        }
        Ok(documents)
    }

    /// Opens a personal value; `None` when it has been erased.
    ///
    /// # Errors
    /// When the keys can't be reached.
    pub async fn open<T: DeserializeOwned>(
        &self,
        personal: &Personal<T>,
    ) -> Result<Option<T>, Error> {
        self.keyring.open(personal).await
    }
}

fn unshare(error: Arc<Error>) -> Error {
    Error::new(error.kind, error.port, error.to_string())
}
