//! Recovery: a forgotten password is set anew by a link to an address that was proved.
//!
//! The link names the generation of the credential, so it is good once, and until the password is
//! changed in any other way; it lasts for [`RESET_MS`]. It stands in for the password alone: where
//! a second factor is asked for, it is asked for here too; a code by mail is none, since the link
//! shows the same mailbox. Every session ends, and the person is told by mail. Whether an address
//! belongs to anybody is not told, neither by the answer nor by the time it takes.

mod decide;
mod graphql;
#[cfg(test)]
mod tests;

pub use decide::{Notice, RecoveryRejection, RequestReset, ResetPassword};
pub use graphql::{RecoveryMutation, notice};

/// How long a link is good.
pub const RESET_MS: i64 = 60 * 60 * 1_000;
