//! The name of a blob, which is a file's name in a folder and the end of an object's key in S3.

use std::fmt;

/// Characters of a key at most.
pub const KEY_CHARS_MAX: usize = 128;

/// 1 to `KEY_CHARS_MAX` of `a-z`, `0-9`, `-`, `_` and `.`: words between dots, each beginning with
/// a letter or a digit. So none is hidden or another folder, and all are the same on a disk that
/// ignores case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey(String);

impl BlobKey {
    /// Takes a text for a key, if it is one.
    pub fn new(text: &str) -> Option<Self> {
        let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
        let word = |it: &str| {
            let rest = it.bytes().all(|it| plain(it) || b"-_".contains(&it));
            rest && it.bytes().next().is_some_and(plain)
        };
        let words = text.split('.').all(word);
        (words && text.len() <= KEY_CHARS_MAX).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_plain_name() {
        for text in ["a", "0", "media_01j9.thumb.webp", "a--__.0", "z-"] {
            assert_eq!(BlobKey::new(text).map(|it| it.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_no_key() {
        let hostile = [
            "",
            ".",
            "..",
            "a.",
            "a..b",
            "a.-",
            "../a",
            "a/b",
            "a/../../b",
            "/a",
            "\\a",
            "a\\b",
            ".hidden",
            "-rf",
            "_a",
            "a\0",
            "a\n",
            "a b",
            "a%2fb",
            "A",
            "ä",
            "a?b",
            "a#b",
            "a:b",
            "a*",
            "~",
            "a\u{202e}",
        ];
        for text in hostile {
            assert_eq!(BlobKey::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_key_has_as_many_characters_as_it_may_and_not_one_more() {
        assert!(BlobKey::new(&"k".repeat(KEY_CHARS_MAX)).is_some());
        assert!(BlobKey::new(&"k".repeat(KEY_CHARS_MAX + 1)).is_none());
    }
}
