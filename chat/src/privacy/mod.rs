//! Privacy: who may see what of a person, and who may reach them.
//!
//! Each [`Setting`] has an ordered list of rules; the first that names whoever asks decides, and
//! whom none names is denied. A person is always allowed what is their own, and whoever they have
//! blocked never. [`Privacy::admits`] is the one function that says so, for decisions, queries and
//! frames alike. When somebody was about last is shown only to those who show theirs; others learn
//! a stretch of days. So it is with receipts: who hides theirs from somebody sees none of theirs.
//!
//! Limits: [`RULES_MAX`], [`ACCOUNTS_MAX`].

mod decide;
mod events;
mod graphql;
mod sight;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{Gate, PrivacyRejection, SetPrivacy};
pub use events::{PrivacyEvent, PrivacySet, Rule, Setting, Who};
pub use graphql::{PrivacyMutation, PrivacyObject, PrivacyQuery};
pub use sight::{admitted, has_blocked, sees};
pub use view::{Asking, Privacy};

/// Rules of one setting at most.
pub const RULES_MAX: usize = 8;
/// Accounts that the rules of one setting name at most.
pub const ACCOUNTS_MAX: usize = 100;
