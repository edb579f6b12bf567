//! The log's file as a process reads it that does not write it, beside one that may.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::embedded::{self, PORT};
use super::{Ack, Entry, EventLog, Identity, Partition};
use crate::Error;
use crate::sqlite::Readers;

/// How often the file is asked for what another process has appended.
const POLL: Duration = Duration::from_millis(100);

pub(super) struct Reading {
    identity: Identity,
    readers: Readers,
}

impl Reading {
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        let readers = Readers::open(PORT, file)?;
        let identity = readers.with(embedded::identity)?;
        Ok(Self { identity, readers })
    }

    fn stored_end(&self, partition: Partition) -> Result<u64, Error> {
        self.readers.with(|it| embedded::stored_end(it, partition))
    }
}

impl EventLog for Reading {
    fn identity(&self) -> Identity {
        self.identity
    }

    fn append(&self, _: Partition, _: Bytes) -> BoxFuture<'static, Result<Ack, Error>> {
        async { Err(Error::unavailable(PORT, "it is open for reading only")) }.boxed()
    }

    fn read(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        let entries = self.readers.with(|it| embedded::stored(it, partition, from, limit));
        async { entries }.boxed()
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<u64, Error>> {
        let end = self.stored_end(partition);
        async { end }.boxed()
    }

    fn wait(&self, partition: Partition, from: u64) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            while self.stored_end(partition)? <= from {
                tokio::time::sleep(POLL).await;
            }
            Ok(())
        }
        .boxed()
    }
}
