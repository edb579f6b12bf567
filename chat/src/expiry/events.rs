//! What can happen to the time that messages of a conversation are there.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded};

crate::events! {
    /// Everything that can happen to the time that messages are there; a message that comes to its
    /// end is deleted, which is an event of messages.
    ExpiryEvent {
        ExpirySet [],
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

impl ExpiryEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::ExpirySet(it) => (Change::Conversation(it.conversation_id), Effect::None),
        }
    }
}
