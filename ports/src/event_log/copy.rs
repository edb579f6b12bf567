//! Copies a log into another of the same identity: every record that counts, in its order and byte
//! for byte, so that seqs, ordinals, positions and the chain keep their meaning.
//!
//! What is copied into holds nothing or the beginning of the same log; then the copy goes on where
//! it stopped. Everything in it is folded: a copy that ended well has been verified.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Claim, EventLog, Fold, OwnerId, Partition, Verdict};
use crate::Error;

const PORT: &str = "event log";

/// The owner of a closed partition.
const NOBODY: OwnerId = [0; 16];

/// Records read at once.
const READ_MAX: usize = 256;

/// Partitions copied at the same time.
const AT_ONCE: usize = 4;

/// How long what was appended may take to be readable.
const READABLE_MAX: Duration = Duration::from_secs(10);

/// What a copy is told apart from: nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("partition {0} holds something else than the beginning of this log")]
pub struct Foreign(pub Partition);

/// What a copied log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The fold of each partition of the copy.
    pub folds: Vec<Fold>,
    /// Records that this copy added.
    pub records: u64,
    /// Partitions of the source that are closed for good: nothing can come after what was copied.
    pub closed: usize,
}

/// How far a partition has been copied.
struct Place {
    partition: Partition,
    source: Fold,
    copy: Fold,
}

/// A record of the source that counts.
struct Counted {
    bytes: Bytes,
    claim: bool,
}

/// The ends of all partitions, asked for at once: what is before them is taken together.
///
/// # Errors
/// What the log says.
pub async fn ends(log: &dyn EventLog) -> Result<Vec<u64>, Error> {
    try_join_all((0..log.identity().partitions).map(|it| log.end(it))).await
}

