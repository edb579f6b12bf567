//! The ends of the partitions and the last records before them, which need no asking.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::watch;

use super::PORT;
use crate::Error;
use crate::event_log::{Entry, Partition};

/// Records of a partition kept at hand.
const RECORDS_MAX: usize = 64;

/// Bytes of a partition's records kept at hand at most.
const BYTES_MAX: usize = 256 << 10;

/// Why a partition can't be followed any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Records that were there are gone.
    Lost,
    /// The thread that follows the log has ended.
    Stopped,
}

impl Fault {
    fn error(self) -> Error {
        match self {
            Self::Lost => Error::corrupt(PORT, "records of the partition are gone"),
            Self::Stopped => Error::unavailable(PORT, "the log's thread has ended"),
        }
    }
}

/// What is known of every partition, fed by the tail and by what is acknowledged.
pub(super) struct Recent(Vec<Part>);

struct Part {
    records: Mutex<Records>,
    end: watch::Sender<End>,
}

#[derive(Clone, Copy)]
struct End {
    offset: u64,
    fault: Option<Fault>,
}

/// Every record from `floor` to the end.
struct Records {
    floor: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
}

impl Recent {
    /// Partitions of which nothing is at hand yet.
    pub(super) fn new(ends: &[u64]) -> Self {
        let part = |end: &u64| Part {
            records: Mutex::new(Records { floor: *end, entries: VecDeque::new(), bytes: 0 }),
            end: watch::Sender::new(End { offset: *end, fault: None }),
        };
        Self(ends.iter().map(part).collect())
    }

    fn part(&self, partition: Partition) -> &Part {
        &self.0[usize::from(partition)]
    }

    /// Number of partitions.
    pub(super) fn count(&self) -> u16 {
        u16::try_from(self.0.len()).expect("partitions are counted in two bytes")
    }

    /// All partitions.
    pub(super) fn partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        0..self.count()
    }

    /// Where the next record of a partition is looked for.
    pub(super) fn end(&self, partition: Partition) -> u64 {
        self.part(partition).end.borrow().offset
    }

    /// The end of a partition that can be followed.
    pub(super) fn healthy_end(&self, partition: Partition) -> Result<u64, Error> {
        let end = *self.part(partition).end.borrow();
        end.fault.map_or(Ok(end.offset), |it| Err(it.error()))
    }

    /// Takes what the tail has found; an acknowledged record is known already.
    pub(super) fn found(&self, partition: Partition, offset: u64, bytes: &[u8]) {
        let part = self.part(partition);
        let records = part.records();
        if offset >= self.end(partition) {
            part.push(records, Entry { offset, bytes: Bytes::copy_from_slice(bytes) });
        }
    }

    /// Takes an acknowledged record if it is the next one; else the tail brings it in its turn.
    pub(super) fn acknowledged(&self, partition: Partition, offset: u64, bytes: Bytes) {
        let part = self.part(partition);
        let records = part.records();
        if offset == self.end(partition) {
            part.push(records, Entry { offset, bytes });
        }
    }

    /// Ends the waiting on a partition that can't be followed any longer.
    pub(super) fn fail(&self, partition: Partition, fault: Fault) {
        self.part(partition).end.send_modify(|it| {
            it.fault.get_or_insert(fault);
        });
    }

    /// Records that are at hand, if the first one asked for is; beyond the end there are none.
    pub(super) fn read(
        &self,
        partition: Partition,
        from: u64,
        limit: usize,
    ) -> Result<Option<Vec<Entry>>, Error> {
        let records = self.part(partition).records();
        if from >= self.healthy_end(partition)? {
            return Ok(Some(Vec::new()));
        }
        if from < records.floor {
            return Ok(None);
        }
        let skip = records.entries.partition_point(|it| it.offset < from);
        Ok(Some(records.entries.iter().skip(skip).take(limit).cloned().collect()))
    }

    /// Resolves when there is a record at or beyond `from`.
    pub(super) fn wait(
        &self,
        partition: Partition,
        from: u64,
    ) -> impl Future<Output = Result<(), Error>> + use<> {
        let mut end = self.part(partition).end.subscribe();
        async move {
            let reached = end.wait_for(|it| it.fault.is_some() || it.offset > from).await;
            match reached.map(|it| it.fault) {
                Ok(None) => Ok(()),
                Ok(Some(fault)) => Err(fault.error()),
                Err(_) => Err(Fault::Stopped.error()),
            }
        }
    }
}

