//! What can happen to a read pointer.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Recorded};

crate::events! {
    /// Everything that can happen to read pointers; they live in their account's stream.
    ReceiptEvent {
        ReadMoved [],
    }
}

/// A person has read up to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.receipts")]
pub struct ReadMoved {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// Number of the last message read.
    pub number: Long,
    /// Whether messages have been read that expire after that.
    #[serde(default)]
    pub expiring: Option<bool>,
}

impl ReceiptEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::ReadMoved(it) => {
                (Change::ReadState(it.conversation_id), Effect::Read(it.conversation_id))
            }
        }
    }
}
