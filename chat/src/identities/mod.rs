//! Identities: signing in by what a server of others says of somebody (OpenID Connect Core 1.0).
//!
//! A person is sent to a provider that the operator has named, and comes back with a code. What we
//! must remember meanwhile, the verifier of PKCE and the nonce among it, is sealed and stays with
//! the browser that began, for [`CEREMONY_MS`]; the answer of another one fits no ceremony. It is
//! taken once: the cache says so first, and the account's own stream decides it.
//!
//! An identity is an issuer and a subject. The claim on it is a stream of its own, found by a keyed
//! digest, as usernames are, so two accounts never have the same. Nothing links an identity by its
//! mail address: whoever a provider lets have one would have the account. Who has an account links
//! it while signed in; who has none may register by it, where both provider and server let them.
//!
//! It stands for the password and not for a second factor. The last way to sign in stays.
//!
//! Limits: [`IDENTITIES_MAX`], [`CEREMONY_MS`], [`TICKET_MS`], [`SPENT_MAX`], [`TOKEN_BYTES_MAX`].

mod ceremony;
mod decide;
mod events;
mod graphql;
mod holder;
mod id_token;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use ceremony::{Newcomer, factor_challenge, read_factor_challenge};
pub use decide::{IdentityProof, IdentityRejection, LinkIdentity, NewIdentity, UnlinkIdentity};
pub(crate) use decide::{is_last_way, taken};
pub use events::{IdentityEvent, IdentityLinked, IdentityUnlinked, IdentityUsed};
pub use graphql::{IdentityMutation, IdentityQuery};
pub(crate) use holder::take_claim;
pub use view::{Identities, Identity};

/// How long a person may stay at a provider.
pub const CEREMONY_MS: i64 = 10 * 60 * 1_000;
/// How long somebody without an account may take to register.
pub const TICKET_MS: i64 = 10 * 60 * 1_000;
/// Identities that an account has at most, one a provider.
pub const IDENTITIES_MAX: usize = 20;
/// Ceremonies of one account that may end within twice [`CEREMONY_MS`].
pub const SPENT_MAX: usize = 100;
/// Longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1_024;
/// Longest code or state that is looked at, in bytes.
pub const ANSWER_BYTES_MAX: usize = 4 * 1_024;
/// Most characters of a name that a provider gives somebody.
pub const LABEL_CHARS_MAX: usize = 128;
