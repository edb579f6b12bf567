//! How contents are sealed: in chunks, so that any span is read alone.
//!
//! A blob is a salt and chunks of AES-256-GCM, the STREAM construction of Hoang, Reyhanitabar,
//! Rogaway and Vizár (CRYPTO 2015): the nonce counts the chunks and marks the last, so that none
//! can be left out, exchanged or added. The key of a blob derives from the key of its file, its
//! place and its salt: what is sealed again, after a crash or by another node, is under another.

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use ports::keys::Secret;
use ports::keys::crypto::{self, Chunks, NONCE_BYTES, TAG_BYTES};

use super::FileId;

/// Bytes of a chunk before it is sealed.
const CHUNK_BYTES: usize = 64 << 10;

/// Bytes that stand before the chunks of a blob.
pub const SALT_BYTES: usize = 32;

const SEALED_CHUNK_BYTES: u64 = (CHUNK_BYTES + TAG_BYTES) as u64;

/// The key of a file's contents, by the leaf that is the key of all of it.
pub fn contents_key(leaf: &Secret, file: FileId) -> Secret {
    crypto::derive(leaf, &[b"file contents", file.0.as_bytes()])
}

/// The place of a part, which it can't be moved from.
fn part_place(start: u64) -> [u8; 8] {
    start.to_be_bytes()
}

/// The place of whole contents.
const WHOLE: &[u8] = b"whole";

/// The place of the list of the parts that contents stay in.
const LIST: &[u8] = b"list";

/// The place of a variant, by the number of its blob.
fn variant_place(blob: u64) -> Vec<u8> {
    [b"variant".as_slice(), &blob.to_be_bytes()].concat()
}

fn chunks(key: &Secret, place: &[u8], salt: &[u8; SALT_BYTES]) -> Chunks {
    Chunks::new(&secret(key, place, salt))
}

fn secret(key: &Secret, place: &[u8], salt: &[u8; SALT_BYTES]) -> Secret {
    crypto::derive(key, &[b"blob", salt, place])
}

/// The key of one part, for whoever seals it elsewhere: it opens nothing else.
pub fn part_secret(key: &Secret, start: u64, salt: &[u8; SALT_BYTES]) -> Secret {
    secret(key, &part_place(start), salt)
}

fn nonce(chunk: u64, last: bool) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[..8].copy_from_slice(&chunk.to_be_bytes());
    nonce[NONCE_BYTES - 1] = u8::from(last);
    nonce
}

/// Chunks of so many bytes; of none there is one, which says so.
fn count(plain_bytes: u64) -> u64 {
    plain_bytes.div_ceil(CHUNK_BYTES as u64).max(1)
}

/// Bytes of the blob that so many bytes are sealed into.
pub fn sealed_bytes(plain_bytes: u64) -> u64 {
    SALT_BYTES as u64 + plain_bytes + count(plain_bytes) * TAG_BYTES as u64
}

/// How many bytes were sealed into a blob of this size; `None` when none are.
pub fn plain_bytes(sealed: u64) -> Option<u64> {
    let body = sealed.checked_sub(SALT_BYTES as u64)?;
    let plain = body.checked_sub(body.div_ceil(SEALED_CHUNK_BYTES) * TAG_BYTES as u64)?;
    (sealed_bytes(plain) == sealed).then_some(plain)
}

/// Seals bytes as they come.
pub struct Sealer {
    chunks: Chunks,
    next: u64,
    /// What is sealed, and behind it a chunk that is not yet.
    bytes: BytesMut,
    /// Where that begins.
    chunk: usize,
}

impl Sealer {
    /// Seals a part that begins somewhere in the contents.
    pub fn part(key: &Secret, start: u64, salt: [u8; SALT_BYTES]) -> Self {
        Self::new(key, &part_place(start), salt)
    }

    /// Seals whole contents.
    pub fn whole(key: &Secret, salt: [u8; SALT_BYTES]) -> Self {
        Self::new(key, WHOLE, salt)
    }

    /// Seals the list of the parts that contents stay in.
    pub(super) fn list(key: &Secret, salt: [u8; SALT_BYTES]) -> Self {
        Self::new(key, LIST, salt)
    }

    /// Seals a variant of the contents.
    pub fn variant(key: &Secret, blob: u64, salt: [u8; SALT_BYTES]) -> Self {
        Self::new(key, &variant_place(blob), salt)
    }

    fn new(key: &Secret, place: &[u8], salt: [u8; SALT_BYTES]) -> Self {
        let chunks = chunks(key, place, &salt);
        Self { chunks, next: 0, bytes: BytesMut::from(&salt[..]), chunk: SALT_BYTES }
    }

