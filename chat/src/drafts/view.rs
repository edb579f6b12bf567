//! Drafts as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::DraftEvent;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::messages::MessageId;

/// What a person has begun to write in a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub account_id: AccountId,
    pub text: Personal<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    pub saved_at: Timestamp,
}

impl Draft {
    /// Id of a person's draft in a conversation.
    pub fn id(account: AccountId, conversation: ConversationId) -> String {
        format!("{account}/{conversation}")
    }
}

impl Document for Draft {
    const COLLECTION: Collection = Collection { name: "drafts", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match DraftEvent::of(&event.event) {
            Some(DraftEvent::DraftSaved(it)) => vec![Self::id(it.account_id, it.conversation_id)],
            Some(DraftEvent::DraftCleared(it)) => {
                vec![Self::id(it.account_id, it.conversation_id)]
            }
            None => Vec::new(),
        }
    }

    fn begins(event: &Recorded) -> bool {
        DraftEvent::of(&event.event).is_some()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match DraftEvent::of(&event.event) {
            Some(DraftEvent::DraftSaved(it)) => {
                *document = Some(Self {
                    account_id: it.account_id,
                    text: it.text.clone(),
                    reply_to: it.reply_to,
                    saved_at: event.occurred_at,
                });
            }
            Some(DraftEvent::DraftCleared(_)) => *document = None,
            None => (),
        }
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}
