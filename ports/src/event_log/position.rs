//! A place in the whole log: partition → ordinal, good for ever and on every node.
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
    /// [`PositionInvalid`] for anything that this log did not issue in this form.
    pub fn parse(identity: &Identity, text: &str) -> Result<Self, PositionInvalid> {
        let limit = (HEAD_BYTES + usize::from(identity.partitions) * 13) * 4 / 3 + 4;
        if text.len() > limit {
            return Err(PositionInvalid);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PositionInvalid)?;
        let mut position = Self::start(identity);
        let head_is_ours = bytes.len() >= HEAD_BYTES
            && bytes[0] == VERSION
            && bytes[1..9] == position.log
            && bytes[9..13] == position.epoch.to_be_bytes();
        if !head_is_ours {
            return Err(PositionInvalid);
        }
        let mut rest = &bytes[HEAD_BYTES..];
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
            position.ordinals.insert(partition, ordinal);
        }
        Ok(position)
    }
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
    use super::*;

    const LOG: Identity = Identity { log: [5; 16], epoch: 2, partitions: 64 };

    fn position() -> Position {
        let mut position = Position::start(&LOG);
        for (partition, ordinal) in [(0, 1), (3, 127), (40, 128), (63, 1 << 40)] {
            position.advance(partition, ordinal);
        }
        position
    }

    #[test]
    fn a_position_reads_back_as_written() {
        assert_eq!(Position::parse(&LOG, &position().to_string()), Ok(position()));
    }

    #[test]
    fn every_cut_or_changed_position_is_refused_or_equal_in_form() {
        let text = position().to_string();
        for length in 0..text.len() {
            if let Ok(read) = Position::parse(&LOG, &text[..length]) {
                assert_eq!(read.to_string(), text[..length]);
            }
        }
        assert_eq!(Position::parse(&LOG, "no position"), Err(PositionInvalid));
        assert_eq!(Position::parse(&LOG, &"A".repeat(5_000)), Err(PositionInvalid));
    }

    #[test]
    fn a_position_of_another_log_or_epoch_is_refused() {
        let text = position().to_string();
        let other = Identity { log: [6; 16], ..LOG };
        assert_eq!(Position::parse(&other, &text), Err(PositionInvalid));
        let restored = Identity { epoch: 3, ..LOG };
        assert_eq!(Position::parse(&restored, &text), Err(PositionInvalid));
    }

    #[test]
    fn a_position_never_moves_back() {
        let mut position = position();
        position.advance(3, 5);
        assert_eq!(position.ordinal(3), 127);
        assert!(position.covers(&Position::start(&LOG)));
        assert!(!Position::start(&LOG).covers(&position));
    }
}
