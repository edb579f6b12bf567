//! What a blob of packed documents holds, and what stands in a document in place of its body.

use serde::{Deserialize, Serialize};

use super::super::Body;
use crate::Error;
use crate::blobs::BlobKey;

/// What the keys of all packs begin with; the time and a random number follow.
pub(crate) const PREFIX: &str = "pack.";

/// Bytes that a pack holds before it is compressed, at most: what bodies fill it with, and room for
/// a last one that is large and for what stands beside them.
const OPENED_BYTES_MAX: usize = 32 << 20;

/// What is won beyond this level takes many times as long.
const LEVEL: i32 = 9;

/// What a body that lies in a pack begins with; JSON never does.
const MARK: &[u8] = b"\0pack ";

/// Where the body of a document lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pack: BlobKey,
    pub(super) at: usize,
}

impl Place {
    /// The place that stands for a body, unless it is the body itself.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body.strip_prefix(MARK)?).ok()?;
        let (at, pack) = text.split_once(' ')?;
        Some(Self { pack: BlobKey::new(pack)?, at: at.parse().ok()? })
    }

    /// What stands for the body.
    pub(super) fn body(&self) -> Body {
        [MARK, format!("{} {}", self.at, self.pack).as_bytes()].concat().into()
    }
}

/// Documents of one collection whose bodies lie together.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pack {
    pub(super) collection: String,
    pub(super) members: Vec<Member>,
}

/// A document of a pack, as it was packed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) ordinal: u64,
    #[serde(with = "serde_bytes")]
    pub(super) body: Vec<u8>,
}

impl Pack {
    /// Bytes of the bodies.
    pub(super) fn body_bytes(&self) -> u64 {
        self.members.iter().map(|it| it.body.len() as u64).sum()
    }

    /// The blob.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let bytes = postcard::to_stdvec(self).map_err(|it| Error::unavailable(super::PORT, it))?;
        zstd::bulk::compress(&bytes, LEVEL).map_err(|it| Error::unavailable(super::PORT, it))
    }

    /// Reads a blob.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |it: &dyn std::fmt::Display| Error::corrupt(super::PORT, it.to_string());
        let bytes = zstd::bulk::decompress(bytes, OPENED_BYTES_MAX).map_err(|it| damaged(&it))?;
        postcard::from_bytes(&bytes).map_err(|it| damaged(&it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_reads_back_as_written_and_a_damaged_one_is_told() {
        let member = |n: u64| Member {
            id: format!("msg_{n}"),
            ordinal: n,
            body: format!("{{\"number\":{n}}}").into_bytes(),
        };
        let pack = Pack { collection: "messages".into(), members: (0..300).map(member).collect() };
        let bytes = pack.to_bytes().unwrap();
        assert!((bytes.len() as u64) < pack.body_bytes() / 2, "{} bytes", bytes.len());
        assert_eq!(Pack::from_bytes(&bytes).unwrap(), pack);
        for damaged in [&bytes[..bytes.len() / 2], b"", b"{}"] {
            Pack::from_bytes(damaged).unwrap_err();
        }
        let bomb = zstd::bulk::compress(&vec![0; OPENED_BYTES_MAX + 1], LEVEL).unwrap();
        Pack::from_bytes(&bomb).unwrap_err();
    }

    #[test]
    fn a_place_is_never_taken_for_a_body_nor_a_body_for_a_place() {
        let place = Place { pack: BlobKey::new("pack.0.1").unwrap(), at: 7 };
        assert_eq!(Place::of(&place.body()), Some(place));
        for body in [&b"{}"[..], b"", b"\0", b"\0pack ", b"\0pack 1 ../x", b"\0pack x pack.0.1"] {
            assert_eq!(Place::of(body), None, "{body:?}");
        }
    }
}
