//! The timers of messages that expire, and what is done when one is due.

use super::ExpireMessage;
use crate::kernel::Recorded;
use crate::messages::{MessageEvent, MessageId, deleted};
use crate::timers::{Action, Purpose, Timer, Timing};

/// The timers that an event sets and clears.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let purpose = Purpose::MessageExpires;
    match MessageEvent::of(&event.event) {
        Some(MessageEvent::MessageSent(it)) => {
            let (id, account_id) = (it.message_id.0, it.author_id);
            let set = it.expires_at.map(|due_at| Timing::Set { purpose, id, account_id, due_at });
            set.into_iter().collect()
        }
        Some(
            MessageEvent::MessageDeleted(_)
            | MessageEvent::MessageEdited(_)
            | MessageEvent::MessageHidden(_),
        )
        | None => {
            let cleared = deleted(event).map(|it| Timing::Clear { purpose, id: it.0 });
            cleared.into_iter().collect()
        }
    }
}

/// Deletes the message that a timer is about.
pub(crate) fn end(timer: &Timer) -> Action {
    let (conversation_id, message_id) = (timer.conversation(), MessageId(timer.id));
    timer.gives(ExpireMessage { conversation_id, message_id })
}
