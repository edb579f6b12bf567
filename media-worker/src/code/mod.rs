//! Text: its beginning for previews and search, and code in colours, or a picture of a page of
//! what is no code. It is never taken for what it could be to a browser: HTML and drawings are
//! shown as what is written in them.

mod colours;
mod html;
mod text;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::documents::{self, Letters, page};
use crate::job::{Format, Job};
use crate::outcome::{Failure, Kind, Outcome};
use crate::output::Output;
use crate::sniff::Sniffed;

pub(crate) use html::is_ours;
pub(crate) use text::{TEXT_BYTES_MAX, is_text, media_type, plain};

/// Does what is asked with a text.
pub(crate) fn work(
    job: &Job,
    sniffed: &Sniffed,
    head: Vec<u8>,
    input: File,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let name = match job {
        Job::Previews { name } => name.as_deref().unwrap_or_default(),
        Job::Convert { to: Format::Txt } => return converted(sniffed, head, input, output),
        Job::Avatar | Job::Convert { .. } | Job::Renditions => {
            return Err(Failure::unsupported("a text"));
        }
    };
    let (text, text_cut) = text::read(head, input)?;
    output.write("text.txt", None, text.as_bytes())?;
    // What the colours can't be found of is a text like others.
    let coloured = catch_unwind(AssertUnwindSafe(|| colours::coloured(name, sniffed, &text)));
    let coloured = coloured.ok().flatten();
    let mut outcome = Outcome {
        media_type: sniffed.media_type.to_owned(),
        kind: Kind::Document,
        cut: text_cut,
        ..Outcome::default()
    };
    if let Some(coloured) = coloured {
        output.write("code.html", None, coloured.html.as_bytes())?;
        outcome.kind = Kind::Code;
        outcome.cut |= coloured.cut;
        outcome.syntax = Some(coloured.syntax);
        return Ok(outcome);
    }
    documents::show(outcome, output, || documents::if_it_can(|| page(&text, Letters::Even)))
}

/// The text as every client reads it.
fn converted(
    sniffed: &Sniffed,
    head: Vec<u8>,
    input: File,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let (text, cut) = text::read(head, input)?;
    output.write("converted.txt", None, text.as_bytes())?;
    let (media_type, kind) = (sniffed.media_type.to_owned(), Kind::Document);
    Ok(Outcome { media_type, kind, cut, ..Outcome::default() })
}
