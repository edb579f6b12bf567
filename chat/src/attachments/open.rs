//! What is opened once: who may, and that it is gone soon after.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttachmentRejection, VIEW_MS};
use crate::Event;
use crate::conversations::ConversationId;
use crate::expiry::ExpiryBegun;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::members::Member;
use crate::messages::{Message, MessageId};

/// Opens what a message holds that the other person opens once: a minute later it is gone for
/// everyone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OpenAttachment {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for OpenAttachment {
    const NAME: &'static str = "OpenAttachment";
    const SEALS: bool = false;
    type State = (Slot<Member>, Slot<Message>);
    type Rejection = AttachmentRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AttachmentRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let stream = StreamId::Conversation(self.conversation_id);
        let member = Slot::new(Member::id(self.conversation_id, context.actor), stream);
        (member, Slot::new(self.message_id.to_string(), stream))
    }

    fn decide(
        self,
        (member, message): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AttachmentRejection> {
        member.get().filter(|it| it.active).ok_or(AttachmentRejection::NotFound)?;
        let here = message.get().filter(|it| it.conversation_id == self.conversation_id);
        let message = here.ok_or(AttachmentRejection::NotFound)?;
        if message.is_gone(context.now) {
            return Err(AttachmentRejection::Opened);
        }
        if !message.view_once || message.author_id == context.actor {
            return Err(AttachmentRejection::NotViewOnce);
        }
        if message.opened {
            return Err(AttachmentRejection::Opened);
        }
        let after = Timestamp(context.now.0.saturating_add(VIEW_MS));
        let begun = ExpiryBegun {
            message_id: message.id,
            conversation_id: message.conversation_id,
            number: Long(message.number),
            author_id: message.author_id,
            expires_at: message.expires_at.map_or(after, |it| it.min(after)),
            opened: Some(true),
        };
        Ok(vec![begun.into()])
    }
}
