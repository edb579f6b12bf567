//! Passkeys: keys that a device keeps and uses once its owner has unlocked them (WebAuthn Level 3).
//!
//! A passkey proves two things at once, the device and whoever unlocked it, so it opens a session
//! by itself; and it stands for a second factor wherever one is asked for. All are discoverable:
//! the device knows whose they are, so nobody types a name and nothing tells whether there is an
//! account.
//!
//! What a ceremony must remember is sealed and handed to the client, for [`CEREMONY_MS`]. That it
//! is used once is decided in the account's own stream, so no two nodes take it twice. An id of a
//! passkey is a keyed digest of the credential's, so adding one twice adds one. A counter that
//! falls back is noted and not refused: keys that are kept in step on several devices do not count.
//!
//! They belong to the host of `public_url`, which must have a name.

mod ceremony;
mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use ceremony::prove_of;
pub use ceremony::{Ceremony, Signed, prove};
pub(crate) use decide::taken;
pub use decide::{AddPasskey, PasskeyProof, PasskeyRejection, RemovePasskey};
pub use events::{PasskeyAdded, PasskeyEvent, PasskeyId, PasskeyRemoved, PasskeyUsed};
pub use graphql::{PasskeyInput, PasskeyMutation, PasskeyQuery};
pub use view::{Passkey, Passkeys};

/// How long a ceremony may take.
pub const CEREMONY_MS: i64 = 2 * 60 * 1_000;
/// Passkeys that an account has at most.
pub const PASSKEYS_MAX: usize = 20;
/// Most characters of what a passkey is called.
pub const NAME_CHARS_MAX: usize = 64;
/// Ceremonies of one account that may end within twice [`CEREMONY_MS`].
pub const SPENT_MAX: usize = 100;
/// Longest answer of a device that is looked at, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 16 * 1_024;
