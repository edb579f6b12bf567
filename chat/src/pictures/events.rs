//! What can happen to pictures.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use super::Subject;
use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::{Effect, Recorded};

crate::id! {
    /// Identifies a picture: a file that is shown, from being set to being removed.
    PictureId, "pic"
}

crate::events! {
    /// Everything that can happen to pictures: those of accounts in their account's stream, those
    /// of conversations in their conversation's.
    PictureEvent {
        PictureSet [],
        PictureRemoved [],
        PictureReleased [],
        PictureReady [],
    }
}

/// A file is the picture of an account, or of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.pictures")]
pub struct PictureSet {
    pub picture_id: PictureId,
    /// Who has set it, and whose file it is.
    pub account_id: AccountId,
    /// Whose picture it is; null when it is the account's own.
    pub conversation_id: Option<ConversationId>,
    pub file_id: FileId,
}

/// A file is no picture any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.pictures")]
pub struct PictureRemoved {
    pub picture_id: PictureId,
    /// Who had set it, and whose file it is.
    pub account_id: AccountId,
    /// Whose picture it was; null when it was the account's own.
    pub conversation_id: Option<ConversationId>,
    pub file_id: FileId,
    /// Whether another takes its place, of which the next event tells; null when none does.
    pub replaced: Option<bool>,
}

/// A file that was a picture is not kept for that any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.pictures")]
pub struct PictureReleased {
    pub picture_id: PictureId,
    /// Whose file it is.
    pub account_id: AccountId,
    /// Whose picture it was; null when it was the account's own.
    pub conversation_id: Option<ConversationId>,
    pub file_id: FileId,
}

/// There is more of a picture to be seen: those who see it look again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.pictures")]
pub struct PictureReady {
    pub picture_id: PictureId,
    /// Whose file it is.
    pub account_id: AccountId,
    /// Whose picture it is; null when it is the account's own.
    pub conversation_id: Option<ConversationId>,
}

impl PictureEvent {
    fn subject(&self) -> Subject {
        match self {
            Self::PictureSet(it) => Subject::new(it.account_id, it.conversation_id),
            Self::PictureRemoved(it) => Subject::new(it.account_id, it.conversation_id),
            Self::PictureReleased(it) => Subject::new(it.account_id, it.conversation_id),
            Self::PictureReady(it) => Subject::new(it.account_id, it.conversation_id),
        }
    }

    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let unseen = match self {
            Self::PictureRemoved(it) => it.replaced == Some(true),
            Self::PictureReleased(_) => true,
            Self::PictureSet(_) | Self::PictureReady(_) => false,
        };
        let change = match self.subject() {
            _ if unseen => Change::None,
            Subject::Account(it) => Change::Account(it),
            Subject::Conversation(it) => Change::Conversation(it),
        };
        (change, Effect::None)
    }
}
