//! When a message may be scheduled, changed and sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AHEAD_MS_MAX, AHEAD_MS_MIN, MessageScheduled, Scheduled, ScheduledCancelled, ScheduledChanged,
    ScheduledCount, ScheduledId, ScheduledState, WAITING_MAX,
};
use crate::Event;
use crate::attachments::{self, Attach, AttachmentRejection, Attachments, slots};
use crate::conversations::ConversationId;
use crate::expiry::may_expire_in;
use crate::files::File;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp, id};
use crate::members::Member;
use crate::messages::{Message, MessageId, Unsent, check_caption, check_text};
use crate::threads::Entry;

crate::rejections! {
    /// Why the schedule says no.
    ScheduleRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        TextInvalid: Invalid, "SCHEDULE_TEXT_INVALID",
            "text is empty, over 16,384 bytes, or holds control characters", "Send it otherwise.";
        ReplyNotFound: NotFound, "SCHEDULE_REPLY_NOT_FOUND",
            "the message replied to is not in this conversation", "Check the id.";
        ThreadNotFound: NotFound, "SCHEDULE_THREAD_NOT_FOUND",
            "no thread begins at that message", "Check the id.";
        TimeInvalid: Invalid, "SCHEDULE_TIME_INVALID",
            "the time is not 10 seconds to 365 days ahead", "Choose another, or send it now.";
        ExpiryInvalid: Invalid, "SCHEDULE_EXPIRY_INVALID",
            "a message is there for 60 seconds to 365 days", "Choose a time within that.";
        TooMany: LimitExceeded, "SCHEDULE_TOO_MANY",
            "100 of your messages wait in this conversation", "Send or cancel one first.";
        Sending: Conflict, "SCHEDULE_SENDING",
            "the message is being sent", "Look what became of it.";
        Over: Conflict, "SCHEDULE_OVER",
            "the message was sent or cancelled", "Schedule another one.";
        Suspended: Forbidden, "SCHEDULE_SUSPENDED",
            "the account was not in use when the message was due", "Send it when it is again.";
    }
}

/// Refuses what is no text; beside files there may be none.
fn check(text: &str, beside_files: bool) -> Result<(), ScheduleRejection> {
    let checked = if beside_files { check_caption(text) } else { check_text(text) };
    checked.map_err(|_| ScheduleRejection::TextInvalid)
}

fn ahead(at: Timestamp, context: &Context<'_>) -> Result<(), ScheduleRejection> {
    let ahead = at.0.saturating_sub(context.now.0);
    let allowed = (AHEAD_MS_MIN..=AHEAD_MS_MAX).contains(&ahead);
    allowed.then_some(()).ok_or(ScheduleRejection::TimeInvalid)
}

/// Files that are scheduled together, each of whoever asks, and there.
fn together(
    attach: &[Attach],
    files: &[Slot<File>],
    context: &Context<'_>,
) -> Result<Attachments, AttachmentRejection> {
    attachments::check(attach)?;
    attachments::sent_by(attach, files, false, context)
}

/// Whoever asks has one place in each stream: their own account's.
pub(super) fn own(context: &Context<'_>) -> StreamId {
    StreamId::Account(context.actor)
}

pub(super) fn scheduled(id: ScheduledId, context: &Context<'_>) -> Slot<Scheduled> {
    Slot::new(id.to_string(), own(context))
}

pub(super) fn found<'a>(
    slot: &'a Slot<Scheduled>,
    context: &Context<'_>,
) -> Result<&'a Scheduled, ScheduleRejection> {
    slot.get().filter(|it| it.account_id == context.actor).ok_or(ScheduleRejection::NotFound)
}

/// Refuses to change what is on its way or over.
fn open(scheduled: &Scheduled) -> Result<(), ScheduleRejection> {
    match scheduled.state {
        ScheduledState::Waiting | ScheduledState::Failed => Ok(()),
        ScheduledState::Sending => Err(ScheduleRejection::Sending),
        ScheduledState::Sent | ScheduledState::Cancelled => Err(ScheduleRejection::Over),
    }
}

/// Schedules a message.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScheduleMessage {
    pub conversation_id: ConversationId,
    /// Markdown, at most 16,384 bytes; may be empty beside files.
    pub text: String,
    /// At most 10 that whoever schedules it has uploaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attach>,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// The message that begins the thread it goes to; none begins at what is in a thread.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
    /// Whether nobody is to be notified of it.
    #[serde(default)]
    pub silent: bool,
    /// Seconds after which it is gone for everyone, from when it is sent.
    #[serde(default)]
    pub expires_in: Option<u32>,
    /// When it is to be sent: in 10 seconds to 365 days.
    pub at: Timestamp,
}

impl ScheduleMessage {
    /// The id of what this command schedules.
    pub fn scheduled_id(context: &Context<'_>) -> ScheduledId {
        let actor = context.actor.0.into_bytes();
        ScheduledId(id::derive(context.client_id, &[b"scheduled", &actor]))
    }
}

impl Command for ScheduleMessage {
    const NAME: &'static str = "ScheduleMessage";
    const SEALS: bool = true;
    type State = (
        Slot<Member>,
        (Option<Slot<Message>>, Option<Entry>),
        (Slot<ScheduledCount>, Vec<Slot<File>>),
    );
    type Rejection = Unsent<AttachmentRejection, ScheduleRejection>;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, Self::Rejection> {
        Ok(own(context))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let there = StreamId::Conversation(self.conversation_id);
        let count = ScheduledCount::id(context.actor, self.conversation_id);
        (
            Slot::new(Member::id(self.conversation_id, context.actor), there),
            (
                self.reply_to.map(|it| Slot::new(it.to_string(), there)),
                self.thread_id.map(|it| Entry::new(self.conversation_id, it)),
            ),
            (Slot::new(count, own(context)), slots(&self.attachments, context)),
        )
    }

