//! The log in one SQLite file: one thread writes, one commit and one fsync for all that wait.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::{
    Ack, Entry, EventLog, Identity, Partition, Purpose, RECORD_BYTES_MAX, Standing, tables,
};
use crate::sqlite::{self, Backfill, Durability, Readers};
use crate::{Error, ErrorKind};

pub(super) const PORT: &str = "event log";

/// Records in one commit at most.
const COMMIT_RECORDS_MAX: usize = 1_024;

/// Records of a partition kept at hand: those who follow its end need not ask the file.
const TAIL_MAX: usize = 64;

/// Bytes of a partition's records kept at hand at most.
const TAIL_BYTES_MAX: usize = 256 << 10;

pub(super) struct Embedded {
    identity: Identity,
    standing: Mutex<Standing>,
    file: PathBuf,
    readers: Readers,
    appends: mpsc::Sender<Append>,
    ends: Vec<watch::Receiver<u64>>,
    tails: Arc<Tails>,
}

/// The last records of each partition.
type Tails = Vec<Mutex<VecDeque<Entry>>>;

struct Append {
    partition: Partition,
    record: Bytes,
    done: oneshot::Sender<Result<Ack, Error>>,
}

impl Embedded {
    pub(super) fn open(file: &Path, born: &Identity, purpose: Purpose) -> Result<Self, Error> {
        let mut connection = sqlite::open(PORT, file, Durability::Full)?;
        let begun = tables::begin(&mut connection, born, &Standing::at_birth(purpose));
        let (identity, standing) = begun.map_err(|it| sqlite::translate(PORT, it))?;
        standing.admit(purpose, PORT)?;
        let standing = Mutex::new(standing);
        let mut senders = Vec::new();
        let mut ends = Vec::new();
        for partition in 0..identity.partitions {
            let end =
                tables::end(&connection, partition).map_err(|it| sqlite::translate(PORT, it))?;
            let (sender, receiver) = watch::channel(end);
            senders.push(sender);
            ends.push(receiver);
        }
        let readers = Readers::open(PORT, file)?;
        let backfill = Backfill::start(PORT, file, Durability::Full, &connection)?;
        let tails = Arc::new(ends.iter().map(|_| Mutex::default()).collect::<Tails>());
        let writer = Writer { connection, ends: senders, backfill, tails: Arc::clone(&tails) };
        let (appends, queue) = mpsc::channel();
        thread::Builder::new()
            .name("event-log".into())
            .spawn(move || writer.run(&queue))
            .map_err(|it| Error::unavailable(PORT, it))?;
        let file = file.to_owned();
        Ok(Self { identity, standing, file, readers, appends, ends, tails })
    }
}

impl Embedded {
    fn store(&self, next: Standing) -> Result<(), Error> {
        let mut held = self.standing.lock().expect("no holder of the lock panics");
        held.may_become(&next, PORT)?;
        let connection = sqlite::open(PORT, &self.file, Durability::Full)?;
        let stored = tables::stand(&connection, &self.identity, &next);
        stored.map_err(|it| Error::unknown(PORT, it))?;
        *held = next;
        Ok(())
    }

    /// Records that are at hand, if the first one asked for is; beyond the end there are none.
    fn tail(&self, partition: Partition, from: u64, limit: usize) -> Option<Vec<Entry>> {
        let partition = usize::from(partition);
        if from >= *self.ends[partition].borrow() {
            return Some(Vec::new());
        }
        let tail = self.tails[partition].lock().expect("no holder of the lock panics");
        let skip = from.checked_sub(tail.front()?.offset)?;
        Some(tail.iter().skip(usize::try_from(skip).ok()?).take(limit).cloned().collect())
    }
}

impl EventLog for Embedded {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn standing(&self) -> Standing {
        self.standing.lock().expect("no holder of the lock panics").clone()
    }

