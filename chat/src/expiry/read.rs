//! What the server does when somebody has read what expires after that: their pointer stands in
//! their own stream, so the conversation is told, and then that this is done.

#[cfg(test)]
mod tests;

use ports::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ExpiryRejection, Reading, ReadingId, ReadingNoted, begun};
use crate::Event;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Reader, Slot, StreamId, Timestamp, id};
use crate::timers::{Action, Timer};

/// Begins the time of what somebody has read; what has begun has begun.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BeginExpiry {
    pub conversation_id: ConversationId,
    /// Number of the last message read.
    pub number: Long,
    pub read_at: Timestamp,
}

impl Command for BeginExpiry {
    const NAME: &'static str = "BeginExpiry";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<Conversation>;
    type Rejection = ExpiryRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ExpiryRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Conversation> {
        let stream = StreamId::Conversation(self.conversation_id);
        Slot::new(self.conversation_id.to_string(), stream)
    }

    fn decide(
        self,
        conversation: &Slot<Conversation>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ExpiryRejection> {
        let conversation = conversation.get().ok_or(ExpiryRejection::NotFound)?;
        // The clock may have been ahead where it was read.
        let read_at = self.read_at.min(context.now);
        Ok(begun(conversation, context.actor, self.number.0, read_at))
    }
}

/// Notes that the conversation knows what was read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NoteReading {
    pub reading_id: ReadingId,
}

impl Command for NoteReading {
    const NAME: &'static str = "NoteReading";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<Reading>;
    type Rejection = ExpiryRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ExpiryRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Reading> {
        Slot::new(self.reading_id.to_string(), StreamId::Account(context.actor))
    }

    fn decide(
        self,
        reading: &Slot<Reading>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ExpiryRejection> {
        let own = reading.get().filter(|it| it.account_id == context.actor);
        let noted = |it: &Reading| ReadingNoted { reading_id: it.id, account_id: it.account_id };
        Ok(own.map(|it| noted(it).into()).into_iter().collect())
    }
}

/// Tells the conversation of what a timer is about, and notes that.
pub(crate) async fn tell(reader: &Reader, timer: &Timer) -> Result<Option<Action>, Error> {
    let reading_id = ReadingId(timer.id);
    let reading = reader.load::<Reading>(reading_id.to_string()).await?;
    let Some(it) = reading else { return Ok(None) };
    let begin = BeginExpiry {
        conversation_id: it.conversation_id,
        number: Long(it.number),
        read_at: it.read_at,
    };
    let note = Action {
        account_id: timer.account_id,
        client_id: id::derive(timer.client_id(), &[b"note"]),
        command: Box::new(NoteReading { reading_id }),
        then: None,
    };
    // Whether it is refused or not: there is nothing left to be told.
    Ok(Some(Action { then: Some(Box::new(|_| Some(note))), ..timer.gives(begin) }))
}