    /// Takes bytes in.
    pub fn push(&mut self, mut bytes: &[u8]) {
        self.bytes.reserve(bytes.len() + (bytes.len() / CHUNK_BYTES + 1) * TAG_BYTES);
        while !bytes.is_empty() {
            // A full chunk waits until it is known whether it is the last.
            let held = self.bytes.len() - self.chunk;
            if held == CHUNK_BYTES {
                self.seal(false);
                continue;
            }
            let fits = bytes.len().min(CHUNK_BYTES - held);
            self.bytes.extend_from_slice(&bytes[..fits]);
            bytes = &bytes[fits..];
        }
    }

    /// No more bytes come.
    pub fn finish(&mut self) {
        self.seal(true);
    }

    /// What has been sealed since this was asked last.
    pub fn take(&mut self) -> Bytes {
        let sealed = self.bytes.split_to(self.chunk).freeze();
        self.chunk = 0;
        sealed
    }

    fn seal(&mut self, last: bool) {
        let tag = self.chunks.seal(nonce(self.next, last), &mut self.bytes[self.chunk..]);
        self.bytes.extend_from_slice(&tag);
        self.chunk = self.bytes.len();
        self.next += 1;
    }
}

/// Opens a span of what was sealed.
pub struct Opener {
    chunks: Chunks,
    next: u64,
    /// Of all that was sealed.
    count: u64,
    /// Bytes that are left out before the span, and that are still to come of it.
    skip: usize,
    left: u64,
    chunk: Vec<u8>,
    /// Where the sealed span lies in the blob.
    pub offset: u64,
    pub bytes: u64,
}

impl Opener {
    /// Opens a span of a part of `size_bytes`.
    pub fn part(
        key: &Secret,
        start: u64,
        salt: &[u8; SALT_BYTES],
        size_bytes: u64,
        (from, bytes): (u64, u64),
    ) -> Self {
        Self::new(chunks(key, &part_place(start), salt), size_bytes, from, bytes)
    }

    /// Opens the list of the parts that contents stay in, of so many bytes.
    pub(super) fn list(key: &Secret, salt: &[u8; SALT_BYTES], size_bytes: u64) -> Self {
        Self::new(chunks(key, LIST, salt), size_bytes, 0, size_bytes)
    }

    /// Opens a span of whole contents, of which there are `size_bytes`.
    pub fn whole(
        key: &Secret,
        salt: &[u8; SALT_BYTES],
        size_bytes: u64,
        from: u64,
        bytes: u64,
    ) -> Self {
        Self::new(chunks(key, WHOLE, salt), size_bytes, from, bytes)
    }

    /// Opens a span of a variant of `size_bytes`.
    pub fn variant(
        key: &Secret,
        (blob, size_bytes): (u64, u64),
        salt: &[u8; SALT_BYTES],
        (from, bytes): (u64, u64),
    ) -> Self {
        Self::new(chunks(key, &variant_place(blob), salt), size_bytes, from, bytes)
    }

    fn new(chunks: Chunks, size_bytes: u64, from: u64, bytes: u64) -> Self {
        let chunk = CHUNK_BYTES as u64;
        let (count, first) = (count(size_bytes), from / chunk);
        let end = (from + bytes).div_ceil(chunk).clamp(first + 1, count.max(first + 1));
        let offset = SALT_BYTES as u64 + first * SEALED_CHUNK_BYTES;
        let sealed_end =
            (SALT_BYTES as u64 + end * SEALED_CHUNK_BYTES).min(sealed_bytes(size_bytes));
        Self {
            chunks,
            next: first,
            count,
            skip: usize::try_from(from % chunk).expect("it is less than a chunk"),
            left: bytes,
            chunk: Vec::with_capacity(CHUNK_BYTES + TAG_BYTES),
            offset,
            bytes: sealed_end.saturating_sub(offset),
        }
    }

    /// Takes sealed bytes of the span in and gives what can be opened; `None` when they were
    /// changed.
    pub fn push(&mut self, mut sealed: &[u8]) -> Option<Vec<u8>> {
        let mut plain = Vec::with_capacity(sealed.len());
        while !sealed.is_empty() {
            let fits = sealed.len().min(CHUNK_BYTES + TAG_BYTES - self.chunk.len());
            self.chunk.extend_from_slice(&sealed[..fits]);
            sealed = &sealed[fits..];
            if self.chunk.len() == CHUNK_BYTES + TAG_BYTES {
                self.open(&mut plain)?;
            }
        }
        Some(plain)
    }

    /// No more sealed bytes come: gives the rest; `None` when something is missing.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        let mut plain = Vec::new();
        if !self.chunk.is_empty() {
            self.open(&mut plain)?;
        }
        (self.left == 0).then_some(plain)
    }

    fn open(&mut self, plain: &mut Vec<u8>) -> Option<()> {
        let last = self.next + 1 == self.count;
        if !self.chunks.open(nonce(self.next, last), &mut self.chunk) {
            return None;
        }
        self.next += 1;
        let opened = self.chunk.get(self.skip..)?;
        let wanted = usize::try_from(self.left).map_or(opened.len(), |it| it.min(opened.len()));
        plain.extend_from_slice(&opened[..wanted]);
        self.left -= wanted as u64;
        self.skip = 0;
        self.chunk.clear();
        Some(())
    }
}