    fn decide(
        self,
        (member, (reply, thread), (count, files)): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Self::Rejection> {
        member.get().filter(|it| it.active).ok_or(ScheduleRejection::NotFound)?;
        if let Some(reply) = reply {
            let here = reply.get().filter(|it| it.conversation_id == self.conversation_id);
            let present = here.is_some_and(|it| !it.is_gone(context.now));
            present.then_some(()).ok_or(ScheduleRejection::ReplyNotFound)?;
        }
        if let Some(thread) = thread {
            let entered = thread.threaded(self.conversation_id, context.now);
            entered.map_err(|_| ScheduleRejection::ThreadNotFound)?;
        }
        let holds = !self.attachments.is_empty();
        check(&self.text, holds)?;
        ahead(self.at, context)?;
        if !self.expires_in.is_none_or(may_expire_in) {
            return Err(ScheduleRejection::ExpiryInvalid.into());
        }
        if count.get().is_some_and(|it| it.count >= WAITING_MAX) {
            return Err(ScheduleRejection::TooMany.into());
        }
        let attachments = match holds {
            true => Some(together(&self.attachments, files, context).map_err(Unsent::Content)?),
            false => None,
        };
        let files = attachments.as_ref().map(|it| it.all.iter().map(|it| it.file_id).collect());
        let scheduled = MessageScheduled {
            scheduled_id: Self::scheduled_id(context),
            account_id: context.actor,
            conversation_id: self.conversation_id,
            text: Personal::new(self.text),
            reply_to: self.reply_to,
            silent: self.silent,
            expires_in: self.expires_in.map(|it| Long(it.into())),
            due_at: self.at,
            thread_id: self.thread_id,
            files,
            attachments: attachments.map(Personal::new),
        };
        Ok(vec![scheduled.into()])
    }
}

/// Changes what a scheduled message says, or when it is sent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeScheduled {
    pub scheduled_id: ScheduledId,
    /// Markdown, at most 16,384 bytes; without it the text stays.
    #[serde(default)]
    pub text: Option<String>,
    /// In 10 seconds to 365 days; without it the time stays.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

impl Command for ChangeScheduled {
    const NAME: &'static str = "ChangeScheduled";
    const SEALS: bool = true;
    type State = Slot<Scheduled>;
    type Rejection = ScheduleRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ScheduleRejection> {
        Ok(own(context))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Scheduled> {
        scheduled(self.scheduled_id, context)
    }

    fn decide(
        self,
        scheduled: &Slot<Scheduled>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ScheduleRejection> {
        let scheduled = found(scheduled, context)?;
        open(scheduled)?;
        let holds = scheduled.files.is_some();
        self.text.as_deref().map_or(Ok(()), |it| check(it, holds))?;
        self.at.map_or(Ok(()), |it| ahead(it, context))?;
        if self.text.is_none() && self.at.is_none() {
            return Ok(Vec::new());
        }
        let leaf = scheduled.leaf();
        let changed = ScheduledChanged {
            scheduled_id: scheduled.id,
            account_id: context.actor,
            text: self.text.map(|it| Personal::beside(it, leaf)),
            due_at: self.at,
        };
        Ok(vec![changed.into()])
    }
}

/// Sends a scheduled message without waiting for its time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendScheduledNow {
    pub scheduled_id: ScheduledId,
}

impl Command for SendScheduledNow {
    const NAME: &'static str = "SendScheduledNow";
    const SEALS: bool = false;
    type State = Slot<Scheduled>;
    type Rejection = ScheduleRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ScheduleRejection> {
        Ok(own(context))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Scheduled> {
        scheduled(self.scheduled_id, context)
    }

    fn decide(
        self,
        scheduled: &Slot<Scheduled>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ScheduleRejection> {
        let scheduled = found(scheduled, context)?;
        if scheduled.state == ScheduledState::Sending {
            return Ok(Vec::new());
        }
        open(scheduled)?;
        let (scheduled_id, account_id) = (scheduled.id, context.actor);
        let (text, due_at) = (None, Some(context.now));
        Ok(vec![ScheduledChanged { scheduled_id, account_id, text, due_at }.into()])
    }
}

/// Takes a scheduled message back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CancelScheduled {
    pub scheduled_id: ScheduledId,
}

impl Command for CancelScheduled {
    const NAME: &'static str = "CancelScheduled";
    const SEALS: bool = false;
    type State = Slot<Scheduled>;
    type Rejection = ScheduleRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ScheduleRejection> {
        Ok(own(context))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Scheduled> {
        scheduled(self.scheduled_id, context)
    }

    fn decide(
        self,
        scheduled: &Slot<Scheduled>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ScheduleRejection> {
        let scheduled = found(scheduled, context)?;
        if scheduled.state == ScheduledState::Cancelled {
            return Ok(Vec::new());
        }
        open(scheduled)?;
        let cancelled = ScheduledCancelled {
            scheduled_id: scheduled.id,
            account_id: context.actor,
            conversation_id: scheduled.conversation_id,
            leaf: Long(scheduled.leaf()),
            files: scheduled.files.clone(),
        };
        Ok(vec![cancelled.into()])
    }
}
