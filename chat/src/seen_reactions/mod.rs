//! Seen reactions: how far each person has seen what others gave their messages.
//!
//! It is one `seq` of the conversation a person, kept in the person's own stream, and never moves
//! back. What is unseen is not counted, it follows: reactions of others to the person's own
//! messages that were given after that, have not been taken back, and are to messages that are
//! neither gone nor hidden. What was given before the person joined counts as seen.
//!
//! Nothing is written for it when somebody reacts but a key in an index of the reactions, by whom
//! the message is. Nobody else is told of it, and no application.
//!
//! Limits: [`UNSEEN_COUNTED_MAX`].

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod unseen;
mod view;

pub use decide::{MarkReactionsSeen, SeenReactionRejection};
pub use events::{ReactionsSeen, SeenReactionEvent};
pub(crate) use graphql::unseen_reaction_count;
pub use graphql::{SeenReactionMutation, SeenReactionsObject};
pub use unseen::unseen;
pub use view::SeenReactions;

/// Reactions of which those are counted that are unseen: the newest that have not been taken back.
pub const UNSEEN_COUNTED_MAX: usize = 1_000;
