//! Reactions: the emoji that members give a message, counted.
//!
//! Each is one fact, so giving and taking back what is so already changes nothing, and whatever
//! order several people and devices do it in, everyone ends with the same counts. A message keeps
//! one small tally; who has given what are documents of their own, read page by page. A deleted
//! message shows none; those of somebody who has left stay.
//!
//! Whoever can read a message reacts to it, in a direct conversation unless one has blocked the
//! other. Admins and the owner of a group say which emoji may be given from then on, or that none
//! may. Whatever comes between, what was given before stays and can be taken back.
//!
//! Limits: [`DISTINCT_MAX`], [`OWN_MAX`], [`ALLOWED_MAX`].

#[cfg(test)]
mod counted;
mod decide;
mod emoji;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{AddReaction, LimitReactions, ReactionRejection, RemoveReaction};
pub use emoji::Emoji;
pub use events::{ReactionAdded, ReactionEvent, ReactionRemoved, ReactionsLimited};
pub use graphql::{ReactionCount, ReactionMutation, ReactionQuery, ReactionsObject};
pub(crate) use graphql::{allowed_reactions, reactions_to};
pub use view::{AllowedReactions, Count, Reacted, Reactor, Tally};

/// Most different emoji that one message has.
pub const DISTINCT_MAX: usize = 20;
/// Most emoji that one member gives one message.
pub const OWN_MAX: usize = 5;
/// Most emoji that a group is limited to.
pub const ALLOWED_MAX: usize = 100;
