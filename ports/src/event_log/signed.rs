//! Signed checkpoints: what a partition held at a moment, in a form that others can keep and check
//! without a secret.
//!
//! The form is that of C2SP: a checkpoint (tlog-checkpoint) as a signed note (signed-note) under
//! Ed25519. The size is the ordinal of the last event, the root is the link of the last accepted
//! batch, and further lines say where the fold stood. `links` has the beginning of the link of each
//! batch after an earlier ordinal, so that the first record that differs can be named.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::{Fold, Identity, Partition};
use crate::keys::Secret;

/// Batches that one checkpoint tells the links of at most.
pub const LINKS_MAX: usize = 2_048;

/// Bytes of a signed checkpoint at most.
pub const SIGNED_BYTES_MAX: usize = 32 * 1_024;

/// The algorithm's number in key ids and keys of signed notes.
const ALGORITHM: u8 = 1;

/// What begins the line of a signature, by which one note ends.
const MARK: &str = "\u{2014} ";

/// The first eight bytes of the link of a batch.
pub type Link = [u8; 8];

/// What a partition held at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    pub log: [u8; 16],
    pub epoch: u32,
    pub partition: Partition,
    pub fold: Fold,
    /// When it was signed, in milliseconds since 1970.
    pub at_ms: i64,
    /// The ordinal after which `links` begin.
    pub after: u64,
    /// One a batch, at most [`LINKS_MAX`]; none when they are not known.
    pub links: Vec<Link>,
}

/// Not a checkpoint, or not signed with this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    #[error("it is no signed checkpoint")]
    Malformed,
    #[error("it is not signed with this key")]
    Foreign,
}

/// The name of a log's key, which begins the name of each partition's checkpoints.
fn key_name(log: [u8; 16]) -> String {
    format!("parlance/{}", Uuid::from_bytes(log).simple())
}

/// The beginning of a link, as checkpoints tell it.
pub fn link(chain: &[u8; 32]) -> Link {
    chain[..8].try_into().expect("it has eight bytes")
}

/// Signs the checkpoints of a log.
pub struct Signer {
    name: String,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// The signer of a log, from the instance's secret.
    pub fn new(identity: &Identity, seed: &Secret) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed");
        Self { name: key_name(identity.log), pair }
    }

    /// The key that its signatures are checked with.
    pub fn public(&self) -> PublicKey {
        let bytes = self.pair.public_key().as_ref().try_into();
        PublicKey { name: self.name.clone(), bytes: bytes.expect("Ed25519 keys have 32 bytes") }
    }

    /// The checkpoint as a signed note.
    pub fn sign(&self, checkpoint: &SignedCheckpoint) -> String {
        let text = checkpoint.text();
        let signature = self.pair.sign(text.as_bytes());
        let signed = [&self.public().id()[..], signature.as_ref()].concat();
        format!("{text}\n{MARK}{} {}\n", self.name, STANDARD.encode(signed))
    }
}

/// A key that checkpoints are checked with; its text is that of a signed note's verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    bytes: [u8; 32],
}

impl PublicKey {
    fn id(&self) -> [u8; 4] {
        let text = [self.name.as_bytes(), b"\n", &[ALGORITHM], &self.bytes].concat();
        let digest = digest::digest(&digest::SHA256, &text);
        digest.as_ref()[..4].try_into().expect("SHA-256 has 32 bytes")
    }

    /// Reads a key; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.trim().split_once('+')?;
        let (id, key) = rest.split_once('+')?;
        let key = STANDARD.decode(key).ok()?;
        let (ALGORITHM, bytes) = key.split_first().map(|(first, rest)| (*first, rest))? else {
            return None;
        };
        let found = Self { name: name.to_owned(), bytes: bytes.try_into().ok()? };
        (hex(&found.id()) == id).then_some(found)
    }

    /// Reads a signed note and checks it.
    ///
    /// # Errors
    /// When it is no checkpoint, or not signed with this key.
    pub fn open(&self, note: &str) -> Result<SignedCheckpoint, Unsigned> {
        if note.len() > SIGNED_BYTES_MAX {
            return Err(Unsigned::Malformed);
        }
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(Unsigned::Malformed)?;
        let text = format!("{text}\n");
        let key = UnparsedPublicKey::new(&ED25519, &self.bytes);
        let signed = signatures.lines().filter_map(|it| self.signature(it));
        let good = signed.into_iter().any(|it| key.verify(text.as_bytes(), &it).is_ok());
        let checkpoint = SignedCheckpoint::parse(&text);
        match (good, checkpoint) {
            (true, Some(it)) if key_name(it.log) == self.name => Ok(it),
            (true, _) | (false, None) => Err(Unsigned::Malformed),
            (false, Some(_)) => Err(Unsigned::Foreign),
        }
    }

    /// The signature of a line, if the line is of this key.
    fn signature(&self, line: &str) -> Option<Vec<u8>> {
        let (name, signed) = line.strip_prefix(MARK)?.split_once(' ')?;
        let signed = STANDARD.decode(signed).ok()?;
        let (id, signature) = signed.split_at_checked(4)?;
        (name == self.name && id == self.id()).then(|| signature.to_vec())
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = [&[ALGORITHM][..], &self.bytes].concat();
        write!(f, "{}+{}+{}", self.name, hex(&self.id()), STANDARD.encode(key))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
}

