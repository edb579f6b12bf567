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
}

/// There is no draft any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.drafts")]
pub struct DraftCleared {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// The leaf of the person's key tree that sealed it.
    pub leaf: Long,
}

impl DraftEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let change = match self {
            Self::DraftSaved(it) => Change::Draft(it.conversation_id),
            Self::DraftCleared(it) => Change::Draft(it.conversation_id),
        };
        (change, Effect::None)
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
