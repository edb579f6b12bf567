//! The fixed header of a record; payloads may change, this may not.
//!
//! Layout, big-endian: fmt u8, kind u8, term u64, owner 16 bytes, n u64, stream 16 bytes,
//! first seq u64, count u16, payload format u16, prev 32 bytes, payload, CRC32C u32 of all before.

use bytes::{BufMut, Bytes, BytesMut};

/// Random identity of one claim.
pub type OwnerId = [u8; 16];

/// Largest record, header included.
pub const RECORD_BYTES_MAX: usize = 900 * 1024;

const FMT: u8 = 1;
const HEADER_BYTES: usize = 94;
const CRC_BYTES: usize = 4;

/// What a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Takes over the partition.
    Claim,
    /// The events of one command.
    Batch,
}

/// The part of a record that the fold needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    /// Number of the ownership this record belongs to.
    pub term: u64,
    /// Who claimed the term.
    pub owner: OwnerId,
    /// Index of a batch inside its term: 0, 1, 2 …
    pub n: u64,
    /// Id of the stream that the events belong to.
    pub stream: [u8; 16],
    /// `seq` of the first event.
    pub first_seq: u64,
    /// Number of events.
    pub count: u16,
    /// How the payload is written.
    pub payload_fmt: u16,
    /// SHA-256 of the last accepted batch of the partition.
    pub prev: [u8; 32],
}

/// A decoded record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub header: Header,
    pub payload: Bytes,
}

/// Payload of a claim, for operators; the fold reads only the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub term: u64,
    pub owner: OwnerId,
}

impl Claim {
    /// The term above which there is none: whoever claims it closes the partition for good, since
    /// every later claim is stale.
    pub const LAST_TERM: u64 = u64::MAX;

    /// The claim as a record.
    pub fn record(&self) -> Record {
        let header = Header {
            kind: Kind::Claim,
            term: self.term,
            owner: self.owner,
            n: 0,
            stream: [0; 16],
            first_seq: 0,
            count: 0,
            payload_fmt: 0,
            prev: [0; 32],
        };
        Record { header, payload: Bytes::from_static(env!("CARGO_PKG_VERSION").as_bytes()) }
    }
}

impl Record {
    /// The bytes that go into the log.
    pub fn encode(&self) -> Bytes {
        let header = &self.header;
        let mut out = BytesMut::with_capacity(HEADER_BYTES + self.payload.len() + CRC_BYTES);
        out.put_u8(FMT);
        out.put_u8(match header.kind {
            Kind::Claim => 1,
            Kind::Batch => 2,
        });
        out.put_u64(header.term);
        out.put_slice(&header.owner);
        out.put_u64(header.n);
        out.put_slice(&header.stream);
        out.put_u64(header.first_seq);
        out.put_u16(header.count);
        out.put_u16(header.payload_fmt);
        out.put_slice(&header.prev);
        out.put_slice(&self.payload);
        out.put_u32(crc32c::crc32c(&out));
        out.freeze()
    }

    /// Reads a record; `None` means damaged or of an unknown format, which halts a partition.
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        let body = bytes.len().checked_sub(CRC_BYTES).filter(|it| *it >= HEADER_BYTES)?;
        let crc = u32::from_be_bytes(bytes[body..].try_into().ok()?);
        if bytes[0] != FMT || crc32c::crc32c(&bytes[..body]) != crc {
            return None;
        }
        let kind = match bytes[1] {
            1 => Kind::Claim,
            2 => Kind::Batch,
            _ => return None,
        };
        let header = Header {
            kind,
            term: u64::from_be_bytes(bytes[2..10].try_into().ok()?),
            owner: bytes[10..26].try_into().ok()?,
            n: u64::from_be_bytes(bytes[26..34].try_into().ok()?),
            stream: bytes[34..50].try_into().ok()?,
            first_seq: u64::from_be_bytes(bytes[50..58].try_into().ok()?),
            count: u16::from_be_bytes(bytes[58..60].try_into().ok()?),
            payload_fmt: u16::from_be_bytes(bytes[60..62].try_into().ok()?),
            prev: bytes[62..94].try_into().ok()?,
        };
        Some(Self { header, payload: bytes.slice(HEADER_BYTES..body) })
    }
}

/// Hash of an encoded batch, the next link of the chain.
pub(super) fn chain_hash(encoded: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        &encoded[..encoded.len() - CRC_BYTES],
    );
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Record {
        let mut record = Claim { term: 7, owner: [9; 16] }.record();
        record.header.kind = Kind::Batch;
        record.header.n = 3;
        record.header.count = 2;
        record.payload = Bytes::from_static(b"payload");
        record
    }

    #[test]
    fn a_record_reads_back_as_written() {
        assert_eq!(Record::decode(&batch().encode()), Some(batch()));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let good = batch().encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Record::decode(&bad.into()), None, "bit {bit}");
        }
    }

    #[test]
    fn a_cut_record_is_noticed() {
        let good = batch().encode();
        for length in 0..good.len() {
            assert_eq!(Record::decode(&good.slice(..length)), None, "length {length}");
        }
    }
}
