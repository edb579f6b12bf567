//! Going to a provider and coming back.

use std::sync::Arc;

use async_graphql::Result;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use url::Url;

use ports::cache::Admission;
use ports::identity_providers::{Exchange, IdentityProvider};
use ports::keys::crypto;

use super::holder::claim;
use super::id_token::{Claims, Expected, Fault, check};
use super::{
    ANSWER_BYTES_MAX, CEREMONY_MS, IdentityProof, IdentityRejection, LABEL_CHARS_MAX, NewIdentity,
    TICKET_MS,
};
use crate::accounts::{AccountId, DISPLAY_NAME_CHARS_MAX, username};
use crate::kernel::graphql::{Scope, outage, rejected};
use crate::kernel::sealed::{seal, unseal};
use crate::sessions::CHALLENGE_MS;

/// Purposes of what is sealed.
const GOING: &str = "going to a provider";
const TICKET: &str = "registering by a provider";
const FACTOR: &str = "second factor after a provider";

/// Bytes of what nobody guesses.
const SECRET_BYTES: usize = 32;

/// What is remembered of somebody who has gone to a provider.
#[derive(Serialize, Deserialize)]
struct Going {
    provider: String,
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
    /// Whose account it is linked to; nobody's where it is to sign in.
    links: Option<AccountId>,
}

/// Where a person is sent, and what their browser keeps.
pub(super) struct Begun {
    pub(super) url: String,
    pub(super) ceremony: String,
}

/// What a person comes back with.
pub(super) struct Answer {
    pub(super) ceremony: String,
    pub(super) code: String,
    pub(super) state: String,
    pub(super) issuer: Option<String>,
}

/// Somebody who was told of: the identity, and what they are called there.
pub(crate) struct Newcomer {
    pub(crate) identity: NewIdentity,
    pub(crate) username: Option<String>,
    pub(crate) display_name: Option<String>,
}

fn invalid() -> async_graphql::Error {
    rejected(IdentityRejection::Invalid)
}

/// A provider by the name that the operator gave it.
pub(super) fn provider<'a>(scope: &'a Scope, id: &str) -> Result<&'a Arc<dyn IdentityProvider>> {
    let found = scope.identity_providers.iter().find(|it| it.settings().id == id);
    found.ok_or_else(|| rejected(IdentityRejection::NoProvider))
}

/// Where providers send people back to.
fn redirect_uri(scope: &Scope) -> String {
    scope.tokens.link("signed-in")
}

/// Sends somebody to a provider: to sign in, or to link what it says to their account.
pub(super) async fn begin(scope: &Scope, id: &str, links: Option<AccountId>) -> Result<Begun> {
    let provider = provider(scope, id)?;
    let settings = provider.settings();
    let metadata = provider.metadata().await.map_err(outage)?;
    let secret = || URL_SAFE_NO_PAD.encode(scope.entropy.bytes::<SECRET_BYTES>());
    let going = Going {
        provider: settings.id.clone(),
        issuer: settings.issuer.clone(),
        state: secret(),
        nonce: secret(),
        verifier: secret(),
        links,
    };
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, going.verifier.as_bytes()));
    let scopes = ["openid"].into_iter().chain(settings.scopes.iter().map(String::as_str));
    let mut url = Url::parse(&metadata.authorization_endpoint).map_err(|_| invalid())?;
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", &settings.client_id),
        ("redirect_uri", &redirect_uri(scope)),
        ("scope", &scopes.collect::<Vec<_>>().join(" ")),
        ("state", &going.state),
        ("nonce", &going.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let ceremony = seal(scope, GOING, scope.clock.now_ms() + CEREMONY_MS, going);
    Ok(Begun { url: url.into(), ceremony })
}

/// Takes a ceremony on all nodes once; the account's stream decides it again.
async fn spend(scope: &Scope, ceremony: &str) -> Result<()> {
    let window_ms = 2 * CEREMONY_MS.unsigned_abs();
    let taken = scope.cache.take(&format!("identities/{ceremony}"), 1, window_ms).await;
    match taken.map_err(outage)? {
        Admission::Admitted => Ok(()),
        Admission::Refused { .. } => Err(invalid()),
    }
}

