//! What is known of uploads that come here in order: the digest of their bytes so far, and the
//! parts that those lie in. Whoever finishes such an upload need not read it again.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use chat::files::{FileId, LISTED_MAX, ListedPart, Part};
use lru::LruCache;

/// Uploads that are remembered; of others nothing is known, and they are read again.
const UPLOADS_MAX: NonZeroUsize = NonZeroUsize::new(64).expect("it is not zero");

/// The bytes of an upload from its beginning.
pub(super) struct Digested {
    pub(super) digest: Context,
    parts: Vec<ListedPart>,
}

impl Digested {
    /// Of an upload of which nothing has come.
    pub(super) fn new() -> Self {
        Self { digest: Context::new(&SHA256), parts: Vec::new() }
    }

    /// Where it has come to.
    fn end(&self) -> u64 {
        self.parts.last().map_or(0, |it| it.start + it.size_bytes)
    }

    /// A part is stored whose bytes were digested.
    pub(super) fn stored(&mut self, part: ListedPart) {
        self.parts.push(part);
    }

    /// The digest of these parts, and what is known of them, if it is of these and no others: of
    /// requests beside each other only one is digested, and another's bytes may be what counts.
    pub(super) fn of(self, path: &[Part]) -> Option<(Vec<u8>, Vec<ListedPart>)> {
        let ours = self.parts.iter().map(ListedPart::blob);
        let same = ours.eq(path.iter().map(|it| Some(it.key.clone())));
        same.then(|| (self.digest.finish().as_ref().to_vec(), self.parts))
    }
}

/// The uploads that come here.
pub(crate) struct Uploads(Mutex<LruCache<FileId, Digested>>);

impl Default for Uploads {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(UPLOADS_MAX)))
    }
}

impl Uploads {
    fn all(&self) -> std::sync::MutexGuard<'_, LruCache<FileId, Digested>> {
        // Whoever panicked held one upload, which is no longer here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of an upload up to there; nobody else has it until it is put back.
    pub(super) fn take(&self, file: FileId, end: u64) -> Option<Digested> {
        let mut all = self.all();
        let known = all.peek(&file).is_some_and(|it| it.end() == end);
        let known = if known { all.pop(&file) } else { None };
        known.or_else(|| (end == 0).then(Digested::new))
    }

    /// Remembers it, unless more is known already.
    pub(super) fn put(&self, file: FileId, known: Digested) {
        let mut all = self.all();
        let before = all.peek(&file).map_or(0, Digested::end);
        if known.parts.len() <= LISTED_MAX && known.end() > before {
            all.put(file, known);
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::digest;
    use chat::files::part_key;

    use super::*;

    const FILE: FileId = FileId(uuid::Uuid::nil());

    fn part(start: u64, salt: u64) -> Part {
        Part { key: part_key(FILE, start, salt, true), start, size_bytes: 3 }
    }

    fn known(parts: &[Part]) -> Digested {
        let mut known = Digested::new();
        for it in parts {
            known.digest.update(b"abc");
            known.stored(ListedPart::new(&it.key, it.start, it.size_bytes, [0; 32]));
        }
        known
    }

    #[test]
    fn what_came_in_order_is_known_to_whoever_goes_on_there() {
        let uploads = Uploads::default();
        assert!(uploads.take(FILE, 3).is_none());
        assert!(uploads.take(FILE, 0).is_some());
        uploads.put(FILE, known(&[part(0, 1), part(3, 2)]));
        assert!(uploads.take(FILE, 3).is_none(), "it went on elsewhere");
        // Somebody who began anew knows less.
        uploads.put(FILE, known(&[part(0, 9)]));
        uploads.put(FILE, Digested::new());
        let known = uploads.take(FILE, 6).expect("it is known");
        assert!(uploads.take(FILE, 6).is_none(), "one at a time");
        let (found, listed) = known.of(&[part(0, 1), part(3, 2)]).expect("these are its parts");
        assert_eq!((found, listed.len()), (digest(&SHA256, b"abcabc").as_ref().to_vec(), 2));
    }

    #[test]
    fn the_digest_of_other_parts_is_not_known() {
        let ours = [part(0, 1), part(3, 2)];
        for path in [&[part(0, 1), part(3, 9)][..], &ours[..1], &[ours[1].clone()], &[]] {
            assert!(known(&ours).of(path).is_none(), "{path:?}");
        }
    }

    #[test]
    fn of_many_uploads_and_many_parts_nothing_is_known() {
        let uploads = Uploads::default();
        let id = |n: usize| FileId(uuid::Uuid::from_u128(n as u128));
        for n in 0..=UPLOADS_MAX.get() {
            uploads.put(id(n), known(&[part(0, 1)]));
        }
        assert!(uploads.take(id(0), 3).is_none());
        assert!(uploads.take(id(1), 3).is_some());
        let parts: Vec<_> = (0..=LISTED_MAX as u64).map(|it| part(3 * it, it)).collect();
        uploads.put(FILE, known(&parts));
        assert!(uploads.take(FILE, 3 * parts.len() as u64).is_none());
    }
}
