//! Sign-in links: a link to a proved mail address stands in for the password, where the operator
//! allows it (`sign_in_links`).
//!
//! A link is good once and for [`LINK_MS`], and only the one that was asked for last; a changed
//! password or address voids it. It stands in for the password alone: where a second factor is
//! asked for, it is asked for here too, and a code by mail is none, since the link shows the same
//! mailbox. Whether an address belongs to anybody is not told, neither by the answer nor by the
//! time it takes. The link is used by a click on its page and not by opening it, since scanners of
//! mail open links.

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{RequestSignInLink, SignInLinkRejection, UseSignInLink};
pub use events::{SignInLinkEvent, SignInLinkSent, SignInLinkUsed};
pub use graphql::SignInLinkMutation;
pub use view::{OpenLink, SignInLink};

/// How long a link is good.
pub const LINK_MS: i64 = 15 * 60 * 1_000;
