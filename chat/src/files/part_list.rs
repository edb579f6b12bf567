//! Contents that stay in the parts that they came in. Where they would be one blob there is the
//! list of those parts, sealed like them.

use bytes::Bytes;
use ports::blobs::BlobKey;
use ports::keys::Secret;
use serde::{Deserialize, Serialize};

use super::{
    File, JOINED_BYTES_MAX, LISTED_BYTES_MIN, LISTED_MAX, SALT_BYTES, Sealer, parts_prefix,
};

/// A part that contents stay in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedPart {
    key: String,
    pub start: u64,
    pub size_bytes: u64,
    /// What it begins with: no other blob stands for it.
    pub salt: [u8; SALT_BYTES],
}

impl ListedPart {
    pub fn new(key: &BlobKey, start: u64, size_bytes: u64, salt: [u8; SALT_BYTES]) -> Self {
        Self { key: key.to_string(), start, size_bytes, salt }
    }

    /// Where it lies.
    pub fn blob(&self) -> Option<BlobKey> {
        BlobKey::new(&self.key)
    }

    /// The bytes of it that are in a span of the contents, from its own beginning; `None` for none.
    pub(super) fn within(&self, (from, bytes): (u64, u64)) -> Option<(u64, u64)> {
        let first = from.max(self.start);
        let end = from.saturating_add(bytes).min(self.start.saturating_add(self.size_bytes));
        (first < end).then(|| (first - self.start, end - first))
    }
}

/// Seals the list of the parts that contents stay in.
pub fn seal_list(key: &Secret, salt: [u8; SALT_BYTES], parts: &[ListedPart]) -> Bytes {
    let mut sealer = Sealer::list(key, salt);
    sealer.push(&serde_json::to_vec(parts).expect("it is plain data"));
    sealer.finish();
    sealer.take()
}

/// Reads such a list; `None` when it is not one of parts of the file that follow each other.
pub(super) fn read_list(file: &File, plain: &[u8]) -> Option<Vec<ListedPart>> {
    let parts: Vec<ListedPart> = serde_json::from_slice(plain).ok()?;
    let prefix = parts_prefix(file.id);
    let end = parts.iter().try_fold(0, |end, it| {
        let follows = it.start == end && it.key.starts_with(&prefix) && it.blob().is_some();
        follows.then(|| end.checked_add(it.size_bytes)).flatten()
    })?;
    (end == file.size_bytes && parts.len() <= LISTED_MAX).then_some(parts)
}

impl File {
    /// Whether its contents may stay in the parts that they come in: they are large, and those are
    /// its own, which nobody else can put again.
    pub fn may_be_listed(&self) -> bool {
        let own = !self.partial && !self.direct && self.pieces.is_empty();
        own && self.size_bytes > JOINED_BYTES_MAX
    }

    /// Whether contents that came in so many parts stay in them: to read many small ones takes
    /// longer than to put them together once.
    pub fn is_listed_in(&self, parts: usize) -> bool {
        let large = self.size_bytes / LISTED_BYTES_MIN >= parts as u64;
        self.may_be_listed() && large && parts <= LISTED_MAX
    }
}
