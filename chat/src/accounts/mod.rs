//! Accounts: a person's name, password and profile.
//!
//! Registering is a saga over two streams: the name is claimed, the account is created, the name
//! is confirmed. A claim whose account was never created is released only after the account's own
//! stream has recorded that it never will be, whatever the clock says. Changing the name is a saga
//! of the same shape.
//!
//! Names that are taken for each other are one: what a name looks like is claimed beside it. A name
//! that was given up stays reserved for its account for [`RESERVED_MS`].
//!
//! Limits: [`USERNAME_CHARS_MAX`], [`DISPLAY_NAME_CHARS_MAX`], [`BIO_CHARS_MAX`],
//! [`PASSWORD_CHARS_MAX`], [`RENAMES_MAX`] changes of the name in [`RENAMED_MS`].

mod claims;
mod decide;
mod events;
mod graphql;
mod names;
pub mod password;
pub mod register;
mod rename;
#[cfg(test)]
mod tests;
mod view;

pub use claims::{ClaimName, ConfirmName, FreeName, ReleaseName, ReserveName};
pub use decide::{AccountRejection, ChangePassword, CreateAccount, UpdateProfile};
pub use events::{
    AccountDeactivated, AccountEvent, AccountId, AccountReactivated, AccountRegistered,
    AccountReinstated, AccountSuspended, NameClaimed, NameConfirmed, NameId, NameReleased,
    NameReserved, PasswordChanged, ProfileUpdated, RegistrationAbandoned, UsernameChangeAbandoned,
    UsernameChangeBegun, UsernameChanged,
};
pub use graphql::{AccountMutation, AccountObject, AccountQuery, RegisterPayload};
pub use names::{EVERYONE, username};
pub use rename::{AbandonClaim, BeginRename, FinishRename};
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
/// How long a name that its account has given up is kept from others.
pub const RESERVED_MS: i64 = 30 * 24 * 3_600 * 1_000;
/// Changes of a username in [`RENAMED_MS`] at most.
pub const RENAMES_MAX: usize = 2;
/// The time in which changes of a username are counted.
pub const RENAMED_MS: i64 = 14 * 24 * 3_600 * 1_000;
/// Age after which a claim that was not confirmed is looked into.
pub const CLAIM_MS_MAX: i64 = 60_000;
