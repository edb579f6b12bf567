//! The fenced fold: which records of a partition count. Every reader calls this same function.
//!
//! The verdict of a record depends only on the records before it, and every reader sees the same
//! prefix, so all agree without a lock, a lease or a clock.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::record::{Claim, Kind, OwnerId, Record, chain_hash};

/// What has been read of a partition, constant in size; also the checkpoint of a reader.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fold {
    /// Current term; 0 before the first claim.
    pub term: u64,
    /// Owner of the current term.
    pub owner: OwnerId,
    /// Index that the next batch must have.
    pub next: u64,
    /// Hash of the last accepted batch.
    pub chain: [u8; 32],
    /// Accepted events so far; the ordinal of the last one.
    pub ordinal: u64,
    /// Offset that the next record must have at least.
    pub pos: u64,
}

/// Whether a record counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The claim is accepted: its owner may write.
    Claimed(Record),
    /// The batch is accepted; its events have the ordinals from here on.
    Accepted { record: Record, first_ordinal: u64 },
    /// The record is ignored by every reader.
    Rejected { record: Record, rejection: Rejection },
}

/// Why a record is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// A claim that is not above the current term.
    StaleClaim,
    /// A batch of an owner that has been replaced.
    StaleTerm,
    /// A batch that has been accepted already.
    Duplicate,
    /// A batch whose predecessor is missing.
    Gap,
    /// A batch that does not follow what was accepted: a bug in a writer, or tampering.
    ChainMismatch,
}

/// The partition can't be read on: a record is damaged, unknown or out of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record at offset {offset} can't be read, the partition is halted")]
pub struct Halt {
    pub offset: u64,
}

/// Which checks the fold makes. All of them, always: the weakened variants exist so that the
/// simulation can show that it would notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub term: bool,
    pub claim_order: bool,
    pub index: bool,
    pub serve_after_own_claim: bool,
    pub acknowledge_after_fold: bool,
}

impl Rules {
    /// The rule as it is.
    pub const STRICT: Self = Self {
        term: true,
        claim_order: true,
        index: true,
        serve_after_own_claim: true,
        acknowledge_after_fold: true,
    };
}

impl Fold {
    /// Folds one record.
    ///
    /// # Errors
    /// [`Halt`] when the record can't be decoded or lies before what was read.
    pub fn step(&mut self, offset: u64, bytes: &Bytes) -> Result<Verdict, Halt> {
        self.step_by(Rules::STRICT, offset, bytes)
    }

    /// Folds one record under given rules.
    ///
    /// # Errors
    /// [`Halt`] when the record can't be decoded or lies before what was read.
    pub fn step_by(&mut self, rules: Rules, offset: u64, bytes: &Bytes) -> Result<Verdict, Halt> {
        if offset < self.pos {
            return Err(Halt { offset });
        }
        let record = Record::decode(bytes).ok_or(Halt { offset })?;
        self.pos = offset + 1;
        let verdict = match record.header.kind {
            Kind::Claim => self.claim(rules, record),
            Kind::Batch => self.batch(rules, record, bytes),
        };
        Ok(verdict)
    }

    fn claim(&mut self, rules: Rules, record: Record) -> Verdict {
        if rules.claim_order && record.header.term <= self.term {
            return Verdict::Rejected { record, rejection: Rejection::StaleClaim };
        }
        self.term = record.header.term;
        self.owner = record.header.owner;
        self.next = 0;
        Verdict::Claimed(record)
    }

    fn batch(&mut self, rules: Rules, record: Record, bytes: &Bytes) -> Verdict {
        let header = &record.header;
        let foreign = header.term != self.term || header.owner != self.owner;
        let rejection = if rules.term && foreign {
            Some(Rejection::StaleTerm)
        } else if rules.index && header.n < self.next {
            Some(Rejection::Duplicate)
        } else if rules.index && header.n > self.next {
            Some(Rejection::Gap)
        } else if rules.index && rules.term && rules.claim_order && header.prev != self.chain {
            Some(Rejection::ChainMismatch)
        } else {
            None
        };
        if let Some(rejection) = rejection {
            return Verdict::Rejected { record, rejection };
        }
        self.next += 1;
        self.chain = chain_hash(bytes);
        let first_ordinal = self.ordinal + 1;
        self.ordinal += u64::from(record.header.count);
        Verdict::Accepted { record, first_ordinal }
    }

    /// The claim by which a new owner takes over; `None` once the partition is closed for good.
    pub fn next_claim(&self, owner: OwnerId) -> Option<Claim> {
        let term = self.term.checked_add(1).filter(|it| *it < Claim::LAST_TERM)?;
        Some(Claim { term, owner })
    }

