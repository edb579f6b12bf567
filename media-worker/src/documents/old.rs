//! Documents as Microsoft kept them until 2007: a container of streams (OLE). Their text, and no
//! picture of theirs: nothing that we know of paints them within a few megabytes.

use std::fs::File;
use std::io::{BufReader, Read};

use calamine::{Data, Reader, Xls};
use cfb::CompoundFile;
use encoding_rs::WINDOWS_1252;

use super::container::{DOC, PPT, PPT_STREAM, XLS};
use super::{Found, Text};
use crate::outcome::Failure;

/// What is read of one of their streams.
const STREAM_BYTES_MAX: u64 = 64 << 20;

pub(super) fn find(media_type: &str, input: File) -> Result<Found, Failure> {
    if media_type == XLS {
        return tables(input);
    }
    let mut file = CompoundFile::open(input).map_err(Failure::corrupt)?;
    match media_type {
        DOC => writing(&mut file),
        PPT => slides(&mut file),
        // The name under which programs keep a new document that has a password.
        _ => Ok(Found { encrypted: file.is_stream("EncryptedPackage"), ..Found::default() }),
    }
}

fn stream(file: &mut CompoundFile<File>, name: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let stream = file.open_stream(name).map_err(Failure::corrupt)?;
    stream.take(STREAM_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(Failure::corrupt)?;
    if bytes.len() as u64 > STREAM_BYTES_MAX {
        return Err(Failure::too_large(format_args!("over {STREAM_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn at(bytes: &[u8], at: usize) -> Option<usize> {
    u32_at(bytes, at).and_then(|it| usize::try_from(it).ok())
}

/// A document of Word ([MS-DOC]): its text lies in pieces, which a table puts in order.
fn writing(file: &mut CompoundFile<File>) -> Result<Found, Failure> {
    let main = stream(file, "WordDocument")?;
    let broken = || Failure::corrupt("a document of Word without its head");
    let flags = u16_at(&main, 0x0A).ok_or_else(broken)?;
    if flags & 0x0100 != 0 {
        return Ok(Found { encrypted: true, ..Found::default() });
    }
    let table = stream(file, if flags & 0x0200 == 0 { "0Table" } else { "1Table" })?;
    let mut text = Text::default();
    pieces(&main, &table, &mut text).ok_or_else(broken)?;
    Ok(Found { text: Some(text), ..Found::default() })
}

fn pieces(main: &[u8], table: &[u8], text: &mut Text) -> Option<()> {
    // Characters of the body; what follows are footnotes and the like.
    let body = at(main, 0x4C)?;
    let from = at(main, 0x01A2)?;
    let mut rest = table.get(from..from.checked_add(at(main, 0x01A6)?)?)?;
    // Properties come first, each with its length.
    while let Some(properties) = rest.strip_prefix(&[1]) {
        rest = properties.get(2 + usize::from(u16_at(properties, 0)?)..)?;
    }
    let plan = rest.strip_prefix(&[2])?;
    let plan = plan.get(4..4_usize.checked_add(at(plan, 0)?)?)?;
    let count = plan.len().checked_sub(4)? / 12;
    let mut field = Field::default();
    for piece in 0..count {
        let (first, last) = (at(plan, piece * 4)?, at(plan, piece * 4 + 4)?.min(body));
        let length = last.saturating_sub(first);
        let place = u32_at(plan, (count + 1) * 4 + piece * 8 + 2)?;
        let start = usize::try_from(place & 0x3FFF_FFFF).ok()?;
        // One byte a character, or two.
        let said = if place & 0x4000_0000 != 0 {
            let bytes = main.get(start / 2..(start / 2).checked_add(length)?)?;
            WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
        } else {
            wide(main.get(start..start.checked_add(length.checked_mul(2)?)?)?)
        };
        if !said.chars().all(|it| field.add(it, text)) {
            break;
        }
    }
    Some(())
}

fn wide(bytes: &[u8]) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|it| u16::from_le_bytes(*it));
    char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// How deep the reader is in what a document computes: its orders are not said, their outcome is.
#[derive(Default)]
struct Field {
    orders: u32,
}

impl Field {
    fn add(&mut self, it: char, text: &mut Text) -> bool {
        match it {
            '\u{13}' => self.orders += 1,
            '\u{14}' | '\u{15}' => self.orders = self.orders.saturating_sub(1),
            _ if self.orders > 0 => (),
            '\r' | '\x0b' | '\x0c' => return text.end_line(),
            // The second in a row ends that of a table.
            '\x07' if text.said.ends_with('\t') => return text.end_row(),
            '\x07' => return text.add("\t"),
            '\u{1e}' => return text.add("-"),
            it if it.is_control() && it != '\t' => (),
            it => return text.add(it.encode_utf8(&mut [0; 4])),
        }
        true
    }
}

/// A presentation of PowerPoint ([MS-PPT]): records in records, some of which are text.
fn slides(file: &mut CompoundFile<File>) -> Result<Found, Failure> {
    let bytes = stream(file, PPT_STREAM)?;
    let mut text = Text::default();
    let mut pages = 0;
    let mut position = 0;
    while let (Some(head), Some(kind), Some(length)) =
        (u16_at(&bytes, position), u16_at(&bytes, position + 2), at(&bytes, position + 4))
    {
        let from = position + 8;
        let body = bytes.get(from..from.saturating_add(length)).unwrap_or_default();
        // Masters, notes and handouts say how slides look, and so do the lists of their texts.
        let aside = matches!(kind, 0x03F8 | 0x03F0 | 0x0FC9) || (kind == 0x0FF0 && head >> 4 != 0);
        match kind {
            0x03F3 => pages += 1,
            0x0FA0 => said(&wide(body), &mut text),
            0x0FA8 => said(&body.iter().map(|it| char::from(*it)).collect::<String>(), &mut text),
            _ => (),
        }
        // Into what holds others, past what doesn't.
        let enters = head & 0xF == 0xF && !aside;
        position = if enters { from } else { from.saturating_add(length) };
        if text.full {
            break;
        }
    }
    Ok(Found { pages: Some(pages), text: Some(text), ..Found::default() })
}

fn said(paragraphs: &str, text: &mut Text) {
    for line in paragraphs.split(['\r', '\x0b']) {
        text.add(line);
        text.end_line();
    }
}

/// Tables of Excel, a line a row.
fn tables(input: File) -> Result<Found, Failure> {
    let mut book = match Xls::new(BufReader::new(input)) {
        Ok(book) => book,
        Err(calamine::XlsError::Password) => {
            return Ok(Found { encrypted: true, ..Found::default() });
        }
        Err(error) => return Err(Failure::corrupt(error)),
    };
    let sheets = book.worksheets();
    let mut text = Text::default();
    for (name, _) in &sheets {
        text.add(name);
        text.end_line();
    }
    for row in sheets.iter().flat_map(|it| it.1.rows()) {
        for cell in row.iter().filter(|it| **it != Data::Empty) {
            text.add(&cell.to_string());
            text.add("\t");
        }
        if !text.end_row() {
            break;
        }
    }
    Ok(Found { pages: Some(sheets.len() as u64), text: Some(text), ..Found::default() })
}
