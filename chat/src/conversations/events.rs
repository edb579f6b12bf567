//! What can happen to a conversation as a whole.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::{Effect, Personal, Recorded, id};

crate::id! {
    /// Identifies a conversation.
    ConversationId, "conv"
}

crate::events! {
    /// Everything that can happen to conversations.
    ConversationEvent {
        GroupCreated [title],
        DirectOpened [],
        GroupRenamed [title],
    }
}

/// A group was created; its first members follow in the same command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.conversations")]
pub struct GroupCreated {
    pub conversation_id: ConversationId,
    pub owner_id: AccountId,
    pub title: Personal<String>,
    /// Whether anyone who knows the id may join.
    pub open: bool,
}

/// A direct conversation was opened, or one's saved messages when there is one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.conversations")]
pub struct DirectOpened {
    pub conversation_id: ConversationId,
    /// Sorted; one or two.
    pub account_ids: Vec<AccountId>,
}

/// A group got another title.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.conversations")]
pub struct GroupRenamed {
    pub conversation_id: ConversationId,
    pub title: Personal<String>,
}

/// The direct conversation of two accounts, or of one with itself.
pub fn direct_id(one: AccountId, two: AccountId) -> ConversationId {
    let (low, high) = (one.min(two), one.max(two));
    let parts = [b"direct".as_slice(), low.0.as_bytes(), high.0.as_bytes()].concat();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &parts);
    let digest: [u8; 32] = digest.as_ref().try_into().expect("SHA-256 has 32 bytes");
    ConversationId(id::from_digest(&digest))
}

impl ConversationEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::GroupCreated(it) => {
                (Change::Conversation(it.conversation_id), Effect::Joined(vec![it.owner_id]))
            }
            Self::DirectOpened(it) => {
                (Change::Conversation(it.conversation_id), Effect::Joined(it.account_ids.clone()))
            }
            Self::GroupRenamed(it) => (Change::Conversation(it.conversation_id), Effect::None),
        }
    }
}
