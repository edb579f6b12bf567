//! The public form of accepted events: what `parlance replay` gives and the public topics carry.

use ports::event_log::Record;

use super::Timestamp;
use super::codec::{Batch, Body, Unreadable, codec};

/// One event of an accepted record, not yet in its public form.
pub struct Public<'a> {
    batch: &'a Batch,
    body: &'a Body,
    schema: u32,
    pub seq: u64,
    /// Dense inside the partition.
    pub ordinal: u64,
    /// Name without the namespace.
    pub name: &'static str,
    /// Full name.
    pub subject: &'static str,
}

impl Public<'_> {
    /// Time of the event.
    pub fn occurred_at(&self) -> Timestamp {
        self.batch.occurred_at
    }

    /// The event in the Confluent wire format; what is sealed in it stays so.
    pub fn bytes(&self) -> Vec<u8> {
        codec().publish(&self.batch.meta(self.seq), self.schema, &self.body.body)
    }
}

impl Batch {
    /// The events of an accepted record, of which this is the payload, in order.
    ///
    /// # Errors
    /// [`Unreadable`] for one of a schema that this program does not know.
    pub fn public(
        &self,
        record: &Record,
        first_ordinal: u64,
    ) -> impl Iterator<Item = Result<Public<'_>, Unreadable>> {
        let first_seq = record.header.first_seq;
        (0_u64..).zip(&self.events).map(move |(index, body)| {
            let schema = u32::try_from(body.schema).map_err(|_| Unreadable)?;
            let (name, subject) = codec().name(schema).ok_or(Unreadable)?;
            let (seq, ordinal) = (first_seq + index, first_ordinal + index);
            Ok(Public { batch: self, body, schema, seq, ordinal, name, subject })
        })
    }
}
