//! Conversations where nothing has happened for long, and which of their documents are packed then:
//! those that there is one of for each message or event.

use ports::documents::{Order, Scan};

use crate::conversations::{Conversation, ConversationId};
use crate::kernel::{Document, StreamId, Timestamp};
use crate::messages::Message;
use crate::timeline::Timeline;

/// The ranges that are packed, in this order: once the last is, all are.
pub fn ranges(id: ConversationId) -> [Scan; 2] {
    let range = |collection, index, prefix: String| {
        Scan::prefix(collection, Some(index), &prefix, Order::Ascending, 1)
    };
    let stream = StreamId::Conversation(id);
    [
        range(Message::COLLECTION.name, "by_time", format!("{id}/")),
        range(Timeline::COLLECTION.name, "by_stream", format!("{stream}/")),
    ]
}

/// Whether nobody has said anything since a time, as far as the head of a conversation tells.
pub fn is_quiet(conversation: &Conversation, since: Timestamp) -> bool {
    conversation.active_at < since
}

/// Whether nothing has happened since a time, by the last event.
pub fn is_cold(last: &Timeline, since: Timestamp) -> bool {
    last.occurred_at < since
}