    /// Whether as much counted here as there, wherever the records stand.
    pub fn equals(&self, other: &Self) -> bool {
        Self { pos: other.pos, ..self.clone() } == *other
    }

    /// The link that the next batch of this partition must carry, given its encoded predecessor.
    pub fn link(encoded: &Bytes) -> [u8; 32] {
        chain_hash(encoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(term: u64, owner: u8) -> Bytes {
        Claim { term, owner: [owner; 16] }.record().encode()
    }

    fn batch(term: u64, owner: u8, n: u64, prev: [u8; 32]) -> Bytes {
        let mut record = Claim { term, owner: [owner; 16] }.record();
        record.header.kind = Kind::Batch;
        record.header.n = n;
        record.header.count = 2;
        record.header.prev = prev;
        record.encode()
    }

    fn rejected(verdict: &Verdict) -> Option<Rejection> {
        match verdict {
            Verdict::Rejected { rejection, .. } => Some(*rejection),
            Verdict::Claimed(_) | Verdict::Accepted { .. } => None,
        }
    }

    #[test]
    fn a_batch_counts_only_under_its_own_claim() {
        let mut fold = Fold::default();
        let early = fold.step(0, &batch(1, 1, 0, [0; 32])).unwrap();
        assert_eq!(rejected(&early), Some(Rejection::StaleTerm));
        fold.step(1, &claim(1, 1)).unwrap();
        let accepted = fold.step(2, &batch(1, 1, 0, [0; 32])).unwrap();
        assert!(matches!(accepted, Verdict::Accepted { first_ordinal: 1, .. }));
        assert_eq!(fold.ordinal, 2);
    }

    #[test]
    fn a_replaced_owner_is_ignored() {
        let mut fold = Fold::default();
        fold.step(0, &claim(1, 1)).unwrap();
        fold.step(1, &claim(2, 2)).unwrap();
        let late = fold.step(2, &batch(1, 1, 0, [0; 32])).unwrap();
        assert_eq!(rejected(&late), Some(Rejection::StaleTerm));
    }

    #[test]
    fn a_repeated_claim_is_stale_and_harmless() {
        let mut fold = Fold::default();
        fold.step(0, &claim(1, 1)).unwrap();
        fold.step(1, &batch(1, 1, 0, [0; 32])).unwrap();
        let before = fold.clone();
        let again = fold.step(2, &claim(1, 1)).unwrap();
        assert_eq!(rejected(&again), Some(Rejection::StaleClaim));
        assert_eq!(fold, Fold { pos: 3, ..before });
    }

    #[test]
    fn nothing_counts_after_the_last_term_was_claimed() {
        let mut fold = Fold::default();
        fold.step(0, &claim(7, 1)).unwrap();
        assert_eq!(fold.next_claim([2; 16]).map(|it| it.term), Some(8));
        fold.step(1, &claim(Claim::LAST_TERM, 9)).unwrap();
        assert_eq!(fold.next_claim([2; 16]), None);
        let before = fold.clone();
        for late in [claim(8, 2), claim(Claim::LAST_TERM, 2)] {
            let late = fold.step(fold.pos, &late).unwrap();
            assert_eq!(rejected(&late), Some(Rejection::StaleClaim));
        }
        let late = fold.step(fold.pos, &batch(7, 1, 0, [0; 32])).unwrap();
        assert_eq!(rejected(&late), Some(Rejection::StaleTerm));
        assert!(fold.equals(&before));
    }

    #[test]
    fn duplicates_gaps_and_broken_links_are_ignored() {
        let mut fold = Fold::default();
        fold.step(0, &claim(1, 1)).unwrap();
        let first = batch(1, 1, 0, [0; 32]);
        fold.step(1, &first).unwrap();
        let link = Fold::link(&first);
        let verdicts = [
            (batch(1, 1, 0, [0; 32]), Rejection::Duplicate),
            (batch(1, 1, 2, link), Rejection::Gap),
            (batch(1, 1, 1, [3; 32]), Rejection::ChainMismatch),
        ];
        for (offset, (bytes, expected)) in (5..).zip(verdicts) {
            assert_eq!(rejected(&fold.step(offset, &bytes).unwrap()), Some(expected));
        }
        assert!(matches!(
            fold.step(9, &batch(1, 1, 1, link)).unwrap(),
            Verdict::Accepted { first_ordinal: 3, .. }
        ));
    }

    #[test]
    fn a_damaged_record_halts_and_is_never_skipped() {
        let mut fold = Fold::default();
        fold.step(4, &claim(1, 1)).unwrap();
        assert_eq!(fold.step(5, &Bytes::from_static(b"junk")), Err(Halt { offset: 5 }));
        assert_eq!(fold.step(4, &claim(2, 1)), Err(Halt { offset: 4 }));
    }
}
