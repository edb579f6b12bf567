//! Signed checkpoints of the log for whoever keeps them elsewhere: they are public, as transparency
//! logs have theirs, and say how many events there were and when, not which.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::Mutex;

use ports::cache::Admission;
use ports::event_log::Partition;
use ports::{Error, Ports};

/// Requests of one address in a minute.
const PER_MINUTE: u32 = 120;
/// How long the newest are told again without being read, as caches may do too.
const TOLD_MS: i64 = 10_000;

/// What is told, by one reader at a time: each reads many blobs.
struct Told {
    ports: Ports,
    newest: Mutex<Option<(i64, String)>>,
    reading: Mutex<()>,
}

type Asked = (State<Arc<Told>>, ConnectInfo<SocketAddr>);

pub(crate) fn routes(ports: &Ports) -> Router {
    let told = Told { ports: ports.clone(), newest: Mutex::new(None), reading: Mutex::new(()) };
    Router::new()
        .route("/checkpoints", get(newest))
        .route("/checkpoints/key", get(key))
        .route("/checkpoints/{partition}", get(kept))
        .with_state(Arc::new(told))
}

fn text(body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=10"),
    ];
    (headers, body).into_response()
}

/// The key that they are checked with, as signed notes write it.
async fn key(State(told): State<Arc<Told>>) -> Response {
    let ports = &told.ports;
    let key = projectors::signer(&ports.event_log.identity(), &*ports.keys).public();
    text(format!("{key}\n"))
}

/// The newest checkpoint of every partition.
async fn newest((State(told), ConnectInfo(from)): Asked) -> Response {
    let ports = &told.ports;
    let notes = async {
        let mut newest = told.newest.lock().await;
        let now = ports.clock.now_ms();
        match &*newest {
            Some((at, notes)) if (0..TOLD_MS).contains(&(now - at)) => Ok(notes.clone()),
            Some(_) | None => {
                let notes = read_newest(ports).await?;
                *newest = Some((now, notes.clone()));
                Ok(notes)
            }
        }
    };
    answer(ports, from, notes).await
}

async fn read_newest(ports: &Ports) -> Result<String, Error> {
    let mut notes = String::new();
    for partition in 0..ports.event_log.identity().partitions {
        let note = projectors::newest(&*ports.blobs, partition).await?;
        notes.push_str(&note.unwrap_or_default());
    }
    Ok(notes)
}

/// Every checkpoint that is kept of one partition, oldest first.
async fn kept((State(told), ConnectInfo(from)): Asked, Path(partition): Path<String>) -> Response {
    let ports = &told.ports;
    let partition = partition.parse::<Partition>().ok();
    let known = partition.filter(|it| *it < ports.event_log.identity().partitions);
    let Some(partition) = known else { return StatusCode::NOT_FOUND.into_response() };
    let notes = async {
        let _alone = told.reading.lock().await;
        Ok(projectors::kept(&*ports.blobs, partition).await?.concat())
    };
    answer(ports, from, notes).await
}

async fn answer(
    ports: &Ports,
    from: SocketAddr,
    notes: impl Future<Output = Result<String, Error>>,
) -> Response {
    let key = format!("checkpoints/{}", from.ip());
    let told = async {
        match ports.cache.take(&key, PER_MINUTE, 60_000).await? {
            Admission::Admitted => Ok(text(notes.await?)),
            Admission::Refused { .. } => Ok(StatusCode::TOO_MANY_REQUESTS.into_response()),
        }
    };
    let told: Result<Response, Error> = told.await;
    told.unwrap_or_else(|error| {
        tracing::error!(error = %error, "a port failed");
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    })
}
