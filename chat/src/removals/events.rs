//! What can happen to what moderators take out.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use ports::keys::TreeId;

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::event::Reaction;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded, Timestamp};
use crate::messages::MessageId;
use crate::threads::Threaded;

crate::events! {
    /// Everything that can happen to what moderators take out; it lives in the conversation's
    /// stream.
    RemovalEvent {
        MessageRemoved [],
        MessageRestored [],
        MessageDestroyed [],
    }
}

/// Somebody who manages the group took a message of another out of everybody's sight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.removals")]
pub struct MessageRemoved {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: Long,
    pub author_id: AccountId,
    /// Accounts that it mentioned.
    pub mentions: Vec<AccountId>,
    pub moderator_id: AccountId,
    /// Until when it can be restored.
    pub restorable_until: Timestamp,
    /// Where the moderator was.
    pub origin: Option<Origin>,
    /// Whether it mentioned everyone.
    #[serde(default)]
    pub everyone: Option<bool>,
    /// The thread that it was in; absent when it was in none.
    #[serde(default)]
    pub thread: Option<Threaded>,
    /// What its files took; null where that did not count.
    #[serde(default)]
    pub file_bytes: Option<Long>,
}

/// It is there again, as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.removals")]
pub struct MessageRestored {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: Long,
    pub author_id: AccountId,
    /// Accounts that it mentions.
    pub mentions: Vec<AccountId>,
    /// Who restored it.
    pub moderator_id: AccountId,
    /// Where they were.
    pub origin: Option<Origin>,
    /// Whether it mentions everyone.
    #[serde(default)]
    pub everyone: Option<bool>,
    /// The thread that it is in; absent when it is in none.
    #[serde(default)]
    pub thread: Option<Threaded>,
    /// What its files take; null where that does not count.
    #[serde(default)]
    pub file_bytes: Option<Long>,
}

/// A message that was removed is gone for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.removals")]
pub struct MessageDestroyed {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: Long,
    pub author_id: AccountId,
    /// The leaf of the author's key tree that sealed the body and its edits.
    pub leaf: Long,
    /// The files that it held; null when it held none.
    #[serde(default)]
    pub files: Option<Vec<FileId>>,
}

impl RemovalEvent {
    /// The message that it is about.
    pub fn message_id(&self) -> MessageId {
        match self {
            Self::MessageRemoved(it) => it.message_id,
            Self::MessageRestored(it) => it.message_id,
            Self::MessageDestroyed(it) => it.message_id,
        }
    }

    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::MessageRemoved(it) => {
                let effect = match it.thread {
                    Some(_) => Effect::InThread,
                    None => Effect::Deleted { number: it.number.0 },
                };
                (Change::Message(it.message_id), effect)
            }
            Self::MessageRestored(it) => {
                let in_thread = it.thread.is_some();
                let effect = if in_thread { Effect::InThread } else { Effect::Restored };
                (Change::Message(it.message_id), effect)
            }
            // It was counted when it was removed.
            Self::MessageDestroyed(it) => (Change::Message(it.message_id), Effect::None),
        }
    }
}

/// The end of what was removed destroys the key of its body.
pub fn destroy_removed(event: &Recorded) -> Vec<Reaction> {
    let Some(RemovalEvent::MessageDestroyed(it)) = RemovalEvent::of(&event.event) else {
        return Vec::new();
    };
    let tree =
        TreeId { author: it.author_id.0.into_bytes(), stream: it.conversation_id.0.into_bytes() };
    vec![Reaction::DestroyKey { tree, leaf: it.leaf.0 }]
}
