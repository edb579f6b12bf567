//! Which record is the first that is wrong, and how: told from what comes after the place where
//! something was noticed, and from the links that the next checkpoint tells.

use ports::event_log::{EventLog, Kind, Record};

use super::walk::{Place, READ_MAX, Sign, Walk};
use super::{Finding, Wrong};

/// Names the first wrong record.
pub(super) async fn diagnose(
    log: &dyn EventLog,
    walk: &Walk,
    sign: Sign,
) -> anyhow::Result<Finding> {
    let from = match &sign {
        Sign::Unreadable(offset) => return Ok(unreadable(walk, *offset)),
        Sign::Cut => return Ok(cut(walk)),
        Sign::Garbled(it) => return Ok(named(walk, it, Wrong::Unreadable)),
        Sign::Sequence(it) => return Ok(named(walk, it, Wrong::Sequence)),
        Sign::Differs(it) | Sign::Unlinked(it) | Sign::Unclaimed(it) | Sign::Gap(it, _) => it,
    };
    let entries = log.read(walk.partition, from.offset + 1, READ_MAX).await?;
    let decoded = entries.iter().filter_map(|it| Record::decode(&it.bytes).map(|to| (it, to)));
    let later: Vec<Place> = decoded.map(|(it, to)| Place::of(it, &to, from.after)).collect();
    let later = Later(&later);
    Ok(match &sign {
        Sign::Differs(it) => differs(walk, it, later),
        Sign::Unlinked(it) => unlinked(walk, it, later),
        Sign::Unclaimed(it) => {
            let claim = |other: &Place| {
                other.header.kind == Kind::Claim && other.owns(it) && it.header.kind == Kind::Batch
            };
            let late = later.0.iter().any(claim);
            named(walk, it, if late { Wrong::Reordered } else { Wrong::Missing })
        }
        Sign::Gap(it, wanted) => {
            let late = match walk.expected().first() {
                Some(link) => later.has(link),
                None => later.batches().any(|other| other.owns(it) && other.header.n == *wanted),
            };
            named(walk, it, if late { Wrong::Reordered } else { Wrong::Missing })
        }
        Sign::Unreadable(_) | Sign::Cut | Sign::Garbled(_) | Sign::Sequence(_) => {
            unreachable!("they were told already")
        }
    })
}

/// The records after the place where something was noticed.
#[derive(Clone, Copy)]
struct Later<'a>(&'a [Place]);

impl<'a> Later<'a> {
    fn batches(self) -> impl Iterator<Item = &'a Place> {
        self.0.iter().filter(|it| it.header.kind == Kind::Batch)
    }

    fn has(self, link: &[u8; 8]) -> bool {
        self.batches().any(|it| it.link() == *link)
    }

    /// The batch that its owner wrote next.
    fn next_of(self, place: &Place) -> Option<&'a Place> {
        self.batches().find(|it| it.owns(place) && it.header.n == place.header.n + 1)
    }
}

impl Place {
    /// Whether both are of one term of one owner.
    fn owns(&self, other: &Self) -> bool {
        let (one, other) = (&self.header, &other.header);
        (one.term, one.owner) == (other.term, other.owner)
    }

    fn follows(&self, other: &Self) -> bool {
        self.header.prev == other.chain
    }
}

/// An accepted batch is not what the next checkpoint vouches for.
fn differs(walk: &Walk, place: &Place, later: Later<'_>) -> Finding {
    let Some((wanted, rest)) = walk.expected().split_first() else {
        // It is not told batch by batch, so the first may be any since the last checkpoint.
        let first = walk.since.as_ref().unwrap_or(place);
        let mut found = named(walk, first, Wrong::Forked);
        found.message.push_str(&format!(", seen at offset {}", place.offset));
        return found;
    };
    let next = later.batches().next();
    let wrong = if later.has(wanted) {
        Wrong::Reordered
    } else if rest.contains(&place.link()) {
        Wrong::Missing
    } else if next.is_some_and(|it| it.follows(place)) {
        Wrong::Forked
    } else {
        Wrong::Changed
    };
    named(walk, place, wrong)
}

/// A batch does not carry the link of the one before.
fn unlinked(walk: &Walk, place: &Place, later: Later<'_>) -> Finding {
    if let Some((wanted, rest)) = walk.expected().split_first() {
        let wrong = if later.has(wanted) {
            Wrong::Reordered
        } else if rest.contains(&place.link()) {
            Wrong::Missing
        } else {
            Wrong::Changed
        };
        return named(walk, place, wrong);
    }
    if let Some(stale) = walk.stale.iter().find(|it| place.follows(it)) {
        return named(walk, stale, Wrong::Reordered);
    }
    let Some(last) = &walk.last else { return named(walk, place, Wrong::Missing) };
    match later.next_of(place) {
        Some(next) if !next.follows(place) => named(walk, place, Wrong::Changed),
        Some(_) | None if place.header.n == 0 => named(walk, place, Wrong::Missing),
        // It is as those after it say, so the one before it is not.
        Some(_) | None => named(walk, last, Wrong::Changed),
    }
}

fn named(walk: &Walk, place: &Place, wrong: Wrong) -> Finding {
    let batch = place.header.kind == Kind::Batch;
    let claim = if batch { "" } else { ", a claim" };
    let what = match wrong {
        Wrong::Unreadable => "its payload can't be read",
        Wrong::Changed => "it was changed",
        Wrong::Missing => "one or more records before it are missing",
        Wrong::Cut => "the end is missing",
        Wrong::Reordered => "it stands before one that it came after",
        Wrong::Forked => "from it on the log is another than a signed checkpoint vouches for",
        Wrong::Sequence => "its seq does not follow that of its stream",
    };
    Finding {
        partition: walk.partition,
        offset: place.offset,
        wrong,
        stream: place.stream.clone(),
        seq: batch.then_some(place.header.first_seq),
        after_ordinal: place.after,
        message: format!("{what}{claim}"),
    }
}

fn unreadable(walk: &Walk, offset: u64) -> Finding {
    Finding {
        partition: walk.partition,
        offset,
        wrong: Wrong::Unreadable,
        stream: None,
        seq: None,
        after_ordinal: walk.fold.ordinal,
        message: "it was changed so that it can't be read".to_owned(),
    }
}

fn cut(walk: &Walk) -> Finding {
    let (at_ms, ordinal) = walk.vouched_next().unwrap_or_default();
    let at = chat::kernel::Timestamp(at_ms).rfc3339();
    let have = walk.fold.ordinal;
    Finding {
        partition: walk.partition,
        offset: walk.fold.pos,
        wrong: Wrong::Cut,
        stream: None,
        seq: None,
        after_ordinal: have,
        message: format!(
            "the record that was here is missing: the log ends with event {have}, and the \
             checkpoint of {at} vouches for {ordinal}"
        ),
    }
}
