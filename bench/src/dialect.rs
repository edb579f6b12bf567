//! How one kind of server is spoken to: framing, sending, recognising a delivery.

use anyhow::Result;
use memchr::memmem;

use crate::ws::{self, Cut, FrameKind};

/// What a frame means to the count.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// A message came, with this token in its text.
    Delivery(u64),
    /// The server took what was sent.
    Accepted,
    /// The server refused, in these words; the token where it can be told.
    Refused(Option<u64>, String),
    /// The server asks for an answer, which is this.
    Ping(Vec<u8>),
    /// Nothing that is counted.
    Aside,
}

/// One kind of server; the same ledger and the same loops drive all of them.
pub(crate) trait Dialect {
    /// The frame at the front of what has arrived.
    fn cut(&self, arrived: &[u8]) -> Result<Option<Cut>> {
        ws::cut(arrived)
    }

    /// What a text frame means.
    fn hear(&self, payload: &[u8]) -> Heard;

    /// Appends the bytes that send `text` into `conversation`.
    fn send(&self, conversation: &str, token: u64, text: &str, out: &mut Vec<u8>);

    /// Appends the bytes of one text frame.
    fn frame(&self, payload: &[u8], out: &mut Vec<u8>) {
        ws::push_masked(out, FrameKind::Text, payload);
    }

    /// Whether every send is answered by [`Heard::Accepted`] or [`Heard::Refused`].
    fn acknowledges(&self) -> bool {
        true
    }
}

const MARK: &[u8] = b"tok:";
const DIGITS: usize = 10;
const BODY_BYTES: usize = 120;
const FILLING: &str = "the quick brown fox jumps over the lazy dog and then rests a while \
    in the shade of an old oak until it is time to go home";

/// A body of 120 bytes that carries the token.
pub(crate) fn body(token: u64) -> String {
    let mut text = format!("tok:{token:0DIGITS$} {FILLING}");
    text.truncate(BODY_BYTES);
    text
}

/// The token in a frame, if it carries a body of ours.
pub(crate) fn token_in(payload: &[u8]) -> Option<u64> {
    let start = memmem::find(payload, MARK)? + MARK.len();
    let digits = payload.get(start..start + DIGITS)?;
    digits.iter().try_fold(0, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::{BODY_BYTES, body, token_in};

    #[test]
    fn a_body_gives_its_token_back() {
        let text = body(4_711);
        assert_eq!(text.len(), BODY_BYTES);
        assert_eq!(text.trim().len(), BODY_BYTES, "some servers trim spaces: {text:?}");
        assert_eq!(token_in(format!("{{\"text\":\"{text}\"}}").as_bytes()), Some(4_711));
        assert_eq!(token_in(b"{\"text\":\"hello\"}"), None);
    }
}
