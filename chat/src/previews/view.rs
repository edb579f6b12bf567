//! Previews as they are remembered: awaited, found, or not there.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;
use ports::event_log::Partition;

use super::{Preview, PreviewEvent};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::messages::{MessageEvent, MessageId, MessageSent};

/// The preview of a message that had a link when it was sent; it goes with its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkPreview {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub author_id: AccountId,
    pub partition: Partition,
    /// Edits of the message so far.
    pub revision: u64,
    /// Since when it is to be looked up; absent once that is settled.
    pub due_at: Option<Timestamp>,
    /// What the page says of itself, under the key of the message.
    pub found: Option<Personal<Preview>>,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl LinkPreview {
    /// Where those of a partition are that are to be looked up, the longest first.
    pub fn due(partition: Partition) -> String {
        format!("{partition:04x}/")
    }

    /// Whether what came of looking up this text is still asked for.
    pub fn awaits(&self, revision: u64) -> bool {
        self.due_at.is_some() && self.revision == revision
    }

    fn of(it: &MessageSent, event: &Recorded) -> Self {
        Self {
            message_id: it.message_id,
            conversation_id: it.conversation_id,
            author_id: it.author_id,
            partition: event.partition,
            revision: 0,
            due_at: Some(event.occurred_at),
            found: None,
            seq: event.seq,
        }
    }
}

fn wanted(it: &MessageSent) -> bool {
    it.preview == Some(true)
}

impl Document for LinkPreview {
    const COLLECTION: Collection = Collection { name: "link_previews", indexes: &["due"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let message = match MessageEvent::of(&event.event) {
            Some(MessageEvent::MessageSent(it)) => wanted(it).then_some(it.message_id),
            Some(MessageEvent::MessageEdited(it)) => Some(it.message_id),
            Some(MessageEvent::MessageDeleted(it)) => Some(it.message_id),
            Some(MessageEvent::MessageHidden(_)) => None,
            None => match PreviewEvent::of(&event.event) {
                Some(PreviewEvent::PreviewFound(it)) => Some(it.message_id),
                Some(PreviewEvent::PreviewMissed(it)) => Some(it.message_id),
                None => None,
            },
        };
        message.iter().map(ToString::to_string).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(MessageEvent::of(&event.event), Some(MessageEvent::MessageSent(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (MessageEvent::of(&event.event), document.as_mut()) {
            (Some(MessageEvent::MessageSent(it)), _) => {
                *document = wanted(it).then(|| Self::of(it, event));
            }
            (Some(MessageEvent::MessageDeleted(_)), _) => *document = None,
            (Some(MessageEvent::MessageEdited(it)), Some(preview)) => {
                preview.revision = it.revision.0;
                preview.due_at = Some(event.occurred_at);
                preview.found = None;
                preview.seq = event.seq;
            }
            (Some(MessageEvent::MessageEdited(_)), None)
            | (Some(MessageEvent::MessageHidden(_)), _) => (),
            (None, Some(preview)) => {
                let found = match PreviewEvent::of(&event.event) {
                    Some(PreviewEvent::PreviewFound(it)) => Some(it.preview.clone()),
                    Some(PreviewEvent::PreviewMissed(_)) => None,
                    None => return,
                };
                preview.found = found;
                preview.due_at = None;
                preview.seq = event.seq;
            }
            (None, None) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let due = |at: Timestamp| {
            let (partition, at) = (Self::due(self.partition), padded(at.0.unsigned_abs()));
            format!("{partition}{at}/{}", self.message_id)
        };
        vec![self.due_at.map(due)]
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.conversation_id)
    }
}
