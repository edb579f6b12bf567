//! Forwards: messages of conversations that one may read, sent on to one that one may write in.
//!
//! They keep their order and stand in one record, so that all of them arrive or none. Only the
//! server gives the command, with the texts that it has opened for whoever asks: nobody can say
//! that somebody wrote what they did not. With attribution a message says who wrote it first and
//! when, whoever forwards it further; an author who does not let that be known (`Forwards` of
//! [`crate::privacy`]) is left out. Only the account is noted: its name is found when it is read,
//! so it goes when the account does. Such a message is not edited. Nobody is mentioned by being
//! named in what is forwarded.
//!
//! Limits: [`FORWARDED_MAX`], [`BODIES_BYTES_MAX`].

mod decide;
mod graphql;
#[cfg(test)]
mod tests;

pub use decide::{ForwardMessages, ForwardRejection, Source};
pub use graphql::ForwardMutation;

/// Most messages that are forwarded at once.
pub const FORWARDED_MAX: usize = 100;
/// Most bytes that their texts come to with all formatting, so that they fit into one record.
pub const BODIES_BYTES_MAX: usize = 512 * 1_024;
