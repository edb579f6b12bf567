//! What applications are told: of somebody, and of us.

use serde_json::{Value, json};

use super::endpoints::DEVICE_GRANT;
use super::{Access, Reply, Scopes};
use crate::accounts::{Account, AccountId};
use crate::addresses::Addresses;
use crate::kernel::graphql::Scope;

/// What an application may know of somebody.
pub(super) async fn user(
    scope: &Scope,
    account: AccountId,
    scopes: Scopes,
) -> Result<Value, Reply> {
    let mut claims = json!({ "sub": account.to_string() });
    let found = scope.reader.load::<Account>(account.to_string()).await?;
    if let Some(profile) = found.as_ref().and_then(|it| it.profile.as_ref())
        && scopes.contains(Access::Profile)
    {
        claims["preferred_username"] = scope.reader.open(&profile.username).await?.into();
        claims["name"] = scope.reader.open(&profile.display_name).await?.into();
    }
    if scopes.contains(Access::Email) {
        let known = scope.reader.load::<Addresses>(account.to_string()).await?;
        if let Some(found) = known.as_ref().and_then(|it| it.first_mail()) {
            claims["email"] = scope.reader.open(&found.address).await?.into();
            claims["email_verified"] = true.into();
        }
    }
    Ok(claims)
}

/// The endpoint that tells of the person who has allowed access (OpenID Connect Core 5.3).
///
/// # Errors
/// `invalid_token`, `insufficient_scope` (RFC 6750).
pub async fn user_info(scope: &Scope) -> Result<Reply, Reply> {
    let viewer = scope.viewer_at_door().map_err(|_| Reply::invalid_token())?;
    let scopes = viewer.scopes.ok_or_else(Reply::insufficient_scope)?;
    if !scopes.contains(Access::OpenId) {
        return Err(Reply::insufficient_scope());
    }
    Ok(Reply::of(user(scope, viewer.account, scopes).await?))
}

/// What there is (RFC 8414, OpenID Connect Discovery).
pub fn metadata(scope: &Scope, open: bool) -> Value {
    let at = |path: &str| scope.tokens.link(path);
    let scopes: Vec<_> = Access::ALL.iter().map(|it| it.name()).collect();
    let methods = ["none", "client_secret_basic", "client_secret_post"];
    let mut metadata = json!({
        "issuer": scope.tokens.issuer(),
        "authorization_endpoint": at("oauth/authorize"),
        "token_endpoint": at("oauth/token"),
        "revocation_endpoint": at("oauth/revoke"),
        "introspection_endpoint": at("oauth/introspect"),
        "device_authorization_endpoint": at("oauth/device"),
        "pushed_authorization_request_endpoint": at("oauth/par"),
        "userinfo_endpoint": at("oauth/userinfo"),
        "jwks_uri": at("oauth/jwks"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "preferred_username",
            "email", "email_verified"
        ],
    });
    if open {
        metadata["registration_endpoint"] = at("oauth/register").into();
    }
    metadata
}
