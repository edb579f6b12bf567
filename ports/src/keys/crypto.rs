//! The few cryptographic operations in use, each by one library: AES-256-GCM (NIST SP 800-38D),
//! HMAC-SHA256 (RFC 2104) and HKDF-SHA256 (RFC 5869).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};

use super::Secret;

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;

/// Encrypts and authenticates; the result is nonce, ciphertext and tag.
pub fn seal(key: &Secret, nonce: [u8; NONCE_BYTES], associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&nonce);
    let mut body = plain.to_vec();
    cipher(key)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated),
            &mut body,
        )
        .expect("the text is shorter than the cipher's limit of 64 GiB");
    sealed.extend_from_slice(&body);
    sealed
}

/// Decrypts what [`seal`] made; `None` when anything about it was changed.
pub fn unseal(key: &Secret, associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_BYTES)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut body = body.to_vec();
    let length = cipher(key).open_in_place(nonce, Aad::from(associated), &mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}

fn cipher(key: &Secret) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("the key has 32 bytes"))
}

/// Bytes that a tag adds to what is sealed.
pub const TAG_BYTES: usize = 16;

/// A key that seals many chunks, each under a nonce that the caller counts: none comes twice.
pub struct Chunks(LessSafeKey);

impl Chunks {
    /// Chunks under a key that seals nothing else.
    pub fn new(key: &Secret) -> Self {
        Self(cipher(key))
    }

    /// Encrypts a chunk where it lies; gives the tag, which comes behind it.
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], chunk: &mut [u8]) -> [u8; TAG_BYTES] {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::empty(), chunk);
        let tag = tag.expect("the chunk is shorter than the cipher's limit of 64 GiB");
        *tag.as_ref().first_chunk().expect("a tag has its length")
    }

    /// Decrypts a chunk where it lies and takes the tag away; `false` when anything was changed.
    #[must_use]
    pub fn open(&self, nonce: [u8; NONCE_BYTES], chunk: &mut Vec<u8>) -> bool {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let Ok(plain) = self.0.open_in_place(nonce, Aad::empty(), chunk) else { return false };
        let length = plain.len();
        chunk.truncate(length);
        true
    }
}

/// A keyed digest over several parts; the caller frames them so that they can't run together.
pub fn mac(key: &Secret, parts: &[&[u8]]) -> Secret {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    parts.iter().for_each(|it| context.update(it));
    context.sign().as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
}

/// The first half of a keyed digest, in 32 hexadecimal digits: enough to tell things apart, and
/// nothing to those who have not the key.
pub fn fingerprint(key: &Secret, parts: &[&[u8]]) -> String {
    mac(key, parts)[..16].iter().map(|it| format!("{it:02x}")).collect()
}

/// Derives a key for one use from another key.
pub fn derive(key: &Secret, info: &[&[u8]]) -> Secret {
    struct Bytes32;
    impl hkdf::KeyType for Bytes32 {
        fn len(&self) -> usize {
            32
        }
    }
    let key = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key);
    let mut derived = [0; 32];
    key.expand(info, Bytes32)
        .and_then(|it| it.fill(&mut derived))
        .expect("32 bytes are within the limit of the derivation");
    derived
}

/// Whether two secrets are the same, in time that does not tell where they differ.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_whole_and_in_its_place() {
        let sealed = seal(&[1; 32], [2; 12], b"here", b"text");
        assert_eq!(unseal(&[1; 32], b"here", &sealed), Some(b"text".to_vec()));
        assert_eq!(unseal(&[1; 32], b"there", &sealed), None);
        assert_eq!(unseal(&[3; 32], b"here", &sealed), None);
        assert_eq!(unseal(&[1; 32], b"here", &sealed[..20]), None);
        assert_eq!(unseal(&[1; 32], b"here", b""), None);
    }

    #[test]
    fn a_chunk_opens_under_its_own_nonce_only() {
        let (chunks, mut sealed) = (Chunks::new(&[1; 32]), b"text".to_vec());
        let tag = chunks.seal([2; 12], &mut sealed);
        sealed.extend_from_slice(&tag);
        assert_eq!(sealed.len(), 4 + TAG_BYTES);
        assert!(!chunks.open([3; 12], &mut sealed.clone()));
        assert!(!Chunks::new(&[3; 32]).open([2; 12], &mut sealed.clone()));
        assert!(chunks.open([2; 12], &mut sealed));
        assert_eq!(sealed, b"text");
    }
}