    fn stand(&self, next: Standing) -> BoxFuture<'_, Result<(), Error>> {
        let changed = self.store(next);
        async { changed }.boxed()
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
        let (done, answer) = oneshot::channel();
        let queued = self.appends.send(Append { partition, record, done });
        async move {
            match queued {
                Ok(()) => answer
                    .await
                    .unwrap_or_else(|_| Err(Error::unknown(PORT, "the log's thread has ended"))),
                Err(_) => Err(Error::unavailable(PORT, "the log's thread has ended")),
            }
        }
        .boxed()
    }

    fn read(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Entry>, Error>> {
        if let Some(entries) = self.tail(partition, from, limit) {
            return async { Ok(entries) }.boxed();
        }
        let entries = self.readers.with(|it| tables::read(it, partition, from, limit));
        async { entries }.boxed()
    }

    fn end(&self, partition: Partition) -> BoxFuture<'_, Result<u64, Error>> {
        let end = *self.ends[usize::from(partition)].borrow();
        async move { Ok(end) }.boxed()
    }

    fn wait(&self, partition: Partition, from: u64) -> BoxFuture<'_, Result<(), Error>> {
        let mut end = self.ends[usize::from(partition)].clone();
        async move {
            let reached = end.wait_for(|end| *end > from).await;
            reached.map(drop).map_err(|_| Error::unavailable(PORT, "the log's thread has ended"))
        }
        .boxed()
    }
}

/// The one that appends.
struct Writer {
    connection: Connection,
    ends: Vec<watch::Sender<u64>>,
    backfill: Backfill,
    tails: Arc<Tails>,
}

impl Writer {
    fn run(mut self, queue: &mpsc::Receiver<Append>) {
        let mut next: Vec<u64> = self.ends.iter().map(|it| *it.borrow()).collect();
        while let Ok(first) = queue.recv() {
            let mut group = vec![first];
            group.extend(queue.try_iter().take(COMMIT_RECORDS_MAX - 1));
            metrics::histogram!("parlance_log_commit_records").record(group.len() as f64);
            match commit(&mut self.connection, &group, &next) {
                Ok(offsets) => {
                    metrics::counter!("parlance_log_appends_total").increment(group.len() as u64);
                    self.committed(group, offsets, &mut next);
                }
                Err(failure) => {
                    let fatal = failure.after_commit;
                    refuse(group, &failure);
                    if fatal {
                        // After a failed fsync the kernel may have dropped the pages: what the
                        // file holds is only known after opening it again.
                        tracing::error!(error = %failure.error, "log commit failed, stopping");
                        std::process::abort();
                    }
                }
            }
        }
    }

    /// Tells those who wait; the records are at hand before anybody hears of them.
    fn committed(&self, group: Vec<Append>, offsets: Vec<u64>, next: &mut [u64]) {
        for (append, offset) in group.iter().zip(&offsets) {
            let partition = usize::from(append.partition);
            next[partition] = offset + 1;
            let mut tail = self.tails[partition].lock().expect("no holder of the lock panics");
            tail.push_back(Entry { offset: *offset, bytes: append.record.clone() });
            let bytes =
                |tail: &VecDeque<Entry>| tail.iter().map(|it| it.bytes.len()).sum::<usize>();
            while tail.len() > TAIL_MAX || bytes(&tail) > TAIL_BYTES_MAX {
                tail.pop_front();
            }
        }
        for append in &group {
            let partition = usize::from(append.partition);
            self.ends[partition]
                .send_if_modified(|end| std::mem::replace(end, next[partition]) != next[partition]);
        }
        self.backfill.after_commit();
        for (append, offset) in group.into_iter().zip(offsets) {
            // A caller that has gone away learns the outcome from the log.
            let _ = append.done.send(Ok(Some(offset)));
        }
    }
}

struct Failure {
    error: rusqlite::Error,
    after_commit: bool,
}

fn refuse(group: Vec<Append>, failure: &Failure) {
    for append in group {
        let kind = if failure.after_commit { ErrorKind::Unknown } else { ErrorKind::Unavailable };
        let error = Error::new(kind, PORT, failure.error.to_string());
        let _ = append.done.send(Err(error));
    }
}

fn commit(
    connection: &mut Connection,
    group: &[Append],
    next: &[u64],
) -> Result<Vec<u64>, Failure> {
    let before = |error| Failure { error, after_commit: false };
    let transaction = connection.transaction().map_err(before)?;
    let mut next = next.to_vec();
    let mut offsets = Vec::with_capacity(group.len());
    for append in group {
        let offset = &mut next[usize::from(append.partition)];
        tables::insert(&transaction, append.partition, *offset, &append.record).map_err(before)?;
        offsets.push(*offset);
        *offset += 1;
    }
    match transaction.commit() {
        Ok(()) => Ok(offsets),
        // A full disk is refused before anything was made durable, and the log goes on.
        Err(error) => {
            let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
            Err(Failure { error, after_commit: !full })
        }
    }
}
