//! Contact cards: somebody's name and how they are reached, sent as a message.
//!
//! A card is content of its message and goes with it; who is on it need have no account. Clients
//! get it in parts and as a vCard 4.0, which is what address books read.
//!
//! Limits: [`NAME_CHARS_MAX`], [`PHONES_MAX`], [`EMAILS_MAX`].

mod decide;
mod graphql;
#[cfg(test)]
mod tests;
mod vcard;

pub use decide::{Card, ContactCardRejection, SendContact};
pub use graphql::{ContactCardMutation, ContactCardObject};

/// Most characters of a name.
pub const NAME_CHARS_MAX: usize = 128;
/// Most phone numbers on a card.
pub const PHONES_MAX: usize = 10;
/// Most mail addresses on a card.
pub const EMAILS_MAX: usize = 10;
