//! Tables of SpreadsheetML: a line a row, a tab between what its cells say.

use super::Text;
use super::container::Parts;
use super::office::numbered;
use super::xml::{Go, Step, walk};

/// Sheets that are read for their text.
const SHEETS_READ_MAX: usize = 256;

/// Bytes of the texts that cells refer to by their number.
const SHARED_BYTES_MAX: usize = 32 << 20;

/// The text of all sheets, and how many there are.
pub(super) fn find(parts: &mut Parts<'_>, text: &mut Text) -> Option<u64> {
    let main = parts.named("xl/workbook", ".xml").next()?.to_owned();
    let mut count = 0;
    let mut names = Vec::new();
    walk(parts.read(&main)?, |step| {
        if let Step::Open("sheet", tag) = step {
            count += 1;
            names.extend(tag.attribute("name").filter(|_| names.len() < SHEETS_READ_MAX));
        }
        Go::On
    });
    for name in names {
        text.add(&name);
        text.end_line();
    }
    let shared = shared(parts);
    for name in numbered(parts, "xl/worksheets/sheet").into_iter().take(SHEETS_READ_MAX) {
        sheet(parts, &name, &shared, text);
        if text.full {
            break;
        }
    }
    Some(count)
}

/// The texts that cells refer to.
fn shared(parts: &mut Parts<'_>) -> Vec<String> {
    let mut shared: Vec<String> = Vec::new();
    let Some(part) = parts.read("xl/sharedStrings.xml") else { return shared };
    let mut bytes = 0;
    let (mut within, mut aloud) = (false, false);
    walk(part, |step| {
        match step {
            Step::Open("si", _) => {
                // An empty one takes room, too.
                bytes += size_of::<String>();
                shared.push(String::new());
            }
            Step::Open("t", _) => within = true,
            Step::Close("t") => within = false,
            // How it is read aloud, beside how it is written.
            Step::Open("rPh", _) => aloud = true,
            Step::Close("rPh") => aloud = false,
            Step::Text(it) if within && !aloud => {
                bytes += it.len();
                if let Some(last) = shared.last_mut() {
                    last.push_str(it);
                }
            }
            Step::Open(..) | Step::Close(_) | Step::Text(_) => (),
        }
        Go::from(bytes <= SHARED_BYTES_MAX)
    });
    shared
}

fn sheet(parts: &mut Parts<'_>, name: &str, shared: &[String], text: &mut Text) {
    let Some(part) = parts.read(name) else { return };
    let mut refers = false;
    let mut within = false;
    let whole = walk(part, |step| match step {
        Step::Open("c", tag) => {
            refers = tag.attribute("t").as_deref() == Some("s");
            Go::On
        }
        Step::Open("v" | "t", _) => {
            within = true;
            Go::On
        }
        Step::Close("v" | "t") => {
            within = false;
            text.add("\t").into()
        }
        Step::Text(it) if within && refers => {
            let number = it.trim().parse::<usize>().ok();
            let said = number.and_then(|it| shared.get(it)).map_or("", String::as_str);
            text.add(said).into()
        }
        Step::Text(it) if within => text.add(it).into(),
        Step::Close("row") => text.end_row().into(),
        Step::Open(..) | Step::Close(_) | Step::Text(_) => Go::On,
    });
    text.full |= !whole;
}
