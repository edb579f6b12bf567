//! Every public command over plain HTTP: `POST /v1/commands/{Name}` with an `Idempotency-Key`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use uuid::Uuid;

use chat::commands;
use chat::kernel::graphql::{Limits, NOT_FOUND, UNAUTHENTICATED, Viewer, describe, invalid};
use chat::kernel::{Caller, Door, Failure, Keyring, Progress, Rejection};
use chat::sessions::Tokens;
use chat::sessions::proof::{Refused, bearer, prove};
use ports::Ports;
use ports::cache::Admission;
use ports::event_log::Position;

use crate::wire::Readers;

/// Largest body of a command.
const BODY_BYTES_MAX: usize = 256 * 1_024;

/// What the routes need.
pub struct Parts {
    pub ports: Ports,
    pub keyring: Arc<Keyring>,
    pub door: Arc<dyn Door>,
    pub progress: Arc<dyn Progress>,
    pub tokens: Arc<Tokens>,
    pub limits: Limits,
}

struct Routes {
    parts: Parts,
    commands: Readers,
    openapi: Value,
}

/// The routes of the commands.
pub fn routes(parts: Parts) -> Router {
    let mut readers = Readers::default();
    commands(&mut readers);
    let openapi = crate::openapi::document();
    let routes = Arc::new(Routes { parts, commands: readers, openapi });
    Router::new()
        .route("/v1/commands/{name}", post(carry_out))
        .route("/v1/openapi.json", get(openapi_json))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(routes)
}

async fn openapi_json(State(routes): State<Arc<Routes>>) -> Json<Value> {
    Json(routes.openapi.clone())
}

async fn carry_out(
    State(routes): State<Arc<Routes>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(body) = body else { return problem(&Failure::TooLarge) };
    match routes.carry_out(from, &name, &headers, &body).await {
        Ok(outcome) => Json(outcome).into_response(),
        Err(failure) => problem(&failure),
    }
}

impl Routes {
    async fn carry_out(
        &self,
        from: SocketAddr,
        name: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Value, Failure> {
        let parts = &self.parts;
        self.take(&format!("ip/{}", from.ip()), parts.limits.per_ip).await?;
        let viewer = self.viewer(headers).await?;
        viewer.may(name).map_err(Failure::Rejected)?;
        self.take(&format!("commands/{}", viewer.account), parts.limits.per_account).await?;
        let read = self.commands.of(name).ok_or(Failure::Rejected(NOT_FOUND))?;
        let key = headers.get("idempotency-key").and_then(|it| it.to_str().ok());
        let client_id = key.and_then(|it| Uuid::parse_str(it).ok());
        let client_id = client_id.ok_or(Failure::ClientIdInvalid)?;
        let malformed = invalid("body is not this command in JSON");
        let command = read(body).ok_or(Failure::Rejected(malformed))?;
        let caller = Caller::of(&viewer, &from.ip().to_string(), &parts.keyring);
        let accepted = parts.door.submit(caller, client_id, command).await?;
        let mut place = Position::start(&parts.ports.event_log.identity());
        place.advance(accepted.partition, accepted.ordinal);
        parts.progress.reach(&place).await;
        let mut position = parts.progress.position();
        position.advance(accepted.partition, accepted.ordinal);
        Ok(json!({
            "streamId": accepted.stream.to_string(),
            "seq": accepted.first_seq.to_string(),
            "repeated": accepted.repeated,
            "position": position.to_string(),
        }))
    }

    async fn viewer(&self, headers: &HeaderMap) -> Result<Viewer, Failure> {
        let parts = &self.parts;
        let header = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let unauthenticated = Failure::Rejected(UNAUTHENTICATED);
        let token = header.and_then(bearer).ok_or(unauthenticated)?;
        let now = parts.ports.clock.now_ms();
        let documents = &parts.ports.documents;
        let proved = prove(&parts.tokens, documents, &parts.keyring, now, token).await;
        let viewer = proved.map(|it| it.viewer).map_err(|it| match it {
            Refused::Token => unauthenticated,
            Refused::Unavailable => Failure::Unavailable,
        })?;
        viewer.whole().map_err(Failure::Rejected)
    }

    async fn take(&self, key: &str, limit: u32) -> Result<(), Failure> {
        match self.parts.ports.cache.take(key, limit, 60_000).await {
            Ok(Admission::Admitted) => Ok(()),
            Ok(Admission::Refused { retry_after_ms }) => {
                Err(Failure::RateLimited { retry_after_ms })
            }
            Err(_) => Err(Failure::Unavailable),
        }
    }
}

/// A failure as `application/problem+json` (RFC 9457).
fn problem(failure: &Failure) -> Response {
    let (code, kind, message) = describe(failure);
    let status = match failure {
        Failure::Rejected(Rejection { kind, .. }) => kind.http_status(),
        Failure::IdempotencyMismatch => 409,
        Failure::ClientIdInvalid => 400,
        Failure::RateLimited { .. } => 429,
        Failure::TooLarge => 413,
        Failure::Unavailable | Failure::Unknown => 503,
    };
    let mut body = json!({
        "type": format!("/docs/errors#{code}"),
        "title": message,
        "status": status,
        "code": code,
        "kind": kind,
    });
    let mut response_headers = HeaderMap::new();
    let media_type = "application/problem+json".parse().expect("a constant is a header");
    response_headers.insert(header::CONTENT_TYPE, media_type);
    if let Failure::RateLimited { retry_after_ms } = failure {
        body["retryAfterMs"] = json!(retry_after_ms);
        let seconds = retry_after_ms.div_ceil(1_000);
        response_headers.insert(header::RETRY_AFTER, seconds.into());
    }
    let status = StatusCode::from_u16(status).expect("the codes above are HTTP's");
    (status, response_headers, body.to_string()).into_response()
}
