//! The log's file as a process reads it that does not write it, beside one that may.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::embedded::PORT;
use super::{Ack, Entry, EventLog, Identity, Partition, Standing, tables};
use crate::Error;
use crate::sqlite::Readers;

/// How often the file is asked for what another process has appended.
const POLL: Duration = Duration::from_millis(100);

pub(super) struct Reading {
    identity: Identity,
    standing: Standing,
    readers: Readers,
}

impl Reading {
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        let readers = Readers::open(PORT, file)?;
        let (identity, standing) = readers.with(tables::about)?;
        Ok(Self { identity, standing, readers })
    }

    fn stored_end(&self, partition: Partition) -> Result<u64, Error> {
        self.readers.with(|it| tables::end(it, partition))
    }
}

impl EventLog for Reading {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn standing(&self) -> Standing {
        self.standing.clone()
    }

    fn stand(&self, _: Standing) -> BoxFuture<'_, Result<(), Error>> {
        async { Err(Error::unavailable(PORT, "it is open for reading only")) }.boxed()
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
        let entries = self.readers.with(|it| tables::read(it, partition, from, limit));
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

#[cfg(test)]
mod tests {
    use super::super::Purpose;
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_reader_sees_what_a_writer_appends_and_appends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let born = Identity::new(4, &crate::entropy::System);
        let absent = super::super::open_to_read(folder.path()).err().map(|it| it.kind);
        assert_eq!(absent, Some(ErrorKind::Unavailable));
        let writer = super::super::open(folder.path(), &born, Purpose::Serve).unwrap();
        let reader = super::super::open_to_read(folder.path()).unwrap();
        assert_eq!(reader.identity(), writer.identity());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let refused = reader.append(0, Bytes::from_static(b"mine")).await;
            assert_eq!(refused.err().map(|it| it.kind), Some(ErrorKind::Unavailable));
            assert_eq!(reader.end(0).await.unwrap(), 0);
            let (waited, appended) = futures_util::future::join(
                reader.wait(0, 0),
                writer.append(0, Bytes::from_static(b"one")),
            )
            .await;
            waited.unwrap();
            appended.unwrap();
            let both = (reader.read(0, 0, 9).await.unwrap(), writer.read(0, 0, 9).await.unwrap());
            assert_eq!(both.0, both.1);
            assert_eq!(both.0.len(), 1);
        });
    }
}
