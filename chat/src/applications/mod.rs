//! Applications: programs of others that act for people, as those have allowed (OAuth 2.1, OpenID
//! Connect Core).
//!
//! Staff register an application. It sends a person to `/oauth/authorize`, the person signs in and
//! allows some [`Access`], and the application exchanges the code that it gets back. What it then
//! holds is a session like any other, listed and ended like any other, but for two things: it
//! reaches only what its scopes name, and it never counts as freshly proved.
//!
//! A code carries everything about itself under a seal, for [`CODE_MS`]. It names the session that
//! it will open, so that it is exchanged once follows from a session being opened once; a second
//! exchange ends that session. PKCE is demanded, of kind `S256` only.

mod access;
mod asked;
mod decide;
mod endpoints;
mod events;
mod graphql;
mod known;
mod objects;
mod registration;
mod reply;
#[cfg(test)]
mod tests;
mod told;
mod view;

pub use access::{Scopes, needed};
pub use asked::{Asked, Refusal, ask};
pub use decide::{AllowApplication, ApplicationRejection, RegisterApplication, RemoveApplication};
pub use endpoints::Endpoint;
pub use events::{
    Access, ApplicationAllowed, ApplicationEvent, ApplicationId, ApplicationRegistered,
    ApplicationRemoved,
};
pub use graphql::{ApplicationMutation, ApplicationQuery};
pub(crate) use objects::ApplicationObject;
pub use registration::register;
pub use reply::Reply;
pub use told::{metadata, user_info};
pub use view::{Application, Applications};

/// How long a code may be exchanged.
pub const CODE_MS: i64 = 60 * 1_000;
/// How long a request that was pushed is good: as long as somebody takes to sign in.
pub const PUSHED_MS: i64 = 10 * 60 * 1_000;
/// Applications of a server.
pub const APPLICATIONS_MAX: usize = 1_000;
/// Most characters of an application's name.
pub const NAME_CHARS_MAX: usize = 64;
/// Addresses that an application may send people back to.
pub const REDIRECTS_MAX: usize = 10;
/// Longest of those addresses, in bytes.
pub const REDIRECT_BYTES_MAX: usize = 2_000;
/// Longest request for authorization, in bytes.
pub const REQUEST_BYTES_MAX: usize = 8_192;
/// Most applications that have registered themselves or been registered while one registers
/// itself: staff keep room.
pub const BY_ITSELF_MAX: usize = 500;
