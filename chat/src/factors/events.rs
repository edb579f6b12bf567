//! What can happen to second factors; they live in their account's stream.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::{AccountId, NameId};
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Personal, Recorded, Timestamp};
use crate::outbox::Channel;

crate::id! {
    /// Identifies a second factor.
    FactorId, "fac"
}

crate::events! {
    /// Everything that can happen to second factors.
    FactorEvent {
        TotpEnrolled [secret],
        TotpConfirmed [],
        TotpUsed [],
        TotpRemoved [],
        BackupCodesMade [],
        BackupCodeUsed [],
        FactorTried [],
        CodeFactorEnabled [],
        CodeFactorDisabled [],
        FactorCodeSent [],
        FactorCodeUsed [],
    }
}

/// A person was given a secret for one-time passwords, which counts once a code has proved it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct TotpEnrolled {
    pub account_id: AccountId,
    pub factor_id: FactorId,
    /// In base32.
    pub secret: Personal<String>,
    pub origin: Option<Origin>,
}

/// A code proved that the person has the secret: from here on it is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct TotpConfirmed {
    pub account_id: AccountId,
    pub factor_id: FactorId,
    /// The time step of the code.
    pub step: Long,
    pub origin: Option<Origin>,
}

/// A one-time password was taken; neither it nor an earlier one is taken again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct TotpUsed {
    pub account_id: AccountId,
    pub factor_id: FactorId,
    pub step: Long,
    pub origin: Option<Origin>,
}

/// One-time passwords are not asked for any more; backup codes go with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct TotpRemoved {
    pub account_id: AccountId,
    pub factor_id: FactorId,
    pub origin: Option<Origin>,
}

/// Backup codes were made; those before are good no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct BackupCodesMade {
    pub account_id: AccountId,
    /// Keyed digests, 32 hexadecimal digits each.
    pub digests: Vec<String>,
    pub origin: Option<Origin>,
}

/// A backup code was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct BackupCodeUsed {
    pub account_id: AccountId,
    /// Which of those made last, from 0.
    pub index: i32,
    pub origin: Option<Origin>,
}

/// Somebody who knows the password is about to show a code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct FactorTried {
    pub account_id: AccountId,
    pub origin: Option<Origin>,
}

/// From here on a code to this proved address is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct CodeFactorEnabled {
    pub account_id: AccountId,
    pub channel: Channel,
    /// The stream of the claim on the address.
    pub claim_id: NameId,
    pub origin: Option<Origin>,
}

/// Codes by this channel are not asked for any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct CodeFactorDisabled {
    pub account_id: AccountId,
    pub channel: Channel,
    pub origin: Option<Origin>,
}

/// A code is on its way; those sent before by this channel are good no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct FactorCodeSent {
    pub account_id: AccountId,
    pub channel: Channel,
    /// Keyed digest of the code, 32 hexadecimal digits.
    pub digest: String,
    pub good_until: Timestamp,
    pub origin: Option<Origin>,
}

/// A code that was sent was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.factors")]
pub struct FactorCodeUsed {
    pub account_id: AccountId,
    pub channel: Channel,
    pub origin: Option<Origin>,
}

impl FactorEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }

    /// Whose it is.
    pub fn account_id(&self) -> AccountId {
        match self {
            Self::TotpEnrolled(it) => it.account_id,
            Self::TotpConfirmed(it) => it.account_id,
            Self::TotpUsed(it) => it.account_id,
            Self::TotpRemoved(it) => it.account_id,
            Self::BackupCodesMade(it) => it.account_id,
            Self::BackupCodeUsed(it) => it.account_id,
            Self::FactorTried(it) => it.account_id,
            Self::CodeFactorEnabled(it) => it.account_id,
            Self::CodeFactorDisabled(it) => it.account_id,
            Self::FactorCodeSent(it) => it.account_id,
            Self::FactorCodeUsed(it) => it.account_id,
        }
    }
}
