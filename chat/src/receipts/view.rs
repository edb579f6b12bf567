//! Read pointers as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::ReceiptEvent;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded};

/// How far a person has read a conversation, as they said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadPointer {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    pub number: u64,
}

impl ReadPointer {
    /// Id of a person's pointer in a conversation.
    pub fn id(account: AccountId, conversation: ConversationId) -> String {
        format!("{account}/{conversation}")
    }
}

impl Document for ReadPointer {
    const COLLECTION: Collection = Collection { name: "read_pointers", indexes: &["by_number"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some(ReceiptEvent::ReadMoved(it)) = ReceiptEvent::of(&event.event) else {
            return Vec::new();
        };
        vec![Self::id(it.account_id, it.conversation_id)]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(ReceiptEvent::ReadMoved(it)) = ReceiptEvent::of(&event.event) {
            let number = document.as_ref().map_or(0, |it| it.number).max(it.number.0);
            let (account_id, conversation_id) = (it.account_id, it.conversation_id);
            *document = Some(Self { account_id, conversation_id, number });
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let (conversation, account) = (self.conversation_id, self.account_id);
        vec![Some(format!("{conversation}/{}/{account}", padded(self.number)))]
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}
