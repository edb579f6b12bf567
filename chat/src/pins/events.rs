//! What can happen to pins.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded};
use crate::messages::MessageId;

crate::events! {
    /// Everything that can happen to pins; they live in their conversation's stream.
    PinEvent {
        MessagePinned [],
        MessageUnpinned [],
        AllUnpinned [],
    }
}

/// A message was pinned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.pins")]
pub struct MessagePinned {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    /// Who pinned it.
    pub account_id: AccountId,
    /// Whether attention is not to be drawn to it.
    pub silent: bool,
    /// Where the admin of a group was; absent in other conversations.
    pub origin: Option<Origin>,
}

/// A message was taken down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.pins")]
pub struct MessageUnpinned {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    /// Who took it down.
    pub account_id: AccountId,
    /// Where the admin of a group was; absent in other conversations.
    pub origin: Option<Origin>,
}

/// All that was pinned was taken down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.pins")]
pub struct AllUnpinned {
    pub conversation_id: ConversationId,
    /// How many there were.
    pub count: Long,
    /// Who took them down.
    pub account_id: AccountId,
    /// Where the admin of a group was; absent in other conversations.
    pub origin: Option<Origin>,
}

impl PinEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let change = match self {
            Self::MessagePinned(it) => Change::Pin((it.conversation_id, it.message_id)),
            Self::MessageUnpinned(it) => Change::Pin((it.conversation_id, it.message_id)),
            Self::AllUnpinned(it) => Change::Conversation(it.conversation_id),
        };
        (change, Effect::None)
    }
}
