//! For how long authors edit their messages in a conversation, and who sees what they said before.
//!
//! Without a word of anybody it is [`DEFAULT_MINUTES`], and all members see every version. The
//! owner and admins of a group set another time, none, or no end to it, and keep earlier versions
//! to the author and themselves; in other conversations whoever is in it does. What counts is the
//! policy at the time of the edit, by the server's clock. It is one for the whole conversation, so
//! it holds for messages from before it too.
//!
//! Limits: [`MINUTES_MAX`].

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{EditPolicyRejection, SetEditPolicy};
pub use events::{EditPolicyEvent, EditPolicySet};
pub use graphql::{EditPolicyMutation, EditPolicyObject};
pub(crate) use graphql::{may_see_versions, policy_of, shows_versions};
pub use view::EditPolicy;

/// How long messages are edited where nobody has said otherwise: 48 hours.
pub const DEFAULT_MINUTES: u32 = 48 * 60;
/// Longest time with an end: a year of 365 days.
pub const MINUTES_MAX: u32 = 365 * 24 * 60;