/// Parts a text of several notes into its notes.
pub fn notes(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut note = String::new();
    for line in text.lines() {
        note.push_str(line);
        note.push('\n');
        if line.starts_with(MARK) {
            all.push(std::mem::take(&mut note));
        }
    }
    all.extend((!note.trim().is_empty()).then_some(note));
    all
}

impl SignedCheckpoint {
    fn text(&self) -> String {
        let Fold { term, owner, next, chain, ordinal, pos } = &self.fold;
        let links = match self.links.is_empty() {
            true => "-".to_owned(),
            false => STANDARD.encode(self.links.concat()),
        };
        format!(
            "{}/{}\n{ordinal}\n{}\nepoch {}\noffset {pos}\nterm {term}\nowner {}\n\
             batches {next}\ntime {}\nafter {}\nlinks {links}\n",
            key_name(self.log),
            self.partition,
            STANDARD.encode(chain),
            self.epoch,
            hex(owner),
            self.at_ms,
            self.after,
        )
    }

    /// Reads the signed part of a note; `None` when it is not as [`Self::text`] writes it.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let origin = lines.next()?.strip_prefix("parlance/")?;
        let (log, partition) = origin.split_once('/')?;
        let ordinal = lines.next()?.parse().ok()?;
        let chain = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let mut line = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let epoch = line("epoch")?.parse().ok()?;
        let pos = line("offset")?.parse().ok()?;
        let term = line("term")?.parse().ok()?;
        let owner = Uuid::try_parse(line("owner")?).ok()?.into_bytes();
        let next = line("batches")?.parse().ok()?;
        let at_ms = line("time")?.parse().ok()?;
        let after = line("after")?.parse().ok()?;
        let links = match line("links")? {
            "-" => Vec::new(),
            it => STANDARD.decode(it).ok()?,
        };
        let (links, rest) = links.as_chunks::<8>();
        let found = Self {
            log: Uuid::try_parse(log).ok()?.into_bytes(),
            epoch,
            partition: partition.parse().ok()?,
            fold: Fold { term, owner, next, chain, ordinal, pos },
            at_ms,
            after,
            links: links.to_vec(),
        };
        let plain = rest.is_empty() && links.len() <= LINKS_MAX && found.text() == text;
        plain.then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { log: [7; 16], epoch: 3, partitions: 4, restores: [].into() }
    }

    fn checkpoint(links: usize) -> SignedCheckpoint {
        let fold = Fold { term: 2, owner: [9; 16], next: 5, chain: [8; 32], ordinal: 40, pos: 17 };
        let links = vec![[1; 8]; links];
        SignedCheckpoint {
            log: [7; 16],
            epoch: 3,
            partition: 2,
            fold,
            at_ms: 1_000,
            after: 4,
            links,
        }
    }

    #[test]
    fn a_checkpoint_reads_back_as_signed() {
        let signer = Signer::new(&identity(), &[1; 32]);
        for links in [0, 1, LINKS_MAX] {
            let note = signer.sign(&checkpoint(links));
            assert!(note.len() <= SIGNED_BYTES_MAX);
            assert_eq!(signer.public().open(&note), Ok(checkpoint(links)));
            assert_eq!(notes(&[note.clone(), note.clone()].concat()), [note.clone(), note]);
        }
        let note = signer.sign(&checkpoint(LINKS_MAX + 1));
        assert_eq!(signer.public().open(&note), Err(Unsigned::Malformed));
    }

    #[test]
    fn a_key_reads_back_as_printed() {
        let key = Signer::new(&identity(), &[1; 32]).public();
        assert_eq!(PublicKey::parse(&key.to_string()), Some(key.clone()));
        let other = Signer::new(&identity(), &[2; 32]).public();
        let mixed = key.to_string().replace(&hex(&key.id()), &hex(&other.id()));
        assert_eq!(PublicKey::parse(&mixed), None);
        assert_eq!(PublicKey::parse(""), None);
    }

    #[test]
    fn what_was_changed_or_signed_by_another_is_refused() {
        let signer = Signer::new(&identity(), &[1; 32]);
        let (key, note) = (signer.public(), signer.sign(&checkpoint(2)));
        let other = Signer::new(&identity(), &[2; 32]);
        assert_eq!(key.open(&other.sign(&checkpoint(2))), Err(Unsigned::Foreign));
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            assert!(key.open(&changed).is_err(), "byte {at}");
        }
        assert_eq!(key.open(""), Err(Unsigned::Malformed));
    }
}
