//! `Personal<T>`: a field that erasure can unmake.
//!
//! It is clear only between a decision and the log; everywhere else it is sealed and carries the
//! name of its key, which binds it to its place: author, stream, leaf, term, seq, schema, field.

use std::collections::HashSet;
use std::fmt;

use apache_avro::schema::{Name, NamespaceRef, RecordField, RecordSchema};
use apache_avro::serde::AvroSchemaComponent;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use ports::keys::{Secret, TreeId, crypto};

/// A personal value, clear or sealed.
#[derive(Clone, PartialEq)]
pub enum Personal<T> {
    /// Not yet in the log. With a leaf, it shares the key of what was sealed under that leaf.
    Clear { value: T, leaf: Option<u64> },
    /// In the log or in a document.
    Sealed(Sealed),
}

/// Ciphertext and the name of its key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    pub name: KeyName,
    pub ciphertext: Vec<u8>,
}

/// Names a key and, by it, the only place where the ciphertext may stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyName {
    pub tree: TreeId,
    pub leaf: u64,
    pub term: u64,
    pub seq: u64,
    pub schema: u32,
    pub field: u8,
}

const NAME_BYTES: usize = 16 + 16 + 8 + 8 + 8 + 4 + 1;

impl KeyName {
    fn to_bytes(self) -> [u8; NAME_BYTES] {
        let mut bytes = [0; NAME_BYTES];
        bytes[..16].copy_from_slice(&self.tree.author);
        bytes[16..32].copy_from_slice(&self.tree.stream);
        bytes[32..40].copy_from_slice(&self.leaf.to_be_bytes());
        bytes[40..48].copy_from_slice(&self.term.to_be_bytes());
        bytes[48..56].copy_from_slice(&self.seq.to_be_bytes());
        bytes[56..60].copy_from_slice(&self.schema.to_be_bytes());
        bytes[60] = self.field;
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; NAME_BYTES] = bytes.try_into().ok()?;
        let long = |at: usize| bytes[at..at + 8].try_into().ok().map(u64::from_be_bytes);
        Some(Self {
            tree: TreeId {
                author: bytes[..16].try_into().ok()?,
                stream: bytes[16..32].try_into().ok()?,
            },
            leaf: long(32)?,
            term: long(40)?,
            seq: long(48)?,
            schema: u32::from_be_bytes(bytes[56..60].try_into().ok()?),
            field: bytes[60],
        })
    }

    /// The key of one field of one event: no key ever encrypts twice.
    fn key(&self, leaf: &Secret) -> Secret {
        crypto::derive(
            leaf,
            &[b"event", &self.term.to_be_bytes(), &self.seq.to_be_bytes(), &[self.field]],
        )
    }
}

impl<T> Personal<T> {
    /// A value to be sealed under a key of its own.
    pub fn new(value: T) -> Self {
        Self::Clear { value, leaf: None }
    }

    /// A value to be sealed under the key of an earlier one, so that one erasure takes both.
    pub fn beside(value: T, leaf: u64) -> Self {
        Self::Clear { value, leaf: Some(leaf) }
    }

    /// The leaf that it is sealed under, once it is.
    pub fn leaf(&self) -> Option<u64> {
        match self {
            Self::Clear { leaf, .. } => *leaf,
            Self::Sealed(sealed) => Some(sealed.name.leaf),
        }
    }
}

impl<T: for<'de> Deserialize<'de>> Personal<T> {
    /// Opens what the leaf's key sealed; `None` when it was changed or moved.
    pub fn open(sealed: &Sealed, leaf: &Secret) -> Option<T> {
        let name = &sealed.name;
        let plain = crypto::unseal(&name.key(leaf), &name.to_bytes(), &sealed.ciphertext)?;
        serde_json::from_slice(&plain).ok()
    }
}

/// A personal field, whatever its type, on its way into the log.
pub trait Sealable {
    /// The leaf that it asks for.
    fn wanted_leaf(&self) -> Option<u64>;
    /// Seals a clear value.
    fn seal(&mut self, name: KeyName, leaf: &Secret, nonce: [u8; crypto::NONCE_BYTES]);
    /// The name under which it is sealed.
    fn name(&self) -> Option<&KeyName>;
}

impl<T: Serialize> Sealable for Personal<T> {
    fn wanted_leaf(&self) -> Option<u64> {
        self.leaf()
    }

    fn seal(&mut self, name: KeyName, leaf: &Secret, nonce: [u8; crypto::NONCE_BYTES]) {
        if let Self::Clear { value, .. } = self {
            let plain = serde_json::to_vec(value).expect("a personal value is plain data");
            let ciphertext = crypto::seal(&name.key(leaf), nonce, &name.to_bytes(), &plain);
            *self = Self::Sealed(Sealed { name, ciphertext });
        }
    }

