//! Live locations end by themselves when their time has come.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LiveLocation, LiveLocationStopped, LocationEvent, LocationRejection};
use crate::Event;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Recorded, Slot, StreamId};
use crate::messages::{MessageId, deleted};
use crate::timers::{Action, Purpose, Timer, Timing};

/// Ends a live location whose time has come; one that was stopped or is gone already is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EndLiveLocation {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for EndLiveLocation {
    const NAME: &'static str = "EndLiveLocation";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<LiveLocation>;
    type Rejection = LocationRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, LocationRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<LiveLocation> {
        Slot::new(self.message_id.to_string(), StreamId::Conversation(self.conversation_id))
    }

    fn decide(
        self,
        live: &Slot<LiveLocation>,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, LocationRejection> {
        let here = live.get().filter(|it| it.conversation_id == self.conversation_id);
        let stopped = here.filter(|it| it.stopped_at.is_none()).map(|it| LiveLocationStopped {
            message_id: it.message_id,
            conversation_id: it.conversation_id,
            number: Long(it.number),
        });
        Ok(stopped.into_iter().map(Event::from).collect())
    }
}

/// The timers that an event sets and clears.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let purpose = Purpose::LiveLocationEnds;
    let cleared = |it: MessageId| Some(Timing::Clear { purpose, id: it.0 });
    let timing = match LocationEvent::of(&event.event) {
        Some(LocationEvent::LiveLocationStarted(it)) => {
            let (id, account_id) = (it.message_id.0, it.author_id);
            Some(Timing::Set { purpose, id, account_id, due_at: it.ends_at })
        }
        Some(LocationEvent::LiveLocationStopped(it)) => cleared(it.message_id),
        Some(LocationEvent::LiveLocationMoved(_)) => None,
        None => deleted(event).and_then(cleared),
    };
    timing.into_iter().collect()
}

/// Ends the live location that a timer is about.
pub(crate) fn end(timer: &Timer) -> Action {
    let (conversation_id, message_id) = (timer.conversation(), MessageId(timer.id));
    timer.gives(EndLiveLocation { conversation_id, message_id })
}
