//! Moves what says where things are in an MPEG-4 file to its beginning, so that a player need not
//! fetch the end first. ffmpeg would open the file once more for that.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use super::boxes::{Found, boxes};
use super::shared::Shared;
use crate::outcome::Failure;

/// As much as says where things are in half an hour, many times over.
const INDEX_BYTES_MAX: u64 = 64 << 20;

/// What holds other boxes that lead to those that hold places.
const FOLDERS: [&[u8; 4]; 5] = [b"moov", b"trak", b"mdia", b"minf", b"stbl"];

/// Copies what a muxer has written: its head, then where things are, then everything else.
pub(super) fn copy(from: &mut Shared, to: File) -> Result<(), Failure> {
    let boxes = boxes(from).map_err(Failure::corrupt)?;
    let find = |kind| boxes.iter().find(|it| &it.kind == kind);
    let (Some(head), Some(index)) = (find(b"ftyp"), find(b"moov")) else {
        return Err(Failure::corrupt("a file without a head or an index"));
    };
    if index.bytes > INDEX_BYTES_MAX {
        return Err(Failure::too_large("over the size of an index"));
    }
    let mut to = BufWriter::with_capacity(1 << 20, to);
    let mut written = vec![0; index.bytes as usize];
    let mut put = || -> io::Result<()> {
        from.seek(SeekFrom::Start(index.at))?;
        from.read_exact(&mut written)?;
        // All that is told of stands behind the head, and goes back by this.
        shift(&mut written, index.bytes);
        one(from, head, &mut to)?;
        to.write_all(&written)?;
        for it in boxes.iter().filter(|it| it.at != head.at && it.at != index.at) {
            one(from, it, &mut to)?;
        }
        to.flush()
    };
    put().map_err(Failure::too_large)
}

fn one(from: &mut Shared, it: &Found, to: &mut impl Write) -> io::Result<()> {
    from.seek(SeekFrom::Start(it.at))?;
    let mut rest = it.bytes;
    let mut piece = vec![0; 1 << 20];
    while rest > 0 {
        let length = rest.min(1 << 20) as usize;
        from.read_exact(&mut piece[..length])?;
        to.write_all(&piece[..length])?;
        rest -= length as u64;
    }
    Ok(())
}

/// Adds to each place in a list of boxes.
fn shift(boxes: &mut [u8], by: u64) {
    let mut rest = boxes;
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let bytes = (u32::from_be_bytes([a, b, c, d]) as usize).clamp(8, rest.len());
        let (it, after) = rest.split_at_mut(bytes);
        // Behind the head of a list of places stand a version and how many there are.
        match &kind {
            b"stco" => {
                for place in it.get_mut(16..).unwrap_or_default().as_chunks_mut::<4>().0 {
                    let at = u32::from_be_bytes(*place);
                    *place = at.wrapping_add(by as u32).to_be_bytes();
                }
            }
            b"co64" => {
                for place in it.get_mut(16..).unwrap_or_default().as_chunks_mut::<8>().0 {
                    let at = u64::from_be_bytes(*place);
                    *place = at.wrapping_add(by).to_be_bytes();
                }
            }
            folder if FOLDERS.contains(&folder) => shift(&mut it[8..], by),
            _ => (),
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::shift;

    /// A box of a kind.
    fn boxed(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        let mut bytes = (8 + inside.len() as u32).to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(inside);
        bytes
    }

    fn index(small: u32, large: u64) -> Vec<u8> {
        let count = [0, 0, 0, 0, 0, 0, 0, 1];
        let small = boxed(b"stco", &[&count[..], &small.to_be_bytes()].concat());
        let large = boxed(b"co64", &[&count[..], &large.to_be_bytes()].concat());
        let other = boxed(b"stsz", b"stco\0\0\0\0");
        let table = boxed(b"stbl", &[other, small, large].concat());
        let media = boxed(b"mdia", &boxed(b"minf", &table));
        boxed(b"moov", &[boxed(b"mvhd", &[1; 8]), boxed(b"trak", &media)].concat())
    }

    #[test]
    fn every_place_moves_and_nothing_else() {
        let mut moved = index(1000, 1 << 33);
        shift(&mut moved, 24);
        assert_eq!(moved, index(1024, (1 << 33) + 24));
        let mut broken = b"\0\0\0\x02moov\xff\xff\xff\xffstco".to_vec();
        shift(&mut broken, 24);
    }
}
