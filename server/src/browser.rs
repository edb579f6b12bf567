//! What browsers are told: which scripts may run, who may ask, and the few pages that we serve.
//!
//! Nothing is kept in cookies, so no other site can act in anybody's name; the headers keep other
//! sites from framing ours and foreign scripts from running in it (OWASP Secure Headers).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tower_http::cors::{AllowOrigin, CorsLayer, MaxAge};

use query_api::files::is_path;

use crate::config::Config;

/// For everything that is no page: nothing runs, nothing is loaded.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
/// For our pages: our own scripts and styles, and our own origin to ask.
const OURS: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                    img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; \
                    form-action 'none'";
/// For the explorer, which comes from a registry of packages.
const EXPLORER: &str = "default-src 'none'; script-src 'unsafe-inline' https://unpkg.com; \
                        style-src 'unsafe-inline' https://unpkg.com; font-src https: data:; \
                        img-src 'self' data: https:; connect-src 'self' https://unpkg.com; \
                        worker-src blob:; frame-ancestors 'none'; base-uri 'none'";

/// For what people upload: shown, it is a page of nobody.
const FILES: &str = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'";

/// The pages.
pub(crate) fn pages() -> Router {
    Router::new()
        .route("/setup", get(|| async { Html(include_str!("pages/setup.html")) }))
        .route("/reset", get(|| async { Html(include_str!("pages/reset.html")) }))
        .route("/reset.js", get(|| async { script(include_str!("pages/reset.js")) }))
        .route("/device", get(|| async { Html(include_str!("pages/device.html")) }))
        .route("/device.js", get(|| async { script(include_str!("pages/device.js")) }))
        .route("/sign-in", get(|| async { Html(include_str!("pages/sign-in.html")) }))
        .route("/link.js", get(|| async { script(include_str!("pages/link.js")) }))
        .route("/keep-factor", get(|| async { Html(include_str!("pages/keep-factor.html")) }))
        .route("/keep-factor.js", get(|| async { script(include_str!("pages/keep-factor.js")) }))
        .route("/sign-in.js", get(|| async { script(include_str!("pages/sign-in.js")) }))
        .route("/signed-in", get(|| async { Html(include_str!("pages/signed-in.html")) }))
        .route("/signed-in.js", get(|| async { script(include_str!("pages/signed-in.js")) }))
        .route("/providers.js", get(|| async { script(include_str!("pages/providers.js")) }))
        .route("/client.js", get(|| async { script(include_str!("pages/client.js")) }))
        .route("/setup.js", get(|| async { script(include_str!("pages/setup.js")) }))
        .route("/pages.css", get(|| async { style(include_str!("pages/pages.css")) }))
}

fn script(text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], text)
}

fn style(text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], text)
}

/// The headers of every answer.
pub(crate) struct Told {
    always: Vec<(HeaderName, HeaderValue)>,
}

impl Told {
    pub(crate) fn new(config: &Config) -> Arc<Self> {
        let mut always = vec![
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
            (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                HeaderValue::from_static("same-origin"),
            ),
            (
                HeaderName::from_static("permissions-policy"),
                HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
            ),
        ];
        if config.public_url.starts_with("https://") {
            let years = HeaderValue::from_static("max-age=63072000; includeSubDomains");
            always.push((header::STRICT_TRANSPORT_SECURITY, years));
        }
        Arc::new(Self { always })
    }
}

fn policy(path: &str, headers: &HeaderMap) -> &'static str {
    let html = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|it| it.to_str().is_ok_and(|it| it.starts_with("text/html")));
    match (html, path) {
        (true, "/graphql") => EXPLORER,
        (_, path) if is_path(path) => FILES,
        (true, _) => OURS,
        (false, _) => NOTHING,
    }
}

/// Adds the headers to an answer.
pub(crate) async fn tell(State(told): State<Arc<Told>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let policy = HeaderValue::from_static(policy(&path, response.headers()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.extend(told.always.iter().cloned());
    // What is not said to last is somebody's own.
    headers.entry(header::CACHE_CONTROL).or_insert_with(|| HeaderValue::from_static("no-store"));
    response
}

/// Headers that pages of others may send, those of tus among them.
const ASKED: [&str; 15] = [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "parlance-after",
    "range",
    "tus-resumable",
    "upload-checksum",
    "upload-concat",
    "upload-direct",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "x-http-method-override",
    "x-requested-with",
];

/// Headers of answers that they may read.
const TOLD: [&str; 16] = [
    "accept-ranges",
    "content-disposition",
    "content-range",
    "etag",
    "location",
    "retry-after",
    "tus-checksum-algorithm",
    "tus-extension",
    "tus-max-size",
    "tus-resumable",
    "tus-version",
    "upload-concat",
    "upload-expires",
    "upload-length",
    "upload-metadata",
    "upload-offset",
];

/// Lets pages of the listed origins ask, by token; nobody else's.
pub(crate) fn cors(config: &Config) -> CorsLayer {
    let origins = config.cors_origins.iter().filter_map(|it| it.parse::<HeaderValue>().ok());
    let methods = [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods(methods)
        .allow_headers(ASKED.map(HeaderName::from_static))
        .expose_headers(TOLD.map(HeaderName::from_static))
        .max_age(MaxAge::exact(std::time::Duration::from_secs(3_600)))
}
