//! What can happen between two people; it lives in the stream of the account that says so.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::{Effect, Origin, Recorded};

crate::events! {
    /// Everything that can happen to contacts.
    ContactEvent {
        ContactAdded [],
        ContactRemoved [],
        AccountBlocked [],
        AccountUnblocked [],
    }
}

/// A person counts somebody among their contacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.contacts")]
pub struct ContactAdded {
    pub account_id: AccountId,
    pub contact_id: AccountId,
}

/// A person counts somebody among their contacts no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.contacts")]
pub struct ContactRemoved {
    pub account_id: AccountId,
    pub contact_id: AccountId,
}

/// A person wants nothing of somebody, who is no contact from here on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.contacts")]
pub struct AccountBlocked {
    pub account_id: AccountId,
    pub blocked_id: AccountId,
    pub origin: Option<Origin>,
}

/// A person lets somebody reach them again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.contacts")]
pub struct AccountUnblocked {
    pub account_id: AccountId,
    pub blocked_id: AccountId,
    pub origin: Option<Origin>,
}

impl ContactEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::Contact(self.pair()), Effect::None)
    }

    /// Who says it, and of whom.
    pub fn pair(&self) -> (AccountId, AccountId) {
        match self {
            Self::ContactAdded(it) => (it.account_id, it.contact_id),
            Self::ContactRemoved(it) => (it.account_id, it.contact_id),
            Self::AccountBlocked(it) => (it.account_id, it.blocked_id),
            Self::AccountUnblocked(it) => (it.account_id, it.blocked_id),
        }
    }
}
