//! XML, a step at a time. Nothing that it refers to is looked up: there are five entities and the
//! numbers of characters, and those that a document declares are not there.

use std::io::{BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// A step through a document. Names are without what stands before their colon.
pub(super) enum Step<'a> {
    Open(&'a str, Tag<'a>),
    Close(&'a str),
    Text(&'a str),
}

/// An element that begins.
pub(super) struct Tag<'a>(&'a BytesStart<'a>);

impl Tag<'_> {
    /// What an attribute says, by its name without what stands before its colon.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut all = self.0.attributes();
        let found =
            all.with_checks(false).flatten().find(|it| it.key.local_name().as_ref() == name)?;
        Some(found.value.into_owned())
    }
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    On,
    Away,
}

impl From<bool> for Go {
    fn from(on: bool) -> Go {
        if on { Go::On } else { Go::Away }
    }
}

/// Walks through a document, to its end or as far as it can be read; says whether that was its end.
pub(super) fn walk(input: impl Read, mut each: impl FnMut(Step<'_>) -> Go) -> bool {
    let mut reader = Reader::from_reader(BufReader::new(input));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.allow_dangling_amp = true;
    config.check_end_names = false;
    let mut room = Vec::new();
    let mut depth = 0_u64;
    loop {
        room.clear();
        let go = match reader.read_event_into(&mut room) {
            Ok(Event::Start(it)) => {
                depth += 1;
                each(Step::Open(it.local_name().as_ref(), Tag(&it)))
            }
            Ok(Event::End(it)) => {
                depth = depth.saturating_sub(1);
                each(Step::Close(it.local_name().as_ref()))
            }
            Ok(Event::Text(it)) => each(Step::Text(&it)),
            Ok(Event::CData(it)) => each(Step::Text(&it)),
            Ok(Event::GeneralRef(it)) => match character(&it) {
                Some(it) => each(Step::Text(it.encode_utf8(&mut [0; 4]))),
                None => Go::On,
            },
            Ok(Event::Eof) => return depth == 0,
            Ok(
                Event::Empty(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_),
            ) => Go::On,
            Err(_) => return false,
        };
        if go == Go::Away {
            return false;
        }
    }
}

/// What a reference stands for.
fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix('x') {
                Some(it) => u32::from_str_radix(it, 16),
                None => number.parse(),
            };
            number.ok().and_then(char::from_u32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Go, Step, walk};

    fn text(xml: &str) -> (String, bool) {
        let mut said = String::new();
        let whole = walk(xml.as_bytes(), |step| {
            if let Step::Text(it) = step {
                said.push_str(it);
            }
            Go::On
        });
        (said, whole)
    }

    #[test]
    fn what_a_document_declares_is_not_there() {
        let laughs = "<!DOCTYPE a [<!ENTITY b \"ha\"><!ENTITY c \"&b;&b;&b;\">\
            <!ENTITY d SYSTEM \"file:///etc/passwd\">]><a>x&c;&d;&amp;&#65;&#x42;y</a>";
        assert_eq!(text(laughs), ("x&ABy".to_owned(), true));
    }

    #[test]
    fn what_breaks_off_is_read_until_there() {
        assert_eq!(text("<a>x<b>y"), ("xy".to_owned(), false));
        assert_eq!(text("<a>x</b>y"), ("xy".to_owned(), true));
        assert!(!text("<a><").1);
    }
}
