//! Files over HTTP: uploads by tus 1.0 or in one request, and downloads by links.
//!
//! What an upload is, and who may begin one, the room says; here are its bytes. They are sealed
//! while they come, and no more of them is held than a few chunks. How far an upload has come is
//! read from its blobs, so any node goes on with it, and none has to remember anything.

mod assemble;
mod digested;
mod direct;
mod download;
mod incoming;
mod intake;
mod linger;
mod making;
mod progress;
mod ranges;
mod receive;
mod tus;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::json;

use chat::files::{FileId, FileRejection, SIZE_BYTES_MAX};
use chat::kernel::graphql::{Asker, NOT_FOUND, Scope, UNAUTHENTICATED, Viewer, describe};
use chat::kernel::{Failure, Rejection};
use chat::media::is_variant_name;

pub(crate) use digested::Uploads;
pub use intake::{DigestInvalid, Intake};

use crate::http::proved;
use crate::schema::Api;

/// The routes.
pub fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/files", post(create))
        .route("/files/", post(create))
        .route("/files/{id}", get(read).patch(change).delete(change).post(change))
        .route("/files/{id}/{variant}", get(read_variant))
        .route("/files/{id}/parts", post(grant_part))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(linger::linger))
        .layer(map_response(versioned))
        .with_state(api)
}

/// Why nothing comes of a request, or less than was asked for.
#[derive(Debug)]
enum Refused {
    Said(Failure),
    /// A status that says it all, or that clients of tus wait for, and why.
    Status(StatusCode, &'static str),
    /// The client speaks another version of tus.
    Version,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Said(failure)
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self::Said(Failure::Rejected(rejection))
    }
}

impl From<ports::Error> for Refused {
    fn from(error: ports::Error) -> Self {
        tracing::error!(%error, "a port failed");
        Self::Said(Failure::Unavailable)
    }
}

/// What tus has a status of its own for.
const TOO_LARGE: &str = "FILES_TOO_LARGE";

fn status(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Rejected(it) if it.code == TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
        Failure::Rejected(it) => {
            StatusCode::from_u16(it.kind.http_status()).expect("kinds have statuses of HTTP")
        }
        Failure::IdempotencyMismatch => StatusCode::CONFLICT,
        Failure::ClientIdInvalid => StatusCode::BAD_REQUEST,
        Failure::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Failure::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Failure::Unavailable | Failure::Unknown => StatusCode::SERVICE_UNAVAILABLE,
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, (code, kind, message)) = match &self {
            Self::Said(failure) => (status(failure), describe(failure)),
            Self::Status(status, message) => (*status, ("INVALID", "INVALID", *message)),
            Self::Version => {
                let message = "Tus-Resumable is not 1.0.0";
                (StatusCode::PRECONDITION_FAILED, ("INVALID", "INVALID", message))
            }
        };
        let body = Json(json!({ "code": code, "kind": kind, "message": message }));
        let mut response = (status, body).into_response();
        match self {
            Self::Said(Failure::RateLimited { retry_after_ms }) => {
                let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
                response.headers_mut().insert(axum::http::header::RETRY_AFTER, seconds);
            }
            Self::Version => {
                response.headers_mut().insert("tus-version", VERSION);
            }
            Self::Said(_) | Self::Status(..) => (),
        }
        response
    }
}

/// Who asks, and what a request of theirs needs.
struct Asked {
    scope: Scope,
    viewer: Viewer,
}

impl Asked {
    /// Somebody who may upload.
    async fn by(api: &Api, from: SocketAddr, headers: &HeaderMap) -> Result<Self, Response> {
        let asker = proved(&api.parts, from.ip().to_string(), headers).await;
        let asker = asker.map_err(|it| Refused::from(it).into_response())?;
        let scope = api.scope(asker);
        let viewer = match &scope.asker {
            Asker::Viewer(viewer, _) => viewer.whole().and_then(|it| it.may("upload").map(|()| it)),
            Asker::Nobody { .. } | Asker::Shared { .. } => Err(UNAUTHENTICATED),
        };
        let viewer = viewer.map_err(|it| Refused::from(it).into_response())?;
        Ok(Self { scope, viewer })
    }
}

/// The version of the protocol, on every answer.
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");

async fn versioned(mut response: Response) -> Response {
    response.headers_mut().insert(RESUMABLE, VERSION);
    response
}