impl Part {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().expect("no holder of the lock panics")
    }

    /// The record is at hand before anybody hears of it.
    fn push(&self, mut records: MutexGuard<'_, Records>, entry: Entry) {
        let end = entry.offset + 1;
        records.bytes += entry.bytes.len();
        records.entries.push_back(entry);
        while records.entries.len() > RECORDS_MAX || records.bytes > BYTES_MAX {
            let Some(oldest) = records.entries.pop_front() else { break };
            records.bytes -= oldest.bytes.len();
            records.floor = oldest.offset + 1;
        }
        self.end.send_modify(|it| it.offset = end);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::ErrorKind;

    fn offsets(recent: &Recent, from: u64) -> Option<Vec<u64>> {
        let entries = recent.read(0, from, 100).unwrap();
        entries.map(|it| it.into_iter().map(|it| it.offset).collect())
    }

    #[test]
    fn an_acknowledged_record_is_there_at_once_and_is_not_found_again() {
        let recent = Recent::new(&[7]);
        recent.acknowledged(0, 7, Bytes::from_static(b"mine"));
        recent.found(0, 7, b"mine");
        assert_eq!((recent.end(0), offsets(&recent, 7)), (8, Some(vec![7])));
    }

    #[test]
    fn a_record_after_those_of_others_waits_for_them() {
        let recent = Recent::new(&[0]);
        recent.acknowledged(0, 1, Bytes::from_static(b"mine"));
        assert_eq!((recent.end(0), offsets(&recent, 0)), (0, Some(vec![])));
        recent.found(0, 0, b"theirs");
        recent.found(0, 1, b"mine");
        assert_eq!((recent.end(0), offsets(&recent, 0)), (2, Some(vec![0, 1])));
    }

    #[test]
    fn a_gap_is_passed_and_what_was_before_the_opening_is_not_at_hand() {
        let recent = Recent::new(&[3]);
        recent.found(0, 5, b"");
        assert_eq!(offsets(&recent, 2), None);
        assert_eq!(offsets(&recent, 3), Some(vec![5]));
        assert_eq!(offsets(&recent, 5), Some(vec![5]));
        assert_eq!(offsets(&recent, 6), Some(vec![]));
    }

    #[test]
    fn few_records_and_bytes_are_at_hand() {
        let recent = Recent::new(&[0]);
        for offset in 0..100 {
            recent.found(0, offset, b"small");
        }
        assert_eq!((offsets(&recent, 35), offsets(&recent, 36).unwrap().len()), (None, 64));
        recent.found(0, 100, &vec![7; BYTES_MAX + 1]);
        assert_eq!((offsets(&recent, 100), recent.end(0)), (None, 101));
    }

    #[test]
    fn lost_records_end_reading_and_waiting() {
        let recent = Recent::new(&[3]);
        let waiting = recent.wait(0, 3);
        recent.fail(0, Fault::Lost);
        recent.fail(0, Fault::Stopped);
        let kind = |it: Result<(), Error>| it.err().map(|it| it.kind);
        assert_eq!(kind(waiting.now_or_never().unwrap()), Some(ErrorKind::Corrupt));
        assert_eq!(kind(recent.read(0, 9, 1).map(drop)), Some(ErrorKind::Corrupt));
        assert_eq!(kind(recent.healthy_end(0).map(drop)), Some(ErrorKind::Corrupt));
    }
}
