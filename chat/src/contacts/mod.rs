//! Contacts: whom a person knows, and whom they want nothing of.
//!
//! Both are a person's own word and tell the other nothing. A contact is a class of people for
//! [`crate::privacy`]. Who is blocked can't write to the person, add them to groups or find them,
//! and hears nothing of them but what they post in shared groups; blocking somebody takes them off
//! the contacts.
//!
//! Limits: [`CONTACTS_MAX`], [`BLOCKED_MAX`].

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use decide::said;
pub use decide::{AddContact, BlockAccount, ContactRejection, RemoveContact, Talk, UnblockAccount};
pub use events::{AccountBlocked, AccountUnblocked, ContactAdded, ContactEvent, ContactRemoved};
pub use graphql::{ContactMutation, ContactObject, ContactQuery};
pub use view::{Contact, ContactCounts};

/// Contacts of one person at most.
pub const CONTACTS_MAX: u32 = 5_000;
/// Accounts that one person blocks at most.
pub const BLOCKED_MAX: u32 = 1_000;
