//! What can happen to a message.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use ports::keys::TreeId;

use super::{Body, ContentKind, Quote};
use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::event::Reaction;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded, Timestamp};
use crate::removals::RemovalEvent;
use crate::threads::Threaded;

crate::id! {
    /// Identifies a message.
    MessageId, "msg"
}

crate::events! {
    /// Everything that can happen to messages.
    MessageEvent {
        MessageSent [body],
        MessageEdited [body],
        MessageDeleted [],
        MessageHidden [],
    }
}

/// A member sent a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.messages")]
pub struct MessageSent {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Dense inside the conversation: 1, 2, 3 and so on.
    pub number: Long,
    pub author_id: AccountId,
    pub body: Personal<Body>,
    pub reply_to: Option<MessageId>,
    /// At most 50.
    pub mentions: Vec<AccountId>,
    /// When the author says it was sent; null is when it occurred.
    pub sent_at: Option<Timestamp>,
    /// Absent unless it was forwarded with attribution.
    pub forwarded: Option<Forwarded>,
    /// Whether nobody is to be notified of it.
    pub silent: Option<bool>,
    /// When it is gone for everyone.
    pub expires_at: Option<Timestamp>,
    /// Whether its author may not have seen what came before: it was sent at a time.
    pub unseen: Option<bool>,
    /// What the body holds beside text; null when it is text alone.
    #[serde(default)]
    pub content: Option<ContentKind>,
    /// Whether it has a link whose page is to be looked up.
    #[serde(default)]
    pub preview: Option<bool>,
    /// Whether it mentions everyone.
    #[serde(default)]
    pub everyone: Option<bool>,
    /// Seconds after the other person has read it after which it is gone for everyone.
    #[serde(default)]
    pub expires_after_read: Option<Long>,
    /// The thread that it is in; absent when it is in none.
    #[serde(default)]
    pub thread: Option<Threaded>,
    /// What it quotes of the message that it answers: where, not what.
    #[serde(default)]
    pub quote: Option<Quote>,
    /// The files that it holds, so that they are kept as long as it; null when it holds none.
    #[serde(default)]
    pub files: Option<Vec<FileId>>,
    /// What they take; null where that does not count.
    #[serde(default)]
    pub file_bytes: Option<Long>,
    /// Whether the other person opens what it holds once, and then it is gone for everyone.
    #[serde(default)]
    pub view_once: Option<bool>,
}

/// Where a forwarded message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.messages")]
pub struct Forwarded {
    /// Who wrote it first; absent when they do not let it be known.
    pub account_id: Option<AccountId>,
    /// When it was sent first.
    pub sent_at: Timestamp,
}

/// The author changed the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.messages")]
pub struct MessageEdited {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: Long,
    /// 1 for the first edit.
    pub revision: Long,
    /// Under the key of the message, so that deleting it takes every edit along.
    pub body: Personal<Body>,
    pub mentions: Vec<AccountId>,
    /// Accounts that the text before mentioned and this one does not.
    pub no_longer_mentioned: Vec<AccountId>,
    /// Whether it mentions everyone; null when the text before did not either.
    #[serde(default)]
    pub everyone: Option<bool>,
    /// The thread that it is in; absent when it is in none.
    #[serde(default)]
    pub thread: Option<Threaded>,
}

/// The message is gone for everyone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.messages")]
pub struct MessageDeleted {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: Long,
    pub author_id: AccountId,
    /// The leaf of the author's key tree that sealed the body and its edits.
    pub leaf: Long,
    /// Accounts that it mentioned.
    pub mentions: Vec<AccountId>,
    /// Whether it mentioned everyone.
    #[serde(default)]
    pub everyone: Option<bool>,
    /// The thread that it was in; absent when it was in none.
    #[serde(default)]
    pub thread: Option<Threaded>,
    /// The files that it held; null when it held none.
    #[serde(default)]
    pub files: Option<Vec<FileId>>,
    /// What they took; null where that did not count.
    #[serde(default)]
    pub file_bytes: Option<Long>,
}

/// A person put a message out of their own sight; it stands in their account's stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.messages")]
pub struct MessageHidden {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: Long,
    pub account_id: AccountId,
    /// The thread that it was in; absent when it was in none.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
}

impl MessageEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::MessageSent(it) if it.thread.is_some() => {
                (Change::Message(it.message_id), Effect::InThread)
            }
            Self::MessageSent(it) => (
                Change::Message(it.message_id),
                Effect::Sent {
                    number: it.number.0,
                    author: it.author_id,
                    unseen: it.unseen.unwrap_or(false),
                },
            ),
            Self::MessageEdited(it) => (Change::Message(it.message_id), Effect::None),
            Self::MessageDeleted(it) => {
                let effect = match it.thread {
                    Some(_) => Effect::InThread,
                    None => Effect::Deleted { number: it.number.0 },
                };
                (Change::Message(it.message_id), effect)
            }
            Self::MessageHidden(it) => {
                let conversation = Change::ReadState(it.conversation_id);
                let change = it.thread_id.map_or(conversation, Change::ThreadReadState);
                (change, Effect::Read(it.conversation_id))
            }
        }
    }
}

/// The message that an event deletes for good, for what other rooms keep of messages.
pub(crate) fn deleted(event: &Recorded) -> Option<MessageId> {
    match MessageEvent::of(&event.event) {
        Some(MessageEvent::MessageDeleted(it)) => Some(it.message_id),
        Some(
            MessageEvent::MessageSent(_)
            | MessageEvent::MessageEdited(_)
            | MessageEvent::MessageHidden(_),
        ) => None,
        None => match RemovalEvent::of(&event.event)? {
            RemovalEvent::MessageDestroyed(it) => Some(it.message_id),
            RemovalEvent::MessageRemoved(_) | RemovalEvent::MessageRestored(_) => None,
        },
    }
}

/// A deletion destroys the key of the body.
pub fn destroy_body(event: &Recorded) -> Vec<Reaction> {
    let Some(MessageEvent::MessageDeleted(it)) = MessageEvent::of(&event.event) else {
        return Vec::new();
    };
    let tree =
        TreeId { author: it.author_id.0.into_bytes(), stream: it.conversation_id.0.into_bytes() };
    vec![Reaction::DestroyKey { tree, leaf: it.leaf.0 }]
}
