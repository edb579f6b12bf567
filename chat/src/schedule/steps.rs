//! What the server does with a scheduled message once its time has come: it is closed, sent, and
//! what became of it noted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{found, own, scheduled};
use super::{
    ScheduleRejection, Scheduled, ScheduledFailed, ScheduledId, ScheduledReleased,
    ScheduledSending, ScheduledSent, ScheduledState,
};
use crate::Event;
use crate::accounts::Account;
use crate::attachments::{AttachmentRejection, FileUse, SendAttachments, over, uses};
use crate::files::FileId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Rejection, Slot, StreamId, Timestamp};
use crate::messages::{MessageEvent, MessageId, MessageRejection, SendMessage, Unsent};

/// Closes a scheduled message whose time has come, unless it was moved meanwhile.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BeginScheduled {
    pub scheduled_id: ScheduledId,
    pub due_at: Timestamp,
}

impl Command for BeginScheduled {
    const NAME: &'static str = "BeginScheduled";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = (Slot<Scheduled>, Slot<Account>);
    type Rejection = ScheduleRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ScheduleRejection> {
        Ok(own(context))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (scheduled(self.scheduled_id, context), Slot::of(context.actor))
    }

    fn decide(
        self,
        (scheduled, account): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ScheduleRejection> {
        let scheduled = found(scheduled, context)?;
        if (scheduled.state, scheduled.due_at) != (ScheduledState::Waiting, self.due_at) {
            return Ok(Vec::new());
        }
        let (scheduled_id, account_id) = (scheduled.id, context.actor);
        let in_use = account.get().is_some_and(|it| it.is_shown() && !it.suspended);
        Ok(vec![match in_use {
            true => ScheduledSending { scheduled_id, account_id, due_at: self.due_at }.into(),
            false => {
                let code = Rejection::from(ScheduleRejection::Suspended).code.to_owned();
                ScheduledFailed { scheduled_id, account_id, code }.into()
            }
        }])
    }
}

/// Changes nothing; it is refused unless the message waits to be sent at this very time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfirmSending {
    pub scheduled_id: ScheduledId,
    pub due_at: Timestamp,
}

impl Command for ConfirmSending {
    const NAME: &'static str = "ConfirmSending";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
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
        match (scheduled.state, scheduled.due_at) == (ScheduledState::Sending, self.due_at) {
            true => Ok(Vec::new()),
            false => Err(ScheduleRejection::Over),
        }
    }
}

/// Sends it. Its author need not be there: what came before it is not read by that.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendScheduled {
    pub message: SendMessage,
}

impl Command for SendScheduled {
    const NAME: &'static str = "SendScheduled";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = <SendMessage as Command>::State;
    type Rejection = MessageRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, MessageRejection> {
        self.message.stream(context)
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        self.message.state(context)
    }

    fn decide(
        self,
        state: &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MessageRejection> {
        Ok(unseen(self.message.decide(state, context)?))
    }
}

/// What its author need not have been there for.
fn unseen(mut events: Vec<Event>) -> Vec<Event> {
    events.retain(|it| !matches!(it, Event::ExpiryEvent(_)));
    for event in &mut events {
        if let Event::MessageEvent(MessageEvent::MessageSent(it)) = event {
            it.unseen = Some(true);
        }
    }
    events
}

/// Sends one that holds files, in the same way. They are kept for it until that is noted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendScheduledFiles {
    pub message: SendAttachments,
}

impl Command for SendScheduledFiles {
    const NAME: &'static str = "SendScheduledFiles";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = <SendAttachments as Command>::State;
    type Rejection = Unsent<AttachmentRejection>;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, Self::Rejection> {
        self.message.stream(context)
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        self.message.state(context)
    }

    fn decide(
        self,
        state: &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Self::Rejection> {
        Ok(unseen(self.message.decided(state, true, context)?))
    }
}

/// Notes what became of a scheduled message.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FinishScheduled {
    pub scheduled_id: ScheduledId,
    /// The message, or the code of the reason why there is none.
    pub sent: Result<MessageId, String>,
}

impl Command for FinishScheduled {
    const NAME: &'static str = "FinishScheduled";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
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
        if scheduled.state != ScheduledState::Sending {
            return Ok(Vec::new());
        }
        let (scheduled_id, account_id) = (scheduled.id, context.actor);
        Ok(vec![match self.sent {
            Ok(message_id) => ScheduledSent {
                scheduled_id,
                account_id,
                conversation_id: scheduled.conversation_id,
                message_id,
                leaf: Long(scheduled.leaf()),
                files: scheduled.files.clone(),
            }
            .into(),
            Err(code) => ScheduledFailed { scheduled_id, account_id, code }.into(),
        }])
    }
}

/// Notes that the files of a scheduled message that is over are not kept for it any more; nothing
/// when that was noted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NoteScheduledReleased {
    pub scheduled_id: ScheduledId,
    /// 1 to 10.
    pub file_ids: Vec<FileId>,
}

impl Command for NoteScheduledReleased {
    const NAME: &'static str = "NoteScheduledReleased";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Vec<Slot<FileUse>>;
    type Rejection = ScheduleRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ScheduleRejection> {
        Ok(own(context))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        uses(&self.file_ids, self.scheduled_id.0, own(context))
    }

    fn decide(
        self,
        uses: &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ScheduleRejection> {
        let (scheduled_id, account_id) = (self.scheduled_id, context.actor);
        let released = |file_ids| ScheduledReleased { scheduled_id, account_id, file_ids };
        Ok(over(uses).map(released).map(Event::from).into_iter().collect())
    }
}
