//! What is pinned, as it is remembered: one document a conversation.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::PinEvent;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::{Document, Recorded, Timestamp};
use crate::messages::{MessageEvent, MessageId};
use crate::removals::RemovalEvent;

/// That a message is pinned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    pub message_id: MessageId,
    /// Number of the message.
    pub number: u64,
    pub account_id: AccountId,
    pub silent: bool,
    pub pinned_at: Timestamp,
    /// `seq` of the event that pinned it.
    pub seq: u64,
}

/// What a conversation has pinned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pins {
    pub conversation_id: ConversationId,
    /// At most 100, the one that was pinned last comes last.
    pub pins: Vec<Pin>,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl Pins {
    /// The pin of a message.
    pub fn find(&self, message: MessageId) -> Option<&Pin> {
        self.pins.iter().find(|it| it.message_id == message)
    }
}

/// What an event does to the pins of its conversation.
enum Deed {
    Pins(Pin),
    TakesDown(MessageId),
    TakesAllDown,
}

fn deed(event: &Recorded) -> Option<(ConversationId, Deed)> {
    match PinEvent::of(&event.event) {
        Some(PinEvent::MessagePinned(it)) => {
            let pin = Pin {
                message_id: it.message_id,
                number: it.number.0,
                account_id: it.account_id,
                silent: it.silent,
                pinned_at: event.occurred_at,
                seq: event.seq,
            };
            return Some((it.conversation_id, Deed::Pins(pin)));
        }
        Some(PinEvent::MessageUnpinned(it)) => {
            return Some((it.conversation_id, Deed::TakesDown(it.message_id)));
        }
        Some(PinEvent::AllUnpinned(it)) => return Some((it.conversation_id, Deed::TakesAllDown)),
        None => (),
    }
    if let Some(RemovalEvent::MessageRemoved(it)) = RemovalEvent::of(&event.event) {
        return Some((it.conversation_id, Deed::TakesDown(it.message_id)));
    }
    match MessageEvent::of(&event.event)? {
        MessageEvent::MessageDeleted(it) => {
            Some((it.conversation_id, Deed::TakesDown(it.message_id)))
        }
        MessageEvent::MessageSent(_)
        | MessageEvent::MessageEdited(_)
        | MessageEvent::MessageHidden(_) => None,
    }
}

impl Document for Pins {
    const COLLECTION: Collection = Collection { name: "pins", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        deed(event).iter().map(|(conversation, _)| conversation.to_string()).collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some((conversation_id, deed)) = deed(event) else { return };
        let seq = event.seq;
        match deed {
            Deed::Pins(pin) => {
                let new = || Self { conversation_id, pins: Vec::new(), seq };
                let pins = document.get_or_insert_with(new);
                pins.pins.retain(|it| it.message_id != pin.message_id);
                pins.pins.push(pin);
                pins.seq = seq;
            }
            Deed::TakesDown(message) => {
                if let Some(pins) = document.as_mut().filter(|it| it.find(message).is_some()) {
                    pins.pins.retain(|it| it.message_id != message);
                    pins.seq = seq;
                }
            }
            Deed::TakesAllDown => {
                if let Some(pins) = document {
                    pins.pins.clear();
                    pins.seq = seq;
                }
            }
        }
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.conversation_id)
    }
}
