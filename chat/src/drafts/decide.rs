//! When a draft is saved, and when it goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Draft, DraftCleared, DraftSaved};
use crate::Event;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp};
use crate::members::Member;
use crate::messages::{Message, MessageId, TEXT_BYTES_MAX};

crate::rejections! {
    /// Why drafts say no.
    DraftRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        TooLong: Invalid, "DRAFTS_TOO_LONG",
            "text is over 16,384 bytes", "Save what fits into a message.";
        TextInvalid: Invalid, "DRAFTS_TEXT_INVALID",
            "text holds control characters", "Remove them.";
        ReplyNotFound: NotFound, "DRAFTS_REPLY_NOT_FOUND",
            "the message replied to is not in this conversation", "Check the id.";
    }
}

/// The membership of whoever asks, and what they had begun.
type Place = (Slot<Member>, Slot<Draft>);

fn place(conversation: ConversationId, context: &Context<'_>) -> Place {
    let (own, there) = (StreamId::Account(context.actor), StreamId::Conversation(conversation));
    let member = Slot::new(Member::id(conversation, context.actor), there);
    (member, Slot::new(Draft::id(context.actor, conversation), own))
}

fn is_member((member, _): &Place) -> bool {
    member.get().is_some_and(|it| it.active)
}

fn leaf(draft: &Draft) -> Long {
    Long(draft.text.leaf().unwrap_or(0))
}

fn cleared(place: &Place, conversation: ConversationId, context: &Context<'_>) -> Vec<Event> {
    let cleared = place.1.get().map(|it| DraftCleared {
        account_id: context.actor,
        conversation_id: conversation,
        leaf: leaf(it),
    });
    cleared.map(Event::from).into_iter().collect()
}

/// Saves what one has begun to write, in place of what there was; nothing clears it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SaveDraft {
    pub conversation_id: ConversationId,
    /// Markdown, at most 16,384 bytes.
    pub text: String,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
}

impl Command for SaveDraft {
    const NAME: &'static str = "SaveDraft";
    const SEALS: bool = true;
    type State = (Place, Option<Slot<Message>>);
    type Rejection = DraftRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, DraftRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let there = StreamId::Conversation(self.conversation_id);
        let reply = self.reply_to.map(|it| Slot::new(it.to_string(), there));
        (place(self.conversation_id, context), reply)
    }

    fn decide(
        self,
        (place, reply): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, DraftRejection> {
        if !is_member(place) {
            return Err(DraftRejection::NotFound);
        }
        if self.text.len() > TEXT_BYTES_MAX {
            return Err(DraftRejection::TooLong);
        }
        if self.text.contains(|it: char| it.is_control() && it != '\n' && it != '\t') {
            return Err(DraftRejection::TextInvalid);
        }
        if let Some(reply) = reply {
            let replied = reply.get().filter(|it| it.conversation_id == self.conversation_id);
            let present = replied.is_some_and(|it| !it.is_gone(context.now));
            present.then_some(()).ok_or(DraftRejection::ReplyNotFound)?;
        }
        if self.text.trim().is_empty() && self.reply_to.is_none() {
            return Ok(cleared(place, self.conversation_id, context));
        }
        let saved = DraftSaved {
            account_id: context.actor,
            conversation_id: self.conversation_id,
            text: Personal::new(self.text),
            reply_to: self.reply_to,
            replaced: place.1.get().map(leaf),
        };
        Ok(vec![saved.into()])
    }
}

/// Clears what one has begun to write; what is not there is clear.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClearDraft {
    pub conversation_id: ConversationId,
    /// Leaves what was saved later.
    #[serde(default)]
    pub saved_until: Option<Timestamp>,
}

impl Command for ClearDraft {
    const NAME: &'static str = "ClearDraft";
    const SEALS: bool = false;
    type State = Place;
    type Rejection = DraftRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, DraftRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        place(self.conversation_id, context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, DraftRejection> {
        let draft = place.1.get();
        if draft.is_some_and(|it| self.saved_until.is_some_and(|until| it.saved_at > until)) {
            return Ok(Vec::new());
        }
        let cleared = cleared(place, self.conversation_id, context);
        match cleared.is_empty() && !is_member(place) {
            true => Err(DraftRejection::NotFound),
            false => Ok(cleared),
        }
    }
}
