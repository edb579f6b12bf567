//! What applications ask us directly: tokens, and about tokens.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;

use ports::keys::crypto;

use super::asked::{Fields, PUSHED, PUSHED_PREFIX, application, ask, fields};
use super::registration::secret_digest;
use super::{Access, Application, ApplicationId, PUSHED_MS, Refusal, Reply, Scopes};
use crate::accounts::{Account, AccountId};
use crate::addresses::first_mail;
use crate::kernel::graphql::Scope;
use crate::kernel::id as ids;
use crate::kernel::sealed::{seal, unseal};
use crate::sessions::{
    ACCESS_MS, Allowed, Client, EndSession, Granted, OpenSession, Refresh, RefreshSession, Session,
    SessionId,
};

/// A code, as it is carried by the application.
#[derive(Serialize, Deserialize)]
pub(super) struct Code {
    pub(super) account: AccountId,
    pub(super) application: ApplicationId,
    pub(super) scopes: Scopes,
    /// The session that it opens.
    pub(super) session: SessionId,
    /// Generation of the credential when it was allowed.
    pub(super) credential: Option<u64>,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    /// When the person had proved themselves, in milliseconds since the epoch.
    pub(super) proved_ms: i64,
}

/// What a code is sealed for.
pub(super) const CODE: &str = "authorization code";

/// An application that has proved who it is, or has nothing to prove it with.
struct Known(Arc<Application>);