/// A digest as it is written: hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// Whether a text is a SHA-256 as we write it.
pub(super) fn is_digest(text: &str) -> bool {
    let digits = digest::SHA256.output_len() * 2;
    text.len() == digits && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: Secret = [5; 32];

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|it| (it % 251) as u8).collect()
    }

    fn sealed(plain: &[u8], at_once: usize) -> Vec<u8> {
        let mut sealer = Sealer::whole(&KEY, [1; SALT_BYTES]);
        plain.chunks(at_once).for_each(|it| sealer.push(it));
        sealer.finish();
        sealer.take().to_vec()
    }

    fn opened(sealed: &[u8], size: usize, from: usize, count: usize) -> Option<Vec<u8>> {
        let salt = sealed.first_chunk().expect("a salt stands first");
        let mut opener = Opener::whole(&KEY, salt, size as u64, from as u64, count as u64);
        let (start, end) = (opener.offset as usize, (opener.offset + opener.bytes) as usize);
        let mut plain = Vec::new();
        for it in sealed.get(start..end)?.chunks(10_000) {
            plain.extend(opener.push(it)?);
        }
        plain.extend(opener.finish()?);
        Some(plain)
    }

    #[test]
    fn sizes_are_told_apart_at_every_border() {
        for plain in [0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 2 << 30] {
            assert_eq!(plain_bytes(sealed_bytes(plain)), Some(plain));
        }
        for sealed in [0, 31, 47, sealed_bytes(65_536) + 1, sealed_bytes(65_536) + 16] {
            assert_eq!(plain_bytes(sealed), None, "{sealed}");
        }
    }

    #[test]
    fn what_was_cut_exchanged_or_changed_does_not_open() {
        let plain = bytes(200_000);
        let sealed = sealed(&plain, 7_000);
        assert_eq!(sealed.len() as u64, sealed_bytes(200_000));
        assert_eq!(opened(&sealed, 200_000, 0, 200_000).as_deref(), Some(&plain[..]));
        let chunk = SEALED_CHUNK_BYTES as usize;
        // The end is cut off at a border of chunks, and the size is said to be what is left.
        let cut = &sealed[..SALT_BYTES + 2 * chunk];
        assert_eq!(opened(cut, 2 * CHUNK_BYTES, 0, 2 * CHUNK_BYTES), None);
        let mut exchanged = sealed.clone();
        exchanged[SALT_BYTES..SALT_BYTES + 2 * chunk].rotate_left(chunk);
        assert_eq!(opened(&exchanged, 200_000, 0, 10), None);
        for at in [0, SALT_BYTES, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(opened(&changed, 200_000, 0, 200_000), None, "{at}");
        }
    }

    #[test]
    fn a_part_opens_where_it_began_only() {
        let mut sealer = Sealer::part(&KEY, 10, [1; SALT_BYTES]);
        sealer.push(b"text");
        sealer.finish();
        let sealed = sealer.take();
        let salt: [u8; SALT_BYTES] = *sealed.first_chunk().expect("a salt stands first");
        let open = |start| {
            let mut opener = Opener::part(&KEY, start, &salt, 4, (0, 4));
            opener.push(&sealed[SALT_BYTES..]).and_then(|_| opener.finish())
        };
        assert_eq!(open(10).as_deref(), Some(&b"text"[..]));
        assert_eq!(open(11), None);
    }

    #[test]
    fn a_variant_opens_under_its_own_number_only() {
        let mut sealer = Sealer::variant(&KEY, 7, [1; SALT_BYTES]);
        sealer.push(b"small");
        sealer.finish();
        let sealed = sealer.take();
        let salt: [u8; SALT_BYTES] = *sealed.first_chunk().expect("a salt stands first");
        let open = |mut opener: Opener| {
            let mut plain = opener.push(&sealed[SALT_BYTES..])?;
            plain.extend(opener.finish()?);
            Some(plain)
        };
        let of = |blob| open(Opener::variant(&KEY, (blob, 5), &salt, (0, 5)));
        assert_eq!(of(7).as_deref(), Some(&b"small"[..]));
        assert_eq!(of(8), None);
        assert_eq!(open(Opener::whole(&KEY, &salt, 5, 0, 5)), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(64)
        })]

        #[test]
        fn every_span_opens_to_what_was_there(
            size in 0..300_000_usize, at_once in 1..100_000_usize, a in 0.0..=1.0, b in 0.0..=1.0,
        ) {
            let plain = bytes(size);
            let sealed = sealed(&plain, at_once);
            prop_assert_eq!(plain_bytes(sealed.len() as u64), Some(size as u64));
            let at = |it: f64| (size as f64 * it) as usize;
            let (from, to) = (at(a).min(at(b)), at(a).max(at(b)));
            let found = opened(&sealed, size, from, to - from);
            prop_assert_eq!(found.as_deref(), Some(&plain[from..to]));
        }
    }
}
