//! Reads documents for one request: batched, typed, checked against their audience.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use serde::de::DeserializeOwned;

use ports::Error;
use ports::documents::{Documents, Key, Scan};

use super::document::{Document, Projection, Shared, key, typed};
use super::{Keyring, Personal};
use crate::accounts::AccountId;

/// Reads of one request; what it has loaded once it does not load again.
pub struct Reader {
    documents: Arc<dyn Documents>,
    pub keyring: Arc<Keyring>,
    loader: DataLoader<Batch, HashMapCache>,
}

struct Batch(Arc<dyn Documents>);

impl Loader<Key> for Batch {
    type Value = Option<Shared>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[Key]) -> Result<HashMap<Key, Option<Shared>>, Arc<Error>> {
        let stored = self.0.load(keys).await.map_err(Arc::new)?;
        let mut loaded = HashMap::with_capacity(keys.len());
        for (key, stored) in keys.iter().zip(stored) {
            let body = stored.and_then(|it| it.body);
            let document = body.map(|it| parse(key.collection, &it)).transpose();
            loaded.insert(key.clone(), document.map_err(Arc::new)?);
        }
        Ok(loaded)
    }
}

/// Reads a document of a collection.
///
/// # Errors
/// `Corrupt` when it can't be read.
pub fn parse(collection: &'static str, body: &[u8]) -> Result<Shared, Error> {
    let projection = Projection::by_collection(collection).expect("the collection is a room's");
    (projection.parse)(body)
        .ok_or_else(|| Error::corrupt("documents", format!("a document of {collection}")))
}

impl Reader {
    /// A reader that has read nothing yet.
    pub fn new(documents: Arc<dyn Documents>, keyring: Arc<Keyring>) -> Self {
        let spawn = |task| ports::spawn("document loader", task);
        let batch = Batch(Arc::clone(&documents));
        let loader = DataLoader::with_cache(batch, spawn, HashMapCache::default());
        Self { documents, keyring, loader: loader.delay(Duration::ZERO) }
    }

    /// A reader that knows nothing of what this one has loaded.
    pub fn anew(&self) -> Self {
        Self::new(Arc::clone(&self.documents), Arc::clone(&self.keyring))
    }

    /// Forgets what was loaded: a command has changed it.
    pub fn forget(&self) {
        self.loader.clear::<Key>();
    }

    /// A document, whoever asks: for joins behind a check that was made.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load<D: Document>(&self, id: impl Into<String>) -> Result<Option<Arc<D>>, Error> {
        let loaded = self.loader.load_one(key::<D>(id)).await.map_err(unshare)?;
        Ok(loaded.flatten().map(|it| typed(&it)))
    }

    /// Documents in the order of their ids, whoever asks.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load_many<D: Document>(
        &self,
        ids: impl IntoIterator<Item = String>,
    ) -> Result<Vec<Option<Arc<D>>>, Error> {
        let keys: Vec<Key> = ids.into_iter().map(key::<D>).collect();
        let loaded = self.loader.load_many(keys.iter().cloned()).await.map_err(unshare)?;
        let found = keys.iter().map(|it| loaded.get(it)?.as_ref().map(typed));
        Ok(found.collect())
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
