//! Wraps a port so that calls fail as outside systems do: does it happen, and does it say so?

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::documents::{Collection, Documents, Found, Key, Mark, Scan, Stored, Swap, Write};
use crate::event_log::{Ack, Entry, EventLog, Identity, Partition, Standing};
use crate::{Error, ErrorKind};

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It happens and says so.
    None,
    /// It does not happen and says so.
    Refused,
    /// It happens, but the answer is lost.
    AnswerLost,
    /// It does not happen, and no answer comes.
    CallLost,
}

/// Decides the fate of each call; seeded in tests.
pub trait Nemesis: Send + Sync {
    /// The fate of a call of a port.
    fn strike(&self, port: &'static str, call: &'static str) -> Fault;
}

/// An event log under a nemesis.
pub struct FaultyLog {
    pub inner: Arc<dyn EventLog>,
    pub nemesis: Arc<dyn Nemesis>,
}

const LOG: &str = "event log";

impl EventLog for FaultyLog {
    fn identity(&self) -> Identity {
        self.inner.identity()
    }

    fn standing(&self) -> Standing {
        self.inner.standing()
    }

    fn stand(&self, standing: Standing) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.stand(standing)
    }

    fn append(
        &self,
        partition: Partition,
        record: Bytes,
    ) -> BoxFuture<'static, Result<Ack, Error>> {
        match self.nemesis.strike(LOG, "append") {
            Fault::None => self.inner.append(partition, record),
            Fault::Refused => async { Err(error(LOG, ErrorKind::Unavailable)) }.boxed(),
            Fault::AnswerLost => {
                let append = self.inner.append(partition, record);
                append.map(|_| Err(error(LOG, ErrorKind::Unknown))).boxed()
            }
            Fault::CallLost => async { Err(error(LOG, ErrorKind::Unknown)) }.boxed(),
        }
    }

    fn read(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        match self.nemesis.strike(LOG, "read") {
            Fault::None => self.inner.read(partition, from, limit),
            Fault::Refused | Fault::AnswerLost | Fault::CallLost => {
                async { Err(error(LOG, ErrorKind::Unavailable)) }.boxed()
            }
        }
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<u64, Error>> {
        self.inner.end(partition)
    }

    fn wait(&self, partition: Partition, from: u64) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.wait(partition, from)
    }
}

/// Documents under a nemesis.
pub struct FaultyDocuments {
    pub inner: Arc<dyn Documents>,
    pub nemesis: Arc<dyn Nemesis>,
}

const DOCUMENTS: &str = "documents";

impl FaultyDocuments {
    fn readable(&self, call: &'static str) -> Result<(), Error> {
        match self.nemesis.strike(DOCUMENTS, call) {
            Fault::None => Ok(()),
            Fault::Refused | Fault::AnswerLost | Fault::CallLost => {
                Err(error(DOCUMENTS, ErrorKind::Unavailable))
            }
        }
    }
}

#[async_trait]
impl Documents for FaultyDocuments {
    fn near(&self) -> bool {
        self.inner.near()
    }

    async fn declare(&self, collections: &[Collection]) -> Result<(), Error> {
        self.inner.declare(collections).await
    }

    async fn index(&self) -> Result<(), Error> {
        self.inner.index().await
    }

    async fn load(&self, keys: &[Key]) -> Result<Vec<Option<Stored>>, Error> {
        self.readable("load")?;
        self.inner.load(keys).await
    }

    async fn write(
        &self,
        partition: Partition,
        writes: Vec<Write>,
        mark: Mark,
    ) -> Result<usize, Error> {
        match self.nemesis.strike(DOCUMENTS, "write") {
            Fault::None => self.inner.write(partition, writes, mark).await,
            Fault::Refused => Err(error(DOCUMENTS, ErrorKind::Unavailable)),
            Fault::AnswerLost => {
                self.inner.write(partition, writes, mark).await?;
                Err(error(DOCUMENTS, ErrorKind::Unknown))
            }
            Fault::CallLost => Err(error(DOCUMENTS, ErrorKind::Unknown)),
        }
    }

    async fn swap(&self, collection: &'static str, swaps: &[Swap]) -> Result<usize, Error> {
        self.readable("swap")?;
        self.inner.swap(collection, swaps).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Found>, Error> {
        self.readable("scan")?;
        self.inner.scan(scan).await
    }

    async fn checkpoint(&self, partition: Partition) -> Result<Option<Bytes>, Error> {
        self.readable("checkpoint")?;
        self.inner.checkpoint(partition).await
    }
}

fn error(port: &'static str, kind: ErrorKind) -> Error {
    Error::new(kind, port, "injected fault")
}
