//! The documents on MongoDB: a database a generation, and one beside them that says which is used.
//!
//! The address names `<database>`; the documents are in `<database>-1`, `<database>-2` and so on,
//! so that whoever is named there needs the rights to make and to drop those. Everything is read
//! from the primary and written to the majority, whatever the address says of concerns.

mod bulk;
mod query;
mod repeat;
mod store;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::error::ErrorKind::DnsResolve;
use mongodb::options::{
    Acknowledgment, ClientOptions, ReadPreference, ReturnDocument, SelectionCriteria, WriteConcern,
};
use serde::{Deserialize, Serialize};

use self::query::Query;
use self::repeat::{Call, Failure, is_duplicate};
use self::store::Store;
use super::{Documents, Generations, Scan};
use crate::breaker::Breaker;
use crate::data_dir::SHAPE;
use crate::{Address, Error, ErrorKind};

const PORT: &str = "documents";

/// Connections of a process to each server, unless the address says otherwise.
const POOL_MAX: u32 = 32;

/// How long a connection, and a primary, is waited for unless the address says otherwise.
const REACH_MAX: Duration = Duration::from_secs(5);

pub(super) async fn connect(address: &Address) -> Result<Box<dyn Generations>, Error> {
    Ok(Box::new(Databases::reach(address).await?))
}

/// The plans for a scan of a collection, and for documents of it by their ids.
pub(super) async fn explain(address: &Address, scan: &Scan) -> Result<[String; 2], Error> {
    let databases = Databases::reach(address).await?;
    let store = databases.store(databases.manifest().await?.generation);
    let ids = Query::ids(scan.collection, &[&scan.from, &scan.to]);
    Ok([store.explain(&Query::range(scan)).await?, store.explain(&ids).await?])
}

struct Databases {
    client: Client,
    name: String,
    /// What was said when the documents beside the used ones were begun.
    beside: Mutex<Option<Manifest>>,
    breaker: Breaker,
}

/// Which documents are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// The generation in use.
    generation: i64,
    /// The latest generation that somebody began to fill; none is begun twice.
    begun: i64,
    shape: u32,
}

const FIRST: Manifest = Manifest { generation: 1, begun: 1, shape: SHAPE };

impl Manifest {
    fn to_document(self) -> Document {
        let Self { generation, begun, shape } = self;
        doc! { "generation": generation, "begun": begun, "shape": shape }
    }

    /// Finds it while it still says the same.
    fn as_filter(self) -> Document {
        let mut filter = self.to_document();
        filter.insert("_id", PORT);
        filter
    }
}

impl Databases {
    async fn reach(address: &Address) -> Result<Self, Error> {
        let parsed = ClientOptions::parse(address.secret_text()).await;
        // What the driver says of a malformed address may repeat the password.
        let mut options = parsed.map_err(|it| match matches!(*it.kind, DnsResolve { .. }) {
            true => Error::unavailable(PORT, it),
            false => Error::unavailable(PORT, "the address is not one of MongoDB"),
        })?;
        let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
        if options.selection_criteria.as_ref().is_some_and(|it| *it != primary) {
            let text = "decisions rest on the documents: the read preference has to be primary";
            return Err(Error::unavailable(PORT, text));
        }
        let name = options.default_database.clone().filter(|it| !it.is_empty());
        let name = name.ok_or_else(|| Error::unavailable(PORT, "the address names no database"))?;
        options.app_name.get_or_insert_with(|| "parlance".to_owned());
        options.max_pool_size.get_or_insert(POOL_MAX);
        options.connect_timeout.get_or_insert(REACH_MAX);
        options.server_selection_timeout.get_or_insert(REACH_MAX);
        // Calls are repeated here: the driver would wait for a lost server twice.
        options.retry_reads = Some(false);
        options.retry_writes = Some(false);
        let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build();
        options.write_concern = Some(durable);
        let client = Client::with_options(options);
        let client = client.map_err(|it| Error::unavailable(PORT, it))?;
        Ok(Self { client, name, beside: Mutex::new(None), breaker: Breaker::new(PORT) })
    }

