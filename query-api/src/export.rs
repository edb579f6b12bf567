//! The log of audit over HTTP, one entry a line, for whoever keeps it elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

use chat::audit::export;
use chat::kernel::graphql::describe;
use chat::kernel::{Failure, RejectionKind, Timestamp};

use crate::http::asker;
use crate::schema::Api;

/// The routes.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new().route("/audit.ndjson", get(lines)).with_state(api)
}

/// A stretch of time in RFC 3339: from its beginning, up to before its end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    from: Option<String>,
    to: Option<String>,
}

impl Stretch {
    /// Its two times; nothing when one is none.
    fn times(&self) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
        let time = |it: &Option<String>| match it {
            Some(it) => Timestamp::parse(it).map(Some),
            None => Some(None),
        };
        Some((time(&self.from)?, time(&self.to)?))
    }
}

fn refused(status: StatusCode, code: &str, kind: &str, message: &str) -> Response {
    (status, Json(json!({ "code": code, "kind": kind, "message": message }))).into_response()
}

async fn lines(
    State(api): State<Arc<Api>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    stretch: Result<Query<Stretch>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let asker = match asker(&api.parts, from.ip().to_string(), &headers).await {
        Ok(asker) => asker,
        Err((status, answer)) => return (status, Json(answer)).into_response(),
    };
    let times = stretch.ok().and_then(|Query(it)| it.times());
    let Some((from, to)) = times else {
        let message = "from and to are times in RFC 3339";
        return refused(StatusCode::BAD_REQUEST, "INVALID", "INVALID", message);
    };
    match export(&api.scope(asker), from, to).await {
        Ok(lines) => {
            let kind = [
                (header::CONTENT_TYPE, "application/x-ndjson"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (kind, Body::from_stream(lines)).into_response()
        }
        Err(failure) => {
            let (code, kind, message) = describe(&failure);
            refused(status(&failure), code, kind, message)
        }
    }
}

fn status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Rejected(it) if it.kind == RejectionKind::Unauthenticated => {
            StatusCode::UNAUTHORIZED
        }
        Failure::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Failure::Rejected(_)
        | Failure::IdempotencyMismatch
        | Failure::ClientIdInvalid
        | Failure::TooLarge => StatusCode::FORBIDDEN,
        Failure::Unavailable | Failure::Unknown => StatusCode::SERVICE_UNAVAILABLE,
    }
}
