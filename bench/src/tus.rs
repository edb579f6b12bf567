//! As much of tus 1.0 as a client needs that uploads a file, and the bytes of a large one.

use anyhow::{Context, Result, ensure};

use crate::client::Person;
use crate::http::{Answer, Http};

/// Bytes of one request.
pub(crate) const PIECE: usize = 8 << 20;

/// Uploads a file in pieces and gives its id.
pub(crate) async fn upload(http: &mut Http, person: &Person, bytes: &[u8]) -> Result<String> {
    let id = begin(http, person, bytes.len() as u64).await?;
    let mut at = 0;
    for piece in bytes.chunks(PIECE) {
        patch(http, person, &id, at, piece).await?;
        at += piece.len() as u64;
    }
    Ok(id)
}

/// Uploads contents that nobody holds as a whole and gives the file's id.
pub(crate) async fn upload_all(
    http: &mut Http,
    person: &Person,
    contents: &mut Contents,
) -> Result<String> {
    let id = begin(http, person, contents.bytes()).await?;
    for number in 0..contents.pieces {
        patch(http, person, &id, (number * PIECE) as u64, contents.piece(number)).await?;
    }
    Ok(id)
}

async fn begin(http: &mut Http, person: &Person, bytes: u64) -> Result<String> {
    let length = bytes.to_string();
    let answer = ask(http, person, "POST", "/files", &[("Upload-Length", &length)], b"").await?;
    let location = answer.header("location").context("an upload has no location")?;
    let id = location.rsplit('/').next().unwrap_or_default();
    ensure!(answer.status == 201 && !id.is_empty(), "begun with {}", answer.status);
    Ok(id.to_owned())
}

async fn patch(
    http: &mut Http,
    person: &Person,
    id: &str,
    offset: u64,
    piece: &[u8],
) -> Result<()> {
    let offset = offset.to_string();
    let kind = ("Content-Type", "application/offset+octet-stream");
    let headers = [kind, ("Upload-Offset", offset.as_str())];
    let answer = ask(http, person, "PATCH", &format!("/files/{id}"), &headers, piece).await?;
    let said = String::from_utf8_lossy(&answer.body);
    ensure!(answer.status == 204, "bytes at {offset}: {} {said}", answer.status);
    Ok(())
}

/// Has a file discarded.
pub(crate) async fn discard(http: &mut Http, person: &Person, id: &str) -> Result<()> {
    let answer = ask(http, person, "DELETE", &format!("/files/{id}"), &[], b"").await?;
    ensure!(answer.status == 204, "discarded with {}", answer.status);
    Ok(())
}

async fn ask(
    http: &mut Http,
    person: &Person,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer> {
    let bearer = format!("Bearer {}", person.access_token);
    let own = [("Authorization", bearer.as_str()), ("Tus-Resumable", "1.0.0")];
    http.send(method, path, &[&own[..], headers].concat(), body).await
}

/// What a large file holds: one block that can't be packed, over and over, each time with its
/// number in it.
#[derive(Debug)]
pub(crate) struct Contents {
    block: Vec<u8>,
    pieces: usize,
}

impl Contents {
    pub(crate) fn new(pieces: usize) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let words = (0..PIECE / 8).map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        });
        Self { block: words.collect::<Vec<_>>().concat(), pieces }
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.pieces * PIECE) as u64
    }

    pub(crate) fn pieces(&self) -> usize {
        self.pieces
    }

    pub(crate) fn piece(&mut self, number: usize) -> &[u8] {
        self.block[..8].copy_from_slice(&(number as u64).to_le_bytes());
        &self.block
    }

    /// Whether these bytes are those that begin there.
    pub(crate) fn holds(&mut self, from: u64, bytes: &[u8]) -> bool {
        let (mut at, mut rest) = (from as usize, bytes);
        while !rest.is_empty() {
            let start = at % PIECE;
            let count = rest.len().min(PIECE - start);
            let (head, tail) = rest.split_at(count);
            if self.piece(at / PIECE)[start..start + count] != *head {
                return false;
            }
            (at, rest) = (at + count, tail);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Contents, PIECE};

    #[test]
    fn contents_know_what_they_hold_anywhere() {
        let mut contents = Contents::new(3);
        assert_eq!(contents.bytes(), 3 * PIECE as u64);
        let all: Vec<u8> = (0..3).flat_map(|it| contents.piece(it).to_vec()).collect();
        let (from, to) = (PIECE - 5, 2 * PIECE + 5);
        assert!(contents.holds(from as u64, &all[from..to]));
        assert!(!contents.holds(from as u64 + 1, &all[from..to]));
        let mut other = all[from..to].to_vec();
        other[7] ^= 1;
        assert!(!contents.holds(from as u64, &other));
    }
}