    fn store(&self, generation: i64) -> Store {
        Store::new(&self.client, &format!("{}-{generation}", self.name))
    }

    async fn drop_database(&self, generation: i64) -> Result<(), Error> {
        let database = self.client.database(&format!("{}-{generation}", self.name));
        let call = Call::writing(&self.breaker);
        call.repeat(|| async { database.drop().await.map_err(Failure::from) }).await
    }

    /// Changes the manifest if a filter finds it; gives it as it is then.
    async fn change(
        &self,
        filter: Document,
        change: Document,
        upsert: bool,
    ) -> Result<Option<Manifest>, Error> {
        let database = self.client.database(&format!("{}-manifest", self.name));
        let collection = database.collection::<Manifest>("manifest");
        let call = Call::writing(&self.breaker);
        let changed = call.repeat(|| async {
            let changed = collection
                .find_one_and_update(filter.clone(), change.clone())
                .upsert(upsert)
                .return_document(ReturnDocument::After)
                .await;
            changed.map_err(|it| match is_duplicate(&it) {
                true => Failure::passing("somebody else was first to store the manifest"),
                false => it.into(),
            })
        });
        changed.await
    }

    /// What is in use; the first who asks decides.
    async fn manifest(&self) -> Result<Manifest, Error> {
        loop {
            let first = doc! { "$setOnInsert": FIRST.to_document() };
            let manifest = self.change(doc! { "_id": PORT }, first, true).await?.unwrap_or(FIRST);
            if manifest.shape > SHAPE {
                let text = format!(
                    "shape {} is newer than this program, which writes {SHAPE}",
                    manifest.shape
                );
                return Err(Error::corrupt(PORT, text));
            }
            if manifest.shape == SHAPE {
                return Ok(manifest);
            }
            // Documents of another shape are of no use: they are folded from the log again.
            let fresh = manifest.begun + 1;
            let fresh = Manifest { generation: fresh, begun: fresh, shape: SHAPE };
            let change = doc! { "$set": fresh.to_document() };
            if self.change(manifest.as_filter(), change, false).await?.is_some() {
                for generation in manifest.generation..=manifest.begun {
                    self.drop_database(generation).await?;
                }
            }
        }
    }
}

#[async_trait]
impl Generations for Databases {
    async fn current(&self) -> Result<Arc<dyn Documents>, Error> {
        Ok(Arc::new(self.store(self.manifest().await?.generation)))
    }

    async fn beside(&self) -> Result<Arc<dyn Documents>, Error> {
        self.manifest().await?;
        let begin = doc! { "$inc": { "begun": 1_i64 } };
        let begun = self.change(doc! { "_id": PORT }, begin, false).await?;
        let begun = begun.ok_or_else(|| Error::unavailable(PORT, "the manifest is gone"))?;
        // Those that others began to fill and did not finish: they can't be switched to any more.
        for generation in begun.generation + 1..=begun.begun {
            self.drop_database(generation).await?;
        }
        *self.beside.lock().expect("noting a manifest does not panic") = Some(begun);
        Ok(Arc::new(self.store(begun.begun)))
    }

    async fn switch(&self) -> Result<(), Error> {
        let begun = *self.beside.lock().expect("noting a manifest does not panic");
        let begun = begun.ok_or_else(|| Error::unavailable(PORT, "nothing was filled"))?;
        let switched = Manifest { generation: begun.begun, ..begun };
        let change = doc! { "$set": switched.to_document() };
        let changed = self.change(begun.as_filter(), change, false).await?;
        // The answer to a first attempt may have been lost.
        if changed.is_none() && self.manifest().await? != switched {
            let text = "other documents were begun meanwhile, or are in use already";
            return Err(Error::new(ErrorKind::Conflict, PORT, text));
        }
        self.drop_database(begun.generation).await
    }
}
