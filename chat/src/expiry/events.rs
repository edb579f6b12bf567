//! What can happen to the time that messages of a conversation are there.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded, Timestamp};
use crate::messages::MessageId;

crate::id! {
    /// Identifies a reading: that somebody has moved their pointer past what expires after that.
    ReadingId, "reading"
}

crate::events! {
    /// Everything that can happen to the time that messages are there; a message that comes to its
    /// end is deleted, which is an event of messages.
    ExpiryEvent {
        ExpirySet [],
        ExpiryBegun [],
        ReadingNoted [],
    }
}

/// What is sent to a conversation from here on is there for another time than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.expiry")]
pub struct ExpirySet {
    pub conversation_id: ConversationId,
    /// In seconds; null when it stays.
    pub expires_in: Option<Long>,
    pub before: Option<Long>,
    /// Of a group; what the two of a direct conversation agree on is nobody else's.
    pub origin: Option<Origin>,
}

/// The other person of a direct conversation has read a message that expires after that, or opened
/// what it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.expiry")]
pub struct ExpiryBegun {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: Long,
    pub author_id: AccountId,
    /// When it is gone for everyone.
    pub expires_at: Timestamp,
    /// Whether they have opened what can be opened once.
    #[serde(default)]
    pub opened: Option<bool>,
}

/// The conversation knows what somebody has read of what expires after that; it stands in the
/// stream of whoever has read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.expiry")]
pub struct ReadingNoted {
    pub reading_id: ReadingId,
    pub account_id: AccountId,
}

impl ExpiryEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::ExpirySet(it) => (Change::Conversation(it.conversation_id), Effect::None),
            Self::ExpiryBegun(it) => (Change::Message(it.message_id), Effect::None),
            Self::ReadingNoted(_) => (Change::None, Effect::None),
        }
    }
}
