//! Blobs as objects of a bucket in S3, or in a server that speaks its protocol.
//!
//! A bucket that keeps versions keeps deleted blobs too: it must not. A process that ends while
//! it puts leaves parts that nobody sees: a lifecycle rule of the bucket removes them.

mod failure;
mod settings;
mod upload;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use aws_sdk_s3::primitives::ByteStream as Body;
use aws_sdk_s3::types::Object;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::StreamExt;
use futures_util::stream;

use super::source::{Halt, Tally};
use super::{
    BlobKey, Blobs, ByteStream, Grant, LIST_MAX, Link, Listed, PORT, Put, Reading, SIZE_BYTES_MAX,
    Source, Span, check_link,
};
use crate::{Address, Error};

use failure::{Witness, unavailable};
use settings::{Settings, carrying};
use upload::{PART_BYTES, Parts};

/// How long the next bytes of a blob may take.
const BYTES_WAIT_MAX: Duration = Duration::from_secs(10);

pub(super) struct S3 {
    client: Client,
    /// Makes links, which may begin with another name of the server.
    linking: Client,
    bucket: String,
    prefix: String,
}

/// Where one blob is.
#[derive(Clone)]
struct Place {
    client: Client,
    bucket: String,
    object: String,
}

impl S3 {
    /// Reaches a bucket, which must be there.
    pub(super) async fn connect(address: &Address) -> Result<Self, Error> {
        let settings = Settings::of(address).await?;
        let (client, linking) = (settings.client(), settings.linking());
        let Settings { bucket, prefix, .. } = settings;
        let s3 = Self { client, linking, bucket, prefix };
        s3.list("", None, 1).await?;
        Ok(s3)
    }

    fn object(&self, key: &BlobKey) -> String {
        format!("{}{key}", self.prefix)
    }

    fn place(&self, key: &BlobKey) -> Place {
        let (client, bucket) = (self.client.clone(), self.bucket.clone());
        Place { client, bucket, object: self.object(key) }
    }

    async fn store(&self, key: &BlobKey, source: Source) -> Result<Put, Halt> {
        let mut parts = Parts::of(Tally::new(source)?);
        let first = parts.next().await?;
        if first.len() == PART_BYTES {
            Box::pin(upload::store(self.place(key), first, &mut parts)).await?;
            let size_bytes = parts.tally.finish()?;
            return Ok(Put::Stored { size_bytes });
        }
        let size_bytes = parts.tally.finish()?;
        let call = self.client.put_object().bucket(&self.bucket).key(self.object(key));
        let call = call.body(Body::from(first)).customize();
        let witness = Witness::default();
        let put = call.config_override(carrying()).interceptor(witness.clone()).send();
        Box::pin(put).await.map_err(|it| witness.judge(&it))?;
        Ok(Put::Stored { size_bytes })
    }

    pub(super) async fn unfinished(&self) -> Result<Vec<String>, Error> {
        let call = self.client.list_multipart_uploads().bucket(&self.bucket);
        let found = call.prefix(&self.prefix).send().await.map_err(|it| unavailable(&it))?;
        Ok(found.uploads().iter().filter_map(|it| it.key().map(str::to_owned)).collect())
    }

    fn listed(&self, object: &Object) -> Option<Listed> {
        // Others may keep objects there; they are no blobs of ours.
        let key = BlobKey::new(object.key()?.strip_prefix(&self.prefix)?)?;
        Some(Listed { key, size_bytes: object.size()?.try_into().ok()? })
    }
}

/// What asks for a span: `None` where no header can, since there is nothing in it.
fn header(span: Span) -> Option<String> {
    match span {
        Span::Whole => None,
        Span::From { offset, bytes_max } => {
            let last = offset.saturating_add(bytes_max).min(SIZE_BYTES_MAX).checked_sub(1)?;
            (offset <= last).then(|| format!("bytes={offset}-{last}"))
        }
        Span::Last { bytes_max } => {
            (bytes_max > 0).then(|| format!("bytes=-{}", bytes_max.min(SIZE_BYTES_MAX)))
        }
    }
}

/// The size of the whole blob, and how many bytes of it follow.
fn sizes(found: &GetObjectOutput) -> Option<(u64, u64)> {
    let length: u64 = found.content_length()?.try_into().ok()?;
    match found.content_range() {
        Some(range) => Some((range.rsplit_once('/')?.1.parse().ok()?, length)),
        None => Some((length, length)),
    }
}

/// Reads a body, which must have as many bytes as were announced.
fn bytes(body: Body, length: u64) -> ByteStream {
    let read = async |(mut body, left): (Body, u64)| {
        let read = tokio::time::timeout(BYTES_WAIT_MAX, body.try_next()).await;
        let read = read.map_err(|_| Error::unavailable(PORT, "no bytes came in time"))?;
        let short = || Error::unavailable(PORT, "the bytes of a blob broke off");
        match read.map_err(|it| Error::unavailable(PORT, it))? {
            Some(chunk) => {
                let left = left.checked_sub(chunk.len() as u64).ok_or_else(short)?;
                Ok(Some((chunk, (body, left))))
            }
            None if left == 0 => Ok(None),
            None => Err(short()),
        }
    };
    stream::try_unfold((body, length), read).boxed()
}

