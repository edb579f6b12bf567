//! WebSocket frames cut from bytes and written to bytes, for the floor and for every client.

use std::ops::Range;

use anyhow::{Result, ensure};

/// Both ends are ours or check nothing but the form, so one key (RFC 6455's example) serves all.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server answers to [`KEY`].
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FrameKind {
    Text,
    Ping,
    Pong,
    Close,
}

/// One whole frame at the front of a buffer.
#[derive(Debug)]
pub(crate) struct Cut {
    /// How many bytes of the buffer it takes.
    pub(crate) taken: usize,
    pub(crate) kind: FrameKind,
    pub(crate) payload: Range<usize>,
    pub(crate) mask: Option<[u8; 4]>,
}

/// The frame at the front, or nothing while it has not arrived whole.
pub(crate) fn cut(arrived: &[u8]) -> Result<Option<Cut>> {
    let [first, second, rest @ ..] = arrived else { return Ok(None) };
    ensure!(first & 0x80 != 0 && first & 0x70 == 0, "a frame is fragmented or compressed");
    let kind = match first & 0x0f {
        1 | 2 => FrameKind::Text,
        8 => FrameKind::Close,
        9 => FrameKind::Ping,
        10 => FrameKind::Pong,
        opcode => anyhow::bail!("a frame has the opcode {opcode}"),
    };
    let (length, extra) = match second & 0x7f {
        126 => {
            let Some(bytes) = rest.first_chunk() else { return Ok(None) };
            (u16::from_be_bytes(*bytes) as usize, 2)
        }
        127 => {
            let Some(bytes) = rest.first_chunk() else { return Ok(None) };
            (u64::from_be_bytes(*bytes) as usize, 8)
        }
        short => (short as usize, 0),
    };
    ensure!(length < 1 << 26, "a frame claims {length} bytes");
    let masked = second & 0x80 != 0;
    let start = 2 + extra + if masked { 4 } else { 0 };
    let taken = start + length;
    if arrived.len() < taken {
        return Ok(None);
    }
    let mask = masked.then(|| {
        let bytes = &arrived[start - 4..start];
        [bytes[0], bytes[1], bytes[2], bytes[3]]
    });
    Ok(Some(Cut { taken, kind, payload: start..taken, mask }))
}

/// Appends a frame as a server sends it.
pub(crate) fn push(out: &mut Vec<u8>, kind: FrameKind, payload: &[u8]) {
    head(out, kind, payload.len(), 0);
    out.extend_from_slice(payload);
}

/// Appends a frame as a client sends it.
pub(crate) fn push_masked(out: &mut Vec<u8>, kind: FrameKind, payload: &[u8]) {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    head(out, kind, payload.len(), 0x80);
    out.extend_from_slice(&MASK);
    let start = out.len();
    out.extend_from_slice(payload);
    unmask(&mut out[start..], MASK);
}

/// Masks, or unmasks: the same.
pub(crate) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for chunk in payload.chunks_mut(4) {
        chunk.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
    }
}

fn head(out: &mut Vec<u8>, kind: FrameKind, length: usize, masked: u8) {
    out.push(match kind {
        FrameKind::Text => 0x81,
        FrameKind::Close => 0x88,
        FrameKind::Ping => 0x89,
        FrameKind::Pong => 0x8a,
    });
    if length < 126 {
        out.push(masked | length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(masked | 126);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(masked | 127);
        out.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameKind, cut, push, push_masked, unmask};

    #[test]
    fn a_frame_is_cut_only_when_whole() {
        for length in [0, 5, 125, 126, 70_000] {
            let payload = vec![b'x'; length];
            let mut bytes = Vec::new();
            push(&mut bytes, FrameKind::Text, &payload);
            assert!(cut(&bytes[..bytes.len() - 1]).unwrap().is_none());
            bytes.push(0x81);
            let frame = cut(&bytes).unwrap().unwrap();
            assert_eq!(frame.taken, bytes.len() - 1);
            assert_eq!(bytes[frame.payload], payload);
        }
    }

    #[test]
    fn a_masked_frame_unmasks_to_what_was_sent() {
        let mut bytes = Vec::new();
        push_masked(&mut bytes, FrameKind::Ping, b"hello, world");
        let frame = cut(&bytes).unwrap().unwrap();
        assert_eq!(frame.kind, FrameKind::Ping);
        let payload = &mut bytes[frame.payload];
        unmask(payload, frame.mask.unwrap());
        assert_eq!(payload, b"hello, world");
    }
}
