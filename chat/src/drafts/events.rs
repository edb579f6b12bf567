//! What can happen to drafts.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use ports::keys::TreeId;

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::event::Reaction;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded};
use crate::messages::MessageId;

crate::events! {
    /// Everything that can happen to drafts; they live in their account's stream.
    DraftEvent {
        DraftSaved [text],
        DraftCleared [],
    }
}

/// A person has begun to write something, or has gone on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.drafts")]
pub struct DraftSaved {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// Markdown, as far as it goes.
    pub text: Personal<String>,
    pub reply_to: Option<MessageId>,
    /// The leaf of the person's key tree that sealed what this replaces.
    pub replaced: Option<Long>,
    /// The thread that it is written for; absent when that is none.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
}

/// There is no draft any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.drafts")]
pub struct DraftCleared {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// The leaf of the person's key tree that sealed it.
    pub leaf: Long,
    /// The thread that it was written for; absent when that was none.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
}

/// The line that a draft is written for: the conversation's own, or that of one of its threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
// What names a conversation alone was written before threads had drafts.
#[serde(untagged)]
pub enum DraftLine {
    Conversation(ConversationId),
    Thread(ConversationId, MessageId),
}

impl DraftLine {
    /// The line of a thread, or the conversation's own.
    pub fn new(conversation: ConversationId, thread: Option<MessageId>) -> Self {
        thread.map_or(Self::Conversation(conversation), |it| Self::Thread(conversation, it))
    }

    pub fn conversation(&self) -> ConversationId {
        match self {
            Self::Conversation(it) | Self::Thread(it, _) => *it,
        }
    }

    pub fn thread(&self) -> Option<MessageId> {
        match self {
            Self::Conversation(_) => None,
            Self::Thread(_, it) => Some(*it),
        }
    }
}

impl DraftEvent {
    /// Whose it is, and the line that it is written for.
    pub(super) fn place(&self) -> (AccountId, DraftLine) {
        match self {
            Self::DraftSaved(it) => {
                (it.account_id, DraftLine::new(it.conversation_id, it.thread_id))
            }
            Self::DraftCleared(it) => {
                (it.account_id, DraftLine::new(it.conversation_id, it.thread_id))
            }
        }
    }

    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::Draft(self.place().1), Effect::None)
    }
}

/// What replaces or clears a draft destroys its key.
pub fn destroy_draft(event: &Recorded) -> Vec<Reaction> {
    let (account, leaf) = match DraftEvent::of(&event.event) {
        Some(DraftEvent::DraftSaved(it)) => (it.account_id, it.replaced),
        Some(DraftEvent::DraftCleared(it)) => (it.account_id, Some(it.leaf)),
        None => return Vec::new(),
    };
    let own = account.0.into_bytes();
    let tree = TreeId { author: own, stream: own };
    leaf.map(|it| Reaction::DestroyKey { tree, leaf: it.0 }).into_iter().collect()
}
