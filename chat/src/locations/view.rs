//! Live locations as they are remembered: where each was recorded last, and until when it lasts.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{LocationEvent, Point};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::messages::{MessageId, deleted};

/// A live location; it goes with its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveLocation {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: u64,
    pub author_id: AccountId,
    pub ends_at: Timestamp,
    /// When its author stopped it.
    pub stopped_at: Option<Timestamp>,
    /// Where it was recorded last; absent while it is where the message says.
    pub point: Option<Personal<Point>>,
    pub recorded_at: Timestamp,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl LiveLocation {
    /// Since when it is no longer kept up to date: its author's word, or its time if that came
    /// first.
    pub fn ended_since(&self, now: Timestamp) -> Option<Timestamp> {
        let by_time = Some(self.ends_at).filter(|it| *it <= now);
        self.stopped_at.into_iter().chain(by_time).min()
    }
}

impl Document for LiveLocation {
    const COLLECTION: Collection = Collection { name: "live_locations", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = match LocationEvent::of(&event.event) {
            Some(LocationEvent::LiveLocationStarted(it)) => Some(it.message_id),
            Some(LocationEvent::LiveLocationMoved(it)) => Some(it.message_id),
            Some(LocationEvent::LiveLocationStopped(it)) => Some(it.message_id),
            None => deleted(event),
        };
        id.iter().map(ToString::to_string).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(LocationEvent::of(&event.event), Some(LocationEvent::LiveLocationStarted(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (LocationEvent::of(&event.event), document.as_mut()) {
            (Some(LocationEvent::LiveLocationStarted(it)), _) => {
                *document = Some(Self {
                    message_id: it.message_id,
                    conversation_id: it.conversation_id,
                    number: it.number.0,
                    author_id: it.author_id,
                    ends_at: it.ends_at,
                    stopped_at: None,
                    point: None,
                    recorded_at: event.occurred_at,
                    seq: event.seq,
                });
            }
            (Some(LocationEvent::LiveLocationMoved(it)), Some(live)) => {
                live.point = Some(it.point.clone());
                live.recorded_at = event.occurred_at;
            }
            (Some(LocationEvent::LiveLocationStopped(_)), Some(live)) => {
                live.stopped_at = Some(event.occurred_at);
            }
            (None, Some(_)) if deleted(event).is_some() => *document = None,
            (
                Some(LocationEvent::LiveLocationMoved(_) | LocationEvent::LiveLocationStopped(_)),
                None,
            )
            | (None, _) => (),
        }
        if let Some(live) = document {
            live.seq = event.seq;
        }
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.conversation_id)
    }
}
