//! Drafts as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{DraftEvent, DraftLine};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::messages::MessageId;

/// What a person has begun to write for a line of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub account_id: AccountId,
    pub text: Personal<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    pub saved_at: Timestamp,
}

impl Draft {
    /// Id of a person's draft for a line.
    pub fn id(account: AccountId, line: DraftLine) -> String {
        let own = format!("{account}/{}", line.conversation());
        line.thread().map_or(own.clone(), |it| format!("{own}/{it}"))
    }
}

impl Document for Draft {
    const COLLECTION: Collection = Collection { name: "drafts", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let place = DraftEvent::of(&event.event).map(DraftEvent::place);
        place.map(|(account, line)| Self::id(account, line)).into_iter().collect()
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
