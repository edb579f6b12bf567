//! Activity: what happened to an account's security, for its owner to look through.
//!
//! One small document for each such event of the account's stream, so signing in from a place that
//! its owner does not know, or a code that somebody tried, can be seen afterwards. It says from
//! which session each came, and whether staff did it.

mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use graphql::ActivityQuery;
pub use view::{Activity, ActivityKind};
