//! Registering an application, by staff or by itself (RFC 7591).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;

use ports::keys::crypto;

use super::{ApplicationId, RegisterApplication, Reply};
use crate::accounts::AccountId;
use crate::kernel::Failure;
use crate::kernel::graphql::Scope;
use crate::kernel::id as ids;

/// What is remembered of a secret.
pub(super) fn secret_digest(scope: &Scope, secret: &str) -> String {
    let key = scope.reader.keyring.secret("application secrets");
    crypto::fingerprint(&key, &[secret.as_bytes()])
}

/// A new secret of 256 bits.
pub(super) fn fresh_secret(scope: &Scope) -> String {
    format!("pls_{}", URL_SAFE_NO_PAD.encode(scope.entropy.bytes::<32>()))
}

/// What an application says of itself; what it says beyond that is not looked at.
#[derive(Deserialize)]
struct Metadata {
    redirect_uris: Vec<String>,
    client_name: String,
    #[serde(default)]
    token_endpoint_auth_method: Option<String>,
}

/// The endpoint at which applications register themselves, where the operator has opened it.
///
/// # Errors
/// By their names in RFC 7591 section 3.2.2.
pub async fn register(scope: &Scope, open: bool, body: &[u8]) -> Result<Reply, Reply> {
    if !open {
        return Err(Reply::denied("applications are registered by staff here"));
    }
    scope.admit(&format!("applications/{}", scope.address()), scope.limits.register).await?;
    let said = serde_json::from_slice::<Metadata>(body);
    let said = said.map_err(|_| {
        Reply::refused("invalid_client_metadata", "client_name and redirect_uris are needed")
    })?;
    let method = said.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
    let secret = match method {
        "none" => None,
        "client_secret_basic" | "client_secret_post" => Some(fresh_secret(scope)),
        _ => {
            let description = "none, client_secret_basic or client_secret_post";
            return Err(Reply::refused("invalid_client_metadata", description));
        }
    };
    let id = ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
    let command = RegisterApplication {
        application_id: ApplicationId(id),
        name: said.client_name.clone(),
        redirect_uris: said.redirect_uris.clone(),
        secret_digest: secret.as_ref().map(|it| secret_digest(scope, it)),
        by_itself: true,
    };
    // It acts for nobody: its own id stands for whoever asks.
    let accepted = scope.submit_for(AccountId(id), id, command).await.map_err(|it| {
        let Failure::Rejected(rejection) = it else { return it.into() };
        let wrong = match rejection.code {
            "APPLICATIONS_REDIRECT_INVALID" => "invalid_redirect_uri",
            _ => "invalid_client_metadata",
        };
        Reply::refused(wrong, rejection.message)
    })?;
    let _ = scope.outcome(accepted).await;
    let mut body = json!({
        "client_id": ApplicationId(id).to_string(),
        "client_id_issued_at": scope.clock.now_ms() / 1_000,
        "client_name": said.client_name,
        "redirect_uris": said.redirect_uris,
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    });
    if let Some(secret) = secret {
        body["client_secret"] = secret.into();
        body["client_secret_expires_at"] = 0.into();
    }
    Ok(Reply { status: 201, ..Reply::of(body) })
}
