//! What applications ask us directly: tokens, and about tokens.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;

use ports::keys::crypto;

use super::asked::{Fields, PUSHED, PUSHED_PREFIX, ask, fields};
use super::known::Known;
use super::told::user;
use super::{Access, ApplicationId, PUSHED_MS, REQUEST_BYTES_MAX, Refusal, Reply, Scopes};
use crate::accounts::AccountId;
use crate::devices::{self, Come, DeviceRejection, come, request};
use crate::kernel::graphql::Scope;
use crate::kernel::sealed::{seal, unseal};
use crate::kernel::{Failure, Timestamp, id as ids};
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
    pub(super) allowed_at: Timestamp,
    /// When the person had proved themselves, in milliseconds since the epoch.
    pub(super) proved_ms: i64,
}

/// The kind of grant of devices.
pub(super) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a code is sealed for.
pub(super) const CODE: &str = "authorization code";

/// The endpoints to which applications send forms.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    Token,
    Revoke,
    Introspect,
    Push,
    Wait,
}

impl Endpoint {
    /// Answers a form of an application that has proved who it is.
    ///
    /// # Errors
    /// By their names in the RFCs.
    pub async fn answer(
        self,
        scope: &Scope,
        header: Option<&str>,
        body: &[u8],
    ) -> Result<Reply, Reply> {
        let form = fields(body).ok_or_else(|| Reply::invalid_request("a field comes twice"))?;
        let client = Known::of(scope, header, &form).await?;
        match self {
            Self::Token => token(scope, &client, &form).await,
            Self::Revoke => revoke(scope, &client, &form).await,
            Self::Introspect => introspect(scope, &client, &form).await,
            Self::Push => push(scope, &client, form).await,
            Self::Wait => wait(scope, &client, &form).await,
        }
    }
}

/// The token endpoint (RFC 6749 section 3.2).
async fn token(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    match form.get("grant_type").map(String::as_str) {
        Some("authorization_code") => exchange(scope, client, form).await,
        Some("refresh_token") => refresh(scope, client, form).await,
        Some(DEVICE_GRANT) => device(scope, client, form).await,
        Some(_) => Err(Reply::unsupported_grant_type()),
        None => Err(Reply::invalid_request("no grant_type")),
    }
}

async fn exchange(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    let shown = form.get("code").ok_or_else(|| Reply::invalid_request("no code"))?;
    let code = Some(shown).and_then(|it| unseal::<Code>(scope, CODE, it));
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
        identity: None,
        by_mail: false,
        factor: None,
        allowed: Some(Allowed {
            at: code.allowed_at,
            application: Some((client.0.id, code.scopes)),
        }),
    };
    let accepted = scope.submit_for(code.account, code.session.0, command).await?;
    if accepted.repeated {
        // Somebody has it who should not: whoever came first may be the wrong one.
        end(scope, code.account, code.session).await?;
        return Err(Reply::invalid_grant());
    }
    settle(scope, accepted).await;
    let granted = Granted::to_application(code.account, code.session, client.0.id, code.scopes);
    first_tokens(scope, client, granted, code.nonce, code.proved_ms).await
}

/// The tokens of a session that was just opened, and who the person is where that was asked.
async fn first_tokens(
    scope: &Scope,
    client: &Known,
    granted: Granted,
    nonce: Option<String>,
    proved_ms: i64,
) -> Result<Reply, Reply> {
    let mut reply = tokens(scope, granted, 0);
    if granted.scopes().contains(Access::OpenId) {
        let mut claims = user(scope, granted.account, granted.scopes()).await?;
        claims["aud"] = client.0.id.to_string().into();
        claims["auth_time"] = (proved_ms / 1_000).into();
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        reply["id_token"] = scope.tokens.id_token(claims, scope.clock.now_ms()).into();
    }
    Ok(Reply::of(reply))
}

/// Tokens for a device that somebody has let in (RFC 8628 section 3.4).
async fn device(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    let carried = form.get("device_code").map_or("", String::as_str);
    let named = Client { device: client.0.name.clone(), ..Client::default() };
    match come(scope, carried, Some(client.0.id), named).await? {
        Come::TooSoon => Err(Reply::device("slow_down")),
        Come::Not(DeviceRejection::Pending) => Err(Reply::device("authorization_pending")),
        Come::Not(DeviceRejection::Denied) => Err(Reply::device("access_denied")),
        Come::Not(
            DeviceRejection::Expired
            | DeviceRejection::NotFound
            | DeviceRejection::NotFresh
            | DeviceRejection::Taken,
        ) => Err(Reply::device("expired_token")),
        Come::In { account, session, accepted, .. } if accepted.repeated => {
            end(scope, account, session).await?;
            Err(Reply::invalid_grant())
        }
        Come::In { account, session, scopes, accepted, proved_ms } => {
            settle(scope, accepted).await;
            let granted = Granted::to_application(account, session, client.0.id, scopes);
            first_tokens(scope, client, granted, None, proved_ms).await
        }
    }
}

