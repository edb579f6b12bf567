//! Messages that go outside, as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;
use ports::event_log::Partition;

use super::{Channel, Delivery, Fields, OutboxEvent, OutgoingId, PAUSE_MS, PAUSE_MS_MAX};
use crate::accounts::AccountId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Personal, Recorded, Timestamp};

/// A message that goes outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    pub id: OutgoingId,
    pub account_id: AccountId,
    pub channel: Channel,
    pub template: String,
    pub locale: String,
    pub to: Personal<String>,
    pub fields: Personal<Fields>,
    pub good_until: Timestamp,
    pub partition: Partition,
    pub attempts: u32,
    /// When it is to be tried next; not at all once that is settled.
    pub due_at: Option<Timestamp>,
    /// What became of the last attempt.
    pub delivery: Option<Delivery>,
}

impl Outgoing {
    /// Where those of a partition are that are due, the longest first.
    pub fn due(partition: Partition) -> String {
        format!("{partition:04x}/")
    }

    /// Where those end that are due at a time.
    pub fn due_until(partition: Partition, now: Timestamp) -> String {
        format!("{}{}", Self::due(partition), padded(now.0.unsigned_abs() + 1))
    }
}

impl Document for Outgoing {
    const COLLECTION: Collection = Collection { name: "outbox", indexes: &["due"] };

    fn ids(event: &Recorded) -> Vec<String> {
        match OutboxEvent::of(&event.event) {
            Some(OutboxEvent::MessageQueued(it)) => vec![it.outgoing_id.to_string()],
            Some(OutboxEvent::MessageAttempted(it)) => vec![it.outgoing_id.to_string()],
            None => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (document.as_mut(), OutboxEvent::of(&event.event)) {
            (_, Some(OutboxEvent::MessageQueued(it))) => {
                *document = Some(Self {
                    id: it.outgoing_id,
                    account_id: it.account_id,
                    channel: it.channel,
                    template: it.template.clone(),
                    locale: it.locale.clone(),
                    to: it.to.clone(),
                    fields: it.fields.clone(),
                    good_until: it.good_until,
                    partition: event.partition,
                    attempts: 0,
                    due_at: Some(event.occurred_at),
                    delivery: None,
                });
            }
            (Some(outgoing), Some(OutboxEvent::MessageAttempted(it))) => {
                outgoing.delivery = Some(it.delivery);
                outgoing.attempts += 1;
                let doublings = outgoing.attempts.saturating_sub(1).min(20);
                let pause = (PAUSE_MS << doublings).min(PAUSE_MS_MAX);
                let again = Timestamp(event.occurred_at.0 + pause);
                outgoing.due_at = (it.delivery == Delivery::Failed).then_some(again);
            }
            (None | Some(_), _) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let due = |at: Timestamp| {
            format!("{}{}/{}", Self::due(self.partition), padded(at.0.unsigned_abs()), self.id)
        };
        vec![self.due_at.map(due)]
    }
}
