//! Second factors: what proves a person beside their password.
//!
//! A one-time password (TOTP, RFC 6238: SHA-1, six digits, 30 seconds, one step of leeway) and ten
//! backup codes. That a code is used once is decided in the account's own stream, by the same
//! command that opens the session, so no two nodes take it twice. Tries are counted there too, so
//! their limit holds on all nodes together and through restarts: [`TRIES_MAX`] in [`TRIES_MS`].
//! Only who knows the password gets to try.
//!
//! A passkey stands for a second factor too, wherever one is asked for.
//!
//! Where the instance demands a second factor, whoever has none signs in to a session that can
//! only set one up.

mod codes;
mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use codes::{Shown, prove};
pub(crate) use decide::is_asked_for;
pub use decide::{
    ConfirmTotp, EnrolTotp, FactorProof, FactorRejection, Held, MakeBackupCodes, RemoveTotp,
    TryFactor,
};
pub use events::{
    BackupCodeUsed, BackupCodesMade, FactorEvent, FactorId, FactorTried, TotpConfirmed,
    TotpEnrolled, TotpRemoved, TotpUsed,
};
pub use graphql::{FactorMutation, FactorQuery, ShownInput};
pub use view::Factors;

/// Seconds that a one-time password is good.
pub const STEP_SECONDS: u64 = 30;
/// Backup codes that an account has.
pub const BACKUP_CODES: usize = 10;
/// Tries of a code in [`TRIES_MS`]; one that fits begins the count anew.
pub const TRIES_MAX: usize = 5;
/// In what time tries are counted.
pub const TRIES_MS: i64 = 10 * 60 * 1_000;
