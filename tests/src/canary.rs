//! The forms in which a text would betray itself, wherever it were stored.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The letters that a text has in base64 wherever it begins in what is encoded.
fn in_base64(text: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (at, first) in [(0, 0), (1, 2), (2, 3)] {
        let bytes = [&[0_u8, 0][..at], text.as_bytes()].concat();
        // The last letter may hold bits of what follows.
        let whole = |it: String| it.as_bytes()[first..it.len() - 1].to_owned();
        all.push(whole(STANDARD_NO_PAD.encode(&bytes)));
        all.push(whole(URL_SAFE_NO_PAD.encode(&bytes)));
    }
    all
}

/// What a text is in bytes, in the ways that programs write it.
pub fn forms(text: &str) -> Vec<Vec<u8>> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut all = in_base64(text);
    all.push(text.as_bytes().to_owned());
    all.push(units.iter().flat_map(|it| it.to_le_bytes()).collect());
    all.push(units.iter().flat_map(|it| it.to_be_bytes()).collect());
    all
}

/// Whether bytes hold one of some forms.
pub fn holds(bytes: &[u8], forms: &[Vec<u8>]) -> bool {
    let holds = |form: &Vec<u8>| {
        let mut starts = bytes.iter().enumerate().filter(|it| *it.1 == form[0]);
        starts.any(|(at, _)| bytes[at..].starts_with(form))
    };
    forms.iter().any(holds)
}