    fn name(&self) -> Option<&KeyName> {
        match self {
            Self::Clear { .. } => None,
            Self::Sealed(sealed) => Some(&sealed.name),
        }
    }
}

impl<T: Sealable> Sealable for Option<T> {
    fn wanted_leaf(&self) -> Option<u64> {
        self.as_ref().and_then(T::wanted_leaf)
    }

    fn seal(&mut self, name: KeyName, leaf: &Secret, nonce: [u8; crypto::NONCE_BYTES]) {
        if let Some(it) = self {
            it.seal(name, leaf, nonce);
        }
    }

    fn name(&self) -> Option<&KeyName> {
        self.as_ref().and_then(T::name)
    }
}

/// A clear value never shows itself in a log line.
impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Clear { .. } => "Personal(clear)",
            Self::Sealed(_) => "Personal(sealed)",
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "Personal")]
struct Wire {
    #[serde(with = "serde_bytes")]
    key: Vec<u8>,
    #[serde(with = "serde_bytes")]
    ciphertext: Vec<u8>,
}

impl<T> Serialize for Personal<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self::Sealed(sealed) = self else {
            return Err(S::Error::custom("a personal value is not sealed"));
        };
        let key = sealed.name.to_bytes();
        if to.is_human_readable() {
            let bytes = [&key[..], &sealed.ciphertext].concat();
            return to.serialize_str(&STANDARD_NO_PAD.encode(bytes));
        }
        Wire { key: key.to_vec(), ciphertext: sealed.ciphertext.clone() }.serialize(to)
    }
}

impl<'de, T> Deserialize<'de> for Personal<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (key, ciphertext) = if from.is_human_readable() {
            let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
            let mut key = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(D::Error::custom)?;
            let ciphertext = key.split_off(NAME_BYTES.min(key.len()));
            (key, ciphertext)
        } else {
            let wire = Wire::deserialize(from)?;
            (wire.key, wire.ciphertext)
        };
        let name =
            KeyName::from_bytes(&key).ok_or_else(|| D::Error::custom("key name is damaged"))?;
        Ok(Self::Sealed(Sealed { name, ciphertext }))
    }
}

impl<T> AvroSchemaComponent for Personal<T> {
    fn get_schema_in_ctxt(named: &mut HashSet<Name>, _: NamespaceRef) -> apache_avro::Schema {
        let name = Name::new("chat.Personal").expect("the name is valid");
        if !named.insert(name.clone()) {
            return apache_avro::Schema::Ref { name };
        }
        apache_avro::Schema::Record(
            RecordSchema::builder().name(name).doc(Some(DOC.to_owned())).fields(fields()).build(),
        )
    }

    fn get_record_fields_in_ctxt(
        _: &mut HashSet<Name>,
        _: NamespaceRef,
    ) -> Option<Vec<RecordField>> {
        Some(fields())
    }
}

const DOC: &str = "Sealed under a key that can be destroyed: the name of the key, and the nonce, \
                   ciphertext and tag of AES-256-GCM.";

fn fields() -> Vec<RecordField> {
    let field = |name| RecordField::builder().name(name).schema(apache_avro::Schema::Bytes).build();
    vec![field("key"), field("ciphertext")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: KeyName = KeyName {
        tree: TreeId { author: [1; 16], stream: [2; 16] },
        leaf: 3,
        term: 4,
        seq: 5,
        schema: 6,
        field: 7,
    };

    fn sealed() -> Sealed {
        let mut personal = Personal::new("text".to_owned());
        personal.seal(NAME, &[9; 32], [0; 12]);
        match personal {
            Personal::Sealed(sealed) => sealed,
            Personal::Clear { .. } => panic!("it was sealed"),
        }
    }

    #[test]
    fn a_sealed_value_opens_with_its_leaf_only() {
        assert_eq!(Personal::<String>::open(&sealed(), &[9; 32]).as_deref(), Some("text"));
        assert_eq!(Personal::<String>::open(&sealed(), &[8; 32]), None);
    }

    #[test]
    fn a_value_moved_to_another_place_does_not_open() {
        let places = [
            KeyName { seq: 6, ..NAME },
            KeyName { term: 5, ..NAME },
            KeyName { field: 0, ..NAME },
            KeyName { schema: 9, ..NAME },
            KeyName { tree: TreeId { author: [7; 16], ..NAME.tree }, ..NAME },
        ];
        for name in places {
            let moved = Sealed { name, ..sealed() };
            assert_eq!(Personal::<String>::open(&moved, &[9; 32]), None, "{name:?}");
        }
    }

    #[test]
    fn a_clear_value_is_never_written() {
        assert!(serde_json::to_string(&Personal::new(1)).is_err());
        let text = serde_json::to_string(&Personal::<String>::Sealed(sealed())).unwrap();
        let read: Personal<String> = serde_json::from_str(&text).unwrap();
        assert!(read == Personal::Sealed(sealed()));
    }
}
