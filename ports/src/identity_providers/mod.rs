//! Identity providers: servers of others that tell who somebody is (OpenID Connect Core 1.0).
//!
//! Only what crosses the network is here: what a provider says of itself, its keys, and the
//! exchange of a code. What an answer proves is for the product to say.
//!
//! Promises: nothing is asked but over TLS, or on this very machine; an answer that comes late, is
//! too large or says something else than the protocol is `Unavailable`; redirects are not followed;
//! at most [`PLACES`] questions wait for one provider; secrets are never shown.

#[cfg(feature = "real")]
mod http;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::Error;

/// How long an answer may take: somebody waits to sign in.
pub const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Bytes of an answer at most.
pub const ANSWER_BYTES_MAX: usize = 256 * 1_024;
/// Keys of a provider at most.
pub const KEYS_MAX: usize = 64;
/// Questions that wait for one provider at most.
pub const PLACES: usize = 32;
/// How long what a provider says of itself, and its keys, are taken as they were.
pub const KEPT: Duration = Duration::from_secs(600);
/// How often keys are asked for before their time, however many tokens name one that is not known.
pub const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// A text that nobody may see.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// The text; never to be logged.
    pub fn secret_text(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ClientSecret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What the operator says of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Names it among ours.
    pub id: String,
    /// Names it to people.
    pub label: String,
    /// Names it in tokens, word for word; what it says of itself is found below.
    pub issuer: String,
    /// Names us there.
    pub client_id: String,
    /// Proves us there; a client without one proves itself by PKCE alone.
    pub client_secret: Option<ClientSecret>,
    /// What we ask for beside `openid`.
    pub scopes: Vec<String>,
    /// Whether accounts may be registered by it.
    pub registers: bool,
}

/// What a provider says of itself (OpenID Connect Discovery 1.0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Where people are sent.
    pub authorization_endpoint: String,
    /// Whether its answers name it (RFC 9207).
    pub names_itself: bool,
    pub token_endpoint: String,
    pub jwks_uri: String,
    /// Whether our secret goes into the form, since a header is not taken.
    pub secret_in_form: bool,
}

/// A code that is exchanged.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    pub code: &'a str,
    /// Proves that we have asked for it (RFC 7636).
    pub verifier: &'a str,
    pub redirect_uri: &'a str,
}

/// One provider.
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// What the operator says of it.
    fn settings(&self) -> &Settings;

    /// What it says of itself.
    ///
    /// # Errors
    /// `Unavailable` when it can't be asked, or says that it is another one.
    async fn metadata(&self) -> Result<Arc<Metadata>, Error>;

    /// The keys that it signs with, each a JSON Web Key (RFC 7517).
    ///
    /// # Errors
    /// `Unavailable` when it can't be asked.
    async fn keys(&self) -> Result<Arc<Vec<Value>>, Error>;

    /// The keys anew, for a token that names one that was not among them.
    ///
    /// # Errors
    /// `Unavailable` when it can't be asked.
    async fn newer_keys(&self) -> Result<Arc<Vec<Value>>, Error>;

    /// Exchanges a code for a token that tells who somebody is; nothing where the code is refused.
    ///
    /// # Errors
    /// `Unavailable` when it can't be asked or does not take us for its client.
    async fn exchange(&self, exchange: Exchange<'_>) -> Result<Option<String>, Error>;
}

/// All providers, in the order in which people see them.
pub type IdentityProviders = Arc<[Arc<dyn IdentityProvider>]>;

/// None.
pub fn none() -> IdentityProviders {
    Arc::new([])
}

/// Makes ready to ask each; nothing is asked yet.
///
/// # Errors
/// `Unavailable` when an issuer is malformed or not of TLS.
pub fn connect(all: &[Settings]) -> Result<IdentityProviders, Error> {
    #[cfg(feature = "real")]
    return all.iter().map(http::connect).collect();
    #[cfg(not(feature = "real"))]
    if all.is_empty() { Ok(none()) } else { Err(crate::without_clients("identity providers")) }
}
