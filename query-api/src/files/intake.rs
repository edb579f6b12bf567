//! Which contents are taken: looked at while an upload is put together, before it is a file.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use chat::files::RefusalReason;
use ports::Error;
use ports::blobs::ByteStream;
use ports::scanner::{Scanner, Verdict};

/// Pieces that wait to be looked at at most.
const WAITING_MAX: usize = 4;

/// What the operator does not take, and how long the rest is kept.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// Media types, and endings of names.
    pub refused: Vec<String>,
    /// SHA-256 of contents in hexadecimal digits.
    pub blocked: HashSet<String>,
    /// Days that files are kept; 0 is for ever.
    pub kept_days: u32,
}

/// A line is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {0} is not a SHA-256 in 64 hexadecimal digits")]
pub struct DigestInvalid(pub usize);

impl Intake {
    /// Reads digests, one a line; lines that are empty or begin with `#` say nothing.
    ///
    /// # Errors
    /// When a line is none.
    pub fn digests(text: &str) -> Result<HashSet<String>, DigestInvalid> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let some = lines.filter(|(_, it)| !it.is_empty() && !it.starts_with('#'));
        let digest = |(number, line): (usize, &str)| {
            let hex = line.len() == 64 && line.bytes().all(|it| it.is_ascii_hexdigit());
            hex.then(|| line.to_ascii_lowercase()).ok_or(DigestInvalid(number))
        };
        some.map(digest).collect()
    }

    /// Why contents with a digest, and what a scanner says of them, are not taken.
    pub(super) fn refuses(&self, digest: &str, verdict: &Verdict) -> Option<RefusalReason> {
        match verdict {
            Verdict::Harmful(_) => Some(RefusalReason::Harmful),
            Verdict::Clean => self.blocked.contains(digest).then_some(RefusalReason::Blocked),
        }
    }
}

/// Where the contents go that a scanner looks at.
pub(super) struct Look(Option<mpsc::Sender<Result<Bytes, Error>>>);

impl Look {
    /// Where to send contents, and what they come to.
    pub(super) fn begin(
        scanner: &Arc<dyn Scanner>,
    ) -> (Self, impl Future<Output = Result<Verdict, Error>> + use<>) {
        let (to, from) = mpsc::channel(WAITING_MAX);
        let to = scanner.is_there().then_some(to);
        let scanner = Arc::clone(scanner);
        let pieces = futures_util::stream::unfold(from, |mut from: mpsc::Receiver<_>| async move {
            from.recv().await.map(|piece| (piece, from))
        });
        let bytes: ByteStream = pieces.boxed();
        (Self(to), async move { scanner.scan(bytes).await })
    }

    /// Some more; nothing when nobody looks any more who should.
    pub(super) async fn push(&self, plain: &[u8]) -> Option<()> {
        match &self.0 {
            Some(to) => to.send(Ok(Bytes::copy_from_slice(plain))).await.ok(),
            None => Some(()),
        }
    }

    /// It breaks off.
    pub(super) async fn fail(self, error: Error) {
        if let Some(to) = self.0 {
            let _ = to.send(Err(error)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_digests_is_read_to_the_line() {
        let digest = "AB".repeat(32);
        let text = format!("# a comment\n\n {digest} \r\n");
        assert_eq!(Intake::digests(&text), Ok(HashSet::from(["ab".repeat(32)])));
        for wrong in ["ab", &"g".repeat(64), &format!("{digest}0")] {
            let text = format!("{digest}\n{wrong}\n");
            assert_eq!(Intake::digests(&text), Err(DigestInvalid(2)), "{wrong}");
        }
    }
}