impl Known {
    /// Reads the header, or the fields of the form (RFC 6749 section 2.3.1).
    async fn of(scope: &Scope, header: Option<&str>, form: &Fields) -> Result<Self, Reply> {
        let basic = header.and_then(|it| it.strip_prefix("Basic ")).map(|it| {
            let text = String::from_utf8(STANDARD.decode(it).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            Some((plain(id), plain(secret)))
        });
        let (id, secret) = match basic {
            Some(Some((id, secret))) => (Some(id), Some(secret)),
            Some(None) => return Err(Reply::invalid_client()),
            None => (form.get("client_id").cloned(), form.get("client_secret").cloned()),
        };
        scope.admit(&format!("oauth/{}", scope.address()), scope.limits.per_account).await?;
        let found = application(scope, id.as_ref()).await?.ok_or_else(Reply::invalid_client)?;
        let proved = match (&found.secret_digest, secret) {
            (Some(known), Some(shown)) => {
                let shown = secret_digest(scope, &shown);
                crypto::equal(known.as_bytes(), shown.as_bytes())
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        proved.then_some(Self(found)).ok_or_else(Reply::invalid_client)
    }
}

/// A name or secret as a header has it, which is written like a form.
fn plain(text: &str) -> String {
    let pair = format!("x={text}");
    form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |it| it.1.into_owned())
}

/// The token endpoint.
///
/// # Errors
/// By their names in RFC 6749 section 5.2.
pub async fn token(scope: &Scope, header: Option<&str>, body: &[u8]) -> Result<Reply, Reply> {
    let form = fields(body).ok_or_else(|| Reply::invalid_request("a field comes twice"))?;
    let client = Known::of(scope, header, &form).await?;
    match form.get("grant_type").map(String::as_str) {
        Some("authorization_code") => exchange(scope, &client, &form).await,
        Some("refresh_token") => refresh(scope, &client, &form).await,
        Some(_) => Err(Reply::unsupported_grant_type()),
        None => Err(Reply::invalid_request("no grant_type")),
    }
}

async fn exchange(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    let code = form.get("code").and_then(|it| unseal::<Code>(scope, CODE, it));
    let code = code.filter(|it| it.application == client.0.id).ok_or_else(Reply::invalid_grant)?;
    let same_place = form.get("redirect_uri").is_none_or(|it| *it == code.redirect_uri);
    let verifier = form.get("code_verifier").map_or("", String::as_str);
    let verified = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
    let long = (43..=128).contains(&verifier.len());
    if !same_place || !long || !crypto::equal(verified.as_bytes(), code.challenge.as_bytes()) {
        return Err(Reply::invalid_grant());
    }
    let command = OpenSession {
        session_id: code.session,
        client: Client { device: client.0.name.clone(), ..Client::default() },
        credential: code.credential,
        factor: None,
        allowed: Some(Allowed { application: Some((client.0.id, code.scopes)) }),
    };
    let accepted = scope.submit_for(code.account, code.session.0, command).await?;
    if accepted.repeated {
        // Somebody has it who should not: whoever came first may be the wrong one.
        end(scope, code.account, code.session).await?;
        return Err(Reply::invalid_grant());
    }
    settle(scope, accepted).await;
    let granted = Granted::to_application(code.account, code.session, client.0.id, code.scopes);
    let mut reply = tokens(scope, granted, 0);
    if code.scopes.contains(Access::OpenId) {
        let mut claims = user(scope, code.account, code.scopes).await?;
        claims["aud"] = client.0.id.to_string().into();
        claims["auth_time"] = (code.proved_ms / 1_000).into();
        if let Some(nonce) = code.nonce {
            claims["nonce"] = nonce.into();
        }
        reply["id_token"] = scope.tokens.id_token(claims, scope.clock.now_ms()).into();
    }
    Ok(Reply::of(reply))
}

async fn settle(scope: &Scope, accepted: crate::kernel::Accepted) {
    // What can't be read in time is good all the same: the token says what it may.
    let _ = scope.outcome(accepted).await;
}

async fn end(scope: &Scope, account: AccountId, session_id: SessionId) -> Result<(), Reply> {
    let client_id = ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
    let ended = scope.submit_for(account, client_id, EndSession { session_id }).await?;
    settle(scope, ended).await;
    Ok(())
}

fn tokens(scope: &Scope, granted: Granted, generation: u64) -> Value {
    let scopes = granted.scopes();
    let mut reply = json!({
        "access_token": scope.tokens.issue(granted, scope.clock.now_ms(), ACCESS_MS),
        "token_type": "Bearer",
        "expires_in": ACCESS_MS / 1_000,
        "scope": scopes.text(),
    });
    if scopes.contains(Access::OfflineAccess) {
        let (account, session) = (granted.account, granted.session);
        let token = scope.tokens.refresh(&Refresh { account, session, generation });
        reply["refresh_token"] = token.into();
    }
    reply
}

/// The session that a token of the application's names, whatever kind it is.
async fn session_of(
    scope: &Scope,
    client: &Known,
    token: &str,
) -> Result<Option<Arc<Session>>, Reply> {
    let refresh = scope.tokens.read_refresh(token).map(|it| it.session);
    let access = || scope.tokens.check(token, scope.clock.now_ms()).map(|it| it.sid);
    let Some(id) = refresh.or_else(access) else { return Ok(None) };
    let found = scope.reader.load::<Session>(id.to_string()).await?;
    Ok(found.filter(|it| it.application.is_some_and(|it| it.0 == client.0.id)))
}

async fn refresh(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    let shown = form.get("refresh_token").and_then(|it| scope.tokens.read_refresh(it));
    let shown = shown.ok_or_else(Reply::invalid_grant)?;
    let token = form.get("refresh_token").map_or("", String::as_str);
    let session = session_of(scope, client, token).await?.ok_or_else(Reply::invalid_grant)?;
    let (id, scopes) = session.application.ok_or_else(Reply::invalid_grant)?;
    let asked = form.get("scope").map_or(Some(scopes), |it| Scopes::parse(it));
    let asked = asked.filter(|it| it.is_within(scopes)).ok_or_else(Reply::invalid_scope)?;
    let client_id = ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
    let command = RefreshSession { session_id: shown.session, generation: shown.generation };
    let accepted = scope.submit_for(shown.account, client_id, command).await?;
    settle(scope, accepted).await;
    let session = scope.reader.load::<Session>(shown.session.to_string()).await?;
    let next = shown.generation + 1;
    let alive = session.is_some_and(|it| !it.ended && it.generation == next);
    if !alive {
        return Err(Reply::invalid_grant());
    }
    // A narrower access token leaves the refresh token as it was.
    let granted = Granted::to_application(shown.account, shown.session, id, asked);
    let mut reply = tokens(scope, granted, next);
    if scopes.contains(Access::OfflineAccess) {
        let following = Refresh { generation: next, ..shown };
        reply["refresh_token"] = scope.tokens.refresh(&following).into();
    }
    Ok(Reply::of(reply))
}

/// The revocation endpoint (RFC 7009); what is not good any more is revoked.
///
/// # Errors
/// `invalid_client`, `invalid_request`.
pub async fn revoke(scope: &Scope, header: Option<&str>, body: &[u8]) -> Result<Reply, Reply> {
    let form = fields(body).ok_or_else(|| Reply::invalid_request("a field comes twice"))?;
    let client = Known::of(scope, header, &form).await?;
    let token = form.get("token").ok_or_else(|| Reply::invalid_request("no token"))?;
    if let Some(session) = session_of(scope, &client, token).await? {
        end(scope, session.account_id, session.id).await?;
    }
    Ok(Reply::of(json!({})))
}

/// The introspection endpoint (RFC 7662), for an application's own tokens.
///
/// # Errors
/// `invalid_client`, `invalid_request`.
pub async fn introspect(scope: &Scope, header: Option<&str>, body: &[u8]) -> Result<Reply, Reply> {
    let form = fields(body).ok_or_else(|| Reply::invalid_request("a field comes twice"))?;
    let client = Known::of(scope, header, &form).await?;
    let token = form.get("token").ok_or_else(|| Reply::invalid_request("no token"))?;
    let now = crate::kernel::Timestamp(scope.clock.now_ms());
    let found = session_of(scope, &client, token).await?.filter(|it| !it.is_over(now));
    let refresh = scope.tokens.read_refresh(token);
    let Some(session) = found else { return Ok(Reply::of(json!({ "active": false }))) };
    if refresh.is_some_and(|it| it.generation != session.generation) {
        return Ok(Reply::of(json!({ "active": false })));
    }
    let claims = scope.tokens.check(token, now.0);
    let scopes = session.application.map(|it| it.1).unwrap_or_default().text();
    Ok(Reply::of(json!({
        "active": true,
        "client_id": client.0.id.to_string(),
        "sub": session.account_id.to_string(),
        "scope": claims.as_ref().and_then(|it| it.scope.clone()).unwrap_or(scopes),
        "iss": scope.tokens.issuer(),
        "exp": claims.as_ref().map(|it| it.exp),
        "iat": claims.as_ref().map(|it| it.iat),
    })))
}

/// The endpoint of pushed requests (RFC 9126).
///
/// # Errors
/// `invalid_client`, `invalid_request`, and what the request itself would be refused for.
pub async fn push(scope: &Scope, header: Option<&str>, body: &[u8]) -> Result<Reply, Reply> {
    let mut form = fields(body).ok_or_else(|| Reply::invalid_request("a field comes twice"))?;
    let client = Known::of(scope, header, &form).await?;
    form.remove("client_secret");
    form.insert("client_id".to_owned(), client.0.id.to_string());
    if form.contains_key("request_uri") {
        return Err(Reply::invalid_request("a pushed request can't be pushed"));
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    ask(scope, &query).await.map_err(|it| match it {
        Refusal::Told(why) => Reply::invalid_request(why),
        Refusal::Sent(_) => Reply::invalid_request("the request would be refused"),
        Refusal::Unavailable => crate::kernel::Failure::Unavailable.into(),
    })?;
    let sealed = seal(scope, PUSHED, scope.clock.now_ms() + PUSHED_MS, &form);
    let request_uri = format!("{PUSHED_PREFIX}{sealed}");
    let body = json!({ "request_uri": request_uri, "expires_in": PUSHED_MS / 1_000 });
    Ok(Reply { status: 201, ..Reply::of(body) })
}

/// What an application may know of somebody.
async fn user(scope: &Scope, account: AccountId, scopes: Scopes) -> Result<Value, Reply> {
    let mut claims = json!({ "sub": account.to_string() });
    let found = scope.reader.load::<Account>(account.to_string()).await?;
    if let Some(profile) = found.as_ref().and_then(|it| it.profile.as_ref())
        && scopes.contains(Access::Profile)
    {
        claims["preferred_username"] = scope.reader.open(&profile.username).await?.into();
        claims["name"] = scope.reader.open(&profile.display_name).await?.into();
    }
    if scopes.contains(Access::Email)
        && let Some(address) = first_mail(scope, account).await?
    {
        claims["email"] = address.into();
        claims["email_verified"] = true.into();
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
        "pushed_authorization_request_endpoint": at("oauth/par"),
        "userinfo_endpoint": at("oauth/userinfo"),
        "jwks_uri": at("oauth/jwks"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
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
