//! Accounts: a person's name, password and profile.
//!
//! Registering is a saga over two streams: the name is claimed, the account is created, the name
//! is confirmed. A claim whose account was never created is released only after the account's own
//! stream has recorded that it never will be, whatever the clock says.
//!
//! Limits: [`USERNAME_CHARS_MAX`], [`DISPLAY_NAME_CHARS_MAX`], [`BIO_CHARS_MAX`],
//! [`PASSWORD_CHARS_MAX`].

mod claims;
mod decide;
mod events;
mod graphql;
pub mod password;
pub mod register;
#[cfg(test)]
mod tests;
mod view;

pub use claims::{ClaimName, ConfirmName, FreeName, ReleaseName};
pub use decide::{
    AbandonRegistration, AccountRejection, ChangePassword, CreateAccount, UpdateProfile, username,
};
pub use events::{
    AccountDeactivated, AccountEvent, AccountId, AccountReactivated, AccountRegistered,
    AccountReinstated, AccountSuspended, NameClaimed, NameConfirmed, NameId, NameReleased,
    PasswordChanged, ProfileUpdated, RegistrationAbandoned,
};
pub use graphql::{AccountMutation, AccountObject, AccountQuery, RegisterPayload};
pub use view::{Account, Credential, Name, NameState};

/// Fewest characters of a username.
pub const USERNAME_CHARS_MIN: usize = 3;
/// Most characters of a username.
pub const USERNAME_CHARS_MAX: usize = 32;
/// Most characters of a display name.
pub const DISPLAY_NAME_CHARS_MAX: usize = 64;
/// Most characters of a bio.
pub const BIO_CHARS_MAX: usize = 140;
/// Fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Most characters of a password: hashing more would be work for an attacker to give us.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Age after which a claim that was not confirmed is looked into.
pub const CLAIM_MS_MAX: i64 = 60_000;
