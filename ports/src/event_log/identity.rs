//! Which log this is, what its restores have left, and whether it may be served.
//!
//! Stored form, big-endian: version u8, log 16 bytes, epoch u32, partitions u16, standing u8,
//! length u16 and text of where it has moved, number of restores u16, and for each its epoch u32
//! and an ordinal u64 a partition. Version 1 ended before the standing.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::Partition;
use crate::Error;
use crate::entropy::Entropy;

/// Restores that are remembered; positions of epochs before them start over.
pub const RESTORES_MAX: usize = 32;

/// Bytes that the name of another place may have.
pub const PLACE_BYTES_MAX: usize = 4_096;

const VERSION: u8 = 2;
const HEAD_BYTES: usize = 23;

/// What makes one log different from another; the same in every copy of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Made at birth.
    pub log: [u8; 16],
    /// Raised by a restore from a backup.
    pub epoch: u32,
    /// Number of partitions, fixed at birth.
    pub partitions: u16,
    /// What is left of earlier epochs, oldest first; at most [`RESTORES_MAX`].
    pub restores: Arc<[Restore]>,
}

/// What a restore has left of an earlier epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// The epoch that has ended.
    pub epoch: u32,
    /// Ordinals up to which its events are still the same, one a partition.
    pub survived: Arc<[u64]>,
}

/// Whether a log may be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Roles work on it.
    Serving,
    /// It is a backup, or being copied into.
    Copy,
    /// The instance goes on elsewhere; the text says where, without passwords.
    Moved(String),
}

/// What a log is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Work on it: one that does not serve is refused.
    Serve,
    /// Read it, whatever its standing.
    Read,
    /// Copy into it or out of it, whatever its standing; a new one is a copy until it is whole.
    Copy,
}

/// A log that is not to be served: the cause of the refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this instance has moved to {0}")]
    Moved(String),
    #[error("this is a backup, or a copy that is not whole yet")]
    Copy,
}

impl Identity {
    /// A new log's.
    pub fn new(partitions: Partition, entropy: &dyn Entropy) -> Self {
        Self { log: entropy.bytes(), epoch: 0, partitions, restores: Arc::new([]) }
    }

    /// The identity after a restore of which `survived` are the ordinals, one a partition.
    ///
    /// An epoch is the second of its restore, so that two restores of one backup do not share it.
    pub fn restored(&self, survived: &[u64], now_s: u32) -> Self {
        let both = |earlier: &[u64]| earlier.iter().zip(survived).map(|(a, b)| *a.min(b)).collect();
        let earlier = self.restores.iter();
        let mut restores: Vec<Restore> =
            earlier.map(|it| Restore { epoch: it.epoch, survived: both(&it.survived) }).collect();
        restores.push(Restore { epoch: self.epoch, survived: survived.into() });
        restores.drain(..restores.len().saturating_sub(RESTORES_MAX));
        let epoch = now_s.max(self.epoch.saturating_add(1));
        Self { epoch, restores: restores.into(), ..self.clone() }
    }

    /// Whether it is this log in this epoch or restored to the same ordinals at another second:
    /// what a restore that was interrupted has left.
    pub fn continues(&self, other: &Self) -> bool {
        let (log, partitions) = (self.log == other.log, self.partitions == other.partitions);
        log && partitions && self.restores == other.restores
    }

    /// The stored form, with the log's standing.
    pub(super) fn encode(&self, standing: &Standing) -> Bytes {
        let mut bytes = BytesMut::with_capacity(64);
        bytes.put_u8(VERSION);
        bytes.put_slice(&self.log);
        bytes.put_u32(self.epoch);
        bytes.put_u16(self.partitions);
        let (number, place) = match standing {
            Standing::Serving => (0, ""),
            Standing::Copy => (1, ""),
            Standing::Moved(place) => (2, place.as_str()),
        };
        bytes.put_u8(number);
        put_count(&mut bytes, place.len());
        bytes.put_slice(place.as_bytes());
        put_count(&mut bytes, self.restores.len());
        for restore in self.restores.iter() {
            bytes.put_u32(restore.epoch);
            restore.survived.iter().for_each(|it| bytes.put_u64(*it));
        }
        bytes.freeze()
    }

