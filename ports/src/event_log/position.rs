//! A place in the whole log: partition → ordinal, good for ever and on every node.
//!
//! A restore from a backup may end before what clients have seen. A position of an epoch before it
//! is read as one of now that has seen at most what survived, so that nothing is skipped.
//!
//! Text form: base64url of version u8, log id 8 bytes, restore epoch u32, then for each partition
//! with accepted events its number and ordinal as LEB128. It grants nothing.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Identity, Partition};

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 13;

/// Everything up to these ordinals has been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    log: [u8; 8],
    epoch: u32,
    partitions: u16,
    ordinals: BTreeMap<Partition, u64>,
}

/// The text is not a position of this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("position is not one of this log")]
pub struct PositionInvalid;

impl Position {
    /// The beginning of a log.
    pub fn start(identity: &Identity) -> Self {
        let mut log = [0; 8];
        log.copy_from_slice(&identity.log[..8]);
        let partitions = identity.partitions;
        Self { log, epoch: identity.epoch, partitions, ordinals: BTreeMap::new() }
    }

    /// Ordinal reached in a partition; 0 when nothing of it was seen.
    pub fn ordinal(&self, partition: Partition) -> u64 {
        self.ordinals.get(&partition).copied().unwrap_or(0)
    }

    /// Moves forward in one partition; never back.
    pub fn advance(&mut self, partition: Partition, ordinal: u64) {
        if ordinal > 0 && partition < self.partitions {
            let reached = self.ordinals.entry(partition).or_insert(0);
            *reached = (*reached).max(ordinal);
        }
    }

    /// Partitions of which something was seen, with their ordinals.
    pub fn iter(&self) -> impl Iterator<Item = (Partition, u64)> + '_ {
        self.ordinals.iter().map(|(partition, ordinal)| (*partition, *ordinal))
    }

    /// Whether all that `other` has seen was seen here.
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(partition, ordinal)| self.ordinal(partition) >= ordinal)
    }

    /// Reads the text form of a position of the given log.
    ///
    /// # Errors
    /// [`PositionInvalid`] for anything that this log did not issue in this form, in this epoch or
    /// an earlier one.
    pub fn parse(identity: &Identity, text: &str) -> Result<Self, PositionInvalid> {
        let limit = (HEAD_BYTES + usize::from(identity.partitions) * 13) * 4 / 3 + 4;
        if text.len() > limit {
            return Err(PositionInvalid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PositionInvalid)?;
        let mut position = Self::start(identity);
        let (head, mut rest) = bytes.split_at_checked(HEAD_BYTES).ok_or(PositionInvalid)?;
        let epoch = u32::from_be_bytes(head[9..].try_into().map_err(|_| PositionInvalid)?);
        if head[0] != VERSION || head[1..9] != position.log || epoch > identity.epoch {
            return Err(PositionInvalid);
        }
        let mut last = None;
        while !rest.is_empty() {
            let partition = leb128(&mut rest)?;
            let ordinal = leb128(&mut rest)?;
            let partition = Partition::try_from(partition).map_err(|_| PositionInvalid)?;
            let in_order = last.is_none_or(|it| it < partition);
            if !in_order || partition >= identity.partitions || ordinal == 0 {
                return Err(PositionInvalid);
            }
            last = Some(partition);
            position.advance(partition, ordinal.min(survived(identity, epoch, partition)));
        }
        Ok(position)
    }
}

