//! The outbox: messages to people outside, by mail or to their phones.
//!
//! What is to be sent is an event beside what it is about, so neither can be without the other.
//! Whoever folds a partition sends what is due there, notes what became of it, and tries again
//! after a pause that grows up to [`PAUSE_MS_MAX`], until the message is of no more use. A message
//! keeps its id through all attempts, so a carrier can tell one that comes twice (after a crash
//! between sending and noting it) from a second one.

mod decide;
mod events;
mod templates;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use decide::{Letter, all_queued, queued};
pub use decide::{OutboxRejection, RecordDelivery};
pub use events::{
    Channel, Delivery, Fields, MessageAttempted, MessageQueued, OutboxEvent, OutgoingId,
};
pub use templates::{Template, Written, spoken, write};
pub use view::Outgoing;

/// Pause after the first attempt that failed; each further one is twice as long.
pub const PAUSE_MS: i64 = 2_000;
/// Longest pause between two attempts.
pub const PAUSE_MS_MAX: i64 = 10 * 60 * 1_000;
