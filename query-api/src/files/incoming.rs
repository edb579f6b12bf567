//! The body of a request, taken part by part.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{self, Algorithm};
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use chat::files::{PART_BYTES_MAX, Sealer};
use futures_util::{StreamExt, stream};
use ports::blobs::ByteStream;
use tokio::sync::Mutex;

use super::digested::Digested;
use super::progress::Taken;

/// How long nothing may come before an upload is taken for cut off.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What a client says that the digest of its bytes is.
pub(super) struct Checksum {
    pub(super) algorithm: &'static Algorithm,
    pub(super) expected: Vec<u8>,
}

/// The next part of a body, sealed.
pub(super) fn sealed(incoming: Arc<Mutex<Incoming>>, sealer: Sealer) -> ByteStream {
    let next = |state: Option<(Arc<Mutex<Incoming>>, Sealer, u64)>| async move {
        let (incoming, mut sealer, mut room) = state?;
        loop {
            let Some(bytes) = incoming.lock().await.next(room).await else {
                sealer.finish();
                return Some((Ok(sealer.take()), None));
            };
            room -= bytes.len() as u64;
            sealer.push(&bytes);
            let sealed = sealer.take();
            if !sealed.is_empty() {
                return Some((Ok(sealed), Some((incoming, sealer, room))));
            }
        }
    };
    stream::unfold(Some((incoming, sealer, PART_BYTES_MAX)), next).boxed()
}

/// A body that is taken part by part.
pub(super) struct Incoming {
    body: BodyDataStream,
    held: Bytes,
    /// Bytes that may still come.
    left: u64,
    pub(super) taken: Taken,
    ended: bool,
    /// Whether the connection broke, or nothing came for too long.
    cut: bool,
    /// Whether more came than may.
    pub(super) over: bool,
    digest: Option<digest::Context>,
    /// What is known of the upload up to here.
    pub(super) known: Option<Digested>,
}

impl Incoming {
    pub(super) fn new(
        body: Body,
        left: u64,
        (checksum, known): (Option<&Checksum>, Option<Digested>),
    ) -> Self {
        Self {
            body: body.into_data_stream(),
            held: Bytes::new(),
            left,
            taken: Taken::default(),
            ended: false,
            cut: false,
            over: false,
            digest: checksum.map(|it| digest::Context::new(it.algorithm)),
            known,
        }
    }

    /// Waits for bytes; whether there are some.
    pub(super) async fn fill(&mut self) -> bool {
        while self.held.is_empty() && !self.ended {
            match tokio::time::timeout(SILENCE_MAX, self.body.next()).await {
                Ok(Some(Ok(bytes))) => self.held = bytes,
                Ok(Some(Err(_))) | Err(_) => (self.cut, self.ended) = (true, true),
                Ok(None) => self.ended = true,
            }
        }
        let fits = usize::try_from(self.left).unwrap_or(usize::MAX);
        if self.held.len() > fits {
            (self.over, self.ended) = (true, true);
            self.held.truncate(fits);
        }
        !self.held.is_empty()
    }

    /// Bytes that have come, at most as many; `None` at the end of the part.
    async fn next(&mut self, room: u64) -> Option<Bytes> {
        if room == 0 || !self.fill().await {
            return None;
        }
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(self.held.len());
        let bytes = self.held.split_to(fits);
        self.taken.add(bytes.len() as u64);
        self.left -= bytes.len() as u64;
        let known = self.known.iter_mut().map(|it| &mut it.digest);
        self.digest.iter_mut().chain(known).for_each(|it| it.update(&bytes));
        Some(bytes)
    }

    /// Whether something is missing, and the digest of what came.
    pub(super) fn digest(&mut self) -> (bool, Vec<u8>) {
        let digest = self.digest.take().map(|it| it.finish().as_ref().to_vec());
        (self.cut, digest.unwrap_or_default())
    }
}
