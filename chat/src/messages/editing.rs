//! What every edit of a message goes through, of its text or of its files.

use super::{
    ContentKind, Message, MessageId, MessageRejection, active, found, member, message, welcome,
};
use crate::contacts::Talk;
use crate::conversations::ConversationId;
use crate::edit_policy::EditPolicy;
use crate::kernel::command::Fetch;
use crate::kernel::{Context, Slot, State, StreamId};
use crate::members::Member;

/// What it is decided from whether somebody may edit a message.
pub struct Editing {
    conversation_id: ConversationId,
    talk: Talk,
    member: Slot<Member>,
    message: Slot<Message>,
    policy: Slot<EditPolicy>,
}

impl State for Editing {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.talk.fill(fetch);
        self.member.fill(fetch);
        self.message.fill(fetch);
        self.policy.fill(fetch);
    }
}

impl Editing {
    /// Asks for what it is decided from.
    pub(crate) fn new(id: ConversationId, message_id: MessageId, context: &Context<'_>) -> Self {
        Self {
            conversation_id: id,
            talk: Talk::new(id, context.actor),
            member: member(id, context.actor),
            message: message(id, message_id),
            policy: Slot::new(id.to_string(), StreamId::Conversation(id)),
        }
    }

    /// Whether whoever edits it manages the group.
    pub(super) fn by_manager(&self) -> bool {
        self.member.get().is_some_and(|it| it.role.manages())
    }

    /// The message, if whoever asks may edit it now, and it holds text or files.
    ///
    /// # Errors
    /// Why they may not.
    pub(crate) fn allowed(&self, context: &Context<'_>) -> Result<&Message, MessageRejection> {
        active(&self.member)?;
        let message = found(&self.message, self.conversation_id)?;
        welcome(&self.talk, context)?;
        if message.author_id != context.actor {
            return Err(MessageRejection::NotAuthor);
        }
        if message.is_gone(context.now) {
            return Err(MessageRejection::Gone);
        }
        if message.content.is_some_and(|it| it != ContentKind::Attachments) {
            return Err(MessageRejection::NotText);
        }
        if message.forwarded.is_some() {
            return Err(MessageRejection::Forwarded);
        }
        let policy = self.policy.get().copied().unwrap_or_default();
        let in_time = policy.allows(message.occurred_at, context.now);
        in_time.then_some(message).ok_or(MessageRejection::TooLate)
    }
}
