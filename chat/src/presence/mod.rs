//! Presence: who is typing and who is about. Nothing of it enters the log.
//!
//! Typing is told to the other members of a conversation and ends by itself after [`TYPING_MS`];
//! one telling a second and person gets through, and none in groups of more than [`HEARERS_MAX`].
//! A person is about as long as a device says so once in [`ONLINE_MS`]; that, too, is told to the
//! conversations that are small enough, the most recently active first, at most
//! [`CONVERSATIONS_MAX`].
//!
//! Who hears of it, and how exactly, is said by [`crate::privacy`]; whom a person has blocked hears
//! nothing.

mod graphql;
mod hearing;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use graphql::tell;
pub use graphql::{PresenceMutation, PresenceQuery};
pub use hearing::heard_by;
pub(crate) use hearing::is_cut_off;
pub use view::{LastSeen, PresenceObject, PresenceRejection, TypingKind, TypingObject};

/// How long typing lasts unless it is told again.
pub const TYPING_MS: u64 = 6_000;
/// Shortest time between two tellings of one person in one conversation.
pub const TYPING_EVERY_MS: u64 = 1_000;
/// How long a person is about after a device has said so.
pub const ONLINE_MS: u64 = 70_000;
/// How long it is remembered when somebody was about last.
pub const SEEN_MS: u64 = 90 * 24 * 3_600 * 1_000;
/// Most members of a conversation that hears of typing and presence.
pub const HEARERS_MAX: u64 = 500;
/// Most conversations that hear of one person's presence.
pub const CONVERSATIONS_MAX: usize = 50;
/// Most people whose presence is asked for at once.
pub const ASKED_MAX: usize = 100;