/// Looks at what somebody came back with, whose browser has begun it.
///
/// # Errors
/// `IDENTITIES_INVALID`, whatever is wrong with it.
pub(super) async fn finish(
    scope: &Scope,
    answer: Answer,
    links: Option<AccountId>,
) -> Result<Newcomer> {
    let Answer { ceremony, code, state, issuer } = answer;
    let going = unseal::<Going>(scope, GOING, &ceremony).filter(|it| it.links == links);
    let going = going.ok_or_else(invalid)?;
    let short = code.len().max(state.len()) <= ANSWER_BYTES_MAX;
    let own = crypto::equal(state.as_bytes(), going.state.as_bytes());
    let provider = provider(scope, &going.provider)?;
    let settings = provider.settings();
    if !short || !own || settings.issuer != going.issuer {
        return Err(invalid());
    }
    let metadata = provider.metadata().await.map_err(outage)?;
    match issuer {
        // No other server's answer is taken for this one's (RFC 9207).
        Some(it) if it != going.issuer => return Err(invalid()),
        None if metadata.names_itself => return Err(invalid()),
        Some(_) | None => (),
    }
    let ceremony = crypto::fingerprint(&[0; 32], &[ceremony.as_bytes()]);
    spend(scope, &ceremony).await?;
    let redirect_uri = redirect_uri(scope);
    let exchange = Exchange { code: &code, verifier: &going.verifier, redirect_uri: &redirect_uri };
    let token = provider.exchange(exchange).await.map_err(outage)?.ok_or_else(invalid)?;
    let claims = read(scope, provider.as_ref(), &going, &token).await?;
    Ok(newcomer(scope, &going, claims, ceremony))
}

/// What a token says, by the provider's keys: newer ones where it names one that is not known.
async fn read(
    scope: &Scope,
    provider: &dyn IdentityProvider,
    going: &Going,
    token: &str,
) -> Result<Claims> {
    let expected = Expected {
        issuer: &going.issuer,
        client_id: &provider.settings().client_id,
        nonce: &going.nonce,
        now_ms: scope.clock.now_ms(),
    };
    let keys = provider.keys().await.map_err(outage)?;
    let claims = match check(token, &keys, expected) {
        Err(Fault::Key) => {
            let newer = provider.newer_keys().await.map_err(outage)?;
            check(token, &newer, expected)
        }
        read => read,
    };
    claims.map_err(|fault| {
        tracing::warn!(provider = provider.settings().id, ?fault, "a token was refused");
        invalid()
    })
}

fn newcomer(scope: &Scope, going: &Going, claims: Claims, ceremony: String) -> Newcomer {
    let short = |it: &String, max: usize| it.trim().chars().take(max).collect::<String>();
    let first = claims.preferred_username.as_ref().or(claims.email.as_ref());
    let label = first.or(claims.name.as_ref()).map(|it| short(it, LABEL_CHARS_MAX));
    let named = claims.preferred_username.as_deref().and_then(|it| username(it).ok());
    let display_name = claims.name.as_ref().map(|it| short(it, DISPLAY_NAME_CHARS_MAX));
    let identity = NewIdentity {
        claim_id: claim(scope, &going.issuer, &claims.sub),
        provider_id: going.provider.clone(),
        issuer: going.issuer.clone(),
        subject: claims.sub,
        label: label.filter(|it| !it.is_empty()),
        ceremony,
    };
    Newcomer { identity, username: named, display_name: display_name.filter(|it| !it.is_empty()) }
}

/// What lets somebody without an account register.
pub(super) fn ticket(scope: &Scope, newcomer: &Newcomer) -> String {
    seal(scope, TICKET, scope.clock.now_ms() + TICKET_MS, &newcomer.identity)
}

/// The identity of a ticket, and the proof by which it signs in once it is linked.
pub(super) fn read_ticket(scope: &Scope, ticket: &str) -> Result<(NewIdentity, IdentityProof)> {
    let mut identity: NewIdentity = unseal(scope, TICKET, ticket).ok_or_else(invalid)?;
    let (claim_id, ceremony) = (identity.claim_id, identity.ceremony);
    // Linking takes a ceremony too, which must not be the one that signs in after it.
    identity.ceremony = crypto::fingerprint(&[0; 32], &[b"linked", ceremony.as_bytes()]);
    Ok((identity, IdentityProof { claim_id, ceremony }))
}

/// What is carried from a provider's proof to that of a second factor.
pub(crate) fn factor_challenge(scope: &Scope, account: AccountId, proof: &IdentityProof) -> String {
    seal(scope, FACTOR, scope.clock.now_ms() + CHALLENGE_MS, (account, proof))
}

/// Reads it.
pub(crate) fn read_factor_challenge(
    scope: &Scope,
    text: &str,
) -> Option<(AccountId, IdentityProof)> {
    unseal(scope, FACTOR, text)
}
