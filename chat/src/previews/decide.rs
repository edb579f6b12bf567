//! What became of looking a page up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LinkPreview, Preview, PreviewFound, PreviewMissed};
use crate::Event;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId};
use crate::messages::{Message, MessageId};

crate::rejections! {
    /// Why previews say no.
    PreviewRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// Notes what became of looking up the page of a message; nothing once the message says something
/// else, is gone, or that was noted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecordPreview {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// Edits of the message that it was looked up after.
    pub revision: u64,
    #[schemars(skip)]
    pub found: Option<Preview>,
}

impl Command for RecordPreview {
    const NAME: &'static str = "RecordPreview";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = (Slot<LinkPreview>, Slot<Message>);
    type Rejection = PreviewRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PreviewRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, _: &Context<'_>) -> Self::State {
        let (id, there) =
            (self.message_id.to_string(), StreamId::Conversation(self.conversation_id));
        (Slot::new(id.clone(), there), Slot::new(id, there))
    }

    fn decide(
        self,
        (preview, message): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PreviewRejection> {
        let message = message.get().filter(|it| it.conversation_id == self.conversation_id);
        let message = message.ok_or(PreviewRejection::NotFound)?;
        let awaited = preview.get().is_some_and(|it| it.awaits(self.revision));
        // What is sealed beside the text is of whoever wrote it.
        let own = message.author_id == context.actor;
        let leaf = message.body.as_ref().and_then(Personal::leaf).filter(|_| own && awaited);
        let Some(leaf) = leaf.filter(|_| !message.is_gone(context.now)) else {
            return Ok(Vec::new());
        };
        let (message_id, conversation_id) = (message.id, message.conversation_id);
        let (number, revision) = (Long(message.number), Long(self.revision));
        let event = match self.found {
            Some(it) => {
                let preview = Personal::beside(it, leaf);
                PreviewFound { message_id, conversation_id, number, revision, preview }.into()
            }
            None => PreviewMissed { message_id, conversation_id, number, revision }.into(),
        };
        Ok(vec![event])
    }
}
