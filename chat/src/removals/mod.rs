//! Removals: what moderators take out of everybody's sight, and give back within a day.
//!
//! An author deletes for good: the key of the message is destroyed at once. What somebody else
//! takes out of a group is set aside instead: from that moment nobody is shown it, and it counts
//! as gone, but its key stays until [`RESTORABLE_MS`] are over. Until then those who manage the
//! group see what was removed, by whom and when, and any of them restores it as it was; it is not
//! pinned again. After that the server destroys it. Its author, or its own time, ends it earlier.
//!
//! Many are deleted at once: by ids, by a stretch of numbers, or all that one account wrote, the
//! newest first, in one record of at most [`DELETED_MAX`]. All that are named are deleted, or
//! none. Who asks for more of them asks again, until it is told that there are no others. For
//! oneself many are hidden likewise.
//!
//! Limits: [`DELETED_MAX`], [`RESTORABLE_MS`].

#[cfg(test)]
mod beside;
mod decide;
mod end;
mod events;
mod graphql;
mod many;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{RemovalRejection, RestoreMessages};
pub(crate) use decide::{deletion, destroyed};
pub use end::DestroyMessage;
pub(crate) use end::{end, timings};
pub use events::{
    MessageDestroyed, MessageRemoved, MessageRestored, RemovalEvent, destroy_removed,
};
pub(crate) use graphql::removed_messages;
pub use graphql::{RemovalMutation, RemovedMessageObject};
pub use many::{DeleteMessages, HideMessages, Which};
pub use view::Removal;

/// Most messages that are deleted, hidden or restored at once.
pub const DELETED_MAX: usize = 100;
/// How long what a moderator has removed can be restored.
pub const RESTORABLE_MS: i64 = 24 * 3_600 * 1_000;
