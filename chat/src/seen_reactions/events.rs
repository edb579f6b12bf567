//! What can happen to what somebody has seen of reactions.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Recorded};

crate::events! {
    /// Everything that can happen to seen reactions; they live in their account's stream.
    SeenReactionEvent {
        ReactionsSeen [],
    }
}

/// A person has seen what their messages in a conversation were given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.seen_reactions")]
pub struct ReactionsSeen {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// `seq` of the last event of the conversation that counts as seen.
    pub seq: Long,
}

impl SeenReactionEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::ReactionsSeen(it) => (Change::SeenReactions(it.conversation_id), Effect::None),
        }
    }
}
