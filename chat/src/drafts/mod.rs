//! Drafts: what a person has begun to write in a conversation, on all of their devices.
//!
//! There is one a person and line, in the person's own stream: one for the conversation itself and
//! one for each thread, also one that would begin with it. Nobody else is told of them, and no
//! application. The last to save wins, by the order of the log. Saving nothing clears it,
//! as does `clearDraft`, also beside sending; clearing what is not there changes nothing. Who has
//! left a conversation still sees and clears what they had begun there, as does whoever has begun
//! to write in a thread that then can't be any more.
//!
//! The text is sealed under a key of its own, which is destroyed when the draft is replaced or
//! cleared: what somebody chose not to say does not live on in the log. Clients save when somebody
//! pauses, not with each key.
//!
//! Limits: a text has at most [`TEXT_BYTES_MAX`](crate::messages::TEXT_BYTES_MAX).

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{ClearDraft, DraftRejection, SaveDraft};
pub use events::{DraftCleared, DraftEvent, DraftLine, DraftSaved, destroy_draft};
pub(crate) use graphql::clear_beside;
pub use graphql::{DraftMutation, DraftObject};
pub use view::Draft;
