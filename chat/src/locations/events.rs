//! What can happen to a live location.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use super::Point;
use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded, Timestamp};
use crate::messages::MessageId;

crate::events! {
    /// Everything that can happen to live locations; they live in their conversation's stream.
    LocationEvent {
        LiveLocationStarted [],
        LiveLocationMoved [point],
        LiveLocationStopped [],
    }
}

/// The place in a message that was just sent is kept up to date from here on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.locations")]
pub struct LiveLocationStarted {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    pub author_id: AccountId,
    /// When it ends by itself.
    pub ends_at: Timestamp,
}

/// A live location was recorded where it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.locations")]
pub struct LiveLocationMoved {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    /// Under the key of the message, so that deleting it takes every place along.
    pub point: Personal<Point>,
}

/// A live location is no longer kept up to date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.locations")]
pub struct LiveLocationStopped {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
}

impl LocationEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let message = match self {
            Self::LiveLocationStarted(it) => it.message_id,
            Self::LiveLocationMoved(it) => it.message_id,
            Self::LiveLocationStopped(it) => it.message_id,
        };
        (Change::LiveLocation(message), Effect::None)
    }
}
