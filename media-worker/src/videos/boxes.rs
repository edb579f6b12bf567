//! The boxes that an MPEG-4 file is made of: a length, a kind, and what is inside.

use std::io::{self, Read, Seek, SeekFrom};

use super::shared::Shared;

/// A box of a file, and where it lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: [u8; 4],
    pub(super) at: u64,
    pub(super) bytes: u64,
}

/// The boxes of a file, one after the other.
pub(super) fn boxes(file: &mut Shared) -> io::Result<Vec<Found>> {
    let end = file.length()?;
    let mut found = Vec::new();
    let mut at = 0;
    while at + 16 <= end {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        file.read_exact(&mut head)?;
        let [a, b, c, d, kind @ .., _, _, _, _, _, _, _, _] = head;
        let bytes = match u32::from_be_bytes([a, b, c, d]) {
            0 => end - at,
            1 => head.last_chunk().map_or(0, |it| u64::from_be_bytes(*it)),
            small => u64::from(small),
        };
        if bytes < 8 || bytes > end - at {
            return Err(io::ErrorKind::InvalidData.into());
        }
        found.push(Found { kind, at, bytes });
        at += bytes;
    }
    Ok(found)
}

/// What is inside the first box of a kind among others.
pub(super) fn inside<'a>(boxes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = boxes;
    loop {
        let (head, _) = rest.split_first_chunk::<8>()?;
        let [a, b, c, d, found @ ..] = *head;
        let (it, after) = rest.split_at_checked(u32::from_be_bytes([a, b, c, d]) as usize)?;
        let body = it.get(8..)?;
        if found == *kind {
            return Some(body);
        }
        rest = after;
    }
}

/// What is inside a box in a box, and so on.
pub(super) fn within<'a>(boxes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(boxes, |boxes, kind| inside(boxes, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_found_among_others_and_in_others() {
        let track = b"\0\0\0\x0dtrak12345";
        let boxes = [b"\0\0\0\x08free\0\0\0\x15moov", &track[..], b"behind it"].concat();
        assert_eq!(inside(&boxes, b"moov"), Some(&track[..]));
        assert_eq!(within(&boxes, &[b"moov", b"trak"]), Some(&b"12345"[..]));
        assert_eq!(within(&boxes, &[b"moov", b"free"]), None);
        assert_eq!(inside(&boxes, b"trak"), None);
        for broken in [&b""[..], b"\0\0\0\x07moov", b"\0\0\0\x09moov", b"\0\0\0\0moov"] {
            assert_eq!(inside(broken, b"moov"), None);
        }
    }
}
