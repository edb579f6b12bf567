//! Documents: how many pages, their text for search, and a picture of the first page, or the one
//! that the document brings along, or a page that shows how the text begins.

mod container;
mod fonts;
mod lines;
mod office;
mod old;
mod page;
mod pdf;
mod sheets;
mod watch;
mod xml;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::DynamicImage;

use crate::code::{TEXT_BYTES_MAX, plain};
use crate::images;
use crate::inner::whole;
use crate::job::{Format, Job};
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::sniff::Sniffed;

pub(crate) use container::refined;
pub(crate) use fonts::Letters;
pub(crate) use page::page;

/// A PDF is read as a whole. Of others, some parts are.
const PDF_BYTES_MAX: u64 = 256 << 20;

/// Makes the picture of a document.
type Picture = Box<dyn FnOnce() -> Option<DynamicImage>>;

/// What is found in a document.
#[derive(Default)]
struct Found {
    pages: Option<u64>,
    /// Nothing if there is no way to it.
    text: Option<Text>,
    /// Paints the first page, or finds a picture in its place.
    picture: Option<Picture>,
    /// Nothing in it is read without a password.
    encrypted: bool,
}

/// Does what is asked with a document.
pub(crate) fn work(
    job: &Job,
    sniffed: &Sniffed,
    head: Vec<u8>,
    mut input: File,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    match job {
        Job::Previews { .. } | Job::Convert { to: Format::Txt } => (),
        Job::Avatar | Job::Convert { .. } | Job::Renditions => {
            return Err(Failure::unsupported("a document"));
        }
    }
    let found = match sniffed.media_type {
        "application/pdf" => pdf::find(whole(head, &mut input, PDF_BYTES_MAX)?)?,
        container::DOC | container::XLS | container::PPT | container::OLE => {
            old::find(sniffed.media_type, input)?
        }
        other => office::find(other, input)?,
    };
    let mut outcome = Outcome { pages: found.pages, ..Outcome::default() };
    outcome.encrypted = Some(true).filter(|_| found.encrypted);
    let converts = matches!(job, Job::Convert { .. });
    outcome.media_type = sniffed.media_type.to_owned();
    outcome.kind = sniffed.kind;
    let mut said = String::new();
    if let Some(text) = found.text {
        outcome.cut = text.full;
        said = plain(text.said.trim_end());
        let name = if converts { "converted.txt" } else { "text.txt" };
        output.write(name, None, said.as_bytes())?;
    } else if converts {
        return Err(Failure::unsupported("no text that can be read"));
    }
    if converts {
        return Ok(outcome);
    }
    let picture = found.picture;
    show(outcome, output, || {
        let picture = picture.and_then(if_it_can);
        picture.or_else(|| if_it_can(|| page(&said, Letters::Running)))
    })
}

/// Shows what is painted, if it can be. What is known until then stands, whatever becomes of that.
pub(crate) fn show(
    outcome: Outcome,
    output: &mut Output,
    paint: impl FnOnce() -> Option<DynamicImage>,
) -> Result<Outcome, Failure> {
    let mut outcome = output.said_so_far(outcome)?;
    if let Some(picture) = watch::in_time(paint) {
        images::show(picture, &mut outcome, output)?;
    }
    Ok(outcome)
}

/// A part of a document that breaks its decoder is a part that isn't there.
pub(crate) fn if_it_can<T>(part: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(part)).ok().flatten()
}

/// What a document says, as far as it is kept.
#[derive(Default)]
struct Text {
    said: String,
    /// Whether there was more.
    full: bool,
}

impl Text {
    /// Adds what is said next, and tells whether there is room for more.
    fn add(&mut self, text: &str) -> bool {
        let room = TEXT_BYTES_MAX - self.said.len();
        let fits = text.floor_char_boundary(room);
        self.said.push_str(&text[..fits]);
        self.full |= fits < text.len();
        !self.full
    }

    /// Ends a row of a table, but none that says nothing.
    fn end_row(&mut self) -> bool {
        self.said.truncate(self.said.trim_end_matches('\t').len());
        self.said.is_empty() || self.said.ends_with('\n') || self.add("\n")
    }

    /// Ends a line, but none that is empty twice.
    fn end_line(&mut self) -> bool {
        self.said.is_empty() || self.said.ends_with("\n\n") || self.add("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_as_far_as_a_mebibyte() {
        let mut text = Text::default();
        assert!(text.add(&"x".repeat(TEXT_BYTES_MAX - 1)));
        assert!(text.add("y"));
        assert!(!text.add("z"));
        assert_eq!(text.said.len(), TEXT_BYTES_MAX);
        let mut text = Text::default();
        text.add(&"x".repeat(TEXT_BYTES_MAX - 1));
        assert!(!text.add("ü"), "half a character is none");
        assert_eq!(text.said.len(), TEXT_BYTES_MAX - 1);
    }
}
