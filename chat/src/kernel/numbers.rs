//! Sets of message numbers, cut into blocks so that counting costs the same at any backlog.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers in one block.
pub const BLOCK: u64 = 1_024;

/// The members of a set inside one block.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Block([u64; 16]);

/// The block that a number lies in.
pub fn block_of(number: u64) -> u64 {
    number / BLOCK
}

impl Block {
    /// Adds a number; `false` when it was there.
    pub fn insert(&mut self, number: u64) -> bool {
        let (word, bit) = place(number);
        let fresh = self.0[word] & bit == 0;
        self.0[word] |= bit;
        fresh
    }

    /// Takes a number out; `false` when it was not there.
    pub fn remove(&mut self, number: u64) -> bool {
        let (word, bit) = place(number);
        let there = self.0[word] & bit != 0;
        self.0[word] &= !bit;
        there
    }

    /// Whether a number is a member.
    pub fn contains(&self, number: u64) -> bool {
        let (word, bit) = place(number);
        self.0[word] & bit != 0
    }

    /// Members above a number of the same block.
    pub fn count_above(&self, number: u64) -> u64 {
        let first = number % BLOCK + 1;
        let counted = self.0.iter().zip(0_u64..).map(|(word, at)| {
            let skip = first.saturating_sub(at * 64);
            if skip >= 64 { 0 } else { (word >> skip).count_ones() }
        });
        counted.map(u64::from).sum()
    }

    /// All members.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|it| u64::from(it.count_ones())).sum()
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|it| *it == 0)
    }

    /// Those that are members of both.
    pub fn within(&self, other: &Self) -> Self {
        let mut left = self.clone();
        left.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
        left
    }

    /// Its members, when it is the nth block.
    pub fn members(&self, block: u64) -> impl Iterator<Item = u64> + '_ {
        (block * BLOCK..(block + 1) * BLOCK).filter(|it| self.contains(*it))
    }

    /// Those that are members of this block and not of the other.
    pub fn without(&self, other: &Self) -> Self {
        let mut left = self.clone();
        left.0.iter_mut().zip(&other.0).for_each(|(word, gone)| *word &= !gone);
        left
    }
}

fn place(number: u64) -> (usize, u64) {
    let offset = number % BLOCK;
    ((offset / 64) as usize, 1 << (offset % 64))
}

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|it| it.to_be_bytes()).collect();
        to.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let mut block = Self::default();
        if bytes.len() != 128 {
            return Err(D::Error::custom("a block has 128 bytes"));
        }
        for (word, bytes) in block.0.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_be_bytes(bytes.try_into().map_err(D::Error::custom)?);
        }
        Ok(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_above_a_number_are_counted_as_one_by_one() {
        let mut block = Block::default();
        let members = [0, 1, 63, 64, 65, 500, 1_022, 1_023];
        for member in members {
            assert!(block.insert(BLOCK * 7 + member));
            assert!(!block.insert(BLOCK * 7 + member));
        }
        for number in 0..BLOCK {
            let expected = members.iter().filter(|it| **it > number).count() as u64;
            assert_eq!(block.count_above(BLOCK * 7 + number), expected, "{number}");
        }
        assert_eq!(block.count(), 8);
        let numbers: Vec<_> = members.iter().map(|it| BLOCK * 7 + it).collect();
        assert_eq!(block.members(7).collect::<Vec<_>>(), numbers);
        let mut other = Block::default();
        assert!(other.is_empty() && block.within(&other).is_empty());
        other.insert(BLOCK * 7 + 64);
        other.insert(BLOCK * 7 + 66);
        assert_eq!(block.within(&other).members(7).collect::<Vec<_>>(), [BLOCK * 7 + 64]);
        let text = serde_json::to_string(&block).unwrap();
        assert_eq!(serde_json::from_str::<Block>(&text).unwrap(), block);
        for (member, left) in members.into_iter().zip((0..8).rev()) {
            assert!(block.remove(BLOCK * 7 + member));
            assert!(!block.remove(BLOCK * 7 + member));
            assert_eq!(block.count(), left);
        }
    }
}
