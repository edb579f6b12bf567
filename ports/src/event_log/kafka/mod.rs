//! The log on Kafka: a partition of a topic for each of ours, one round trip an append.
//!
//! - `identity`: which log this is and whether it may be served, said by a topic of its own.
//! - `producer`: appends, in call order.
//! - `recent`: the ends of the partitions and the last records before them.
//! - `tail`: follows what others append.
//!
//! `ports/src/kafka/` has what addresses say, the topics, and reading what is older.

mod identity;
mod producer;
mod recent;
mod tail;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use super::{Ack, Entry, EventLog, Identity, Partition, Purpose, RECORD_BYTES_MAX, Standing};
use crate::kafka::{CatchUp, Settings, Topics};
use crate::{Address, Error};
use producer::Producer;
use recent::Recent;
use tail::Tail;

const PORT: &str = "event log";

/// Reaches the log at an address; makes it if there is none.
pub(super) async fn connect(
    address: &Address,
    born: Identity,
    purpose: Purpose,
) -> Result<Arc<dyn EventLog>, Error> {
    let settings = Settings::new(address)?;
    let runtime = Handle::current();
    // The client's own calls block.
    let opened =
        tokio::task::spawn_blocking(move || Kafka::open(settings, &born, purpose, &runtime));
    Ok(Arc::new(opened.await.map_err(|it| Error::unavailable(PORT, it))??))
}

struct Kafka {
    settings: Settings,
    identity: Identity,
    standing: Mutex<Standing>,
    recent: Arc<Recent>,
    producer: Producer,
    catch_up: Arc<CatchUp>,
    topics: Arc<Topics>,
    _tail: Tail,
}

impl Kafka {
    fn open(
        settings: Settings,
        born: &Identity,
        purpose: Purpose,
        runtime: &Handle,
    ) -> Result<Self, Error> {
        let topics = Topics::new(&settings, runtime)?;
        let standing = Standing::at_birth(purpose);
        let (identity, standing) = identity::decide(&settings, &topics, born, standing, runtime)?;
        standing.admit(purpose, PORT)?;
        let ends = topics.ends(&settings.log, identity.partitions)?;
        let recent = Arc::new(Recent::new(&ends));
        let tail = Tail::start(&settings, Arc::clone(&recent))?;
        let producer = Producer::new(&settings, Arc::clone(&recent))?;
        let catch_up = Arc::new(CatchUp::new(&settings, settings.log.clone()));
        tracing::info!(topic = settings.log, partitions = identity.partitions, "log is open");
        let (standing, topics) = (Mutex::new(standing), Arc::new(topics));
        Ok(Self { settings, identity, standing, recent, producer, catch_up, topics, _tail: tail })
    }
}

impl EventLog for Kafka {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn standing(&self) -> Standing {
        self.standing.lock().expect("no holder of the lock panics").clone()
    }

    fn stand(&self, next: Standing) -> BoxFuture<'_, Result<(), Error>> {
        let (settings, identity) = (self.settings.clone(), self.identity.clone());
        let (runtime, wanted) = (Handle::current(), next.clone());
        async move {
            self.standing().may_become(&next, PORT)?;
            let stood = tokio::task::spawn_blocking(move || {
                identity::stand(&settings, &identity, &wanted, &runtime)
            });
            let stands = stood.await.map_err(|it| Error::unknown(PORT, it))??;
            *self.standing.lock().expect("no holder of the lock panics") = stands.clone();
            // Somebody may have said at the same time that it has moved.
            stands.may_become(&next, PORT)
        }
        .boxed()
    }

    fn append(
        &self,
        partition: Partition,
        record: Bytes,
    ) -> BoxFuture<'static, Result<Ack, Error>> {
        if record.len() > RECORD_BYTES_MAX || partition >= self.identity.partitions {
            let error = Error::unavailable(PORT, "record is too large or partition is unknown");
            return async { Err(error) }.boxed();
        }
        let queued = self.producer.append(partition, record);
        async move {
            let gone = |_| Err(Error::unknown(PORT, "the client ended before it was answered"));
            queued?.await.unwrap_or_else(gone)
        }
        .boxed()
    }

    fn read(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        match self.recent.read(partition, from, limit) {
            Ok(Some(entries)) => async { Ok(entries) }.boxed(),
            Ok(None) => self.catch_up.read(partition, from, limit, self.recent.end(partition)),
            Err(error) => async { Err(error) }.boxed(),
        }
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<u64, Error>> {
        let end = self.recent.healthy_end(partition);
        async { end }.boxed()
    }

    fn wait(&self, partition: Partition, from: u64) -> BoxFuture<'_, Result<(), Error>> {
        self.recent.wait(partition, from).boxed()
    }

    fn answers(&self) -> BoxFuture<'_, Result<(), Error>> {
        let topics = Arc::clone(&self.topics);
        async move {
            let asked = tokio::task::spawn_blocking(move || topics.answers());
            asked.await.map_err(|it| Error::unavailable(PORT, it))?
        }
        .boxed()
    }
}
