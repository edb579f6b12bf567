//! For operators: liveness, readiness, metrics and the keys that tokens are checked with.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Json};
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};

use chat::sessions::Tokens;
use ports::Ports;
use ports::media_worker::MediaWorker;

/// How long operators wait for what a server that is away would have to tell.
const LAG_MAX: Duration = Duration::from_secs(2);

pub(crate) struct Health {
    pub(crate) ports: Ports,
    pub(crate) projection: Arc<projectors::Progress>,
    pub(crate) lag_max: u64,
    /// What looks into files, if anything is to.
    pub(crate) media: Option<Arc<MediaWorker>>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) draining: Arc<AtomicBool>,
}

/// Counters that are there from the start, so that a rate can be taken from the first event on.
const COUNTERS: [(&str, &str); 14] = [
    ("parlance_log_appends_total", "Records appended to the log."),
    ("parlance_document_writes_total", "Documents written."),
    ("parlance_document_queries_total", "Loads and scans of documents."),
    ("parlance_events_projected_total", "Events folded into documents."),
    ("parlance_events_unreadable_total", "Events whose payload could not be read."),
    ("parlance_projection_failures_total", "Projections that started again after a failure."),
    ("parlance_events_published_total", "Events appended to public topics, with repeats."),
    ("parlance_publication_failures_total", "Publishing begun again after a failure."),
    ("parlance_checkpoints_total", "Signed checkpoints of the log."),
    ("parlance_checkpoint_failures_total", "Signed checkpoints that could not be kept."),
    ("parlance_frames_total", "Frames handed to sockets."),
    ("parlance_sockets_slow_total", "Sockets closed because their reader was too slow."),
    ("parlance_commands_retried_total", "Attempts to reach an owner after the first."),
    ("parlance_partition_terms_lost_total", "Ownerships of a partition that ended early."),
];

static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to record what is measured: what is told before is lost.
pub(crate) fn record() {
    recorder();
}

fn recorder() -> PrometheusHandle {
    let handle = METRICS.get_or_init(|| {
        let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
        let handle = PrometheusBuilder::new()
            .set_buckets(&buckets)
            .expect("there are buckets")
            .install_recorder()
            .expect("nothing else records metrics");
        for (name, help) in COUNTERS {
            metrics::describe_counter!(name, help);
            metrics::counter!(name).increment(0);
        }
        metrics::gauge!("parlance_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        handle
    });
    handle.clone()
}

pub(crate) fn routes(health: Health) -> Router {
    Router::new()
        .route("/", get(welcome))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .route("/.well-known/jwks.json", get(jwks))
        .with_state(Arc::new(health))
}

async fn welcome() -> Html<&'static str> {
    Html(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Parlance</title>\
         <h1>Parlance</h1><ul><li><a href=/graphql>GraphQL explorer</a>\
         <li><a href=/v1/openapi.json>Commands over HTTP (OpenAPI)</a>\
         <li><a href=/subjects>Event schemas</a><li><a href=/metrics>Metrics</a></ul>",
    )
}

/// Ready is who reaches the log and the documents and is not far behind. Nothing is answered
/// without these; what goes on in some way without the others is told and changes nothing.
async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, Json<Value>) {
    if health.draining.load(Ordering::Acquire) {
        let body = json!({ "ready": false, "reason": "draining" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body));
    }
    let (lag, away) = tokio::join!(health.lag(), health.ports.away());
    let needed = ["event_log", "documents"].iter().all(|it| !away.contains(it));
    let ready = needed && lag.is_some_and(|it| it <= health.lag_max);
    let media = health.media.as_ref().map(|it| it.works());
    let body = json!({ "ready": ready, "lagRecords": lag, "away": away, "mediaWorks": media });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

impl Health {
    /// Records that are not folded yet; unknown while the log or the documents are away.
    async fn lag(&self) -> Option<u64> {
        let asked = tokio::time::timeout(LAG_MAX, self.projection.lag(&self.ports));
        asked.await.ok()?.ok()
    }
}

async fn metrics_text(State(health): State<Arc<Health>>) -> impl IntoResponse {
    // The gauges are set where what they tell is found out; an unreachable log leaves those of the
    // lag as they were.
    let published = health.projection.publication_lag(&health.ports);
    let published = tokio::time::timeout(LAG_MAX, published);
    let _ = tokio::join!(health.lag(), published, health.ports.away());
    let handle = recorder();
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render())
}

async fn jwks(State(health): State<Arc<Health>>) -> impl IntoResponse {
    // A key is announced long before it signs, so an hour of a stale set misses none.
    let keys = health.tokens.jwks(health.ports.clock.now_ms());
    ([(header::CACHE_CONTROL, "public, max-age=3600")], Json(keys))
}
