//! What can happen to a name and to an account.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::kernel::{Effect, Origin, Personal, Recorded, Timestamp};

crate::id! {
    /// Identifies an account.
    AccountId, "acc"
}

crate::id! {
    /// Identifies a username's claim: a keyed digest of the name.
    NameId, "name"
}

crate::events! {
    /// Everything that can happen to names and accounts.
    AccountEvent {
        NameClaimed [],
        NameConfirmed [],
        NameReleased [],
        NameReserved [],
        AccountRegistered [username, display_name, password],
        RegistrationAbandoned [],
        ProfileUpdated [display_name, bio],
        PasswordChanged [password],
        AccountSuspended [reason],
        AccountReinstated [],
        AccountDeactivated [],
        AccountReactivated [],
        UsernameChangeBegun [username],
        UsernameChangeAbandoned [],
        UsernameChanged [],
    }
}

/// A username is reserved for an account that is being created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct NameClaimed {
    pub name_id: NameId,
    pub account_id: AccountId,
}

/// The account exists; the username is its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct NameConfirmed {
    pub name_id: NameId,
    pub account_id: AccountId,
}

/// The name is free again: the account will never exist, or has given it up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct NameReleased {
    pub name_id: NameId,
    pub account_id: AccountId,
}

/// The account has taken another name; nobody else gets this one for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct NameReserved {
    pub name_id: NameId,
    pub account_id: AccountId,
    pub until: Timestamp,
}

/// An account was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct AccountRegistered {
    pub account_id: AccountId,
    pub name_id: NameId,
    pub username: Personal<String>,
    pub display_name: Personal<String>,
    /// Argon2id in PHC form; absent for an account that can't sign in by password.
    pub password: Option<Personal<String>>,
    /// The stream of the claim on what the name looks like.
    pub look_id: Option<NameId>,
    pub origin: Option<Origin>,
}

/// The registration was given up: this account will never be created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct RegistrationAbandoned {
    pub account_id: AccountId,
}

/// The person changed what others see of them; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct ProfileUpdated {
    pub account_id: AccountId,
    pub display_name: Option<Personal<String>>,
    pub bio: Option<Personal<String>>,
}

/// The password was changed; what proved the one before proves nothing any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct PasswordChanged {
    pub account_id: AccountId,
    /// Argon2id in PHC form.
    pub password: Personal<String>,
    pub origin: Option<Origin>,
}

/// An administrator keeps the account from being used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct AccountSuspended {
    pub account_id: AccountId,
    pub reason: Personal<String>,
    pub origin: Option<Origin>,
}

/// An administrator lets the account be used again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct AccountReinstated {
    pub account_id: AccountId,
    pub origin: Option<Origin>,
}

/// The person left for now: others see the account no more, signing in brings it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct AccountDeactivated {
    pub account_id: AccountId,
    pub origin: Option<Origin>,
}

/// The person came back by signing in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct AccountReactivated {
    pub account_id: AccountId,
    pub origin: Option<Origin>,
}

/// A person wants another username; it is theirs once it could be claimed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct UsernameChangeBegun {
    pub account_id: AccountId,
    /// Which wish it is: one that is taken up again later is another.
    pub wish_id: String,
    pub name_id: NameId,
    pub look_id: NameId,
    pub username: Personal<String>,
}

/// The person does not get the username that they wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct UsernameChangeAbandoned {
    pub account_id: AccountId,
    pub name_id: NameId,
}

/// The person has the username that they wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.accounts")]
pub struct UsernameChanged {
    pub account_id: AccountId,
    pub name_id: NameId,
    pub look_id: NameId,
    pub origin: Option<Origin>,
}

impl AccountEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let change = match self {
            Self::AccountRegistered(it) => Change::Account(it.account_id),
            Self::ProfileUpdated(it) => Change::Account(it.account_id),
            Self::AccountDeactivated(it) => Change::Account(it.account_id),
            Self::AccountReactivated(it) => Change::Account(it.account_id),
            Self::UsernameChanged(it) => Change::Account(it.account_id),
            Self::NameClaimed(_)
            | Self::NameConfirmed(_)
            | Self::NameReleased(_)
            | Self::NameReserved(_)
            | Self::UsernameChangeBegun(_)
            | Self::UsernameChangeAbandoned(_)
            | Self::RegistrationAbandoned(_)
            | Self::PasswordChanged(_)
            | Self::AccountSuspended(_)
            | Self::AccountReinstated(_) => Change::None,
        };
        (change, Effect::None)
    }
}
