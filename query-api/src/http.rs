//! GraphQL over HTTP: one POST, the explorer, and the door to the socket.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::http::GraphiQLSource;
use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response as Answer, Variables};
use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{
    ConnectInfo, DefaultBodyLimit, FromRequestParts, Request as HttpRequest, State,
};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::get;
use serde::Deserialize;

use chat::kernel::Failure;
use chat::kernel::graphql::{Asker, Limits, UNAUTHENTICATED, failed};
use ports::Tasks;
use ports::cache::Admission;

use crate::limits::{BODY_BYTES_MAX, MESSAGE_BYTES_MAX, operation};
use crate::schema::{Api, refusal};
use crate::socket::{PROTOCOL, serve};
use crate::viewer::{Refused, bearer, prove};

/// Bytes that a socket reads at once: idle sockets are many, so this is small.
const READ_BUFFER_BYTES: usize = 1_024;

/// Bytes after which joined frames are written without waiting for more.
const WRITE_BUFFER_BYTES: usize = 64 * 1_024;

/// The routes of the client API.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/graphql", get(explorer_or_socket).post(post))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(api)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    query: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Variables>,
}

fn address(from: SocketAddr) -> String {
    from.ip().to_string()
}

async fn explorer_or_socket(
    State(api): State<Arc<Api>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: HttpRequest,
) -> Response {
    let (mut parts, _) = request.into_parts();
    if !parts.headers.contains_key(header::UPGRADE) {
        return Html(GraphiQLSource::build().endpoint("/graphql").finish()).into_response();
    }
    if !from_listed_origin(&parts.headers, &api.parts.origins) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match WebSocketUpgrade::from_request_parts(&mut parts, &api).await {
        Ok(upgrade) => {
            let upgrade = upgrade
                .protocols([PROTOCOL])
                .read_buffer_size(READ_BUFFER_BYTES)
                .write_buffer_size(WRITE_BUFFER_BYTES)
                .max_write_buffer_size(api.parts.socket.queue_bytes * 2)
                // Up to here a message is read, so that its sender can be told why it is refused.
                .max_message_size(MESSAGE_BYTES_MAX * 2)
                .max_frame_size(MESSAGE_BYTES_MAX * 2);
            if upgrade.selected_protocol().is_none() {
                return (StatusCode::BAD_REQUEST, "subprotocol graphql-transport-ws is needed")
                    .into_response();
            }
            // The library starts the task; it belongs to the node that was asked all the same.
            let node = Tasks::current();
            upgrade.on_upgrade(move |socket| async move {
                let served = serve(socket, api, address(from));
                let Some(node) = node else { return served.await };
                // Who has ended with the node is not waited for.
                let _ = node.run(async { ports::spawn("socket", served).await }).await;
            })
        }
        Err(refused) => refused.into_response(),
    }
}

/// Whether a browser opened the socket from our own pages or those of a listed origin; other
/// programs name no origin.
fn from_listed_origin(headers: &HeaderMap, origins: &[Box<str>]) -> bool {
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let host = origin.split_once("://").map(|(_, host)| host);
    let listed = origins.iter().any(|it| **it == *origin);
    listed || (host.is_some() && host == text(header::HOST))
}

async fn post(
    State(api): State<Arc<Api>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Response {
    let Ok(body) = body else {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, &refusal("TOO_LARGE", "body is too large"));
    };
    match execute(&api, address(from), &headers, &body).await {
        Ok(response) => answer(StatusCode::OK, &response),
        Err((status, response)) => answer(status, &response),
    }
}

fn answer(status: StatusCode, response: &Answer) -> Response {
    (status, Json(response)).into_response()
}

type Failed = (StatusCode, Answer);

/// Who asks, by the headers of a request.
///
/// # Errors
/// 401 for a token that is not good, 429 beyond the rate of an address, 503 when it can't be told.
pub async fn asker(
    parts: &crate::Parts,
    address: String,
    headers: &HeaderMap,
) -> Result<Asker, (StatusCode, Answer)> {
    proved(parts, address, headers).await.map_err(|failure| match failure {
        Failure::RateLimited { .. } => {
            let error = failed(failure).into_server_error(Default::default());
            (StatusCode::TOO_MANY_REQUESTS, Answer::from_errors(vec![error]))
        }
        Failure::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            refusal("UNAVAILABLE", "sessions can't be read now, try again"),
        ),
        Failure::Rejected(_)
        | Failure::IdempotencyMismatch
        | Failure::ClientIdInvalid
        | Failure::TooLarge
        | Failure::Unknown => {
            (StatusCode::UNAUTHORIZED, refusal("UNAUTHENTICATED", "the access token is not good"))
        }
    })
}

/// Who asks, as a request says, whatever it is answered in.
///
/// # Errors
/// `UNAUTHENTICATED`, `RateLimited` or `Unavailable`.
pub(crate) async fn proved(
    parts: &crate::Parts,
    address: String,
    headers: &HeaderMap,
) -> Result<Asker, Failure> {
    let limits: &Limits = &parts.limits;
    let taken = parts.ports.cache.take(&format!("ip/{address}"), limits.per_ip, 60_000).await;
    if let Ok(Admission::Refused { retry_after_ms }) = taken {
        return Err(Failure::RateLimited { retry_after_ms });
    }
    let Some(header) = headers.get(header::AUTHORIZATION) else {
        return Ok(Asker::Nobody { address });
    };
    let unauthenticated = Failure::Rejected(UNAUTHENTICATED);
    let token = header.to_str().ok().and_then(bearer).ok_or(unauthenticated)?;
    match prove(parts, token).await {
        Ok(proved) => Ok(Asker::Viewer(proved.viewer, address)),
        Err(Refused::Token) => Err(unauthenticated),
        Err(Refused::Unavailable) => Err(Failure::Unavailable),
    }
}

/// Whether a request is said to be JSON: what a page of another site can't send unasked, since
/// its forms have other types.
fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = said.and_then(|it| it.split(';').next());
    kind.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"))
}

async fn execute(
    api: &Arc<Api>,
    address: String,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Answer, Failed> {
    let bad = |code, message| (StatusCode::BAD_REQUEST, refusal(code, message));
    if !is_json(headers) {
        let refused = refusal("INVALID", "content type is not application/json");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, refused));
    }
    if body.iter().find(|it| !it.is_ascii_whitespace()) == Some(&b'[') {
        return Err(bad("BATCH_DISABLED", "send one operation a request"));
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|_| bad("INVALID", "body is not a GraphQL request in JSON"))?;
    let asker = asker(&api.parts, address, headers).await?;
    if let Some(after) = headers.get("parlance-after") {
        let after = after.to_str().unwrap_or_default();
        api.after(after).await.map_err(|it| (StatusCode::OK, it))?;
    }
    let document = api.parse(&body.query).map_err(|it| (StatusCode::BAD_REQUEST, it))?;
    let kind = operation(&document, body.operation_name.as_deref()).map(|it| it.ty);
    if kind == Some(OperationType::Subscription) {
        let message = "subscriptions go over a WebSocket: graphql-transport-ws";
        return Err(bad("INVALID", message));
    }
    let mut request = Request::new(body.query).variables(body.variables.unwrap_or_default());
    request.operation_name = body.operation_name;
    Ok(api.execute(request, &document, asker).await)
}
