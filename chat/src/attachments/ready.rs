//! That there is more of a file: told in the conversation, so that no device misses it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttachmentReady, AttachmentRejection};
use crate::Event;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::messages::{Message, MessageId};

/// Tells those who see a message that more is known or was made of a file of theirs; nothing when
/// the message is gone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NoteMedia {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub file_id: FileId,
}

impl Command for NoteMedia {
    const NAME: &'static str = "NoteMedia";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<Message>;
    type Rejection = AttachmentRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AttachmentRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Message> {
        Slot::new(self.message_id.to_string(), StreamId::Conversation(self.conversation_id))
    }

    fn decide(
        self,
        message: &Slot<Message>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AttachmentRejection> {
        let (message_id, conversation_id, file_id) =
            (self.message_id, self.conversation_id, self.file_id);
        let holds = |it: &&Message| {
            it.conversation_id == conversation_id
                && it.files.contains(&file_id)
                && !it.is_gone(context.now)
        };
        let ready = AttachmentReady { message_id, conversation_id, file_id };
        Ok(message.get().filter(holds).map(|_| ready.into()).into_iter().collect())
    }
}
