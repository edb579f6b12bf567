//! Who says how long messages are there, and when one is over.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ExpirySet, may_expire_in};
use crate::Event;
use crate::conversations::{Conversation, ConversationId, Kind};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::members::Member;
use crate::messages::{Message, MessageDeleted, MessageId};
use crate::removals::destroyed;

crate::rejections! {
    /// Why expiry says no.
    ExpiryRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Forbidden: Forbidden, "EXPIRY_FORBIDDEN",
            "only owners and admins may do this", "Ask an owner or admin.";
        OutOfRange: Invalid, "EXPIRY_OUT_OF_RANGE",
            "messages are there for 60 seconds to 365 days", "Choose a time within that, or none.";
    }
}

/// Says how long what is sent to a conversation from here on is there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetExpiry {
    pub conversation_id: ConversationId,
    /// Seconds, 60 to 31,536,000; without them it stays.
    #[serde(default)]
    pub expires_in: Option<u32>,
}

impl Command for SetExpiry {
    const NAME: &'static str = "SetExpiry";
    const SEALS: bool = false;
    type State = (Slot<Conversation>, Slot<Member>);
    type Rejection = ExpiryRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ExpiryRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let stream = StreamId::Conversation(self.conversation_id);
        let member = Member::id(self.conversation_id, context.actor);
        (Slot::new(self.conversation_id.to_string(), stream), Slot::new(member, stream))
    }

    fn decide(
        self,
        (conversation, member): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ExpiryRejection> {
        let member = member.get().filter(|it| it.active).ok_or(ExpiryRejection::NotFound)?;
        let conversation = conversation.get().ok_or(ExpiryRejection::NotFound)?;
        let group = conversation.kind == Kind::Group;
        if group && !member.role.manages() {
            return Err(ExpiryRejection::Forbidden);
        }
        if !self.expires_in.is_none_or(may_expire_in) {
            return Err(ExpiryRejection::OutOfRange);
        }
        if self.expires_in == conversation.expires_in {
            return Ok(Vec::new());
        }
        let long = |it: u32| Long(it.into());
        let set = ExpirySet {
            conversation_id: self.conversation_id,
            expires_in: self.expires_in.map(long),
            before: conversation.expires_in.map(long),
            origin: group.then(|| context.origin.clone()),
        };
        Ok(vec![set.into()])
    }
}

/// Deletes a message whose time has come; one that is gone already is gone.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpireMessage {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for ExpireMessage {
    const NAME: &'static str = "ExpireMessage";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<Message>;
    type Rejection = ExpiryRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ExpiryRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Message> {
        Slot::new(self.message_id.to_string(), StreamId::Conversation(self.conversation_id))
    }

    fn decide(
        self,
        message: &Slot<Message>,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, ExpiryRejection> {
        let here = message.get().filter(|it| it.conversation_id == self.conversation_id);
        let message = here.filter(|it| it.expires_at.is_some()).ok_or(ExpiryRejection::NotFound)?;
        let Some(body) = &message.body else {
            return Ok(destroyed(message).into_iter().collect());
        };
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
        Ok(vec![deleted.into()])
    }
}
