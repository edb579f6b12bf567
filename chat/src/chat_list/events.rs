//! What can happen to a chat list.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Recorded, Timestamp};

crate::events! {
    /// Everything that can happen to chat lists; they live in their account's stream.
    ChatListEvent {
        ConversationMuted [],
        ConversationUnmuted [],
        MarkedUnread [],
        UnreadMarkCleared [],
        ConversationArchived [],
        ConversationUnarchived [],
        ConversationsPinned [],
    }
}

/// A person wants to hear nothing of a conversation for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.chat_list")]
pub struct ConversationMuted {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// 9999-12-30T22:00:00Z when it is for ever.
    pub until: Timestamp,
    /// Number of the last message then, if the conversation was archived then.
    pub archived_number: Option<Long>,
}

/// A person hears of a conversation again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.chat_list")]
pub struct ConversationUnmuted {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// Number of the last message then, if the conversation was archived then.
    pub archived_number: Option<Long>,
}

/// A person will come back to a conversation, whatever they have read of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.chat_list")]
pub struct MarkedUnread {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// Number of the last message read then.
    pub read_number: Long,
}

/// A person has come back to a conversation in which there was nothing else to read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.chat_list")]
pub struct UnreadMarkCleared {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
}

/// A person put a conversation away until there is something new in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.chat_list")]
pub struct ConversationArchived {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// Number of the last message then.
    pub archived_number: Long,
}

/// A person took a conversation out of the archive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.chat_list")]
pub struct ConversationUnarchived {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
}

/// The conversations that a person has pinned are these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.chat_list")]
pub struct ConversationsPinned {
    pub account_id: AccountId,
    /// At most 10, the first stands first.
    pub conversation_ids: Vec<ConversationId>,
}

impl ChatListEvent {
    /// Whose conversation it is about; nothing when it is about several.
    pub(crate) fn listed(&self) -> Option<(AccountId, ConversationId)> {
        match self {
            Self::ConversationMuted(it) => Some((it.account_id, it.conversation_id)),
            Self::ConversationUnmuted(it) => Some((it.account_id, it.conversation_id)),
            Self::MarkedUnread(it) => Some((it.account_id, it.conversation_id)),
            Self::UnreadMarkCleared(it) => Some((it.account_id, it.conversation_id)),
            Self::ConversationArchived(it) => Some((it.account_id, it.conversation_id)),
            Self::ConversationUnarchived(it) => Some((it.account_id, it.conversation_id)),
            Self::ConversationsPinned(_) => None,
        }
    }

    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let change = match (self, self.listed()) {
            (Self::ConversationsPinned(it), _) => Change::PinnedConversations(it.account_id),
            (_, Some((_, conversation))) => Change::Listing(conversation),
            (_, None) => Change::None,
        };
        (change, Effect::None)
    }
}
