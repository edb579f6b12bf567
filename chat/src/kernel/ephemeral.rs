//! What is told and forgotten: typing and presence never enter the log.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounts::AccountId;
use crate::conversations::ConversationId;

/// A passing fact about one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ephemeral {
    /// The kind of fact, as its room calls it.
    pub kind: String,
    /// Who it is about; their own sockets don't hear it.
    pub account_id: AccountId,
    /// Its members hear it.
    pub conversation_id: ConversationId,
    /// What only its room understands.
    pub detail: Value,
}
