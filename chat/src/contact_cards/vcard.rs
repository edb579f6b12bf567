//! A card as a vCard 4.0 (RFC 6350).

use super::Card;

/// Most bytes of a line without its end; what is longer goes on behind a space.
const LINE_BYTES_MAX: usize = 75;

/// A text value: what has a meaning in vCards is escaped.
fn text(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace(';', "\\;")
}

fn folded(line: &str, out: &mut String) {
    let mut length = 0;
    for letter in line.chars() {
        if length + letter.len_utf8() > LINE_BYTES_MAX {
            out.push_str("\r\n ");
            length = 1;
        }
        out.push(letter);
        length += letter.len_utf8();
    }
    out.push_str("\r\n");
}

/// The card as an address book reads it.
pub(super) fn vcard(card: &Card) -> String {
    let phones = card.phones.iter().map(|it| format!("TEL;VALUE=uri:tel:{it}"));
    let emails = card.emails.iter().map(|it| format!("EMAIL:{}", text(it)));
    let head = ["BEGIN:VCARD".to_owned(), "VERSION:4.0".to_owned()];
    let name = [format!("FN:{}", text(&card.name))];
    let end = ["END:VCARD".to_owned()];
    let mut out = String::new();
    let lines = head.into_iter().chain(name).chain(phones).chain(emails).chain(end);
    lines.for_each(|it| folded(&it, &mut out));
    out
}
