//! The text of a page, from its bytes.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Bytes at the beginning among which a page may name its encoding.
const LOOKED_AT: usize = 1_024;

/// What stands before the name of an encoding, in headers and in pages.
const NAMED_BY: &[u8] = b"charset=";

/// The encoding that something says it has, after `charset=`.
fn named(said: &[u8]) -> Option<&'static Encoding> {
    let lower = said.to_ascii_lowercase();
    let at = lower.windows(NAMED_BY.len()).position(|it| it == NAMED_BY)? + NAMED_BY.len();
    let rest = lower[at..].trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let end = rest.iter().position(|it| b"\"'; />".contains(it)).unwrap_or(rest.len());
    Encoding::for_label(&rest[..end])
}

/// Decodes a page: by its byte order mark, by its type, by what it says at its beginning, or as
/// UTF-8 if it is that.
pub(super) fn decoded(bytes: &[u8], content_type: &str) -> String {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let encoding = named(content_type.as_bytes()).or_else(|| named(head));
    let encoding = encoding.unwrap_or_else(|| if is_utf_8(bytes) { UTF_8 } else { WINDOWS_1252 });
    encoding.decode(bytes).0.into_owned()
}

/// Whether bytes are UTF-8, but for a character at their end that was cut.
fn is_utf_8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|it| it.error_len().is_none(), |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_by_mark_type_word_or_as_utf_8() {
        assert_eq!(decoded("grün".as_bytes(), "text/html"), "grün");
        assert_eq!(decoded(b"gr\xfcn", "text/html"), "grün");
        assert_eq!(decoded(b"gr\xfcn", "text/html; charset=ISO-8859-1"), "grün");
        assert_eq!(decoded(b"\xef\xf0\xe8", "text/html;charset=\"windows-1251\""), "при");
        assert!(decoded(b"<meta charset='shift_jis'>\x93\xfa", "text/html").ends_with('日'));
        assert_eq!(decoded(b"\xff\xfea\0", "text/html; charset=utf-8"), "a");
        assert_eq!(decoded(&"grün".as_bytes()[..3], "text/html"), "gr\u{fffd}");
        assert_eq!(decoded(b"x", "text/html; charset=nonsense"), "x");
    }
}