/// Copies what is before these offsets of the source, one a partition; `progress` hears of the
/// records of each batch.
///
/// # Errors
/// `Unavailable` with [`Foreign`] as its cause when the copy holds something else, in which case
/// nothing was changed; `Corrupt` when a record can't be read or the copy is not equal in the end;
/// otherwise what the logs say, after which the copy can be taken up again.
pub async fn copy(
    from: &dyn EventLog,
    to: &dyn EventLog,
    ends: &[u64],
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<Copied, Error> {
    let found = (0..).zip(ends).map(|(partition, _)| find(from, to, partition));
    let places: Vec<Place> = stream::iter(found).buffered(AT_ONCE).try_collect().await?;
    let rests = places.into_iter().zip(ends).map(|(it, end)| rest(from, to, it, *end, progress));
    let rests: Vec<(Fold, u64, bool)> = stream::iter(rests).buffered(AT_ONCE).try_collect().await?;
    let records = rests.iter().map(|it| it.1).sum();
    let closed = rests.iter().filter(|it| it.2).count();
    Ok(Copied { folds: rests.into_iter().map(|it| it.0).collect(), records, closed })
}

/// Folds what is before these offsets, one a partition.
///
/// # Errors
/// `Corrupt` when a record can't be read, otherwise what the log says.
pub async fn fold_all(log: &dyn EventLog, ends: &[u64]) -> Result<Vec<Fold>, Error> {
    let folds = (0..).zip(ends).map(|(partition, end)| async move {
        let mut fold = Fold::default();
        fold_to(log, partition, &mut fold, *end).await?;
        Ok(fold)
    });
    stream::iter(folds).buffered(AT_ONCE).try_collect().await
}

/// Closes every partition for good: no record counts after this, whoever appends it.
///
/// # Errors
/// What the log says; then some partitions may be closed, and it can be done again.
pub async fn close(log: &dyn EventLog) -> Result<(), Error> {
    let claim = Claim { term: Claim::LAST_TERM, owner: NOBODY }.record().encode();
    let claims = (0..log.identity().partitions).map(|it| log.append(it, claim.clone()));
    for (partition, ack) in (0..).zip(join_all(claims).await) {
        if let Some(offset) = ack? {
            log.wait(partition, offset).await?;
        }
    }
    Ok(())
}

/// Finds the place in the source that the copy has reached.
async fn find(
    from: &dyn EventLog,
    to: &dyn EventLog,
    partition: Partition,
) -> Result<Place, Error> {
    let (mut source, mut copy) = (Fold::default(), Fold::default());
    let mut held = fold_to(to, partition, &mut copy, u64::MAX).await?;
    while held > 0 {
        let entries = from.read(partition, source.pos, READ_MAX).await?;
        let at_end = entries.is_empty();
        for entry in entries {
            held -= u64::from(counts(&step(&mut source, entry.offset, &entry.bytes)?));
            if held == 0 {
                break;
            }
        }
        if at_end {
            break;
        }
    }
    if held > 0 || !source.equals(&copy) {
        return Err(Error::unavailable(PORT, Foreign(partition)));
    }
    Ok(Place { partition, source, copy })
}

/// Copies from a place on; gives the copy's fold, the records added, and whether it is closed.
async fn rest(
    from: &dyn EventLog,
    to: &dyn EventLog,
    place: Place,
    end: u64,
    progress: &(dyn Fn(u64) + Send + Sync),
) -> Result<(Fold, u64, bool), Error> {
    let Place { partition, mut source, mut copy } = place;
    let (mut added, mut closed) = (0, false);
    while !closed && source.pos < end {
        let mut entries = from.read(partition, source.pos, READ_MAX).await?;
        entries.retain(|it| it.offset < end);
        if entries.is_empty() {
            break;
        }
        let read = entries.len() as u64;
        let mut counted = Vec::new();
        for entry in entries {
            let before = source.clone();
            let verdict = step(&mut source, entry.offset, &entry.bytes)?;
            if source.term == Claim::LAST_TERM {
                // The closing is of this place alone.
                source = before;
                closed = true;
                break;
            }
            if counts(&verdict) {
                let claim = matches!(verdict, Verdict::Claimed(_));
                counted.push(Counted { bytes: entry.bytes, claim });
            }
        }
        added += counted.len() as u64;
        append(to, partition, counted).await?;
        progress(read);
    }
    catch_up(to, partition, &mut copy, &source).await?;
    Ok((copy, added, closed))
}

/// Appends records in their order. A claim is appended when all before it are there, and followed
/// when it is: after a failure the copy is the beginning of the log, and can be taken up again.
async fn append(
    to: &dyn EventLog,
    partition: Partition,
    counted: Vec<Counted>,
) -> Result<(), Error> {
    for group in counted.chunk_by(|before, after| !before.claim && !after.claim) {
        let appends = group.iter().map(|it| to.append(partition, it.bytes.clone()));
        try_join_all(appends.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Folds the copy until it equals the source's fold.
async fn catch_up(
    to: &dyn EventLog,
    partition: Partition,
    copy: &mut Fold,
    source: &Fold,
) -> Result<(), Error> {
    fold_to(to, partition, copy, u64::MAX).await?;
    while !copy.equals(source) {
        let waited = tokio::time::timeout(READABLE_MAX, to.wait(partition, copy.pos)).await;
        let unequal = |_| {
            Error::corrupt(PORT, format!("partition {partition} is not equal after it was copied"))
        };
        waited.map_err(unequal)??;
        fold_to(to, partition, copy, u64::MAX).await?;
    }
    Ok(())
}

/// Folds on, up to an offset or the end; gives how many of the records count.
async fn fold_to(
    log: &dyn EventLog,
    partition: Partition,
    fold: &mut Fold,
    end: u64,
) -> Result<u64, Error> {
    let mut counted = 0;
    while fold.pos < end {
        let entries = log.read(partition, fold.pos, READ_MAX).await?;
        if entries.first().is_none_or(|it| it.offset >= end) {
            break;
        }
        for entry in entries.iter().filter(|it| it.offset < end) {
            counted += u64::from(counts(&step(fold, entry.offset, &entry.bytes)?));
        }
    }
    Ok(counted)
}

fn step(fold: &mut Fold, offset: u64, bytes: &Bytes) -> Result<Verdict, Error> {
    fold.step(offset, bytes).map_err(|it| Error::corrupt(PORT, it))
}

fn counts(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Claimed(_) | Verdict::Accepted { .. } => true,
        Verdict::Rejected { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Identity, Kind, Purpose, open};
    use super::*;
    use crate::ErrorKind;

    /// Two logs of one identity, and what has been appended to the first.
    struct Pair {
        _folder: tempfile::TempDir,
        from: Arc<dyn EventLog>,
        to: Arc<dyn EventLog>,
        folds: Vec<Fold>,
    }

    impl Pair {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let born = Identity::new(2, &crate::entropy::System);
            let log = |name: &str, purpose| {
                std::fs::create_dir(folder.path().join(name)).unwrap();
                open(&folder.path().join(name), &born, purpose).unwrap()
            };
            let (from, to) = (log("from", Purpose::Serve), log("to", Purpose::Copy));
            Self { from, to, folds: vec![Fold::default(); 2], _folder: folder }
        }

        async fn append(&mut self, partition: Partition, record: super::super::Record) {
            let fold = &mut self.folds[usize::from(partition)];
            let bytes = record.encode();
            fold.step(fold.pos, &bytes).unwrap();
            self.from.append(partition, bytes).await.unwrap();
        }

        /// A claim, a record that counts, and one that does not.
        async fn goes_on(&mut self, partition: Partition) {
            let fold = &self.folds[usize::from(partition)];
            let claim = fold.next_claim([7; 16]).unwrap().record();
            self.append(partition, claim.clone()).await;
            let mut batch = claim.clone();
            batch.header.kind = Kind::Batch;
            batch.header.count = 2;
            batch.header.prev = self.folds[usize::from(partition)].chain;
            self.append(partition, batch.clone()).await;
            self.append(partition, batch).await;
        }

        async fn copy(&self) -> Result<Copied, Error> {
            let ends = ends(&*self.from).await?;
            copy(&*self.from, &*self.to, &ends, &|_| ()).await
        }
    }

    fn run<F: Future>(future: F) -> F::Output {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn what_counts_is_copied_once_and_the_copy_goes_on() {
        run(async {
            let mut pair = Pair::new();
            for (records, added) in [(0, 0), (1, 2), (0, 0), (3, 6)] {
                for _ in 0..records {
                    pair.goes_on(1).await;
                }
                let copied = pair.copy().await.unwrap();
                assert_eq!((copied.records, copied.closed), (added, 0));
                let equal = copied.folds.iter().zip(&pair.folds).all(|it| it.0.equals(it.1));
                assert!(equal, "{copied:?}");
            }
            let kept = pair.to.read(1, 0, 100).await.unwrap();
            assert_eq!(kept.len(), 8, "the four that do not count are left out");
        });
    }

    #[test]
    fn nothing_is_copied_beyond_an_end_and_the_closing_stays_where_it_is() {
        run(async {
            let mut pair = Pair::new();
            pair.goes_on(0).await;
            let early = ends(&*pair.from).await.unwrap();
            let folds = pair.folds.clone();
            pair.goes_on(0).await;
            let copied = copy(&*pair.from, &*pair.to, &early, &|_| ()).await.unwrap();
            assert!(copied.folds[0].equals(&folds[0]));
            assert_eq!(fold_all(&*pair.from, &early).await.unwrap(), folds);
            for _ in 0..2 {
                close(&*pair.from).await.unwrap();
                let copied = pair.copy().await.unwrap();
                assert_eq!(copied.closed, 2);
                assert!(copied.folds[0].equals(&pair.folds[0]));
            }
            assert!(pair.to.read(1, 0, 1).await.unwrap().is_empty());
        });
    }

    #[test]
    fn what_holds_something_else_is_left_as_it_is() {
        run(async {
            let (mut pair, mut other) = (Pair::new(), Pair::new());
            other.goes_on(1).await;
            other.copy().await.unwrap();
            pair.goes_on(0).await;
            let mixed = Pair { to: Arc::clone(&other.to), ..pair };
            for partition in 0..2 {
                let refused = mixed.copy().await.unwrap_err();
                assert_eq!(refused.kind, ErrorKind::Unavailable);
                assert_eq!(refused.cause(), Some(&Foreign(1)));
                let held = other.to.end(partition).await.unwrap();
                assert_eq!(held, u64::from(partition) * 2);
            }
        });
    }
}
