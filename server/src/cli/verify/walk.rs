//! One partition from its first record to its last: what each record has to be, given those before
//! it and what checkpoints vouch for.

use std::collections::{HashMap, VecDeque};

use chat::kernel::codec::Batch;
use indicatif::ProgressBar;
use ports::event_log::signed::{Link, link};
use ports::event_log::{
    Claim, Entry, EventLog, Fold, Header, OwnerId, Partition, Record, Rejection, Verdict,
};

use super::Found;
use super::diagnose::diagnose;
use super::known::Known;

/// Records read at once.
pub(super) const READ_MAX: usize = 256;

/// Records that an owner has in flight at most, and so that may lie behind one that was lost.
const IN_FLIGHT_MAX: u64 = 64;

/// Claims, and ignored batches, that are remembered.
const CLAIMS_MAX: usize = 4_096;
const STALE_MAX: usize = 64;

/// Streams whose seq is remembered; of more, all are forgotten and taken at their word once.
const STREAMS_MAX: usize = 1_000_000;

/// A batch in its place.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) offset: u64,
    pub(super) header: Header,
    /// What the next batch must carry.
    pub(super) chain: [u8; 32],
    pub(super) stream: Option<String>,
    /// Ordinal of the last event before it.
    pub(super) after: u64,
}

impl Place {
    pub(super) fn of(entry: &Entry, record: &Record, after: u64) -> Self {
        let batch = Batch::decode(&record.payload).ok();
        Self {
            offset: entry.offset,
            header: record.header.clone(),
            chain: Fold::link(&entry.bytes),
            stream: batch.map(|it| it.stream_id),
            after,
        }
    }

    pub(super) fn link(&self) -> Link {
        link(&self.chain)
    }
}

/// By what it was noticed that something is wrong.
pub(super) enum Sign {
    /// The record at this offset can't be read.
    Unreadable(u64),
    /// The payload of a batch can't be read.
    Garbled(Place),
    /// A batch was accepted that is not what a checkpoint vouches for.
    Differs(Place),
    /// A batch does not carry the link of the one before.
    Unlinked(Place),
    /// A batch, or a claim, whose own or last claim is not there.
    Unclaimed(Place),
    /// Batches before this one are missing, or come after it.
    Gap(Place, u64),
    /// A batch has another seq than its stream has to come.
    Sequence(Place),
    /// The log ends before what a checkpoint vouches for.
    Cut,
}

/// Batches that stand behind one that is not there.
struct Gap {
    first: Place,
    /// The index that was to come.
    wanted: u64,
    count: u64,
}

/// How far a partition has been walked.
pub(super) struct Walk {
    pub(super) partition: Partition,
    pub(super) fold: Fold,
    known: Known,
    /// Which link of the next checkpoint comes next, where its links begin here.
    at: Option<usize>,
    /// The last accepted batch, and the first after the last checkpoint.
    pub(super) last: Option<Place>,
    pub(super) since: Option<Place>,
    /// Batches of replaced owners.
    pub(super) stale: VecDeque<Place>,
    claims: VecDeque<(u64, OwnerId)>,
    forgotten_claims: bool,
    gap: Option<Gap>,
    /// The ordinal up to which checkpoints agree.
    vouched: u64,
    seqs: HashMap<[u8; 16], u64>,
    forgotten_seqs: bool,
}

/// Verifies a partition; what is wrong first goes to the findings.
pub(super) async fn verify(
    log: &dyn EventLog,
    partition: Partition,
    known: Known,
    found: &mut Found,
    shown: &ProgressBar,
) -> anyhow::Result<()> {
    let mut walk = Walk::new(partition, known);
    loop {
        let entries = log.read(partition, walk.fold.pos, READ_MAX).await?;
        let sign = match entries.is_empty() {
            true => walk.end(found).err(),
            false => entries.iter().find_map(|it| walk.step(it, found).err()),
        };
        shown.inc(entries.len() as u64);
        if let Some(sign) = sign {
            found.findings.push(diagnose(log, &walk, sign).await?);
            return Ok(());
        }
        if entries.is_empty() {
            return Ok(());
        }
    }
}

/// Why a record is ignored, as it is printed.
fn why(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::StaleClaim => "staleClaim",
        Rejection::StaleTerm => "staleTerm",
        Rejection::Duplicate => "duplicate",
        Rejection::Gap => "gap",
        Rejection::ChainMismatch => "chainMismatch",
    }
}

impl Walk {
    fn new(partition: Partition, known: Known) -> Self {
        let mut walk = Self {
            partition,
            fold: Fold::default(),
            known,
            at: None,
            last: None,
            since: None,
            stale: VecDeque::new(),
            claims: VecDeque::new(),
            forgotten_claims: false,
            gap: None,
            vouched: 0,
            seqs: HashMap::new(),
            forgotten_seqs: false,
        };
        walk.align();
        walk
    }

    /// The links of the batches to come, as far as the next checkpoint tells them.
    pub(super) fn expected(&self) -> &[Link] {
        let next = self.known.checkpoints.front();
        next.zip(self.at).and_then(|(it, at)| it.links.get(at..)).unwrap_or_default()
    }

    /// When the next checkpoint was signed, and what it vouches for.
    pub(super) fn vouched_next(&self) -> Option<(i64, u64)> {
        self.known.checkpoints.front().map(|it| (it.at_ms, it.fold.ordinal))
    }

