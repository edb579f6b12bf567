//! What nobody has restored in time is destroyed by the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Removal, RemovalEvent, RemovalRejection, destroyed};
use crate::Event;
use crate::conversations::ConversationId;
use crate::kernel::{Command, Context, Recorded, Slot, StreamId, Timestamp};
use crate::messages::{Message, MessageId};
use crate::timers::{Action, Purpose, Timer, Timing};

/// Destroys a message that nobody has restored in time; one that is there or gone stays so.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DestroyMessage {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// Until when it could be restored: what was restored and removed again has another day.
    pub restorable_until: Timestamp,
}

impl Command for DestroyMessage {
    const NAME: &'static str = "DestroyMessage";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = (Slot<Message>, Slot<Removal>);
    type Rejection = RemovalRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, RemovalRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, _: &Context<'_>) -> Self::State {
        let (id, stream) =
            (self.message_id.to_string(), StreamId::Conversation(self.conversation_id));
        (Slot::new(id.clone(), stream), Slot::new(id, stream))
    }

    fn decide(
        self,
        (message, removal): &Self::State,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, RemovalRejection> {
        let here = message.get().filter(|it| it.conversation_id == self.conversation_id);
        let message = here.ok_or(RemovalRejection::NotFound)?;
        let due = removal.get().is_some_and(|it| it.restorable_until == self.restorable_until);
        Ok(destroyed(message).filter(|_| due).into_iter().collect())
    }
}

/// The timers that an event sets and clears.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let purpose = Purpose::RemovalEnds;
    let timing = match RemovalEvent::of(&event.event) {
        Some(RemovalEvent::MessageRemoved(it)) => Timing::Set {
            purpose,
            id: it.message_id.0,
            account_id: it.moderator_id,
            due_at: it.restorable_until,
        },
        Some(RemovalEvent::MessageRestored(it)) => Timing::Clear { purpose, id: it.message_id.0 },
        Some(RemovalEvent::MessageDestroyed(it)) => Timing::Clear { purpose, id: it.message_id.0 },
        None => return Vec::new(),
    };
    vec![timing]
}

/// Destroys the message that a timer is about.
pub(crate) fn end(timer: &Timer) -> Action {
    let (conversation_id, message_id) = (timer.conversation(), MessageId(timer.id));
    let restorable_until = timer.due_at;
    timer.gives(DestroyMessage { conversation_id, message_id, restorable_until })
}
