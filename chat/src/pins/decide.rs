//! Who may pin, and what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AllUnpinned, MessagePinned, MessageUnpinned, PINS_MAX, Pins};
use crate::Event;
use crate::contacts::Talk;
use crate::conversations::{ConversationId, Kind};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Origin, Slot, StreamId};
use crate::members::Member;
use crate::messages::{Message, MessageId};

crate::rejections! {
    /// Why pins say no.
    PinRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Forbidden: Forbidden, "PINS_FORBIDDEN",
            "only owners and admins pin in groups", "Ask an owner or admin.";
        Gone: Conflict, "PINS_MESSAGE_GONE",
            "the message has been deleted", "There is nothing to pin any more.";
        TooMany: LimitExceeded, "PINS_TOO_MANY",
            "the conversation has pinned 100 messages", "Take one down first.";
        Refused: Forbidden, "PINS_REFUSED",
            "the other person wants nothing of you", "Respect that.";
        Blocked: Conflict, "PINS_BLOCKED",
            "you have blocked the other person", "Unblock them first.";
    }
}

/// The conversation, the membership of whoever asks, and what is pinned.
type Place = (Talk, Slot<Member>, Slot<Pins>);

fn place(conversation: ConversationId, context: &Context<'_>) -> Place {
    let stream = StreamId::Conversation(conversation);
    let member = Member::id(conversation, context.actor);
    let talk = Talk::new(conversation, context.actor);
    (talk, Slot::new(member, stream), Slot::new(conversation.to_string(), stream))
}

/// Where the command comes from when an admin of a group gives it, if whoever asks may pin at all.
fn allowed(
    (talk, member, _): &Place,
    context: &Context<'_>,
) -> Result<Option<Origin>, PinRejection> {
    let member = member.get().filter(|it| it.active).ok_or(PinRejection::NotFound)?;
    let conversation = talk.conversation.get().ok_or(PinRejection::NotFound)?;
    match conversation.kind {
        Kind::Group if member.role.manages() => Ok(Some(context.origin.clone())),
        Kind::Group => Err(PinRejection::Forbidden),
        Kind::Direct | Kind::Saved => Ok(None),
    }
}

/// Pins a message; one that is pinned is pinned.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PinMessage {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// Whether attention is not to be drawn to it.
    #[serde(default)]
    pub silent: bool,
}

impl Command for PinMessage {
    const NAME: &'static str = "PinMessage";
    const SEALS: bool = false;
    type State = (Place, Slot<Message>);
    type Rejection = PinRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PinRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let stream = StreamId::Conversation(self.conversation_id);
        let message = Slot::new(self.message_id.to_string(), stream);
        (place(self.conversation_id, context), message)
    }

    fn decide(
        self,
        (place, message): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PinRejection> {
        let origin = allowed(place, context)?;
        let (talk, _, pins) = place;
        let message = message.get().filter(|it| it.conversation_id == self.conversation_id);
        let message = message.ok_or(PinRejection::NotFound)?;
        match talk.blocked_by() {
            Some(it) if it == context.actor => return Err(PinRejection::Blocked),
            Some(_) => return Err(PinRejection::Refused),
            None => (),
        }
        if message.is_gone(context.now) {
            return Err(PinRejection::Gone);
        }
        if pins.get().is_some_and(|it| it.find(message.id).is_some()) {
            return Ok(Vec::new());
        }
        if pins.get().is_some_and(|it| it.pins.len() >= PINS_MAX) {
            return Err(PinRejection::TooMany);
        }
        let pinned = MessagePinned {
            message_id: message.id,
            conversation_id: self.conversation_id,
            number: Long(message.number),
            account_id: context.actor,
            silent: self.silent,
            origin,
        };
        Ok(vec![pinned.into()])
    }
}

/// Takes a message down; one that is not pinned is down.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnpinMessage {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for UnpinMessage {
    const NAME: &'static str = "UnpinMessage";
    const SEALS: bool = false;
    type State = (Place, Slot<Message>);
    type Rejection = PinRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PinRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let stream = StreamId::Conversation(self.conversation_id);
        let message = Slot::new(self.message_id.to_string(), stream);
        (place(self.conversation_id, context), message)
    }

    fn decide(
        self,
        (place, message): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PinRejection> {
        let origin = allowed(place, context)?;
        let message = message.get().filter(|it| it.conversation_id == self.conversation_id);
        let message = message.ok_or(PinRejection::NotFound)?;
        if place.2.get().is_none_or(|it| it.find(message.id).is_none()) {
            return Ok(Vec::new());
        }
        let unpinned = MessageUnpinned {
            message_id: message.id,
            conversation_id: self.conversation_id,
            number: Long(message.number),
            account_id: context.actor,
            origin,
        };
        Ok(vec![unpinned.into()])
    }
}

/// Takes everything down.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnpinAll {
    pub conversation_id: ConversationId,
}

impl Command for UnpinAll {
    const NAME: &'static str = "UnpinAll";
    const SEALS: bool = false;
    type State = Place;
    type Rejection = PinRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PinRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        place(self.conversation_id, context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, PinRejection> {
        let origin = allowed(place, context)?;
        let count = place.2.get().map_or(0, |it| it.pins.len());
        if count == 0 {
            return Ok(Vec::new());
        }
        let unpinned = AllUnpinned {
            conversation_id: self.conversation_id,
            count: Long(count as u64),
            account_id: context.actor,
            origin,
        };
        Ok(vec![unpinned.into()])
    }
}
