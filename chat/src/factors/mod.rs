//! Second factors: what proves a person beside their password.
//!
//! A one-time password (TOTP, RFC 6238: SHA-1, six digits, 30 seconds, one step of leeway) and ten
//! backup codes. That a code is used once is decided in the account's own stream, by the same
//! command that opens the session, so no two nodes take it twice. Tries are counted there too, so
//! their limit holds on all nodes together and through restarts: [`TRIES_MAX`] in [`TRIES_MS`].
//! Only who knows the password gets to try.
//!
//! A code by mail or text message is a second factor too, once its person has asked for it: six
//! digits to an address that they have proved, good for [`CODE_MS`] and once, of which only a keyed
//! digest is kept. Its tries are counted with all others. An address that codes go to is not given
//! up before the codes are. A code by mail proves nothing beside a link by mail, since both show
//! the same mailbox.
//!
//! A passkey stands for a second factor too, wherever one is asked for. Who has lost every factor
//! recovers by [`crate::lost_factors`].
//!
//! Where the instance demands a second factor, whoever has none signs in to a session that can
//! only set one up.

mod codes;
mod decide;
mod events;
mod graphql;
mod sent;
#[cfg(test)]
mod tests;
mod view;

pub use codes::{Shown, prove};
pub use decide::{
    ConfirmTotp, EnrolTotp, FactorProof, FactorRejection, Held, MakeBackupCodes, RemoveTotp,
    TryFactor,
};
pub(crate) use decide::{Taken, is_asked_for};
pub use events::{
    BackupCodeUsed, BackupCodesMade, CodeFactorDisabled, CodeFactorEnabled, FactorCodeSent,
    FactorCodeUsed, FactorEvent, FactorId, FactorTried, TotpConfirmed, TotpEnrolled, TotpRemoved,
    TotpUsed,
};
pub use graphql::{FactorMutation, FactorQuery, ShownInput};
pub use sent::{DisableCodeFactor, EnableCodeFactor, SendFactorCode};
pub use view::{CodeFactor, Factors, OpenCode};

/// Seconds that a one-time password is good.
pub const STEP_SECONDS: u64 = 30;
/// Backup codes that an account has.
pub const BACKUP_CODES: usize = 10;
/// How long a code that was sent is good; within it no more than [`TRIES_MAX`] are looked at.
pub const CODE_MS: i64 = TRIES_MS;
/// Tries of a code in [`TRIES_MS`]; one that fits begins the count anew.
pub const TRIES_MAX: usize = 5;
/// In what time tries are counted.
pub const TRIES_MS: i64 = 10 * 60 * 1_000;
