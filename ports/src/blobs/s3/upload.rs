//! A put in parts: a few are on their way at a time, and none is seen before all are put together.

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Place;
use super::failure::{Witness, unavailable};
use super::settings::carrying;
use crate::Error;
use crate::blobs::PORT;
use crate::blobs::source::{Halt, Tally};

/// Bytes of a part: 8 MiB, of which 8,192 are the largest blob, and 10,000 are allowed.
pub(super) const PART_BYTES: usize = 8 << 20;

/// Parts on their way at a time; together with the one that is being filled they are the memory
/// that a put takes.
const PARTS_MAX: usize = 2;

/// How long after an upload was given up it is looked whether something of it came later.
const AGAIN: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(10)];

/// A source that is read part by part.
pub(super) struct Parts {
    pub(super) tally: Tally,
    /// What came of the next part.
    part: BytesMut,
    /// What came beyond it.
    rest: Bytes,
}

impl Parts {
    pub(super) fn of(tally: Tally) -> Self {
        Self { tally, part: BytesMut::new(), rest: Bytes::new() }
    }

    /// The next part; one that is not full is the last. Whoever stops waiting loses nothing.
    pub(super) async fn next(&mut self) -> Result<Bytes, Halt> {
        // At once: a buffer that grows is there twice each time, and 8 MiB are many times.
        let left = self.tally.left_bytes().saturating_add(self.rest.len() as u64);
        let room = usize::try_from(left).unwrap_or(PART_BYTES);
        self.part.reserve(room.min(PART_BYTES - self.part.len()));
        while self.part.len() < PART_BYTES {
            if self.rest.is_empty() {
                match self.tally.next().await? {
                    Some(bytes) => self.rest = bytes,
                    None => break,
                }
            }
            let room = self.rest.len().min(PART_BYTES - self.part.len());
            self.part.extend_from_slice(&self.rest.split_to(room));
        }
        Ok(self.part.split().freeze())
    }
}

/// An upload that has begun: it is given up unless it is completed.
struct Upload {
    place: Place,
    id: String,
    ended: bool,
}

/// Stores a source of at least one full part.
pub(super) async fn store(place: Place, first: Bytes, parts: &mut Parts) -> Result<(), Halt> {
    // A task of its own: one that is given up meanwhile is still heard of, and ended.
    let begun = crate::spawn("blobs: begin", Upload::begin(place)).await;
    let mut upload = begun.map_err(|it| Error::unavailable(PORT, it))??;
    let stored = upload.store(first, parts).await;
    if stored.is_err() {
        abort(upload.place.clone(), upload.id.clone()).await;
    }
    upload.ended = true;
    stored
}

impl Upload {
    async fn begin(place: Place) -> Result<Self, Error> {
        let call = place.client.create_multipart_upload();
        let begun = call.bucket(&place.bucket).key(&place.object).send().await;
        let begun = begun.map_err(|it| unavailable(&it))?;
        let id = begun.upload_id.ok_or_else(|| Error::unavailable(PORT, "an upload has no id"))?;
        Ok(Self { place, id, ended: false })
    }

    async fn store(&self, first: Bytes, parts: &mut Parts) -> Result<(), Halt> {
        let mut sent = Vec::new();
        let mut sending = FuturesUnordered::from_iter([self.send(1, first)]);
        let (mut number, mut more) = (1, true);
        while more || !sending.is_empty() {
            tokio::select! {
                biased;
                Some(part) = sending.next() => sent.push(part?),
                part = parts.next(), if more && sending.len() < PARTS_MAX => {
                    let part = part?;
                    more = part.len() == PART_BYTES;
                    if !part.is_empty() {
                        number += 1;
                        sending.push(self.send(number, part));
                    }
                }
            }
        }
        drop(sending);
        sent.sort_by_key(CompletedPart::part_number);
        parts.tally.finish()?;
        Ok(self.complete(sent).await?)
    }

    async fn send(&self, number: i32, part: Bytes) -> Result<CompletedPart, Error> {
        let Place { client, bucket, object } = &self.place;
        let call = client.upload_part().bucket(bucket).key(object).upload_id(&self.id);
        let call = call.part_number(number).body(ByteStream::from(part));
        let sent = call.customize().config_override(carrying()).send().await;
        let sent = sent.map_err(|it| unavailable(&it))?;
        Ok(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build())
    }

    async fn complete(&self, parts: Vec<CompletedPart>) -> Result<(), Error> {
        let Place { client, bucket, object } = &self.place;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let call = client.complete_multipart_upload().bucket(bucket).key(object);
        let call = call.upload_id(&self.id).multipart_upload(parts);
        let witness = Witness::default();
        let call = call.customize().config_override(carrying()).interceptor(witness.clone());
        call.send().await.map(drop).map_err(|it| witness.judge(&it))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Nobody waits for what was given up while it was under way.
        if !self.ended && tokio::runtime::Handle::try_current().is_ok() {
            crate::spawn("blobs: abort", abort(self.place.clone(), std::mem::take(&mut self.id)));
        }
    }
}

/// Removes the parts, as far as the server can be told; then again, since a part that was on its
/// way may be stored after that (Amazon S3 API reference, `AbortMultipartUpload`).
async fn abort(place: Place, id: String) {
    let mut left = end(&place, &id).await;
    crate::spawn("blobs: abort again", async move {
        for wait in AGAIN {
            tokio::time::sleep(wait).await;
            left = end(&place, &id).await;
            if matches!(left, Ok(false)) {
                return;
            }
        }
        if let Err(error) = left {
            tracing::warn!(error = %error, "parts of a blob are left behind");
        }
    });
}

/// Whether there was an upload to be ended.
async fn end(place: &Place, id: &str) -> Result<bool, Error> {
    let call = place.client.abort_multipart_upload().bucket(&place.bucket).key(&place.object);
    match call.upload_id(id).send().await {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|it| it.is_no_such_upload()) => {
            Ok(false)
        }
        Err(error) => Err(unavailable(&error)),
    }
}
