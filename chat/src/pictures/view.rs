//! Pictures as they are remembered: one of each subject.

use std::fmt;

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{PictureEvent, PictureId, PictureRemoved};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::{Document, Recorded, Slot, StreamId};

/// What a picture is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Account(AccountId),
    Conversation(ConversationId),
}

impl Subject {
    /// The conversation, or else the account whose own picture it is.
    pub(crate) fn new(account: AccountId, conversation: Option<ConversationId>) -> Self {
        conversation.map_or(Self::Account(account), Self::Conversation)
    }

    /// Where its picture is set.
    pub(super) fn stream(self) -> StreamId {
        match self {
            Self::Account(it) => StreamId::Account(it),
            Self::Conversation(it) => StreamId::Conversation(it),
        }
    }

    /// Its picture, for decisions.
    pub(super) fn slot(self) -> Slot<Picture> {
        Slot::new(self.to_string(), self.stream())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(it) => it.fmt(f),
            Self::Conversation(it) => it.fmt(f),
        }
    }
}

/// The picture of an account or a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub id: PictureId,
    /// Who has set it, and whose file it is.
    pub owner_id: AccountId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    pub file_id: FileId,
    /// `seq` of the event that set it.
    pub seq: u64,
}

impl Picture {
    /// What removes it.
    pub(super) fn removed(&self, replaced: Option<bool>) -> PictureRemoved {
        PictureRemoved {
            picture_id: self.id,
            account_id: self.owner_id,
            conversation_id: self.conversation_id,
            file_id: self.file_id,
            replaced,
        }
    }
}

impl Document for Picture {
    const COLLECTION: Collection = Collection { name: "pictures", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let subject = match PictureEvent::of(&event.event) {
            Some(PictureEvent::PictureSet(it)) => Subject::new(it.account_id, it.conversation_id),
            Some(PictureEvent::PictureRemoved(it)) => {
                Subject::new(it.account_id, it.conversation_id)
            }
            Some(PictureEvent::PictureReleased(_) | PictureEvent::PictureReady(_)) | None => {
                return Vec::new();
            }
        };
        vec![subject.to_string()]
    }

    fn begins(event: &Recorded) -> bool {
        matches!(PictureEvent::of(&event.event), Some(PictureEvent::PictureSet(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match PictureEvent::of(&event.event) {
            Some(PictureEvent::PictureSet(it)) => {
                *document = Some(Self {
                    id: it.picture_id,
                    owner_id: it.account_id,
                    conversation_id: it.conversation_id,
                    file_id: it.file_id,
                    seq: event.seq,
                });
            }
            Some(PictureEvent::PictureRemoved(_)) => *document = None,
            Some(PictureEvent::PictureReleased(_) | PictureEvent::PictureReady(_)) | None => (),
        }
    }

    fn audience(&self) -> Audience {
        // Who sees an account's is what its owner has said, which is asked beside this.
        self.conversation_id.map_or(Audience::Nobody, Audience::Members)
    }
}
