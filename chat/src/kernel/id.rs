//! Ids: a prefix and a UUIDv7 in lowercase base32, as the TypeID specification has it.

use aws_lc_rs::digest;
use uuid::Uuid;

/// Declares an id type with its prefix.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub uuid::Uuid);

        const _: () = {
            #[derive(Default)]
            struct Prefix;
            impl type_safe_id::StaticType for Prefix {
                const TYPE: &'static str = $prefix;
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    std::fmt::Display::fmt(
                        &type_safe_id::TypeSafeId::<Prefix>::from_uuid(self.0), f)
                }
            }
            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    std::fmt::Display::fmt(self, f)
                }
            }
            impl std::str::FromStr for $name {
                type Err = $crate::kernel::id::IdInvalid;
                fn from_str(text: &str) -> Result<Self, Self::Err> {
                    text.parse::<type_safe_id::TypeSafeId<Prefix>>()
                        .map(|it| Self(it.uuid()))
                        .map_err(|_| $crate::kernel::id::IdInvalid)
                }
            }
            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    to.collect_str(self)
                }
            }
            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                    text.parse().map_err(serde::de::Error::custom)
                }
            }
            $crate::text!($name);
            impl schemars::JsonSchema for $name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }
                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!({
                        "type": "string",
                        "pattern": concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
                    })
                }
            }
        };
    };
}

/// The text is no id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("id is not valid")]
pub struct IdInvalid;

/// Derives an id from what makes it unique; the time of `first` stays, so it sorts by time.
pub fn derive(first: Uuid, parts: &[&[u8]]) -> Uuid {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(first.as_bytes());
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut bytes: [u8; 16] =
        context.finish().as_ref()[..16].try_into().expect("SHA-256 has 32 bytes");
    bytes[..6].copy_from_slice(&first.as_bytes()[..6]);
    stamp(bytes)
}

/// An id made of nothing but a digest, for streams that are found by what they are about.
pub fn from_digest(digest: &[u8; 32]) -> Uuid {
    stamp(digest[..16].try_into().expect("a digest has 32 bytes"))
}

/// Marks bytes as a UUID of version 7.
fn stamp(mut bytes: [u8; 16]) -> Uuid {
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Uuid::from_bytes(bytes)
}

/// Milliseconds since the epoch that a UUIDv7 carries.
pub fn time_ms(id: Uuid) -> i64 {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(&id.as_bytes()[..6]);
    i64::from_be_bytes(bytes)
}

/// A fresh UUIDv7.
pub fn fresh(now_ms: i64, entropy: &dyn ports::entropy::Entropy) -> Uuid {
    let mut bytes = entropy.bytes::<16>();
    bytes[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
    stamp(bytes)
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "an id is public wherever it is declared")]
mod tests {
    use super::*;

    id! {
        /// Only for tests.
        ThingId, "thing"
    }

    #[test]
    fn an_id_reads_back_as_written_and_refuses_other_kinds() {
        let id = ThingId(fresh(1_700_000_000_000, &ports::entropy::System));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().starts_with("thing_"));
        for text in ["", "thing_", "thing_01", "other_01h455vb4pex5vsknk084sn02q", "{\"$ne\":1}"] {
            assert_eq!(text.parse::<ThingId>(), Err(IdInvalid), "{text}");
        }
    }

    #[test]
    fn a_derived_id_keeps_the_time_and_depends_on_every_part() {
        let first = fresh(1_700_000_000_000, &ports::entropy::System);
        let derived = derive(first, &[b"a", b"b"]);
        assert_eq!(time_ms(derived), 1_700_000_000_000);
        assert_eq!(derived.get_version_num(), 7);
        assert_eq!(derived, derive(first, &[b"a", b"b"]));
        assert_ne!(derived, derive(first, &[b"ab"]));
    }
}
