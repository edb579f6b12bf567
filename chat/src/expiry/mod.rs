//! Expiry: messages that are gone for everyone when their time has come.
//!
//! A message has a time of its own, or its conversation's when it was sent, the shorter of both;
//! what was sent before a conversation's time was set stays as it was. When it has come, nobody is
//! shown the message any more, and the server deletes it as its author would: a tombstone goes
//! through the feed, and the key of its body is destroyed.
//!
//! The time of a group is set by its owner and admins, that of a direct conversation by either.
//!
//! In a direct conversation a message may also have a time that begins when the other person has
//! read it: when their pointer passes it, by marking or by sending. Their pointer stands in their
//! own stream (`receipts`), so what was marked is told to the conversation by a timer; then the
//! message expires like any other, at what comes first of its times. In groups there is no such
//! time: the first of many readers would take the message from all others.
//!
//! Limits: [`SECONDS_MIN`], [`SECONDS_MAX`], [`AFTER_READ_SECONDS_MIN`],
//! [`AFTER_READ_SECONDS_MAX`], [`UNBEGUN_MAX`].

mod decide;
mod events;
mod graphql;
mod read;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{ExpireMessage, ExpiryRejection, SetExpiry};
pub use events::{ExpiryBegun, ExpiryEvent, ExpirySet, ReadingId, ReadingNoted};
pub use graphql::ExpiryMutation;
pub(crate) use read::tell;
pub use read::{BeginExpiry, NoteReading};
pub use view::{Reading, Unbegun};
pub(crate) use view::{begun, end, timings};

/// Shortest time that a message is there.
pub const SECONDS_MIN: u32 = 60;
/// Longest time that one is there which expires.
pub const SECONDS_MAX: u32 = 365 * 24 * 3_600;

/// Shortest time that a message is there after it is read.
pub const AFTER_READ_SECONDS_MIN: u32 = 1;
/// Longest time that one is there after that which then expires.
pub const AFTER_READ_SECONDS_MAX: u32 = 7 * 24 * 3_600;
/// Most messages of one author in one conversation that expire after they are read and have not
/// been read.
pub const UNBEGUN_MAX: usize = 100;

/// Whether a message may be there so long after it is read.
pub fn may_expire_after_read(seconds: u32) -> bool {
    (AFTER_READ_SECONDS_MIN..=AFTER_READ_SECONDS_MAX).contains(&seconds)
}

/// Whether a message may be there so long.
pub fn may_expire_in(seconds: u32) -> bool {
    (SECONDS_MIN..=SECONDS_MAX).contains(&seconds)
}
