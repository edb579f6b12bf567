//! The endpoints of OAuth 2.1 and OpenID Connect over HTTP; the room says what they do.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Redirect, Response};
use axum::routing::{MethodRouter, get, post};

use chat::applications::{self, Endpoint, Refusal, Reply};
use chat::kernel::graphql::{Asker, Scope};

use crate::http::asker;
use crate::schema::Api;

/// Largest form, in bytes.
const FORM_BYTES_MAX: usize = 16 * 1_024;

/// The page that asks a person, and one that says why nobody is asked.
const PAGE: &str = include_str!("pages/authorize.html");
const REFUSED: &str = include_str!("pages/refused.html");

/// The routes.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/oauth/jwks", get(keys))
        .route("/oauth/authorize", get(authorize))
        .route("/oauth/authorize.js", get(script))
        .route("/oauth/token", form(Endpoint::Token))
        .route("/oauth/revoke", form(Endpoint::Revoke))
        .route("/oauth/introspect", form(Endpoint::Introspect))
        .route("/oauth/device", form(Endpoint::Wait))
        .route("/oauth/par", form(Endpoint::Push))
        .route("/oauth/register", post(register))
        .route("/oauth/userinfo", get(user_info).post(user_info))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .with_state(api)
}

type Asked = (State<Arc<Api>>, ConnectInfo<SocketAddr>);
type Body = Result<Bytes, BytesRejection>;

/// What an endpoint has at hand; applications authenticate by its own rules.
fn scope(api: &Api, from: SocketAddr) -> Scope {
    api.scope(Asker::Nobody { address: from.ip().to_string() })
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok())
}

fn answer(reply: Result<Reply, Reply>) -> Response {
    let reply = reply.unwrap_or_else(|it| it);
    let status = StatusCode::from_u16(reply.status).expect("replies have statuses of HTTP");
    let mut response = (status, Json(reply.body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(challenge) = reply.challenge {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if let Some(wait) = reply.retry_after_ms {
        headers.insert(header::RETRY_AFTER, wait.div_ceil(1_000).into());
    }
    response
}

async fn metadata((State(api), ConnectInfo(from)): Asked) -> Response {
    let metadata = applications::metadata(&scope(&api, from), api.parts.open_applications);
    Json(metadata).into_response()
}

async fn keys((State(api), ConnectInfo(from)): Asked) -> Response {
    let scope = scope(&api, from);
    Json(scope.tokens.jwks(scope.clock.now_ms())).into_response()
}

async fn authorize((State(api), ConnectInfo(from)): Asked, RawQuery(query): RawQuery) -> Response {
    let scope = scope(&api, from);
    match applications::ask(&scope, &query.unwrap_or_default()).await {
        Ok(_) => Html(PAGE).into_response(),
        Err(Refusal::Sent { to, .. }) => Redirect::to(&to).into_response(),
        Err(Refusal::Told(why)) => {
            (StatusCode::BAD_REQUEST, Html(REFUSED.replace("{why}", why))).into_response()
        }
        Err(Refusal::Unavailable) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, include_str!("pages/authorize.js")).into_response()
}

/// An endpoint to which applications send forms.
fn form(endpoint: Endpoint) -> MethodRouter<Arc<Api>> {
    post(move |(State(api), ConnectInfo(from)): Asked, headers: HeaderMap, body: Body| async move {
        let Ok(body) = body else { return answer(Err(Reply::too_large())) };
        let scope = scope(&api, from);
        answer(endpoint.answer(&scope, authorization(&headers), &body).await)
    })
}

async fn register((State(api), ConnectInfo(from)): Asked, body: Body) -> Response {
    let Ok(body) = body else { return answer(Err(Reply::too_large())) };
    let scope = scope(&api, from);
    answer(applications::register(&scope, api.parts.open_applications, &body).await)
}

async fn user_info((State(api), ConnectInfo(from)): Asked, headers: HeaderMap) -> Response {
    let asker = asker(&api.parts, from.ip().to_string(), &headers).await;
    let asker = match asker {
        Ok(asker) => asker,
        Err((StatusCode::UNAUTHORIZED, _)) => Asker::Nobody { address: from.ip().to_string() },
        Err((status, _)) => return status.into_response(),
    };
    answer(applications::user_info(&api.scope(asker)).await)
}
