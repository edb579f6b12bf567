//! Under which keys the blobs of a file lie, and what the parts of an upload come to.

use std::collections::BTreeMap;

use ports::blobs::{BlobKey, Listed};

use super::{FileId, plain_bytes};
use crate::kernel::document::padded;

fn key(text: String) -> BlobKey {
    BlobKey::new(&text).expect("it is made of plain names")
}

/// What the keys of an upload's parts begin with.
pub fn parts_prefix(file: FileId) -> String {
    format!("up.{}.", file.0.simple())
}

/// The key of a part; what is not yet known to be right lies apart, and is no part so far.
pub fn part_key(file: FileId, start: u64, salt: u64, counts: bool) -> BlobKey {
    let kind = if counts { 'p' } else { 'w' };
    key(format!("{}{kind}.{}.{}", parts_prefix(file), padded(start), padded(salt)))
}

/// What the keys of a file's contents begin with.
pub fn contents_prefix(file: FileId) -> String {
    format!("file.{}.", file.0.simple())
}

/// The key of contents: made anew whenever they are put together, since two nodes may do that at
/// once and only one of them is believed.
pub fn contents_blob(file: FileId, blob: u64) -> BlobKey {
    key(format!("{}{}", contents_prefix(file), padded(blob)))
}

/// What the keys of a file's variants begin with.
pub fn variants_prefix(file: FileId) -> String {
    format!("media.{}.", file.0.simple())
}

/// The key of a variant: made anew whenever it is made, like that of contents.
pub fn variant_blob(file: FileId, blob: u64) -> BlobKey {
    key(format!("{}{}", variants_prefix(file), padded(blob)))
}

/// A part of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub key: BlobKey,
    pub start: u64,
    pub size_bytes: u64,
}

/// The part of an upload that a blob is, if it is one.
pub fn part_of(file: FileId, listed: &Listed) -> Option<Part> {
    let rest = listed.key.as_str().strip_prefix(&parts_prefix(file))?.strip_prefix("p.")?;
    let (start, _) = rest.split_once('.')?;
    let start = u64::from_str_radix(start, 16).ok()?;
    Some(Part { key: listed.key.clone(), start, size_bytes: plain_bytes(listed.size_bytes)? })
}

/// The parts that follow each other from the beginning and reach the furthest.
///
/// Requests that ran beside each other may have left parts that overlap. Whatever end was reached
/// once is reached for ever, since no part is taken away: so an upload never falls back.
pub fn whole(mut parts: Vec<Part>) -> (u64, Vec<Part>) {
    parts.retain(|it| it.size_bytes > 0);
    parts.sort_by(|a, b| (a.start, a.size_bytes, &a.key).cmp(&(b.start, b.size_bytes, &b.key)));
    let mut reached: BTreeMap<u64, Option<Part>> = BTreeMap::from([(0, None)]);
    for part in parts {
        if reached.contains_key(&part.start) {
            reached.entry(part.start + part.size_bytes).or_insert(Some(part));
        }
    }
    let end = reached.keys().next_back().copied().unwrap_or(0);
    let (mut at, mut path) = (end, Vec::new());
    while let Some(Some(part)) = reached.remove(&at) {
        at = part.start;
        path.push(part);
    }
    path.reverse();
    (end, path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::files::sealed_bytes;

    fn file() -> FileId {
        FileId(crate::kernel::testing::account(1).0)
    }

    fn part(start: u64, size_bytes: u64) -> Part {
        Part { key: part_key(file(), start, size_bytes, true), start, size_bytes }
    }

    fn ends(parts: Vec<Part>) -> (u64, Vec<(u64, u64)>) {
        let (end, path) = whole(parts);
        (end, path.iter().map(|it| (it.start, it.size_bytes)).collect())
    }

    #[test]
    fn parts_are_found_again_by_their_keys() {
        let key = part_key(file(), 77, u64::MAX, true);
        let size_bytes = sealed_bytes(100_000);
        let found = part_of(file(), &Listed { key: key.clone(), size_bytes });
        assert_eq!(found, Some(Part { key, start: 77, size_bytes: 100_000 }));
        let waits = Listed { key: part_key(file(), 77, 1, false), size_bytes };
        assert_eq!(part_of(file(), &waits), None);
        let other = FileId(crate::kernel::testing::account(2).0);
        let other = Listed { key: part_key(other, 0, 1, true), size_bytes };
        assert_eq!(part_of(file(), &other), None);
    }

    #[test]
    fn an_upload_reaches_as_far_as_parts_follow_each_other() {
        assert_eq!(ends(vec![]), (0, vec![]));
        assert_eq!(ends(vec![part(4, 4)]), (0, vec![]));
        assert_eq!(ends(vec![part(4, 4), part(0, 4)]), (8, vec![(0, 4), (4, 4)]));
        // The longest part at a place may lead nowhere.
        assert_eq!(ends(vec![part(0, 4), part(0, 2), part(2, 4)]), (6, vec![(0, 2), (2, 4)]));
        assert_eq!(ends(vec![part(0, 0)]), (0, vec![]));
    }

    proptest! {
        #[test]
        fn no_part_that_comes_later_takes_an_upload_back(
            all in prop::collection::vec((0..20_u64, 0..6_u64), 0..30),
        ) {
            let (mut parts, mut before) = (Vec::new(), 0);
            for (start, size) in all {
                parts.push(part(start, size));
                let (end, path) = whole(parts.clone());
                prop_assert!(end >= before);
                prop_assert_eq!(path.iter().map(|it| it.size_bytes).sum::<u64>(), end);
                let mut at = 0;
                for it in path {
                    prop_assert_eq!(it.start, at);
                    at += it.size_bytes;
                }
                before = end;
            }
        }
    }
}
