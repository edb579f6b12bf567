//! One generation of documents: a database, in which a collection is a collection.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use mongodb::bson::raw::CString;
use mongodb::bson::{Document, RawDocumentBuf, Timestamp, doc};
use mongodb::options::{DatabaseOptions, IndexOptions, ReadConcern, SelectionCriteria};
use mongodb::{Client, ClientSession, Database, IndexModel};

use super::PORT;
use super::bulk::{self, Reply};
use super::query::Query;
use super::repeat::{Call, Failure};
use crate::Error;
use crate::breaker::Breaker;
use crate::documents::{Collection, Documents, Found, Key, Mark, Scan, Stored, Swap, Write};
use crate::event_log::Partition;

const MARKS: Collection = Collection { name: bulk::MARKS, indexes: &[] };

/// Documents asked for by their ids in one question at most.
const IDS_MAX: usize = 1_000;

/// Bodies swapped by one command at most: so many documents are in a pack.
const SWAPS_MAX: usize = 256;

pub(super) struct Store {
    client: Client,
    database: Database,
    declared: RwLock<HashMap<&'static str, Declared>>,
    /// The latest time that the cluster told in an answer. Every later question asks for what was
    /// majority-durable then: what a checkpoint covers is found by whoever has read that, also
    /// after another server took over.
    seen: Mutex<Option<Timestamp>>,
    breaker: Breaker,
}

#[derive(Clone)]
struct Declared {
    collection: Collection,
    /// Fields of the keys, in the order of the indexes.
    fields: Vec<CString>,
}

impl Declared {
    fn of(collection: &Collection) -> Self {
        let field = |it: &&str| CString::try_from(bulk::field(it)).expect("a name has no NUL");
        let fields = collection.indexes.iter().map(field).collect();
        Self { collection: *collection, fields }
    }
}

impl Store {
    pub(super) fn new(client: &Client, name: &str) -> Self {
        let primary = SelectionCriteria::ReadPreference(mongodb::options::ReadPreference::Primary);
        let options = DatabaseOptions::builder()
            .read_concern(ReadConcern::majority())
            .selection_criteria(primary)
            .build();
        Self {
            client: client.clone(),
            database: client.database_with_options(name, options),
            declared: RwLock::new(HashMap::from([(MARKS.name, Declared::of(&MARKS))])),
            seen: Mutex::new(None),
            breaker: Breaker::new(PORT),
        }
    }

    fn declared(&self, collection: &'static str) -> Result<Declared, Error> {
        let declared = self.declared.read().expect("declaring does not panic");
        declared.get(collection).cloned().ok_or_else(|| {
            Error::unavailable(PORT, format!("collection {collection} is not declared"))
        })
    }

    async fn session(&self) -> Result<ClientSession, Failure> {
        let mut session = self.client.start_session().await?;
        let seen = *self.seen.lock().expect("noting a time does not panic");
        seen.into_iter().for_each(|it| session.advance_operation_time(it));
        Ok(session)
    }

    fn saw(&self, session: &ClientSession) {
        let mut seen = self.seen.lock().expect("noting a time does not panic");
        *seen = (*seen).max(session.operation_time());
    }

    async fn ask(&self, call: &Call<'_>, query: &Query) -> Result<Vec<Found>, Error> {
        call.repeat(|| async {
            let mut session = self.session().await?;
            let collection = self.database.collection::<RawDocumentBuf>(query.collection);
            let question = collection.find(query.filter()).with_options(query.options());
            let mut cursor = question.session(&mut session).await?;
            let mut found = Vec::new();
            while cursor.advance(&mut session).await? {
                found.push(query.read(cursor.current())?);
            }
            self.saw(&session);
            Ok(found)
        })
        .await
    }

    async fn command(&self, command: RawDocumentBuf) -> Result<Document, Failure> {
        let mut session = self.session().await?;
        let answer = self.database.run_raw_command(command).session(&mut session).await?;
        self.saw(&session);
        Ok(answer)
    }

    /// Stores documents of one collection, each at most once, all of them likely the first of their
    /// key or none; says how many applied.
    async fn apply(&self, call: &Call<'_>, writes: &[Write]) -> Result<usize, Error> {
        let Some(Write { key, first, .. }) = writes.first() else { return Ok(0) };
        let Declared { collection, fields } = self.declared(key.collection)?;
        let applied = AtomicUsize::new(0);
        for chunk in bulk::chunks(writes) {
            call.repeat(|| async {
                let make = match first {
                    true => bulk::make(collection.name, &fields, chunk.iter()),
                    false => bulk::replace(collection.name, &fields, chunk.iter(), true),
                };
                let answer = self.command(make).await?;
                let Reply { applied: made, standing } = Reply::read(&answer)?;
                applied.fetch_add(made, Ordering::Relaxed);
                if standing.is_empty() {
                    return Ok(());
                }
                // What stands there is newer, or it is older: it was not looked for, or it was made
                // between the look and the making. It is never taken away, so that this decides.
                let standing = standing.iter().filter_map(|it| chunk.get(*it));
                let replace = bulk::replace(collection.name, &fields, standing, false);
                let replaced = Reply::read(&self.command(replace).await?)?.applied;
                applied.fetch_add(replaced, Ordering::Relaxed);
                Ok(())
            })
            .await?;
        }
        Ok(applied.into_inner())
    }

