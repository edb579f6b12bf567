//! What a file is, by its content.

use crate::code;
use crate::outcome::{Failure, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sniffed {
    pub(crate) media_type: &'static str,
    pub(crate) kind: Kind,
}

/// The types that are looked into, as they are found and as they are called. What is not here is
/// only kept.
const KNOWN: [(&str, &str, Kind); 21] = [
    ("image/jpeg", "image/jpeg", Kind::Image),
    ("image/png", "image/png", Kind::Image),
    ("image/gif", "image/gif", Kind::Image),
    ("image/webp", "image/webp", Kind::Image),
    ("image/heif", "image/heic", Kind::Image),
    ("image/avif", "image/avif", Kind::Image),
    ("audio/mpeg", "audio/mpeg", Kind::Audio),
    ("audio/x-wav", "audio/wav", Kind::Audio),
    ("audio/x-flac", "audio/flac", Kind::Audio),
    ("audio/m4a", "audio/mp4", Kind::Audio),
    ("audio/ogg", "audio/ogg", Kind::Audio),
    ("audio/opus", "audio/ogg", Kind::Audio),
    ("application/zip", "application/zip", Kind::Archive),
    ("application/x-7z-compressed", "application/x-7z-compressed", Kind::Archive),
    ("application/vnd.rar", "application/vnd.rar", Kind::Archive),
    ("video/mp4", "video/mp4", Kind::Video),
    ("video/x-m4v", "video/mp4", Kind::Video),
    ("video/quicktime", "video/quicktime", Kind::Video),
    ("video/x-matroska", "video/x-matroska", Kind::Video),
    ("video/webm", "video/webm", Kind::Video),
    ("video/x-msvideo", "video/x-msvideo", Kind::Video),
];

/// Files that are nothing but names of other files, and how they begin.
const PLAYLISTS: [&str; 6] = ["#EXTM3U", "ffconcat", "[playlist]", "<MPD", "<asx", "v=0\r\no="];

/// Says what a file is by its first bytes. A playlist is refused by name: whoever decodes it opens
/// files and connections that its author has chosen.
pub(crate) fn sniff(head: &[u8]) -> Result<Sniffed, Failure> {
    if is_playlist(head) {
        return Err(Failure::unsupported("a playlist"));
    }
    if let Some(container) = container(head) {
        return Ok(container);
    }
    let found = infer::get(head).map(|it| it.mime_type());
    let known = KNOWN.iter().find(|it| Some(it.0) == found);
    Ok(match known {
        Some(&(_, media_type, kind)) => Sniffed { media_type, kind },
        None if code::is_text(head) => {
            Sniffed { media_type: code::media_type(head), kind: Kind::Code }
        }
        None => {
            Sniffed { media_type: found.unwrap_or("application/octet-stream"), kind: Kind::Other }
        }
    })
}

/// The first of what is written, without a mark of byte order and white space.
fn beginning(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start()
}

fn is_playlist(head: &[u8]) -> bool {
    let text = beginning(head);
    let starts = |it: &str| {
        text.get(..it.len()).is_some_and(|text| text.eq_ignore_ascii_case(it.as_bytes()))
    };
    let declared = text.starts_with(b"<?xml") && contains(text, b"<MPD");
    declared || PLAYLISTS.iter().any(|it| starts(it))
}

/// What documents are kept in. Which one a file is says what it holds (`documents/container.rs`).
fn container(head: &[u8]) -> Option<Sniffed> {
    let document = |media_type| Some(Sniffed { media_type, kind: Kind::Document });
    if head.starts_with(b"%PDF-") {
        document("application/pdf")
    } else if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        document("application/x-ole-storage")
    } else if head.starts_with(b"PK\x03\x04") {
        Some(Sniffed { media_type: "application/zip", kind: Kind::Archive })
    } else {
        None
    }
}

/// Whether a word stands in the first of a file.
fn contains(head: &[u8], word: &[u8]) -> bool {
    head[..head.len().min(4096)].windows(word.len()).any(|it| it.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playlist_is_refused_however_it_begins() {
        let lists: [&[u8]; 5] = [
            b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
            b"\xEF\xBB\xBF \n#extm3u\n",
            b"ffconcat version 1.0\nfile /etc/passwd\n",
            b"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">",
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        ];
        for list in lists {
            assert!(sniff(list).is_err(), "{}", String::from_utf8_lossy(list));
        }
    }

    #[test]
    fn a_drawing_with_scripts_is_no_image() {
        let drawing = b"<?xml version=\"1.0\"?><svg xmlns=\"x\"><script>alert(1)</script></svg>";
        let found = sniff(drawing).expect("it is a file like others");
        assert_eq!(found, Sniffed { media_type: "image/svg+xml", kind: Kind::Code });
    }

    #[test]
    fn what_nobody_knows_is_other() {
        for head in [&b""[..], b"\0\0\0", b"BZh91AY&SY\x01"] {
            assert_eq!(sniff(head).expect("a file").kind, Kind::Other);
        }
    }
}
