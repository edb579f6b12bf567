//! Conversations where nothing has happened for long, and which of their documents are packed then:
//! those that there is one of for each message or event.

use serde::de::DeserializeOwned;

use ports::Error;
use ports::documents::{Found, Order, Scan};

use crate::conversations::{Conversation, ConversationId};
use crate::kernel::{Document, StreamId, Timestamp};
use crate::messages::Message;
use crate::timeline::Timeline;

/// A conversation where nobody has said anything for long.
pub struct Quiet {
    pub stream: StreamId,
    /// The ranges that are packed, in this order: once the last is, all are.
    pub ranges: [Scan; 2],
}

/// Where all conversations are found, so many at once.
pub fn conversations(limit: usize) -> Scan {
    Scan::prefix(Conversation::COLLECTION.name, None, "", Order::Ascending, limit)
}

impl Quiet {
    /// The conversation that was found, if nobody has said anything there since a time.
    ///
    /// # Errors
    /// `Corrupt` when it can't be read.
    pub fn of(found: &Found, since: Timestamp) -> Result<Option<Self>, Error> {
        let quiet = read::<Conversation>(found)?.filter(|it| it.active_at < since);
        Ok(quiet.map(|it| Self { stream: StreamId::Conversation(it.id), ranges: ranges(it.id) }))
    }

    /// Where its last event is found.
    pub fn last(&self) -> Scan {
        let [.., events] = &self.ranges;
        Scan { order: Order::Descending, ..events.clone() }
    }

    /// Whether nothing has happened there since a time, by its last event.
    ///
    /// # Errors
    /// `Corrupt` when it can't be read.
    pub fn is_cold(last: Option<&Found>, since: Timestamp) -> Result<bool, Error> {
        let last = last.map(read::<Timeline>).transpose()?.flatten();
        Ok(last.is_some_and(|it| it.occurred_at < since))
    }
}

fn ranges(id: ConversationId) -> [Scan; 2] {
    let range = |collection, index, prefix: String| {
        Scan::prefix(collection, Some(index), &prefix, Order::Ascending, 1)
    };
    let stream = StreamId::Conversation(id);
    [
        range(Message::COLLECTION.name, "by_time", format!("{id}/")),
        range(Timeline::COLLECTION.name, "by_stream", format!("{stream}/")),
    ]
}

/// Reads a document; a removed one is none.
fn read<D: DeserializeOwned>(found: &Found) -> Result<Option<D>, Error> {
    let body = found.stored.body.as_deref();
    let read = body.map(serde_json::from_slice).transpose();
    read.map_err(|it| Error::corrupt("documents", it))
}
