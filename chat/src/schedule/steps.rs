//! What the server does with a scheduled message once its time has come: it is closed, sent, and
//! what became of it noted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{found, own, scheduled};
use super::{
    ScheduleRejection, Scheduled, ScheduledFailed, ScheduledId, ScheduledSending, ScheduledSent,
    ScheduledState,
};
use crate::Event;
use crate::accounts::Account;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Rejection, Slot, StreamId, Timestamp};
use crate::messages::{MessageEvent, MessageId, MessageRejection, SendMessage};

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
        let mut events = self.message.decide(state, context)?;
        events.retain(|it| !matches!(it, Event::ExpiryEvent(_)));
        for event in &mut events {
            if let Event::MessageEvent(MessageEvent::MessageSent(it)) = event {
                it.unseen = Some(true);
            }
        }
        Ok(events)
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
        let (conversation_id, leaf) = (scheduled.conversation_id, Long(scheduled.leaf()));
        Ok(vec![match self.sent {
            Ok(message_id) => {
                ScheduledSent { scheduled_id, account_id, conversation_id, message_id, leaf }.into()
            }
            Err(code) => ScheduledFailed { scheduled_id, account_id, code }.into(),
        }])
    }
}