/// The endpoint at which a device begins to wait (RFC 8628 section 3.1).
async fn wait(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    let scopes = Scopes::parse(form.get("scope").map_or("", String::as_str));
    let scopes = scopes.filter(|it| *it != Scopes::default()).ok_or_else(Reply::invalid_scope)?;
    let (code, device_code) = request(scope, Some((client.0.id, scopes))).await?;
    let uri = scope.tokens.link("device");
    Ok(Reply::of(json!({
        "device_code": device_code,
        "verification_uri_complete": format!("{uri}?code={code}"),
        "verification_uri": uri,
        "user_code": code,
        "expires_in": devices::CODE_MS / 1_000,
        "interval": devices::INTERVAL_S,
    })))
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
    // We have made the token, so there is a session, which can't be read yet.
    let found = found.ok_or(Failure::Unavailable)?;
    let own = found.application.is_some_and(|it| it.0 == client.0.id);
    Ok(own.then_some(found))
}

async fn refresh(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    let token = form.get("refresh_token");
    let token = token.ok_or_else(|| Reply::invalid_request("no refresh_token"))?;
    let shown = scope.tokens.read_refresh(token);
    let shown = shown.ok_or_else(Reply::invalid_grant)?;
    let session = session_of(scope, client, token).await?.ok_or_else(Reply::invalid_grant)?;
    let (id, scopes) = session.application.ok_or_else(Reply::invalid_grant)?;
    let asked = form.get("scope").map_or(Some(scopes), |it| Scopes::parse(it));
    let asked = asked.filter(|it| it.is_within(scopes)).ok_or_else(Reply::invalid_scope)?;
    let client_id = ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
    let command = RefreshSession { session_id: shown.session, generation: shown.generation };
    let accepted = scope.submit_for(shown.account, client_id, command).await?;
    if !scope.outcome(accepted).await.is_ok_and(|it| it.readable) {
        // What became of it is not known yet; asked again in time, it gives the same.
        return Err(Failure::Unknown.into());
    }
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
async fn revoke(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    let token = form.get("token").ok_or_else(|| Reply::invalid_request("no token"))?;
    if let Some(session) = session_of(scope, client, token).await? {
        end(scope, session.account_id, session.id).await?;
    }
    Ok(Reply::of(json!({})))
}

/// The introspection endpoint (RFC 7662), for an application's own tokens.
async fn introspect(scope: &Scope, client: &Known, form: &Fields) -> Result<Reply, Reply> {
    let token = form.get("token").ok_or_else(|| Reply::invalid_request("no token"))?;
    let now = Timestamp(scope.clock.now_ms());
    let found = session_of(scope, client, token).await?.filter(|it| !it.is_over(now));
    let refresh = scope.tokens.read_refresh(token);
    let Some(session) = found else { return Ok(Reply::of(json!({ "active": false }))) };
    if refresh.is_some_and(|it| it.generation != session.generation) {
        return Ok(Reply::of(json!({ "active": false })));
    }
    let claims = scope.tokens.check(token, now.0);
    let scopes = session.application.map(|it| it.1).unwrap_or_default().text();
    let mut told = json!({
        "active": true,
        "client_id": client.0.id.to_string(),
        "sub": session.account_id.to_string(),
        "scope": claims.as_ref().and_then(|it| it.scope.clone()).unwrap_or(scopes),
        "iss": scope.tokens.issuer(),
    });
    if let Some(claims) = claims {
        told["exp"] = claims.exp.into();
        told["iat"] = claims.iat.into();
    }
    Ok(Reply::of(told))
}

/// The endpoint of pushed requests (RFC 9126); one that would be refused is refused here.
async fn push(scope: &Scope, client: &Known, mut form: Fields) -> Result<Reply, Reply> {
    form.remove("client_secret");
    form.insert("client_id".to_owned(), client.0.id.to_string());
    if form.contains_key("request_uri") {
        return Err(Reply::invalid_request("a pushed request can't be pushed"));
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    ask(scope, &query).await.map_err(|it| match it {
        Refusal::Told(why) => Reply::invalid_request(why),
        Refusal::Sent { error, description, .. } => Reply::refused(error, description),
        Refusal::Unavailable => Failure::Unavailable.into(),
    })?;
    let sealed = seal(scope, PUSHED, scope.clock.now_ms() + PUSHED_MS, &form);
    let request_uri = format!("{PUSHED_PREFIX}{sealed}");
    if request_uri.len() > REQUEST_BYTES_MAX - 512 {
        return Err(Reply::invalid_request("the request is too long"));
    }
    let body = json!({ "request_uri": request_uri, "expires_in": PUSHED_MS / 1_000 });
    Ok(Reply { status: 201, ..Reply::of(body) })
}
