//! Threads: messages that answer one message of a conversation, apart from its others.
//!
//! A thread begins at a message, its root, and has the root's id; it is there once something was
//! sent or moved there. Its messages keep their places in the conversation's numbers, so each has
//! one number and one id for ever, and belong to one [`Line`]: to the conversation's own, or to the
//! thread's. A reply in a thread begins none. When the root is deleted the thread goes on without.
//!
//! What is in a thread counts there alone: the thread has a read pointer of its own, in the stream
//! of whose it is, and an unread count that follows from it as a conversation's does. Who joins has
//! nothing unread of before; sending there moves one's own pointer there, and no other.
//!
//! Those who manage a group, and either person of a direct conversation, move messages that were
//! sent to the conversation into a thread, on to another, and back. What was sent in a thread stays
//! there. A message that was moved into a thread is read for whom either pointer has passed it, so
//! that this makes nothing unread that somebody has read. When it goes on or back, what was read in
//! the thread that it leaves does not count where it comes to.
//!
//! Limits: [`MOVED_MAX`].

#[cfg(test)]
mod counted;
mod decide;
mod events;
mod graphql;
mod numbers;
mod objects;
#[cfg(test)]
mod tests;
mod unread;
mod view;

pub use decide::{Entry, MarkThreadRead, MoveToThread, NoEntry, ThreadRejection};
pub use events::{Line, MessageMoved, ThreadEvent, ThreadReadMoved, Threaded};
pub use graphql::ThreadMutation;
pub use numbers::{ThreadCounts, ThreadNumbers};
pub use objects::{ThreadObject, ThreadReadStateObject};
pub(crate) use objects::{thread_of, threads};
pub use unread::{ThreadUnread, counts_in_threads};
pub use view::{Participant, Thread, ThreadPointer};

/// Most messages that are moved at once.
pub const MOVED_MAX: usize = 100;