#[async_trait]
impl Blobs for S3 {
    async fn put(&self, key: &BlobKey, source: Source) -> Result<Put, Error> {
        self.store(key, source).await.or_else(Halt::told)
    }

    async fn get(&self, key: &BlobKey, span: Span) -> Result<Option<Reading>, Error> {
        let range = header(span);
        if range.is_some() || span == Span::Whole {
            let call = self.client.get_object().bucket(&self.bucket).key(self.object(key));
            match call.set_range(range).send().await {
                Ok(found) => {
                    let strange = || Error::unavailable(PORT, "an answer has no size");
                    let (size_bytes, length) = sizes(&found).ok_or_else(strange)?;
                    if length > span.within(size_bytes).1 {
                        return Err(Error::unavailable(PORT, "the server knows no ranges"));
                    }
                    return Ok(Some(Reading { size_bytes, bytes: bytes(found.body, length) }));
                }
                Err(error) if error.as_service_error().is_some_and(|it| it.is_no_such_key()) => {
                    return Ok(None);
                }
                // Nothing of the blob is in the span.
                Err(error)
                    if error.raw_response().is_some_and(|it| it.status().as_u16() == 416) => {}
                Err(error) => return Err(unavailable(&error)),
            }
        }
        let size_bytes = self.size(key).await?;
        Ok(size_bytes.map(|size_bytes| Reading { size_bytes, bytes: stream::empty().boxed() }))
    }

    async fn size(&self, key: &BlobKey) -> Result<Option<u64>, Error> {
        let call = self.client.head_object().bucket(&self.bucket).key(self.object(key));
        match call.send().await {
            Ok(found) => {
                let size = found.content_length().and_then(|it| it.try_into().ok());
                let strange = || Error::unavailable(PORT, "an answer has no size");
                size.map(Some).ok_or_else(strange)
            }
            Err(error) if error.as_service_error().is_some_and(|it| it.is_not_found()) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        let call = self.client.delete_object().bucket(&self.bucket).key(self.object(key));
        let witness = Witness::default();
        let deleted = call.customize().interceptor(witness.clone()).send().await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.raw_response().is_some_and(|it| it.status().as_u16() == 404) => {
                Ok(())
            }
            Err(error) => Err(witness.judge(&error)),
        }
    }

    async fn list(
        &self,
        beginning: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        let prefix = format!("{}{beginning}", self.prefix);
        let limit = limit.min(LIST_MAX);
        let mut after = after.map(|it| self.object(it));
        let mut all = Vec::new();
        while all.len() < limit {
            let wanted = i32::try_from(limit - all.len()).expect("a list has 1,000 at most");
            let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(&prefix);
            let call = call.delimiter("/").set_start_after(after).max_keys(wanted);
            let page = call.send().await.map_err(|it| unavailable(&it))?;
            all.extend(page.contents().iter().filter_map(|it| self.listed(it)));
            let objects = page.contents().iter().filter_map(Object::key);
            let folders = page.common_prefixes().iter().filter_map(|it| it.prefix());
            after = objects.chain(folders).max().map(str::to_owned);
            if !page.is_truncated().unwrap_or(false) || after.is_none() {
                break;
            }
        }
        Ok(all)
    }

    async fn link(
        &self,
        key: &BlobKey,
        grant: Grant,
        good: Duration,
    ) -> Result<Option<Link>, Error> {
        check_link(grant, good)?;
        let signing = PresigningConfig::expires_in(good);
        let signing = signing.map_err(|it| Error::unavailable(PORT, it))?;
        let (bucket, object) = (&self.bucket, self.object(key));
        let signed = match grant {
            Grant::Get => {
                let call = self.linking.get_object().bucket(bucket).key(object);
                call.presigned(signing).await.map_err(|it| unavailable(&it))?
            }
            Grant::Put { size_bytes, sha256 } => {
                let size_bytes = i64::try_from(size_bytes).expect("a link takes 5 GiB at most");
                let call = self.linking.put_object().bucket(bucket).key(object);
                let call = call.content_length(size_bytes);
                let call = call.set_checksum_sha256(sha256.map(|it| BASE64.encode(it)));
                call.presigned(signing).await.map_err(|it| unavailable(&it))?
            }
        };
        Ok(Some(link(grant, &signed)))
    }
}

fn link(grant: Grant, signed: &PresignedRequest) -> Link {
    let method = match grant {
        Grant::Get => "GET",
        Grant::Put { .. } => "PUT",
    };
    let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Link { method, url: signed.uri().to_owned(), headers: headers.collect() }
}
