//! Second factors: what proves a person beside their password.
//!
//! A one-time password (TOTP, RFC 6238: SHA-1, six digits, 30 seconds, one step of leeway) and ten
//! backup codes. That a code is used once is decided in the account's own stream, by the same
//! command that opens the session, so no two nodes take it twice. Tries are counted there too, so
//! their limit holds on all nodes together and through restarts: after [`TRIES_MAX`] that fail one
//! waits for [`TRIES_MS`], after as many more twice as long, up to [`TRIES_MS_MAX`]. Only who knows
//! the password gets to try. Backup codes, of 50 bits, and passkeys are not counted, so that
//! guessing does not keep the owner out.
//!
//! A code by mail or text message is a second factor too, once its person has asked for it: six
//! digits to an address that they have proved, good for [`CODE_MS`] and once, of which only a keyed
//! digest is kept. Its tries are counted with all others. An address that codes go to is not given
//! up before the codes are. A code by mail proves nothing beside a link by mail, since both show
//! the same mailbox, nor beside a provider's identity, which may show it too. Another code is sent
//! once the last is [`RESEND_MS`] old.
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
mod held;
mod sent;
mod shown;
#[cfg(test)]
mod tests;
mod view;

pub use codes::{Shown, prove};
pub use decide::{ConfirmTotp, EnrolTotp, FactorRejection, MakeBackupCodes, RemoveTotp, TryFactor};
pub use events::{
    BackupCodeUsed, BackupCodesMade, CodeFactorDisabled, CodeFactorEnabled, FactorCodeSent,
    FactorCodeUsed, FactorEvent, FactorId, FactorTried, TotpConfirmed, TotpEnrolled, TotpRemoved,
    TotpUsed,
};
pub use graphql::{FactorMutation, FactorQuery};
pub use held::{FactorProof, Held};
pub(crate) use held::{Taken, is_asked_for};
pub use sent::{DisableCodeFactor, EnableCodeFactor, SendFactorCode};
pub use shown::ShownInput;
pub use view::{CodeFactor, Factors, OpenCode};

/// Seconds that a one-time password is good.
pub const STEP_SECONDS: u64 = 30;
/// Backup codes that an account has.
pub const BACKUP_CODES: usize = 10;
/// How long a code that was sent is good; within it no more than [`TRIES_MAX`] are looked at.
pub const CODE_MS: i64 = TRIES_MS;
/// Codes that are tried before one waits; one that fits begins the count anew.
pub const TRIES_MAX: u32 = 5;
/// How long one waits after the first that many.
pub const TRIES_MS: i64 = 10 * 60 * 1_000;
/// The most that it becomes by doubling.
pub const TRIES_MS_MAX: i64 = 24 * 3_600 * 1_000;
/// How old the last code is before another one is sent.
pub const RESEND_MS: i64 = 60 * 1_000;
