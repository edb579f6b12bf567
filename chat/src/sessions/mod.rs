//! Sessions: a device that is signed in, its short-lived access tokens and its refresh token.
//!
//! An access token is a JWT signed with Ed25519 (RFC 8037), good for [`ACCESS_MS`]. A refresh
//! token names account, session and generation under a keyed digest, so no token is ever stored.
//! Refreshing moves the session to the next generation; the token of the generation before may be
//! used again for [`GRACE_MS`] (its answer may have been lost) and gives the same successor; an
//! older one, or one used later, ends the session, since somebody else must have it too.

mod decide;
mod events;
mod graphql;
pub mod proof;
#[cfg(test)]
mod tests;
mod tokens;
mod view;

pub use decide::{EndSession, OpenSession, RefreshSession, SessionRejection, device};
pub use events::{
    EndReason, SessionEnded, SessionEvent, SessionId, SessionOpened, SessionRefreshed,
};
pub use graphql::{SessionMutation, SessionQuery, SignedIn, sign_in_at};
pub use tokens::{Claims, Refresh, Tokens};
pub use view::Session;

/// How long an access token is good.
pub const ACCESS_MS: i64 = 10 * 60 * 1_000;
/// How long the refresh token of the generation before may be used again.
pub const GRACE_MS: i64 = 10 * 1_000;
/// How long a session lasts without being refreshed.
pub const IDLE_MS: i64 = 90 * 24 * 3_600 * 1_000;
/// Most characters of a device's name.
pub const DEVICE_CHARS_MAX: usize = 64;
