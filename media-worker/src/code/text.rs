//! What is text, and its beginning as UTF-8.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;

use crate::outcome::Failure;

/// Bytes of a text that are kept, in UTF-8. Nobody reads further in a preview or a search.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;

/// How UTF-16 says in which order its bytes stand. UTF-8 needs no mark, and may have one.
const LITTLE: [u8; 2] = [0xFF, 0xFE];
const BIG: [u8; 2] = [0xFE, 0xFF];
const UTF8: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Whether the beginning of a file reads as text: UTF-8, or UTF-16 that says so, without
/// characters that no editor writes.
pub(crate) fn is_text(head: &[u8]) -> bool {
    if head.is_empty() {
        return false;
    }
    if let Some(units) = utf16(head) {
        let characters = char::decode_utf16(units);
        // The last may be half there.
        let broken = characters.clone().filter(Result::is_err).count();
        return broken <= 1 && characters.flatten().all(is_written);
    }
    let head = head.strip_prefix(&UTF8).unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character that is cut off, and not one that isn't.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && text.chars().all(is_written)
}

/// A terminal's colours begin with an escape, pages of old texts with a form feed.
fn is_written(it: char) -> bool {
    !it.is_control() || matches!(it, '\t' | '\n' | '\r' | '\x0c' | '\x1b' | '\u{85}')
}

/// What kind of text it is to a browser, which is told so that nobody takes it for another.
pub(crate) fn media_type(head: &[u8]) -> &'static str {
    let start: String = start_of(head).chars().take(4096).collect();
    let start = start.trim_start().to_ascii_lowercase();
    if start.starts_with('<') && start.contains("<svg") {
        "image/svg+xml"
    } else if ["<!doctype html", "<html", "<head", "<body"].iter().any(|it| start.starts_with(it)) {
        "text/html"
    } else if start.starts_with("<?xml") {
        "text/xml"
    } else {
        "text/plain"
    }
}

/// The beginning of a text, whatever it is written in.
fn start_of(head: &[u8]) -> Cow<'_, str> {
    match utf16(head) {
        Some(units) => {
            let characters = char::decode_utf16(units);
            characters.map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        None => String::from_utf8_lossy(head.strip_prefix(&UTF8).unwrap_or(head)),
    }
}

fn utf16(bytes: &[u8]) -> Option<Vec<u16>> {
    let pairs = bytes.get(2..)?.as_chunks::<2>().0.iter();
    if bytes.starts_with(&LITTLE) {
        Some(pairs.map(|it| u16::from_le_bytes(*it)).collect())
    } else if bytes.starts_with(&BIG) {
        Some(pairs.map(|it| u16::from_be_bytes(*it)).collect())
    } else {
        None
    }
}

/// The beginning of a file as plain text, and whether there is more.
pub(super) fn read(head: Vec<u8>, input: File) -> Result<(String, bool), Failure> {
    let mut bytes = head;
    let rest = (TEXT_BYTES_MAX + 1).saturating_sub(bytes.len());
    input.take(rest as u64).read_to_end(&mut bytes).map_err(Failure::corrupt)?;
    let more = bytes.len() > TEXT_BYTES_MAX;
    bytes.truncate(TEXT_BYTES_MAX);
    if more && utf16(&bytes).is_none() {
        // The last character is whole or not there.
        let whole = bytes.utf8_chunks().last().map_or(0, |it| it.invalid().len());
        bytes.truncate(bytes.len() - whole);
    }
    let mut text = plain(&start_of(&bytes));
    let cut = more || text.len() > TEXT_BYTES_MAX;
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    Ok((text, cut))
}

/// The text with lines that end in one way, and without what orders a terminal about.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(it) = characters.next() {
        match it {
            '\r' => {
                characters.next_if_eq(&'\n');
                plain.push('\n');
            }
            '\n' | '\t' => plain.push(it),
            '\x0c' | '\u{85}' => plain.push('\n'),
            it if it.is_control() || it == '\u{feff}' => (),
            it => plain.push(it),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_reads_as_text() {
        let utf16: Vec<u8> = "\u{feff}Grüße".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let texts: [&[u8]; 6] = [
            b"hello",
            b"a\r\n\tb\x0c",
            "日本".as_bytes(),
            &"日本".as_bytes()[..5],
            &utf16,
            b"\xEF\xBB\xBFx",
        ];
        for text in texts {
            assert!(is_text(text), "{text:?}");
        }
        let others: [&[u8]; 6] =
            [b"", b"a\0b", b"\x01", b"caf\xe9!", b"\xff\xfeh\0\0\0", b"\xEF\xBB\xBF"];
        for other in others {
            assert!(!is_text(other), "{other:?}");
        }
    }

    #[test]
    fn plain_text_orders_nothing() {
        assert_eq!(plain("a\r\nb\rc\x1b[31md\0e\x0cf"), "a\nb\nc[31mde\nf");
    }

    #[test]
    fn what_browsers_take_it_for_is_said() {
        let said = |it: &str| media_type(it.as_bytes());
        assert_eq!(said("\u{feff}<?xml version=\"1.0\"?><svg xmlns=\"x\"/>"), "image/svg+xml");
        assert_eq!(said("  <!DOCTYPE HTML><p>"), "text/html");
        assert_eq!(said("<?xml version=\"1.0\"?><a/>"), "text/xml");
        assert_eq!(said("<svelte"), "text/plain");
    }
}
