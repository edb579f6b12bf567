//! Where the parts of a written video lie, by what stands in its file.

use std::io::{Read, Seek, SeekFrom};

use super::boxes::{Found, boxes, inside, within};
use super::shared::Shared;
use crate::fragments::{Fragments, PARTS_MAX, peak};
use crate::outcome::Failure;

/// What says how parts are read, or where what is in a part lies: some kilobytes, and less than a
/// mebibyte of sound that goes on for half an hour behind the last picture.
const HEAD_BYTES_MAX: u64 = 4 << 20;

/// What stands before the boxes of a list of forms, and of a form of pictures.
const LIST_BYTES: usize = 8;
const FORM_BYTES: usize = 78;

/// Finds the parts of a video whose pictures are its first track, and that is over after so many
/// milliseconds.
pub(super) fn parts(
    file: &mut Shared,
    has_sound: bool,
    until_ms: u64,
) -> Result<Fragments, Failure> {
    let boxes = boxes(file).map_err(Failure::corrupt)?;
    let of_kind = |kind| boxes.iter().filter(move |it| &it.kind == kind);
    let odd = || Failure::corrupt("a written video that isn't in parts");
    let index = of_kind(b"moov").next().ok_or_else(odd)?;
    let index = read(file, index)?;
    let form = Form::of(&index, has_sound).ok_or_else(odd)?;
    let heads: Vec<&Found> = of_kind(b"moof").collect();
    if heads.len() > PARTS_MAX {
        return Err(Failure::too_large(format_args!("{} parts", heads.len())));
    }
    let mut begins = Vec::new();
    for head in &heads {
        begins.push(form.begins_ms(&read(file, head)?).ok_or_else(odd)?);
    }
    let first = *begins.first().ok_or_else(odd)?;
    let end = file.length().map_err(Failure::corrupt)?;
    let ends_at = heads.iter().skip(1).map(|it| it.at).chain([end]);
    let ends_ms = begins.iter().skip(1).copied().chain([first.saturating_add(until_ms)]);
    let bytes = heads.iter().zip(ends_at).map(|(from, to)| to.saturating_sub(from.at));
    // The last picture may begin when it is over.
    let ms = begins.iter().zip(ends_ms).map(|(from, to)| to.saturating_sub(*from).max(1));
    let parts: Vec<(u64, u64)> = bytes.zip(ms).collect();
    let init_bytes = heads.first().map_or(0, |it| it.at);
    Ok(Fragments { init_bytes, bandwidth: peak(&parts), parts, codecs: form.codecs })
}

/// How the first track is written.
struct Form {
    codecs: String,
    ticks_a_second: u64,
}

impl Form {
    /// From what is inside `moov`.
    fn of(index: &[u8], has_sound: bool) -> Option<Form> {
        let media = within(index, &[b"trak", b"mdia"])?;
        let forms = within(media, &[b"minf", b"stbl", b"stsd"])?.get(LIST_BYTES..)?;
        let inside_form = inside(forms, b"avc1")?.get(FORM_BYTES..)?;
        // A version, then profile, what it is compatible with, and level.
        let [_, profile, compatible, level, ..] = *inside(inside_form, b"avcC")? else {
            return None;
        };
        let pictures = format!("avc1.{profile:02x}{compatible:02x}{level:02x}");
        // The encoder knows no other kind of AAC.
        let codecs = if has_sound { pictures + ",mp4a.40.2" } else { pictures };
        // A version, and two times of four bytes each.
        let ticks = inside(media, b"mdhd")?.get(12..)?.first_chunk::<4>()?;
        let ticks_a_second = u64::from(u32::from_be_bytes(*ticks));
        Some(Form { codecs, ticks_a_second }).filter(|it| it.ticks_a_second > 0)
    }

    /// When a part begins, from what is inside `moof`. The first track comes first.
    fn begins_ms(&self, head: &[u8]) -> Option<u64> {
        let track = inside(head, b"traf")?;
        let number = inside(track, b"tfhd")?.get(4..)?.first_chunk::<4>()?;
        if u32::from_be_bytes(*number) != 1 {
            return None;
        }
        let begins = inside(track, b"tfdt")?;
        let ticks = match begins.first()? {
            0 => u64::from(u32::from_be_bytes(*begins.get(4..)?.first_chunk()?)),
            _ => u64::from_be_bytes(*begins.get(4..)?.first_chunk()?),
        };
        let rounded = ticks.checked_mul(1000)?.checked_add(self.ticks_a_second / 2)?;
        Some(rounded / self.ticks_a_second)
    }
}

/// What is inside a box.
fn read(file: &mut Shared, found: &Found) -> Result<Vec<u8>, Failure> {
    if found.bytes > HEAD_BYTES_MAX {
        return Err(Failure::too_large("a head of a part"));
    }
    let mut bytes = vec![0; found.bytes as usize];
    file.seek(SeekFrom::Start(found.at)).map_err(Failure::corrupt)?;
    file.read_exact(&mut bytes).map_err(Failure::corrupt)?;
    Ok(bytes.split_off(8))
}
