//! What can happen to addresses; they live in their account's stream.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::{AccountId, NameId};
use crate::kernel::{Effect, Origin, Personal, Recorded, Timestamp};
use crate::outbox::Channel;

crate::id! {
    /// Identifies an address of a person.
    AddressId, "addr"
}

crate::events! {
    /// Everything that can happen to addresses.
    AddressEvent {
        AddressProposed [address, code],
        AddressTried [],
        AddressConfirmed [],
        AddressRemoved [],
    }
}

/// A person says that an address is theirs; a code is on its way there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.addresses")]
pub struct AddressProposed {
    pub account_id: AccountId,
    pub address_id: AddressId,
    pub channel: Channel,
    /// The stream of the claim on it.
    pub claim_id: NameId,
    pub address: Personal<String>,
    pub code: Personal<String>,
    /// A language that we speak, by its tag.
    pub locale: String,
    pub good_until: Timestamp,
    pub origin: Option<Origin>,
}

/// A code is about to be looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.addresses")]
pub struct AddressTried {
    pub account_id: AccountId,
    pub address_id: AddressId,
}

/// The code was shown: the address is the person's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.addresses")]
pub struct AddressConfirmed {
    pub account_id: AccountId,
    pub address_id: AddressId,
    pub origin: Option<Origin>,
}

/// The address is the person's no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.addresses")]
pub struct AddressRemoved {
    pub account_id: AccountId,
    pub address_id: AddressId,
    pub claim_id: NameId,
    pub origin: Option<Origin>,
}

impl AddressEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }

    /// Whose it is.
    pub fn account_id(&self) -> AccountId {
        match self {
            Self::AddressProposed(it) => it.account_id,
            Self::AddressTried(it) => it.account_id,
            Self::AddressConfirmed(it) => it.account_id,
            Self::AddressRemoved(it) => it.account_id,
        }
    }
}
