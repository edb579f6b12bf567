//! What can happen to files that messages hold, beside what happens to the messages.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Recorded};
use crate::messages::MessageId;

crate::events! {
    /// Everything that can happen to what messages hold; it lives in the conversation's stream.
    AttachmentEvent {
        FilesReleased [],
        AttachmentReady [],
        AttachmentReplaced [],
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

/// The author put a newer file in the place of one that the message held; what it is taken for and
/// what is said beside it stay. The message goes on holding the earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.attachments")]
pub struct AttachmentReplaced {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub number: Long,
    /// 1 for the first edit; texts and files are counted together.
    pub revision: Long,
    /// Which file of the message: 0 for the first.
    pub place: Long,
    /// The file that was there.
    pub file_id: FileId,
    /// The file that is there from now on, of the author's own.
    pub new_file_id: FileId,
    /// What the message holds more; null when it has held that file before.
    pub file_bytes: Option<Long>,
    /// What the files take that it shows from now on.
    pub shown_bytes: Long,
}

impl AttachmentEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::FilesReleased(_) => (Change::None, Effect::None),
            Self::AttachmentReady(it) => (Change::Message(it.message_id), Effect::None),
            Self::AttachmentReplaced(it) => (Change::Message(it.message_id), Effect::None),
        }
    }
}
