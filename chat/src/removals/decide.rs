//! What becomes of a message that is deleted for everyone, and who restores it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DELETED_MAX, MessageDestroyed, MessageRemoved, MessageRestored, RESTORABLE_MS, Removal,
};
use crate::Event;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::members::Member;
use crate::messages::{Message, MessageDeleted, MessageId};

crate::rejections! {
    /// Why removals say no.
    RemovalRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Forbidden: Forbidden, "REMOVALS_FORBIDDEN",
            "only admins and the owner delete what others wrote, and restore it",
            "Name messages of your own, or ask an admin.";
        CountInvalid: Invalid, "REMOVALS_COUNT_INVALID",
            "1 to 100 messages are named at once", "Do it in several calls.";
        SelectionInvalid: Invalid, "REMOVALS_SELECTION_INVALID",
            "messages are named either by their ids, or by their numbers, their author or both",
            "Say which messages in one of these ways.";
        TooLate: Conflict, "REMOVALS_TOO_LATE",
            "the message is gone for good", "There is nothing to restore any more.";
    }
}

/// What becomes of a message that somebody who may deletes for everyone: nothing when it is gone,
/// or out of sight and somebody else's.
pub(crate) fn deletion(message: &Message, context: &Context<'_>) -> Option<Event> {
    let own = message.author_id == context.actor;
    match &message.body {
        Some(body) if own => {
            let deleted = MessageDeleted {
                message_id: message.id,
                conversation_id: message.conversation_id,
                number: Long(message.number),
                author_id: message.author_id,
                leaf: Long(body.leaf().unwrap_or(0)),
                mentions: message.mentions.clone(),
                everyone: message.everyone.then_some(true),
                thread: message.thread,
                files: message.held(),
                file_bytes: message.file_bytes,
            };
            Some(deleted.into())
        }
        Some(_) => {
            let removed = MessageRemoved {
                message_id: message.id,
                conversation_id: message.conversation_id,
                number: Long(message.number),
                author_id: message.author_id,
                mentions: message.mentions.clone(),
                moderator_id: context.actor,
                restorable_until: Timestamp(context.now.0.saturating_add(RESTORABLE_MS)),
                origin: Some(context.origin.clone()),
                everyone: message.everyone.then_some(true),
                thread: message.thread,
                file_bytes: message.file_bytes,
            };
            Some(removed.into())
        }
        None if own => destroyed(message),
        None => None,
    }
}

/// The end of a message that is removed; nothing when it is not.
pub(crate) fn destroyed(message: &Message) -> Option<Event> {
    let aside = message.aside.as_ref()?;
    let destroyed = MessageDestroyed {
        message_id: message.id,
        conversation_id: message.conversation_id,
        number: Long(message.number),
        author_id: message.author_id,
        leaf: Long(aside.body.leaf().unwrap_or(0)),
        files: message.held(),
    };
    Some(destroyed.into())
}

/// Ids that are named, each once, if they are not too many.
pub(super) fn named(ids: &[MessageId]) -> Result<BTreeSet<MessageId>, RemovalRejection> {
    match (1..=DELETED_MAX).contains(&ids.len()) {
        true => Ok(ids.iter().copied().collect()),
        false => Err(RemovalRejection::CountInvalid),
    }
}

/// Gives back what moderators have taken out, all or none; what is there is there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RestoreMessages {
    pub conversation_id: ConversationId,
    /// 1 to 100.
    pub message_ids: Vec<MessageId>,
}

impl Command for RestoreMessages {
    const NAME: &'static str = "RestoreMessages";
    const SEALS: bool = false;
    type State = (Slot<Member>, Vec<(Slot<Message>, Slot<Removal>)>);
    type Rejection = RemovalRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, RemovalRejection> {
        named(&self.message_ids)?;
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let stream = StreamId::Conversation(self.conversation_id);
        let member = Slot::new(Member::id(self.conversation_id, context.actor), stream);
        let ids: BTreeSet<_> = self.message_ids.iter().map(ToString::to_string).collect();
        let both = |it: String| (Slot::new(it.clone(), stream), Slot::new(it, stream));
        (member, ids.into_iter().map(both).collect())
    }

    fn decide(
        self,
        (member, all): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, RemovalRejection> {
        let member = member.get().filter(|it| it.active).ok_or(RemovalRejection::NotFound)?;
        if !member.role.manages() {
            return Err(RemovalRejection::Forbidden);
        }
        let mut restored = Vec::new();
        for (message, removal) in all {
            let message = message.get().filter(|it| it.conversation_id == self.conversation_id);
            let message = message.ok_or(RemovalRejection::NotFound)?;
            if message.body.is_some() && !message.is_over(context.now) {
                continue;
            }
            let removal = removal.get().filter(|it| it.restorable_until > context.now);
            if removal.is_none() || message.is_over(context.now) {
                return Err(RemovalRejection::TooLate);
            }
            let it = MessageRestored {
                message_id: message.id,
                conversation_id: message.conversation_id,
                number: Long(message.number),
                author_id: message.author_id,
                mentions: message.mentions.clone(),
                moderator_id: context.actor,
                origin: Some(context.origin.clone()),
                everyone: message.everyone.then_some(true),
                thread: message.thread,
                file_bytes: message.file_bytes,
            };
            restored.push(it.into());
        }
        Ok(restored)
    }
}
