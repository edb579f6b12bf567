//! Expiry: messages that are gone for everyone when their time has come.
//!
//! A message has a time of its own, or its conversation's when it was sent, the shorter of both;
//! what was sent before a conversation's time was set stays as it was. When it has come, nobody is
//! shown the message any more, and the server deletes it as its author would: a tombstone goes
//! through the feed, and the key of its body is destroyed.
//!
//! The time of a group is set by its owner and admins, that of a direct conversation by either.
//!
//! Limits: [`SECONDS_MIN`], [`SECONDS_MAX`].

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{ExpireMessage, ExpiryRejection, SetExpiry};
pub use events::{ExpiryEvent, ExpirySet};
pub use graphql::ExpiryMutation;
pub(crate) use view::{end, timings};

/// Shortest time that a message is there.
pub const SECONDS_MIN: u32 = 60;
/// Longest time that one is there which expires.
pub const SECONDS_MAX: u32 = 365 * 24 * 3_600;

/// Whether a message may be there so long.
pub fn may_expire_in(seconds: u32) -> bool {
    (SECONDS_MIN..=SECONDS_MAX).contains(&seconds)
}
