//! The bytes that the cases put and read.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::Error;
use crate::blobs::{ByteStream, Sha256};

/// Bytes of which no two parts are the same.
pub(super) fn pattern(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let words = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.flatten().take(length).collect()
}

pub(super) fn sha256(bytes: &[u8]) -> Sha256 {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

/// Bytes in pieces that fit into no part.
pub(super) fn pieces(bytes: &Bytes) -> ByteStream {
    const PIECE: usize = 1_000_003;
    let bytes = bytes.clone();
    let starts = (0..bytes.len()).step_by(PIECE);
    let pieces: Vec<_> =
        starts.map(|at| Ok(bytes.slice(at..bytes.len().min(at + PIECE)))).collect();
    stream::iter(pieces).boxed()
}

/// Bytes that break off.
pub(super) fn broken(bytes: &Bytes) -> ByteStream {
    let failure = stream::iter([Err(Error::unavailable("upload", "the sender has gone"))]);
    pieces(bytes).chain(failure).boxed()
}

pub(super) async fn collect(bytes: ByteStream) -> Result<Bytes, Error> {
    let chunks: Vec<Bytes> = bytes.try_collect().await?;
    Ok(chunks.concat().into())
}
