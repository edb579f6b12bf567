//! What is removed and can be restored, as those who manage the group find it.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::RemovalEvent;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded, Timestamp};
use crate::messages::MessageId;

/// That a message is removed; it goes when that is restored or destroyed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: u64,
    pub author_id: AccountId,
    pub moderator_id: AccountId,
    pub removed_at: Timestamp,
    pub restorable_until: Timestamp,
    /// `seq` of the event that removed it.
    pub seq: u64,
}

impl Removal {
    /// What begins the keys of those of a conversation.
    pub(super) fn prefix(conversation: ConversationId) -> String {
        format!("{conversation}/")
    }
}

impl Document for Removal {
    const COLLECTION: Collection = Collection { name: "removals", indexes: &["by_seq"] };

    fn ids(event: &Recorded) -> Vec<String> {
        RemovalEvent::of(&event.event).iter().map(|it| it.message_id().to_string()).collect()
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        *document = match RemovalEvent::of(&event.event) {
            Some(RemovalEvent::MessageRemoved(it)) => Some(Self {
                message_id: it.message_id,
                conversation_id: it.conversation_id,
                number: it.number.0,
                author_id: it.author_id,
                moderator_id: it.moderator_id,
                removed_at: event.occurred_at,
                restorable_until: it.restorable_until,
                seq: event.seq,
            }),
            Some(RemovalEvent::MessageRestored(_) | RemovalEvent::MessageDestroyed(_)) | None => {
                None
            }
        };
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        vec![Some(format!("{}{}", Self::prefix(self.conversation_id), padded(self.seq)))]
    }

    fn audience(&self) -> Audience {
        Audience::Managers(self.conversation_id)
    }
}