    /// Reads the stored form; `None` when it is none.
    pub(super) fn decode(mut bytes: Bytes) -> Option<(Self, Standing)> {
        if bytes.len() < HEAD_BYTES {
            return None;
        }
        let version = bytes.get_u8();
        let mut log = [0; 16];
        bytes.copy_to_slice(&mut log);
        let (epoch, partitions) = (bytes.get_u32(), bytes.get_u16());
        let mut identity = Self { log, epoch, partitions, restores: Arc::new([]) };
        if version == 1 && bytes.is_empty() {
            return Some((identity, Standing::Serving));
        }
        if version != VERSION {
            return None;
        }
        let number = bytes.try_get_u8().ok()?;
        let length = usize::from(bytes.try_get_u16().ok()?);
        let place = (length <= bytes.len()).then(|| bytes.split_to(length))?;
        let standing = match number {
            0 => Standing::Serving,
            1 => Standing::Copy,
            2 => Standing::Moved(String::from_utf8(place.into()).ok()?),
            _ => return None,
        };
        let count = usize::from(bytes.try_get_u16().ok()?);
        let restores = (0..count.min(RESTORES_MAX + 1)).map(|_| {
            let epoch = bytes.try_get_u32().ok()?;
            let survived = (0..partitions).map(|_| bytes.try_get_u64().ok());
            Some(Restore { epoch, survived: survived.collect::<Option<_>>()? })
        });
        identity.restores = restores.collect::<Option<Vec<_>>>()?.into();
        let whole = bytes.is_empty() && identity.restores.len() <= RESTORES_MAX;
        whole.then_some((identity, standing))
    }
}

/// Lengths here are bounded far below what two bytes count.
fn put_count(bytes: &mut BytesMut, count: usize) {
    bytes.put_u16(u16::try_from(count).expect("it is bounded"));
}

impl Standing {
    /// What a new log has.
    pub(super) fn at_birth(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Serve | Purpose::Read => Self::Serving,
            Purpose::Copy => Self::Copy,
        }
    }

    /// Refuses what a log in this standing is not for.
    pub(super) fn admit(&self, purpose: Purpose, port: &'static str) -> Result<(), Error> {
        let refused = match (purpose, self) {
            (Purpose::Read | Purpose::Copy, _) | (Purpose::Serve, Self::Serving) => return Ok(()),
            (Purpose::Serve, Self::Copy) => Refused::Copy,
            (Purpose::Serve, Self::Moved(place)) => Refused::Moved(place.clone()),
        };
        Err(Error::unavailable(port, refused))
    }

    /// Refuses a change that can't be: what has moved has moved for good.
    pub(super) fn may_become(&self, next: &Self, port: &'static str) -> Result<(), Error> {
        match (self, next) {
            (Self::Moved(place), next) if self != next => {
                Err(Error::unavailable(port, Refused::Moved(place.clone())))
            }
            (_, Self::Moved(place)) if place.len() > PLACE_BYTES_MAX => {
                Err(Error::unavailable(port, "the name of the other place is too long"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(times: u32) -> Identity {
        let born = Identity::new(2, &crate::entropy::System);
        (1..=times).fold(born, |it, time| it.restored(&[u64::from(time), 9], time * 10))
    }

    #[test]
    fn an_identity_reads_back_as_written() {
        for standing in [Standing::Serving, Standing::Copy, Standing::Moved("kafka://new".into())] {
            for identity in [restored(0), restored(1), restored(40)] {
                let bytes = identity.encode(&standing);
                assert_eq!(Identity::decode(bytes.clone()), Some((identity, standing.clone())));
                for length in 0..bytes.len() {
                    let cut = Identity::decode(bytes.slice(..length));
                    assert!(cut.is_none(), "{length} of {} bytes", bytes.len());
                }
            }
        }
    }

    #[test]
    fn version_1_was_served_and_never_restored() {
        let mut bytes = restored(0).encode(&Standing::Copy).slice(..HEAD_BYTES).to_vec();
        bytes[0] = 1;
        let (identity, standing) = Identity::decode(bytes.into()).unwrap();
        assert_eq!((identity.partitions, identity.restores.len()), (2, 0));
        assert_eq!(standing, Standing::Serving);
    }

    #[test]
    fn a_restore_leaves_of_each_epoch_what_every_later_one_left() {
        let identity = restored(3).restored(&[2, 5], 40);
        let left: Vec<_> =
            identity.restores.iter().map(|it| (it.epoch, it.survived.to_vec())).collect();
        let expected = [(0, [1, 5]), (10, [2, 5]), (20, [2, 5]), (30, [2, 5])];
        assert_eq!(left, expected.map(|it| (it.0, it.1.to_vec())));
        assert_eq!(identity.epoch, 40);
    }

    #[test]
    fn the_oldest_restores_are_forgotten_and_an_epoch_always_rises() {
        assert_eq!(restored(40).restores.len(), RESTORES_MAX);
        assert_eq!(restored(40).restores[0].epoch, 80);
        assert_eq!(restored(4).restored(&[1, 1], 0).epoch, 41);
    }
}