    /// The plan that the server has for what is asked.
    pub(super) async fn explain(&self, query: &Query) -> Result<String, Error> {
        let question = doc! { "explain": query.command(), "verbosity": "queryPlanner" };
        let call = Call::reading(&self.breaker);
        let answer = call.repeat(|| async {
            self.database.run_command(question.clone()).await.map_err(Failure::from)
        });
        let answer = answer.await?;
        let plan =
            answer.get_document("queryPlanner").and_then(|it| it.get_document("winningPlan"));
        Ok(plan.map_or_else(|_| answer.to_string(), Document::to_string))
    }
}

#[async_trait]
impl Documents for Store {
    /// Remembers them: the server makes a collection with its first document or index.
    async fn declare(&self, collections: &[Collection]) -> Result<(), Error> {
        let mut declared = self.declared.write().expect("declaring does not panic");
        declared.extend(collections.iter().map(|it| (it.name, Declared::of(it))));
        Ok(())
    }

    async fn index(&self) -> Result<(), Error> {
        let declared = self.declared.read().expect("declaring does not panic").clone();
        for Declared { collection, .. } in declared.values() {
            let index = |name: &&str| {
                let field = bulk::field(name);
                let with_key = doc! { &field: { "$exists": true } };
                let options = IndexOptions::builder()
                    .name((*name).to_owned())
                    .partial_filter_expression(with_key)
                    .build();
                IndexModel::builder().keys(doc! { field: 1, "_id": 1 }).options(options).build()
            };
            let indexes: Vec<IndexModel> = collection.indexes.iter().map(index).collect();
            if !indexes.is_empty() {
                let stored = self.database.collection::<Document>(collection.name);
                let make = || stored.create_indexes(indexes.clone());
                let call = Call::without_haste(&self.breaker);
                call.repeat(|| async { make().await.map_err(Failure::from) }).await?;
            }
        }
        Ok(())
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        metrics::counter!("parlance_document_queries_total").increment(1);
        let mut wanted: HashMap<&'static str, Vec<&str>> = HashMap::new();
        for key in keys {
            wanted.entry(key.collection).or_default().push(&key.id);
        }
        let mut queries = Vec::new();
        for (collection, ids) in &wanted {
            self.declared(collection)?;
            queries.extend(ids.chunks(IDS_MAX).map(|it| Query::ids(collection, it)));
        }
        let call = Call::reading(&self.breaker);
        let answers = join_all(queries.iter().map(|it| self.ask(&call, it))).await;
        let mut found: HashMap<(&str, String), Stored> = HashMap::with_capacity(keys.len());
        for (query, answer) in queries.iter().zip(answers) {
            found.extend(answer?.into_iter().map(|it| ((query.collection, it.id), it.stored)));
        }
        let stored = |it: &Key| found.get(&(it.collection, it.id.clone())).cloned();
        Ok(keys.iter().map(stored).collect())
    }

    async fn write(
        &self,
        partition: Partition,
        writes: Vec<Write>,
        mark: Mark,
    ) -> Result<usize, Error> {
        let call = Call::writing(&self.breaker);
        let mut applied = 0;
        let leading = writes.first().map(|it| it.key.collection);
        for round in bulk::rounds(writes) {
            let mut alike: HashMap<(&'static str, bool), Vec<Write>> = HashMap::new();
            for write in round {
                alike.entry((write.key.collection, write.first)).or_default().push(write);
            }
            let (first, others): (Vec<_>, Vec<_>) =
                alike.iter().partition(|((it, _), _)| Some(*it) == leading);
            for together in [first, others] {
                let all = together.iter().map(|(_, it)| self.apply(&call, it));
                for one in join_all(all).await {
                    applied += one?;
                }
            }
        }
        // All documents are majority-durable now: the mark may say so.
        let key = Key { collection: MARKS.name, id: partition.to_string() };
        let body = Some(mark.checkpoint.into());
        self.apply(
            &call,
            &[Write { key, ordinal: mark.pos, index_keys: vec![], body, first: false }],
        )
        .await?;
        metrics::counter!("parlance_document_writes_total").increment(applied as u64);
        Ok(applied)
    }

    async fn swap(&self, collection: &'static str, swaps: &[Swap]) -> Result<usize, Error> {
        self.declared(collection)?;
        let call = Call::writing(&self.breaker);
        let mut found = 0;
        for chunk in swaps.chunks(SWAPS_MAX) {
            let swap = || async {
                let answer = self.command(bulk::swap(collection, chunk)).await?;
                Ok(Reply::read(&answer)?.applied)
            };
            found += call.repeat(swap).await?;
        }
        Ok(found)
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Found>, Error> {
        metrics::counter!("parlance_document_queries_total").increment(1);
        let indexes = self.declared(scan.collection)?.collection.indexes;
        if let Some(absent) = scan.index.filter(|it| !indexes.contains(it)) {
            let text = format!("collection {} has no index {absent}", scan.collection);
            return Err(Error::unavailable(PORT, text));
        }
        // To the server no limit is zero.
        if scan.limit == 0 {
            return Ok(Vec::new());
        }
        self.ask(&Call::reading(&self.breaker), &Query::range(&scan)).await
    }

    async fn checkpoint(&self, partition: Partition) -> Result<Option<Bytes>, Error> {
        let key = Key { collection: MARKS.name, id: partition.to_string() };
        let mark = self.load(&[key]).await?.pop().flatten();
        Ok(mark.and_then(|it| it.body).map(|it| Bytes::copy_from_slice(&it)))
    }
}
