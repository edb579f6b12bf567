//! Facts: what an event is, where it stands, and what it means to those who listen.

use std::fmt;
use std::str::FromStr;

use apache_avro::AvroSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ports::event_log::Partition;

use super::Timestamp;
use super::id::IdInvalid;
use super::personal::Sealable;
use crate::Event;
use crate::accounts::{AccountId, NameId};
use crate::conversations::ConversationId;

/// A kind of event: one Avro record.
pub trait EventKind: Serialize + DeserializeOwned + AvroSchema + Send + 'static {
    /// Name without the namespace.
    const NAME: &'static str;

    /// Its personal fields, in the order of their declaration.
    fn personal(&mut self) -> Vec<&mut dyn Sealable>;
}

/// Declares a room's events; the personal fields of each stand in brackets.
#[macro_export]
macro_rules! events {
    ($(#[$doc:meta])* $set:ident { $($kind:ident [$($personal:ident),*],)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $set { $($kind($kind),)* }

        $(
            impl $crate::kernel::EventKind for $kind {
                const NAME: &'static str = stringify!($kind);

                fn personal(&mut self) -> Vec<&mut dyn $crate::kernel::personal::Sealable> {
                    vec![$(&mut self.$personal,)*]
                }
            }

            impl From<$kind> for $crate::Event {
                fn from(event: $kind) -> Self {
                    $set::$kind(event).into()
                }
            }
        )*

        impl $set {
            /// The kinds of this room, for the codec.
            pub(crate) fn kinds() -> Vec<$crate::kernel::codec::Kind> {
                vec![$(
                    $crate::kernel::codec::Kind::of::<$kind>(|it| $set::$kind(it).into()),
                )*]
            }

            /// Name of the kind.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => <$kind as $crate::kernel::EventKind>::NAME,)*
                }
            }

            pub(crate) fn personal(
                &mut self,
            ) -> Vec<&mut dyn $crate::kernel::personal::Sealable> {
                match self {
                    $(Self::$kind(it) => $crate::kernel::EventKind::personal(it),)*
                }
            }

            pub(crate) fn encode(
                &self,
                codec: &$crate::kernel::codec::Codec,
            ) -> (u32, Vec<u8>) {
                match self {
                    $(Self::$kind(it) => codec.encode(it),)*
                }
            }
        }
    };
}

/// What stands in the header of the instance's own records; no UUIDv7.
const INSTANCE: [u8; 16] = *b"the instance\0\0\0\0";

/// Names a stream: events of one stream have one order and dense `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StreamId {
    Account(AccountId),
    Conversation(ConversationId),
    Name(NameId),
    /// The instance as a whole.
    Instance,
}

impl StreamId {
    /// Every kind of stream.
    pub const KINDS: &'static [&'static str] = &["account", "conversation", "name", "instance"];

    /// The 16 bytes that stand in a record's header.
    pub fn bytes(&self) -> [u8; 16] {
        match self {
            Self::Account(it) => it.0.into_bytes(),
            Self::Conversation(it) => it.0.into_bytes(),
            Self::Name(it) => it.0.into_bytes(),
            Self::Instance => INSTANCE,
        }
    }

    /// Partition: the first 8 bytes of SHA-256 of the id's bytes, modulo the partitions.
    pub fn partition(&self, partitions: u16) -> Partition {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.bytes());
        let first: [u8; 8] = digest.as_ref()[..8].try_into().expect("SHA-256 has 32 bytes");
        let partition = u64::from_be_bytes(first) % u64::from(partitions);
        Partition::try_from(partition).expect("it is below the number of partitions")
    }

    /// The kind of stream, as it names topics and files.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Conversation(_) => "conversation",
            Self::Name(_) => "name",
            Self::Instance => "instance",
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(it) => it.fmt(f),
            Self::Conversation(it) => it.fmt(f),
            Self::Name(it) => it.fmt(f),
            Self::Instance => f.write_str("instance"),
        }
    }
}

impl FromStr for StreamId {
    type Err = IdInvalid;

    fn from_str(text: &str) -> Result<Self, IdInvalid> {
        if text == "instance" {
            return Ok(Self::Instance);
        }
        let account = text.parse().map(Self::Account);
        let conversation = || text.parse().map(Self::Conversation);
        account.or_else(|_| conversation()).or_else(|_| text.parse().map(Self::Name))
    }
}

impl Serialize for StreamId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub stream: StreamId,
    /// Dense inside the stream: 1, 2, 3 …
    pub seq: u64,
    pub partition: Partition,
    /// Dense inside the partition.
    pub ordinal: u64,
    /// The server's time, never before that of the event before it.
    pub occurred_at: Timestamp,
    /// Who caused it; nobody when the server did.
    pub actor: Option<AccountId>,
    pub command: CommandRef,
    pub event: Event,
}

/// The command that an event came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRef {
    pub client_id: Uuid,
    /// Keyed digest of the command's body.
    pub digest: [u8; 32],
    /// The leaf whose key made the digest; without one the instance's own key did.
    pub leaf: Option<u64>,
    /// Events of the command.
    pub count: u16,
    /// Which of them this is.
    pub index: u16,
}

/// What an event means to a node that fans it out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// A message with this number; whether its author may not have seen what came before.
    Sent {
        number: u64,
        author: AccountId,
        #[serde(default)]
        unseen: bool,
    },
    /// The conversation's own line lacks a message: it is gone for everyone, or moved to a thread.
    Deleted { number: u64 },
    /// A message that it lacked is there again.
    Restored,
    /// A message came, went or came back in a thread, which the conversation does not count.
    InThread,
    /// These accounts see the conversation from here on.
    Joined(Vec<AccountId>),
    /// This account sees nothing after this.
    Left(AccountId),
    /// What this person has read, or hidden, has changed there.
    Read(ConversationId),
    /// The session's sockets must close.
    SessionEnded(Uuid),
    /// The sockets of these sessions must close.
    SessionsEnded(Vec<Uuid>),
    /// Only the documents changed, and nobody is told who did it.
    Unattributed,
    /// Only the documents changed.
    None,
}

/// What follows from an event outside the documents; doing it twice is doing it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// The key of a leaf is destroyed.
    DestroyKey { tree: ports::keys::TreeId, leaf: u64 },
}