/// Tells, on every answer to `OPTIONS`, what of tus there is; a layer above what answers those.
pub async fn announce(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let ours = request.method() == Method::OPTIONS && is_path(path);
    let mut response = next.run(request).await;
    if ours {
        let headers = response.headers_mut();
        headers.insert(RESUMABLE, VERSION);
        headers.insert("tus-version", VERSION);
        headers.insert("tus-max-size", HeaderValue::from(SIZE_BYTES_MAX));
        headers.insert("tus-extension", HeaderValue::from_static(tus::EXTENSIONS));
        headers.insert("tus-checksum-algorithm", HeaderValue::from_static(tus::ALGORITHMS));
    }
    response
}

/// Whether a path is one of these.
pub fn is_path(path: &str) -> bool {
    path.strip_prefix("/files").is_some_and(|it| it.is_empty() || it.starts_with('/'))
}

type Peer = ConnectInfo<SocketAddr>;

async fn create(
    State(api): State<Arc<Api>>,
    ConnectInfo(from): Peer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let asked = match Asked::by(&api, from, &headers).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let answer = match headers.contains_key(&RESUMABLE) {
        true => tus::create(&api, asked, &headers, body).await,
        false => receive::simple(&api, asked, query.as_deref(), &headers, body).await,
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

/// A link is followed by whoever has it; how far an upload has come is told its owner.
async fn read(
    State(api): State<Arc<Api>>,
    ConnectInfo(from): Peer,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Ok(file) = id.parse::<FileId>() else {
        return Refused::from(NOT_FOUND).into_response();
    };
    let answer = if method == Method::HEAD && headers.contains_key(&RESUMABLE) {
        match Asked::by(&api, from, &headers).await {
            Ok(asked) => tus::head(&api, asked, file, &headers).await,
            Err(refused) => return refused,
        }
    } else {
        let query = query.unwrap_or_default();
        download::download(&api, from, (file, None), &query, &headers, method == Method::HEAD).await
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}

/// A link to something that was made of a file.
async fn read_variant(
    State(api): State<Arc<Api>>,
    ConnectInfo(from): Peer,
    Path((id, variant)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Some(file) = id.parse::<FileId>().ok().filter(|_| is_variant_name(&variant)) else {
        return Refused::from(NOT_FOUND).into_response();
    };
    let (query, head) = (query.unwrap_or_default(), method == Method::HEAD);
    let wished = (file, Some(variant));
    let answer = download::download(&api, from, wished, &query, &headers, head).await;
    answer.unwrap_or_else(IntoResponse::into_response)
}

/// A link by which a part goes to the store without us.
async fn grant_part(
    State(api): State<Arc<Api>>,
    ConnectInfo(from): Peer,
    Path(id): Path<String>,
    headers: HeaderMap,
    wish: Result<Json<direct::Wish>, JsonRejection>,
) -> Response {
    let asked = match Asked::by(&api, from, &headers).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let granted = match (id.parse::<FileId>(), wish) {
        (Ok(file), Ok(Json(wish))) => direct::grant(&api, &asked, file, &wish).await,
        (Err(_), _) => Err(NOT_FOUND.into()),
        (_, Err(_)) => Err(Rejection::from(FileRejection::PartInvalid).into()),
    };
    granted.unwrap_or_else(IntoResponse::into_response)
}

async fn change(
    State(api): State<Arc<Api>>,
    ConnectInfo(from): Peer,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let asked = match Asked::by(&api, from, &headers).await {
        Ok(asked) => asked,
        Err(refused) => return refused,
    };
    let Ok(file) = id.parse::<FileId>() else {
        return Refused::from(NOT_FOUND).into_response();
    };
    // Where a proxy lets nothing but GET and POST through.
    let overridden = headers.get("x-http-method-override").filter(|_| method == Method::POST);
    let method = overridden.map_or(method.as_str(), |it| it.to_str().unwrap_or_default());
    let answer = match method {
        "PATCH" => tus::patch(&api, asked, file, &headers, body).await,
        "DELETE" => tus::terminate(&api, asked, file, &headers).await,
        _ => Err(Refused::Status(StatusCode::METHOD_NOT_ALLOWED, "use PATCH or DELETE")),
    };
    answer.unwrap_or_else(IntoResponse::into_response)
}