    fn align(&mut self) {
        let next = self.known.checkpoints.front();
        let begins = next.is_some_and(|it| it.after == self.fold.ordinal && !it.links.is_empty());
        self.at = self.at.or(begins.then_some(0));
    }

    fn step(&mut self, entry: &Entry, found: &mut Found) -> Result<(), Sign> {
        found.records += 1;
        let before = (self.fold.term, self.fold.ordinal, self.fold.next);
        let verdict = self.fold.step(entry.offset, &entry.bytes);
        match verdict.map_err(|it| Sign::Unreadable(it.offset))? {
            Verdict::Claimed(record) => {
                found.claims += 1;
                let (term, owner) = (record.header.term, record.header.owner);
                // Whoever claims has seen the claim before.
                if term != before.0 + 1 && term != Claim::LAST_TERM {
                    return Err(Sign::Unclaimed(Place::of(entry, &record, before.1)));
                }
                self.claims.push_back((term, owner));
                if self.claims.len() > CLAIMS_MAX {
                    self.claims.pop_front();
                    self.forgotten_claims = true;
                }
                Ok(())
            }
            Verdict::Rejected { record, rejection } => {
                *found.ignored.entry(why(rejection)).or_default() += 1;
                self.rejected(Place::of(entry, &record, before.1), rejection, before.2)
            }
            Verdict::Accepted { record, .. } => {
                self.accepted(Place::of(entry, &record, before.1), &record, found)
            }
        }
    }

    fn rejected(&mut self, place: Place, why: Rejection, wanted: u64) -> Result<(), Sign> {
        match why {
            Rejection::StaleClaim | Rejection::Duplicate => Ok(()),
            Rejection::StaleTerm => {
                let claim = (place.header.term, place.header.owner);
                let oldest = self.claims.front().map_or(0, |it| it.0);
                let forgotten = self.forgotten_claims && claim.0 < oldest;
                if !forgotten && !self.claims.contains(&claim) {
                    return Err(Sign::Unclaimed(place));
                }
                self.stale.push_back(place);
                if self.stale.len() > STALE_MAX {
                    self.stale.pop_front();
                }
                Ok(())
            }
            // An owner whose append failed gives up its term; what it had in flight lies behind.
            Rejection::Gap => {
                let gap = self.gap.get_or_insert(Gap { first: place, wanted, count: 0 });
                gap.count += 1;
                match gap.count < IN_FLIGHT_MAX {
                    true => Ok(()),
                    false => Err(Sign::Gap(gap.first.clone(), gap.wanted)),
                }
            }
            Rejection::ChainMismatch => match self.gap.take() {
                Some(gap) => Err(Sign::Gap(gap.first, gap.wanted)),
                None => Err(Sign::Unlinked(place)),
            },
        }
    }

    fn accepted(&mut self, place: Place, record: &Record, found: &mut Found) -> Result<(), Sign> {
        let header = &record.header;
        if let Some(gap) = self.gap.take()
            && gap.first.header.term == header.term
        {
            return Err(Sign::Gap(gap.first, gap.wanted));
        }
        self.since.get_or_insert_with(|| place.clone());
        self.compare(&place, found)?;
        let last = self.seqs.get(&header.stream).copied();
        let known = last.is_some() || !self.forgotten_seqs || header.first_seq == 1;
        if known && header.first_seq != last.unwrap_or(0) + 1 {
            return Err(Sign::Sequence(place));
        }
        found.streams += u64::from(header.first_seq == 1);
        if self.seqs.len() >= STREAMS_MAX {
            self.seqs.clear();
            self.forgotten_seqs = true;
        }
        self.seqs.insert(header.stream, header.first_seq + u64::from(header.count) - 1);
        let events = Batch::decode(&record.payload)
            .and_then(|it| it.recorded(self.partition, header.first_seq, place.after + 1));
        match events {
            Ok(events) => found.events += events.len() as u64,
            Err(_) => return Err(Sign::Garbled(place)),
        }
        self.last = Some(place);
        Ok(())
    }

    /// Compares what has been accepted with the next checkpoints.
    fn compare(&mut self, place: &Place, found: &mut Found) -> Result<(), Sign> {
        let expected = self.expected().first();
        if expected.is_some_and(|it| *it != place.link()) {
            return Err(Sign::Differs(place.clone()));
        }
        self.at = self.at.map(|it| it + 1);
        while let Some(next) = self.known.checkpoints.front()
            && next.fold.ordinal <= self.fold.ordinal
        {
            let same = next.fold.ordinal == self.fold.ordinal;
            if !same || next.fold.chain != self.fold.chain {
                self.at = None;
                return Err(Sign::Differs(place.clone()));
            }
            self.known.checkpoints.pop_front();
            (self.at, self.since) = (None, None);
            found.checkpoints += 1;
        }
        if self.since.is_none() {
            found.vouched += self.fold.ordinal - self.vouched;
            self.vouched = self.fold.ordinal;
        }
        self.align();
        Ok(())
    }

    fn end(&mut self, found: &mut Found) -> Result<(), Sign> {
        found.left += self.known.left;
        let beyond = self.known.checkpoints.len() as u64;
        let gap = self.gap.take();
        let own = |it: &Gap| it.first.header.term == self.fold.term;
        if gap.as_ref().is_some_and(own) || (beyond > 0 && !self.known.of_copy) {
            return Err(gap.map_or(Sign::Cut, |it| Sign::Gap(it.first, it.wanted)));
        }
        found.left += beyond;
        found.undecided += u64::from(gap.is_some());
        Ok(())
    }
}
