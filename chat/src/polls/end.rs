//! Polls close by themselves when their time has come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Poll, PollClosed, PollEvent, PollRejection};
use crate::Event;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Recorded, Slot, StreamId};
use crate::messages::{MessageId, deleted};
use crate::timers::{Action, Purpose, Timer, Timing};

/// Closes a poll whose time has come; one that is closed or gone already is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EndPoll {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for EndPoll {
    const NAME: &'static str = "EndPoll";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<Poll>;
    type Rejection = PollRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PollRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Poll> {
        Slot::new(self.message_id.to_string(), StreamId::Conversation(self.conversation_id))
    }

    fn decide(self, poll: &Slot<Poll>, _: &Context<'_>) -> Result<Vec<Event>, PollRejection> {
        let here = poll.get().filter(|it| it.conversation_id == self.conversation_id);
        let open = here.filter(|it| it.closes_at.is_some() && it.closed_at.is_none());
        let closed = open.map(|it| PollClosed {
            message_id: it.message_id,
            conversation_id: it.conversation_id,
            number: Long(it.number),
        });
        Ok(closed.into_iter().map(Event::from).collect())
    }
}

/// The timers that an event sets and clears.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let purpose = Purpose::PollCloses;
    let cleared = |it: MessageId| Some(Timing::Clear { purpose, id: it.0 });
    let timing = match PollEvent::of(&event.event) {
        Some(PollEvent::PollOpened(it)) => {
            let (id, account_id) = (it.message_id.0, it.author_id);
            it.closes_at.map(|due_at| Timing::Set { purpose, id, account_id, due_at })
        }
        Some(PollEvent::PollClosed(it)) => cleared(it.message_id),
        Some(PollEvent::VoteCast(_)) => None,
        None => deleted(event).and_then(cleared),
    };
    timing.into_iter().collect()
}

/// Closes the poll that a timer is about.
pub(crate) fn end(timer: &Timer) -> Action {
    let command =
        EndPoll { conversation_id: timer.conversation(), message_id: MessageId(timer.id) };
    timer.gives(command)
}
