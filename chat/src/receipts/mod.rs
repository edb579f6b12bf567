//! Receipts: how far each person has read, and what is therefore unread.
//!
//! A read pointer is one number a person and conversation, kept in the person's own stream, and
//! never moves back. Unread is not counted, it follows: messages after the pointer that are
//! neither the person's own nor gone. Sending moves one's pointer, so nothing of one's own lies
//! above it; what is gone is counted by blocks, at the same cost at any backlog.

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod unread;
mod view;

pub use decide::{MarkRead, ReceiptRejection};
pub use events::{ReadMoved, ReceiptEvent};
pub use graphql::{ReadStateObject, ReceiptMutation, ReceiptQuery};
pub use unread::Unread;
pub use view::ReadPointer;
