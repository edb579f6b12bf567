//! Lost factors: who can show no second factor any more asks for their removal, and waits.
//!
//! Whoever has proved the password, a link by mail or an identity, but no second factor may ask,
//! unless there is neither a proved address nor an open session to tell. Then nothing changes but
//! that every session sees it, and every proved address is told, with a link that cancels it. Once
//! the delay has passed (72 hours unless the operator chose otherwise), the same proof without a
//! factor completes it, for [`USABLE_MS`]: every second factor is removed, every other session
//! ends, and the addresses are told again.
//!
//! Until then any session of the account cancels it, as do the link and any factor that is shown,
//! since it was not lost. A changed password or a factor that is set up anew, of any kind, voids
//! it. All of this is decided in the account's own stream, so no two nodes see it differently.
//!
//! Limits: one at a time, [`REQUESTS_MAX`] in [`REQUESTS_MS`].

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{Alert, CancelFactorRecovery, LostFactorRejection, RequestFactorRecovery};
pub(crate) use decide::{cancelled, completed, completed_alerts};
pub use events::{
    FactorRecoveryCancelled, FactorRecoveryCompleted, FactorRecoveryRequested, LostFactorEvent,
};
pub(crate) use graphql::alerts;
pub use graphql::{FactorRecovery, LostFactorMutation};
pub use view::{LostFactor, Waiting};

/// How long a recovery that has come due can be completed.
pub const USABLE_MS: i64 = 7 * 24 * 3_600 * 1_000;
/// Recoveries that may be asked for in [`REQUESTS_MS`].
pub const REQUESTS_MAX: usize = 3;
/// In what time requests are counted.
pub const REQUESTS_MS: i64 = 24 * 3_600 * 1_000;
/// How long it is worth telling that a recovery was completed.
pub const TOLD_MS: i64 = 24 * 3_600 * 1_000;
