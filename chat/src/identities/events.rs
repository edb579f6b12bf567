//! What can happen to identities; they live in their account's stream.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::{AccountId, NameId};
use crate::kernel::{Effect, Origin, Personal, Recorded};

crate::events! {
    /// Everything that can happen to identities.
    IdentityEvent {
        IdentityLinked [issuer, subject, label],
        IdentityUsed [],
        IdentityUnlinked [],
    }
}

/// What a provider says of somebody signs in to the account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.identities")]
pub struct IdentityLinked {
    pub account_id: AccountId,
    /// The stream of the claim on it.
    pub claim_id: NameId,
    /// The provider, as the operator names it.
    pub provider_id: String,
    pub issuer: Personal<String>,
    /// Whom the provider means.
    pub subject: Personal<String>,
    /// What the provider calls them.
    pub label: Option<Personal<String>>,
    /// Digest of the ceremony, which is good once: 32 hexadecimal digits.
    pub ceremony_id: String,
    pub origin: Option<Origin>,
}

/// A provider has told who somebody is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.identities")]
pub struct IdentityUsed {
    pub account_id: AccountId,
    pub claim_id: NameId,
    /// Digest of the ceremony, which is good once: 32 hexadecimal digits.
    pub ceremony_id: String,
    pub origin: Option<Origin>,
}

/// It signs in no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.identities")]
pub struct IdentityUnlinked {
    pub account_id: AccountId,
    pub claim_id: NameId,
    pub origin: Option<Origin>,
}

impl IdentityEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }

    /// Whose it is.
    pub fn account_id(&self) -> AccountId {
        match self {
            Self::IdentityLinked(it) => it.account_id,
            Self::IdentityUsed(it) => it.account_id,
            Self::IdentityUnlinked(it) => it.account_id,
        }
    }
}
