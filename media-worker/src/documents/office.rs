//! Documents that are a ZIP of XML: those of Microsoft since 2007 (ECMA-376), and OpenDocument.

use std::fs::File;

use image::DynamicImage;

use super::container::{DOCX, ODP, ODS, ODT, PPTX, Parts, XLSX};
use super::xml::{Go, Step, walk};
use super::{Found, Text, sheets};
use crate::archives;
use crate::images;
use crate::outcome::Failure;

/// Slides that are read for their text.
const SLIDES_READ_MAX: usize = 1_000;

/// A picture that a document brings along of itself.
const THUMBNAIL_BYTES_MAX: u64 = 16 << 20;
const THUMBNAILS: [&str; 4] = [
    "docProps/thumbnail.jpeg",
    "docProps/thumbnail.jpg",
    "docProps/thumbnail.png",
    "Thumbnails/thumbnail.png",
];

/// Spaces that stand for one element of OpenDocument.
const SPACES_MAX: usize = 100;

pub(super) fn find(media_type: &str, input: File) -> Result<Found, Failure> {
    let mut parts = Parts::open(&input).map_err(|it| archives::zip_failure(&it))?;
    let mut text = Text::default();
    let pages = match media_type {
        DOCX => {
            let main = parts.named("word/document", ".xml").next().map(str::to_owned);
            let main = main.ok_or_else(|| Failure::corrupt("a document without a body"))?;
            paragraphs(&mut parts, &main, &mut text);
            number(&mut parts, "docProps/app.xml", "Pages")
        }
        XLSX => sheets::find(&mut parts, &mut text),
        PPTX => slides(&mut parts, &mut text),
        ODT | ODS | ODP => open_document(media_type, &mut parts, &mut text),
        other => return Err(Failure::unsupported(other)),
    };
    drop(parts);
    let picture = Box::new(move || thumbnail(&input));
    Ok(Found { pages, text: Some(text), picture: Some(picture), encrypted: false })
}

/// The text of a part of WordprocessingML or DrawingML, a line a paragraph.
fn paragraphs(parts: &mut Parts<'_>, name: &str, text: &mut Text) {
    let Some(part) = parts.read(name) else { return };
    let mut within = false;
    // What is said a second time, for programs that can't read the first.
    let mut fallback = 0_u32;
    let whole = walk(part, |step| match step {
        Step::Open("Fallback", _) => {
            fallback += 1;
            Go::On
        }
        Step::Close("Fallback") => {
            fallback = fallback.saturating_sub(1);
            Go::On
        }
        _ if fallback > 0 => Go::On,
        Step::Open("t", _) => {
            within = true;
            Go::On
        }
        Step::Close("t") => {
            within = false;
            Go::On
        }
        Step::Text(it) if within => text.add(it).into(),
        Step::Open("tab", _) => text.add("\t").into(),
        Step::Open("br" | "cr", _) | Step::Close("p") => text.end_line().into(),
        Step::Open(..) | Step::Close(_) | Step::Text(_) => Go::On,
    });
    text.full |= !whole;
}

/// What an element says that holds a number.
fn number(parts: &mut Parts<'_>, name: &str, element: &str) -> Option<u64> {
    let mut within = false;
    let mut found = None;
    walk(parts.read(name)?, |step| match step {
        Step::Open(name, _) => {
            within = name == element;
            Go::On
        }
        Step::Text(it) if within => {
            found = it.trim().parse().ok();
            Go::Away
        }
        Step::Close(_) | Step::Text(_) => Go::On,
    });
    found
}

fn slides(parts: &mut Parts<'_>, text: &mut Text) -> Option<u64> {
    let main = parts.named("ppt/presentation", ".xml").next()?.to_owned();
    let mut count = 0;
    walk(parts.read(&main)?, |step| {
        if let Step::Open("sldId", _) = step {
            count += 1;
        }
        Go::On
    });
    for name in numbered(parts, "ppt/slides/slide").into_iter().take(SLIDES_READ_MAX) {
        paragraphs(parts, &name, text);
        if text.full || !text.end_line() {
            break;
        }
    }
    Some(count)
}

/// The parts that are called so with a number behind, in its order.
pub(super) fn numbered(parts: &Parts<'_>, begins: &str) -> Vec<String> {
    let number = |it: &str| it.strip_prefix(begins)?.strip_suffix(".xml")?.parse::<u32>().ok();
    let names = parts.named(begins, ".xml");
    let mut found: Vec<_> = names.filter_map(|it| Some((number(it)?, it.to_owned()))).collect();
    found.sort();
    found.into_iter().map(|it| it.1).collect()
}

fn open_document(media_type: &str, parts: &mut Parts<'_>, text: &mut Text) -> Option<u64> {
    let told = parts.read("meta.xml").and_then(|part| {
        let mut told = None;
        walk(part, |step| {
            if let Step::Open("document-statistic", tag) = step {
                let of = if media_type == ODS { "table-count" } else { "page-count" };
                told = tag.attribute(of).and_then(|it| it.parse().ok());
            }
            Go::On
        });
        told
    });
    let counted = content(media_type, parts, text);
    if media_type == ODP { Some(counted) } else { told }
}

/// The text of an OpenDocument, and how many pages are drawn in it.
fn content(media_type: &str, parts: &mut Parts<'_>, text: &mut Text) -> u64 {
    let Some(part) = parts.read("content.xml") else { return 0 };
    let mut pages = 0;
    let (mut paragraphs, mut cells, mut deleted) = (0_u32, 0_u32, 0_u32);
    let whole = walk(part, |step| match step {
        Step::Open("tracked-changes", _) => {
            deleted += 1;
            Go::On
        }
        Step::Close("tracked-changes") => {
            deleted = deleted.saturating_sub(1);
            Go::On
        }
        _ if deleted > 0 => Go::On,
        Step::Open("p" | "h", _) => {
            paragraphs += 1;
            Go::On
        }
        Step::Close("p" | "h") => {
            paragraphs = paragraphs.saturating_sub(1);
            Go::from(if cells > 0 { text.add("\t") } else { text.end_line() })
        }
        Step::Open("table", tag) if media_type == ODS => {
            let name = tag.attribute("name").unwrap_or_default();
            Go::from(text.add(&name) && text.end_line())
        }
        Step::Open("table-cell", _) => {
            cells += 1;
            Go::On
        }
        Step::Close("table-cell") => {
            cells = cells.saturating_sub(1);
            Go::On
        }
        Step::Close("table-row") => text.end_row().into(),
        Step::Open("page", _) => {
            pages += 1;
            Go::On
        }
        Step::Text(it) if paragraphs > 0 => text.add(it).into(),
        Step::Open("tab", _) => text.add("\t").into(),
        Step::Open("line-break", _) => text.end_line().into(),
        Step::Open("s", tag) if paragraphs > 0 => {
            let many = tag.attribute("c").and_then(|it| it.parse().ok()).unwrap_or(1);
            text.add(&" ".repeat(SPACES_MAX.min(many))).into()
        }
        Step::Open(..) | Step::Close(_) | Step::Text(_) => Go::On,
    });
    text.full |= !whole;
    pages
}

/// The picture that a document brings along. One that can't be read is as if it were not there.
fn thumbnail(input: &File) -> Option<DynamicImage> {
    let mut parts = Parts::open(input).ok()?;
    let bytes = THUMBNAILS.iter().find_map(|it| parts.bytes(it, THUMBNAIL_BYTES_MAX))?;
    let media_type = infer::get(&bytes)?.mime_type();
    images::decode(media_type, &bytes).ok()
}
