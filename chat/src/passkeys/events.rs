//! What can happen to passkeys; they live in their account's stream.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Personal, Recorded};

crate::id! {
    /// Identifies a passkey.
    PasskeyId, "pky"
}

crate::events! {
    /// Everything that can happen to passkeys.
    PasskeyEvent {
        PasskeyAdded [name, credential],
        PasskeyUsed [],
        PasskeyRemoved [],
    }
}

/// A device made a passkey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.passkeys")]
pub struct PasskeyAdded {
    pub account_id: AccountId,
    pub passkey_id: PasskeyId,
    /// What the person calls it.
    pub name: Personal<String>,
    /// Public key and what else verifies its signatures, in JSON.
    pub credential: Personal<String>,
    pub origin: Option<Origin>,
}

/// A passkey proved its owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.passkeys")]
pub struct PasskeyUsed {
    pub account_id: AccountId,
    pub passkey_id: PasskeyId,
    /// Digest of the ceremony, which is good once: 32 hexadecimal digits.
    pub ceremony_id: String,
    /// How often the device says it was used; 0 where it does not count.
    pub counter: Long,
    /// Whether the counter fell back, as that of a copy does.
    pub regressed: bool,
    pub origin: Option<Origin>,
}

/// A passkey is good no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.passkeys")]
pub struct PasskeyRemoved {
    pub account_id: AccountId,
    pub passkey_id: PasskeyId,
    pub origin: Option<Origin>,
}

impl PasskeyEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }

    /// Whose it is.
    pub fn account_id(&self) -> AccountId {
        match self {
            Self::PasskeyAdded(it) => it.account_id,
            Self::PasskeyUsed(it) => it.account_id,
            Self::PasskeyRemoved(it) => it.account_id,
        }
    }
}
