//! What is told and forgotten: typing and presence never enter the log, receipts are told in
//! passing to others than whose they are, and how far an upload has come to its owner alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use ports::Error;

use super::Reader;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::timeline::Timeline;
use crate::{presence, receipts};

/// A passing fact about one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ephemeral {
    /// The kind of fact, as its room calls it.
    pub kind: String,
    /// Who it is about; their own sockets don't hear what a conversation hears.
    pub account_id: AccountId,
    /// Its members hear it, but for those who may not; nobody but whom it is about where there is
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// What only its room understands.
    pub detail: Value,
}

impl Ephemeral {
    /// Those of the listeners who may hear it.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn heard_by(
        &self,
        reader: &Reader,
        listeners: BTreeSet<AccountId>,
    ) -> Result<BTreeSet<AccountId>, Error> {
        if self.conversation_id.is_none() {
            return Ok(listeners.into_iter().filter(|it| *it == self.account_id).collect());
        }
        match receipts::is_told(self) {
            true => receipts::heard_by(reader, self, listeners).await,
            false => presence::heard_by(reader, self, listeners).await,
        }
    }

    /// What others hear in passing of an event that stands in somebody's own stream.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn of(event: &Timeline, reader: &Reader) -> Result<Option<Self>, Error> {
        receipts::told(reader, event).await
    }
}
