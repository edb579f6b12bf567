//! What became of an attempt.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Channel, Delivery, Fields, MessageAttempted, MessageQueued, Outgoing, OutgoingId, Template,
};
use crate::Event;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp, id};

crate::rejections! {
    /// Why the outbox says no.
    OutboxRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// What is to be sent to whom.
pub(crate) struct Letter {
    pub(crate) channel: Channel,
    pub(crate) template: Template,
    pub(crate) locale: String,
    pub(crate) to: String,
    pub(crate) fields: Fields,
    pub(crate) good_for_ms: i64,
}

/// A message beside what it is about; its id derives from the command's.
pub(crate) fn queued(letter: Letter, context: &Context<'_>) -> Event {
    let id = id::derive(context.client_id, &[b"outgoing", context.actor.0.as_bytes()]);
    queued_as(OutgoingId(id), letter, context)
}

/// Several messages beside what they are about, and beside one that [`queued`] makes.
pub(crate) fn all_queued(letters: Vec<Letter>, context: &Context<'_>) -> Vec<Event> {
    let queued = (0_u8..).zip(letters).map(|(nth, letter)| {
        let parts: [&[u8]; 3] = [b"outgoing", context.actor.0.as_bytes(), &[nth]];
        queued_as(OutgoingId(id::derive(context.client_id, &parts)), letter, context)
    });
    queued.collect()
}

fn queued_as(outgoing_id: OutgoingId, letter: Letter, context: &Context<'_>) -> Event {
    let queued = MessageQueued {
        outgoing_id,
        account_id: context.actor,
        channel: letter.channel,
        template: letter.template.name().to_owned(),
        locale: letter.locale,
        to: Personal::new(letter.to),
        fields: Personal::new(letter.fields),
        good_until: Timestamp(context.now.0 + letter.good_for_ms),
    };
    queued.into()
}

/// Notes what became of an attempt to send a message.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecordDelivery {
    pub outgoing_id: OutgoingId,
    pub delivery: Delivery,
}

impl Command for RecordDelivery {
    const NAME: &'static str = "RecordDelivery";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Outgoing>;
    type Rejection = OutboxRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, OutboxRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Outgoing> {
        Slot::new(self.outgoing_id.to_string(), StreamId::Account(context.actor))
    }

    fn decide(
        self,
        outgoing: &Slot<Outgoing>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, OutboxRejection> {
        let outgoing = outgoing.get().filter(|it| it.account_id == context.actor);
        let outgoing = outgoing.ok_or(OutboxRejection::NotFound)?;
        let (outgoing_id, delivery) = (self.outgoing_id, self.delivery);
        let attempted = MessageAttempted { outgoing_id, delivery };
        Ok(outgoing.due_at.map(|_| attempted.into()).into_iter().collect())
    }
}
