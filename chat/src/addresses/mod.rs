//! Addresses: where a person can be reached outside, by mail or by phone, once that was proved.
//!
//! An address is proposed, a code is sent there ([`crate::outbox`]), and showing the code proves
//! it. A proved address belongs to one account; the claim on it is a stream of its own, found by a
//! keyed digest, as usernames are. Who has proved one can sign in with it and set a forgotten
//! password anew ([`crate::recovery`]).
//!
//! Limits: [`ADDRESSES_MAX`], [`CODE_MS`], [`TRIES_MAX`], [`MAIL_CHARS_MAX`].

mod asked;
mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use asked::{Named, send_to_holder};
pub use decide::{
    AddressRejection, ConfirmAddress, ProposeAddress, RemoveAddress, TryAddress, mail, phone,
};
pub use events::{
    AddressConfirmed, AddressEvent, AddressId, AddressProposed, AddressRemoved, AddressTried,
};
pub use graphql::{AddressMutation, AddressQuery, holder};
pub(crate) use graphql::{addresses, claim, fields, fresh_code, held, name};
pub use view::{Addresses, Confirmed, Pending};

/// Addresses that an account has proved at most.
pub const ADDRESSES_MAX: usize = 5;
/// How long a code is good.
pub const CODE_MS: i64 = 10 * 60 * 1_000;
/// Codes that may be shown for one proposal.
pub const TRIES_MAX: u32 = 5;
/// Most characters of a mail address (RFC 5321).
pub const MAIL_CHARS_MAX: usize = 254;
