//! What can happen to reactions.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use super::Emoji;
use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded};
use crate::messages::MessageId;

crate::events! {
    /// Everything that can happen to reactions; they live in their conversation's stream.
    ReactionEvent {
        ReactionAdded [],
        ReactionRemoved [],
        ReactionsLimited [],
    }
}

/// A member gave a message an emoji.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.reactions")]
pub struct ReactionAdded {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    /// Who wrote the message.
    pub author_id: AccountId,
    /// Who reacted.
    pub account_id: AccountId,
    pub emoji: Emoji,
}

/// A member took an emoji back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.reactions")]
pub struct ReactionRemoved {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    /// Who wrote the message.
    pub author_id: AccountId,
    /// Whose reaction it was.
    pub account_id: AccountId,
    pub emoji: Emoji,
}

/// Other emoji than before may be given in a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.reactions")]
pub struct ReactionsLimited {
    pub conversation_id: ConversationId,
    /// At most 100; null allows all.
    pub allowed: Option<Vec<Emoji>>,
    pub before: Option<Vec<Emoji>>,
    pub origin: Option<Origin>,
}

impl ReactionEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let change = match self {
            Self::ReactionAdded(it) => Change::Reactions(it.message_id),
            Self::ReactionRemoved(it) => Change::Reactions(it.message_id),
            Self::ReactionsLimited(it) => Change::Conversation(it.conversation_id),
        };
        (change, Effect::None)
    }
}
