//! When a draft is saved, and when it goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Draft, DraftCleared, DraftLine, DraftSaved};
use crate::Event;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp};
use crate::members::Member;
use crate::messages::{Message, MessageId, TEXT_BYTES_MAX};
use crate::threads::{Entry, NoEntry};

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
        ThreadNotFound: NotFound, "DRAFTS_THREAD_NOT_FOUND",
            "no thread begins at that message in this conversation", "Check the id.";
        ThreadNested: Conflict, "DRAFTS_THREAD_NESTED",
            "what is in a thread begins none", "Write in that thread.";
    }
}

impl From<NoEntry> for DraftRejection {
    fn from(it: NoEntry) -> Self {
        match it {
            NoEntry::Absent => Self::ThreadNotFound,
            NoEntry::Nested => Self::ThreadNested,
        }
    }
}

/// The membership of whoever asks, what they had begun, and the thread that it is for.
type Place = (Slot<Member>, Slot<Draft>, Option<Entry>);

fn place(line: DraftLine, context: &Context<'_>) -> Place {
    let conversation = line.conversation();
    let (own, there) = (StreamId::Account(context.actor), StreamId::Conversation(conversation));
    let member = Slot::new(Member::id(conversation, context.actor), there);
    let entry = line.thread().map(|it| Entry::new(conversation, it));
    (member, Slot::new(Draft::id(context.actor, line), own), entry)
}

/// Refuses a line that whoever asks writes nothing for.
fn check(
    (member, _, entry): &Place,
    line: DraftLine,
    context: &Context<'_>,
) -> Result<(), DraftRejection> {
    member.get().filter(|it| it.active).ok_or(DraftRejection::NotFound)?;
    let threaded = entry.as_ref().map(|it| it.threaded(line.conversation(), context.now));
    threaded.transpose()?;
    Ok(())
}

fn leaf(draft: &Draft) -> Long {
    Long(draft.text.leaf().unwrap_or(0))
}

fn cleared(place: &Place, line: DraftLine, context: &Context<'_>) -> Vec<Event> {
    let cleared = place.1.get().map(|it| DraftCleared {
        account_id: context.actor,
        conversation_id: line.conversation(),
        leaf: leaf(it),
        thread_id: line.thread(),
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
    // What a command was before it could hold the following is what it is without it.
    /// The message that begins the thread it is written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<MessageId>,
}

impl SaveDraft {
    fn line(&self) -> DraftLine {
        DraftLine::new(self.conversation_id, self.thread_id)
    }
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
        (place(self.line(), context), reply)
    }

    fn decide(
        self,
        (place, reply): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, DraftRejection> {
        check(place, self.line(), context)?;
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
            return Ok(cleared(place, self.line(), context));
        }
        let saved = DraftSaved {
            account_id: context.actor,
            conversation_id: self.conversation_id,
            text: Personal::new(self.text),
            reply_to: self.reply_to,
            replaced: place.1.get().map(leaf),
            thread_id: self.thread_id,
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
    /// The message that begins the thread it was written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<MessageId>,
}

impl ClearDraft {
    fn line(&self) -> DraftLine {
        DraftLine::new(self.conversation_id, self.thread_id)
    }
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
        place(self.line(), context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, DraftRejection> {
        let draft = place.1.get();
        if draft.is_some_and(|it| self.saved_until.is_some_and(|until| it.saved_at > until)) {
            return Ok(Vec::new());
        }
        let cleared = cleared(place, self.line(), context);
        if cleared.is_empty() {
            check(place, self.line(), context)?;
        }
        Ok(cleared)
    }
}