/// The ordinal up to which a partition is what it was in an epoch: nothing of an epoch that is not
/// remembered, or of one that another restore of the same backup began.
fn survived(identity: &Identity, epoch: u32, partition: Partition) -> u64 {
    if epoch == identity.epoch {
        return u64::MAX;
    }
    let restore = identity.restores.iter().find(|it| it.epoch == epoch);
    restore.and_then(|it| it.survived.get(usize::from(partition)).copied()).unwrap_or(0)
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + self.ordinals.len() * 4);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.log);
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        for (partition, ordinal) in &self.ordinals {
            put_leb128(&mut bytes, u64::from(*partition));
            put_leb128(&mut bytes, *ordinal);
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

fn put_leb128(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn leb128(rest: &mut &[u8]) -> Result<u64, PositionInvalid> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or(PositionInvalid)?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let minimal = shift == 0 || *byte != 0;
            return if minimal { Ok(value) } else { Err(PositionInvalid) };
        }
    }
    Err(PositionInvalid)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn log() -> Identity {
        Identity { log: [5; 16], epoch: 0, partitions: 64, restores: Arc::new([]) }
    }

    fn position(identity: &Identity) -> Position {
        let mut position = Position::start(identity);
        for (partition, ordinal) in [(0, 1), (3, 127), (40, 128), (63, 1 << 40)] {
            position.advance(partition, ordinal);
        }
        position
    }

    #[test]
    fn every_cut_or_changed_position_is_refused_or_equal_in_form() {
        let text = position(&log()).to_string();
        for length in 0..text.len() {
            if let Ok(read) = Position::parse(&log(), &text[..length]) {
                assert_eq!(read.to_string(), text[..length]);
            }
        }
        assert_eq!(Position::parse(&log(), "no position"), Err(PositionInvalid));
        assert_eq!(Position::parse(&log(), &"A".repeat(5_000)), Err(PositionInvalid));
    }

    #[test]
    fn a_position_of_another_log_or_of_a_later_epoch_is_refused() {
        let restored = log().restored(&[9; 64], 7);
        let text = position(&restored).to_string();
        let other = Identity { log: [6; 16], ..restored.clone() };
        assert_eq!(Position::parse(&other, &text), Err(PositionInvalid));
        assert_eq!(Position::parse(&log(), &text), Err(PositionInvalid));
        assert_eq!(Position::parse(&restored, &text), Ok(position(&restored)));
    }

    #[test]
    fn a_position_from_before_a_restore_has_seen_what_survived_at_most() {
        let text = position(&log()).to_string();
        let mut survived = [100; 64];
        survived[0] = 0;
        let read = Position::parse(&log().restored(&survived, 7), &text).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), [(3, 100), (40, 100), (63, 100)]);
        assert_eq!(
            read,
            Position::parse(&log().restored(&survived, 7), &read.to_string()).unwrap()
        );
    }

    #[test]
    fn a_position_of_an_epoch_that_nobody_remembers_starts_over() {
        let once = log().restored(&[100; 64], 7);
        // The same backup, restored again: what was written after the first time is not here.
        let again = log().restored(&[100; 64], 9);
        let read = Position::parse(&again, &position(&once).to_string());
        assert_eq!(read, Ok(Position::start(&again)));
    }

    #[test]
    fn a_position_never_moves_back() {
        let mut position = position(&log());
        position.advance(3, 5);
        assert_eq!(position.ordinal(3), 127);
        assert!(position.covers(&Position::start(&log())));
        assert!(!Position::start(&log()).covers(&position));
    }

    fn ordinals() -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec(prop_oneof![Just(0), 1..300_u64, 0..u64::MAX >> 1], 64)
    }

    fn reached(identity: &Identity, ordinals: &[u64]) -> Position {
        let mut position = Position::start(identity);
        for (partition, ordinal) in (0..).zip(ordinals) {
            position.advance(partition, *ordinal);
        }
        position
    }

    proptest! {
        #[test]
        fn a_position_reads_back_as_written(ordinals in ordinals(), epoch in 0..9_u32) {
            let identity = Identity { epoch, ..log() };
            let position = reached(&identity, &ordinals);
            prop_assert_eq!(Position::parse(&identity, &position.to_string()), Ok(position));
        }

        #[test]
        fn nothing_that_came_after_what_survived_is_skipped(
            seen in ordinals(),
            restores in proptest::collection::vec(ordinals(), 1..5),
        ) {
            let mut identity = log();
            let text = reached(&identity, &seen).to_string();
            for (at, survived) in (1..).zip(&restores) {
                identity = identity.restored(survived, at * 10);
            }
            let read = Position::parse(&identity, &text).unwrap();
            for partition in 0..64_u16 {
                let at = usize::from(partition);
                let least = restores.iter().map(|it| it[at]).fold(seen[at], u64::min);
                prop_assert_eq!(read.ordinal(partition), least);
            }
        }

        #[test]
        fn any_bytes_are_refused_or_read_as_something_that_prints_alike(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            keep_head in any::<bool>(),
        ) {
            let mut bytes = bytes;
            if keep_head {
                let head = URL_SAFE_NO_PAD.decode(Position::start(&log()).to_string()).unwrap();
                bytes.splice(..0, head);
            }
            let text = URL_SAFE_NO_PAD.encode(bytes);
            if let Ok(read) = Position::parse(&log(), &text) {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}
