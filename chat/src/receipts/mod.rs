//! Receipts: how far each person has read, and what is therefore unread.
//!
//! A read pointer is one number a person and conversation, kept in the person's own stream, and
//! never moves back. Unread is not counted, it follows: messages after the pointer that are
//! neither the person's own nor gone. Sending moves one's pointer, so nothing of one's own lies
//! above it; what is gone is counted by blocks, at the same cost at any backlog.
//!
//! Others learn of pointers without an event of their own: who asks is shown them, and in
//! conversations of at most [`TOLD_MAX`] members fan-out tells the others as a pointer moves, once,
//! in passing. Who has read a message is listed in conversations of at most
//! [`READERS_LISTED_MAX`] members for [`READERS_LISTED_MS`], and counted beyond that, up to
//! [`READERS_COUNTED_MAX`]. How far devices have received is kept in the cache and told likewise.
//! Only those are shown who show theirs, to those who show theirs (`ReadReceipts` of
//! [`crate::privacy`]).

mod decide;
mod events;
mod graphql;
mod others;
#[cfg(test)]
mod tests;
mod unread;
mod view;

pub use decide::{MarkRead, ReceiptRejection};
pub use events::{ReadMoved, ReceiptEvent};
pub(crate) use graphql::receipts_of_others;
pub use graphql::{ReadStateObject, ReceiptMutation, ReceiptObject, ReceiptQuery};
pub use others::{heard_by, is_told, told};
#[cfg(test)]
pub(crate) use others::{readers, readers_counted};
pub(crate) use unread::MENTIONS_COUNTED_MAX;
pub use unread::Unread;
pub use view::ReadPointer;

/// Most members of a conversation in which others are told how far somebody has come.
pub const TOLD_MAX: u64 = 20;
/// Most members of a conversation in which those who have read a message are listed.
pub const READERS_LISTED_MAX: u64 = 200;
/// How long those who have read a message are listed.
pub const READERS_LISTED_MS: i64 = 7 * 24 * 3_600 * 1_000;
/// Most of those who have read a message that are counted in a larger conversation.
pub const READERS_COUNTED_MAX: usize = 1_000;
/// How long it is remembered how far somebody's devices have received.
pub const DELIVERED_MS: u64 = 90 * 24 * 3_600 * 1_000;
