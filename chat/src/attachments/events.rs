//! What can happen to files that messages hold, beside what happens to the messages.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::{Effect, Recorded};
use crate::messages::MessageId;

crate::events! {
    /// Everything that can happen to what messages hold; it lives in the conversation's stream.
    AttachmentEvent {
        FilesReleased [],
        AttachmentReady [],
    }
}

/// The files of a message that is gone are not kept for it any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.attachments")]
pub struct FilesReleased {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub file_ids: Vec<FileId>,
}

/// What is in a file of a message is known, or more was made of it: those who see it look again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.attachments")]
pub struct AttachmentReady {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub file_id: FileId,
}

impl AttachmentEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::FilesReleased(_) => (Change::None, Effect::None),
            Self::AttachmentReady(it) => (Change::Message(it.message_id), Effect::None),
        }
    }
}
