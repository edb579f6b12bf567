//! What has been read of what expires after that, the timers of messages that expire, and what is
//! done when one is due.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{ExpireMessage, ExpiryBegun, ExpiryEvent, ReadingId};
use crate::Event;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::time::Long;
use crate::kernel::{Document, Recorded, Timestamp, id};
use crate::messages::{MessageEvent, MessageId, MessageSent, deleted};
use crate::receipts::{ReadMoved, ReceiptEvent};
use crate::timers::{Action, Purpose, Timer, Timing};

/// A message that expires after it is read, and has not been read: an entry of its conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unbegun {
    pub message_id: MessageId,
    pub author_id: AccountId,
    pub number: u64,
    pub seconds: u32,
    /// When it is gone even if nobody reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Unbegun {
    /// The entry of a message that was sent, if it has one.
    pub(crate) fn of(it: &MessageSent) -> Option<Self> {
        Some(Self {
            message_id: it.message_id,
            author_id: it.author_id,
            number: it.number.0,
            seconds: u32::try_from(it.expires_after_read?.0).ok()?,
            expires_at: it.expires_at,
        })
    }

    /// Whether somebody who has come to a number has read it.
    pub(crate) fn is_read_by(&self, reader: AccountId, number: u64) -> bool {
        self.author_id != reader && self.number <= number
    }
}

/// The events by which the time begins of what somebody has read who has come to a number.
pub(crate) fn begun(
    conversation: &Conversation,
    reader: AccountId,
    number: u64,
    read_at: Timestamp,
) -> Vec<Event> {
    let read = conversation.unbegun.iter().filter(|it| it.is_read_by(reader, number));
    let event = |it: &Unbegun| {
        let after = Timestamp(read_at.0.saturating_add(i64::from(it.seconds) * 1_000));
        let begun = ExpiryBegun {
            message_id: it.message_id,
            conversation_id: conversation.id,
            number: Long(it.number),
            author_id: it.author_id,
            expires_at: it.expires_at.map_or(after, |it| it.min(after)),
            opened: None,
        };
        begun.into()
    };
    read.map(event).collect()
}

/// That somebody has moved their pointer past what expires after that, until the conversation knows
/// it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub id: ReadingId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// Number of the last message read.
    pub number: u64,
    pub read_at: Timestamp,
}

impl Reading {
    /// The id of what somebody's reading up to a number begins.
    pub fn id(account: AccountId, conversation: ConversationId, number: u64) -> ReadingId {
        let parts: [&[u8]; 4] =
            [b"reading", account.0.as_bytes(), conversation.0.as_bytes(), &number.to_be_bytes()];
        ReadingId(id::derive(account.0, &parts))
    }

    fn of(it: &ReadMoved) -> ReadingId {
        Self::id(it.account_id, it.conversation_id, it.number.0)
    }
}

/// What an event says of a reading.
enum Told<'a> {
    Begins(ReadingId, &'a ReadMoved),
    Ends(ReadingId),
}

fn told(event: &Recorded) -> Option<Told<'_>> {
    if let Some(ReceiptEvent::ReadMoved(it)) = ReceiptEvent::of(&event.event) {
        let begins = || Told::Begins(Reading::of(it), it);
        return (it.expiring == Some(true)).then(begins);
    }
    match ExpiryEvent::of(&event.event)? {
        ExpiryEvent::ReadingNoted(it) => Some(Told::Ends(it.reading_id)),
        ExpiryEvent::ExpirySet(_) | ExpiryEvent::ExpiryBegun(_) => None,
    }
}

impl Document for Reading {
    const COLLECTION: Collection = Collection { name: "readings", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = told(event).map(|it| match it {
            Told::Begins(id, _) | Told::Ends(id) => id.to_string(),
        });
        id.into_iter().collect()
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        *document = match told(event) {
            Some(Told::Begins(id, it)) => Some(Self {
                id,
                account_id: it.account_id,
                conversation_id: it.conversation_id,
                number: it.number.0,
                read_at: event.occurred_at,
            }),
            Some(Told::Ends(_)) | None => None,
        };
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}

/// The timers that an event sets and clears.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let purpose = Purpose::MessageExpires;
    let timing = match (MessageEvent::of(&event.event), ExpiryEvent::of(&event.event)) {
        (Some(MessageEvent::MessageSent(it)), _) => {
            let (id, account_id) = (it.message_id.0, it.author_id);
            it.expires_at.map(|due_at| Timing::Set { purpose, id, account_id, due_at })
        }
        (_, Some(ExpiryEvent::ExpiryBegun(it))) => {
            let (id, account_id, due_at) = (it.message_id.0, it.author_id, it.expires_at);
            Some(Timing::Set { purpose, id, account_id, due_at })
        }
        (
            Some(
                MessageEvent::MessageDeleted(_)
                | MessageEvent::MessageEdited(_)
                | MessageEvent::MessageHidden(_),
            )
            | None,
            _,
        ) => deleted(event).map(|it| Timing::Clear { purpose, id: it.0 }),
    };
    let purpose = Purpose::ReadingNoted;
    let reading = told(event).map(|it| match it {
        Told::Begins(id, it) => {
            let (id, account_id, due_at) = (id.0, it.account_id, event.occurred_at);
            Timing::Set { purpose, id, account_id, due_at }
        }
        Told::Ends(id) => Timing::Clear { purpose, id: id.0 },
    });
    timing.into_iter().chain(reading).collect()
}

/// Deletes the message that a timer is about.
pub(crate) fn end(timer: &Timer) -> Action {
    let (conversation_id, message_id) = (timer.conversation(), MessageId(timer.id));
    timer.gives(ExpireMessage { conversation_id, message_id })
}
