//! What can happen when second factors are lost; it lives in their account's stream.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded, Timestamp};

crate::events! {
    /// Everything that can happen when second factors are lost.
    LostFactorEvent {
        FactorRecoveryRequested [],
        FactorRecoveryCancelled [],
        FactorRecoveryCompleted [],
    }
}

/// Somebody says that every second factor is lost; nothing changes before it is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.lost_factors")]
pub struct FactorRecoveryRequested {
    pub account_id: AccountId,
    /// What the link that cancels it holds.
    pub nonce: Long,
    pub due_at: Timestamp,
    pub origin: Option<Origin>,
}

/// The factors are not lost, or not by the account's owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.lost_factors")]
pub struct FactorRecoveryCancelled {
    pub account_id: AccountId,
    pub origin: Option<Origin>,
}

/// Every second factor was given up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.lost_factors")]
pub struct FactorRecoveryCompleted {
    pub account_id: AccountId,
    pub origin: Option<Origin>,
}

impl LostFactorEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }

    /// Whose it is.
    pub fn account_id(&self) -> AccountId {
        match self {
            Self::FactorRecoveryRequested(it) => it.account_id,
            Self::FactorRecoveryCancelled(it) => it.account_id,
            Self::FactorRecoveryCompleted(it) => it.account_id,
        }
    }
}
