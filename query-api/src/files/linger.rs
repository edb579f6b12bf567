//! Reads on for a while what a client sends that has been refused: closing on it at once would
//! destroy the answer on its way (RFC 9112, 9.6).

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// Bytes that are read on at most, and for how long.
const BYTES_MAX: usize = 16 << 20;
const TIME_MAX: Duration = Duration::from_secs(2);

/// A body that comes back once nobody reads it any more.
struct Lent {
    body: Option<BodyDataStream>,
    left: Arc<Mutex<Option<BodyDataStream>>>,
}

impl Stream for Lent {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.body {
            Some(body) => body.poll_next_unpin(context),
            None => Poll::Ready(None),
        }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        *self.left.lock().expect("no holder of the lock panics") = self.body.take();
    }
}

/// Answers a client that is refused once it has sent what it had begun to, within limits.
pub(super) async fn linger(request: Request, next: Next) -> Response {
    let left = Arc::new(Mutex::new(None));
    let lend = |it: Body| {
        let body = Some(it.into_data_stream());
        Body::from_stream(Lent { body, left: Arc::clone(&left) })
    };
    let mut response = next.run(request.map(lend)).await;
    if response.status().is_success() {
        return response;
    }
    let left = left.lock().expect("no holder of the lock panics").take();
    if let Some(mut body) = left {
        let read = async {
            let mut bytes = 0;
            while bytes < BYTES_MAX {
                match body.next().await {
                    Some(Ok(more)) => bytes += more.len(),
                    ended => return ended.is_none(),
                }
            }
            false
        };
        // Whoever sends more, or slowly, is not waited for, and told not to ask here again.
        if !tokio::time::timeout(TIME_MAX, read).await.unwrap_or(false) {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response
}
