//! Read pointers as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::ReceiptEvent;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::{Document, Recorded};

/// How far a person has read a conversation, as they said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadPointer {
    pub account_id: AccountId,
    pub number: u64,
}

impl ReadPointer {
    /// Id of a person's pointer in a conversation.
    pub fn id(account: AccountId, conversation: ConversationId) -> String {
        format!("{account}/{conversation}")
    }
}

impl Document for ReadPointer {
    const COLLECTION: Collection = Collection { name: "read_pointers", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some(ReceiptEvent::ReadMoved(it)) = ReceiptEvent::of(&event.event) else {
            return Vec::new();
        };
        vec![Self::id(it.account_id, it.conversation_id)]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(ReceiptEvent::ReadMoved(it)) = ReceiptEvent::of(&event.event) {
            let number = document.as_ref().map_or(0, |it| it.number).max(it.number.0);
            *document = Some(Self { account_id: it.account_id, number });
        }
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}
