//! Sessions: a device that is signed in, its short-lived access tokens and its refresh token.
//!
//! An access token is a JWT signed with Ed25519 (RFC 8037), good for [`ACCESS_MS`]. A refresh
//! token names account, session and generation under a keyed digest, so no token is ever stored.
//! Refreshing moves the session to the next generation; the token of the generation before may be
//! used again for [`GRACE_MS`] (its answer may have been lost) and gives the same successor; an
//! older one, or one used later, ends the session, since somebody else must have it too.
//!
//! An account has [`SESSIONS_MAX`] open sessions at most: one more ends the one that was used the
//! longest ago. Ending all of them, or all others, is one decision over the list of those open, so
//! none slips through that opens meanwhile; what was allowed before it, for a device or an
//! application, opens none after it. Sensitive changes ask that the person has proved themselves in
//! this session within [`FRESH_MS`].

mod confirm;
mod decide;
mod events;
mod graphql;
mod objects;
pub mod proof;
mod second;
mod sign_in;
#[cfg(test)]
mod tests;
mod tokens;
mod view;

pub use confirm::{ConfirmSession, Fresh};
pub(crate) use decide::ending;
pub use decide::{Allowed, EndSession, EndSessions, OpenSession, RefreshSession, SessionRejection};
pub use events::{
    EndCause, EndReason, SessionConfirmed, SessionEnded, SessionEvent, SessionId, SessionOpened,
    SessionRefreshed, SessionsEnded,
};
pub use graphql::{ClientInput, SessionMutation, SessionQuery};
pub use objects::SessionObject;
pub use second::SignInPayload;
pub(crate) use second::{proceed, proven_but_factor, second_factor};
pub use sign_in::{Client, Proven, SignedIn, opened, sign_in_at};
pub use tokens::{Challenge, Claims, Granted, Purpose, Refresh, Tokens, signing_seed};
pub use view::{OpenSessions, Session};

/// How long an access token is good.
pub const ACCESS_MS: i64 = 10 * 60 * 1_000;
/// How long the refresh token of the generation before may be used again.
pub const GRACE_MS: i64 = 10 * 1_000;
/// How long a session lasts without being refreshed.
pub const IDLE_MS: i64 = 90 * 24 * 3_600 * 1_000;
/// How long a session lasts however much it is used.
pub const ABSOLUTE_MS: i64 = 365 * 24 * 3_600 * 1_000;
/// How long a second factor is waited for after the password.
pub const CHALLENGE_MS: i64 = 5 * 60 * 1_000;
/// How long ago a person may have proved themselves when they change something sensitive.
pub const FRESH_MS: i64 = 10 * 60 * 1_000;
/// Sessions that an account has open at most.
pub const SESSIONS_MAX: usize = 100;
/// Most characters of what a device, its app or its platform is called.
pub const DEVICE_CHARS_MAX: usize = 64;
