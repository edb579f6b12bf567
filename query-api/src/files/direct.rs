//! Parts that go to the store without us, where it has an address of its own: whoever uploads is
//! given a link, and a key for that part alone.
//!
//! The blob of a part is its salt and the chunks of `chat/src/files/contents.rs`: 64 KiB each, the
//! last one less, under AES-256-GCM, whose nonce is the number of the chunk in 8 bytes, 3 zeros,
//! and 1 for the last chunk. What is sealed otherwise is found when the file is put together.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use chat::files::{
    DIRECT_MS, FileId, FileRejection, FileState, PART_BYTES_MAX, SALT_BYTES, key_of, part_key,
    part_secret, sealed_bytes,
};
use chat::kernel::graphql::NOT_FOUND;
use chat::kernel::{Rejection, Timestamp};
use ports::blobs::Grant;

use super::receive::own_file;
use super::{Asked, Refused};
use crate::schema::Api;

/// Which part somebody wants to put.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Wish {
    /// Where it begins in the file: a multiple of 8,388,608, up to the next or the end.
    offset: u64,
}

fn refused(why: FileRejection) -> Refused {
    Rejection::from(why).into()
}

fn good() -> Duration {
    Duration::from_millis(DIRECT_MS.unsigned_abs())
}

/// Says whether an upload is one whose parts go to the store, which must have an address then.
pub(super) async fn check(api: &Api, direct: bool) -> Result<bool, Refused> {
    let some = part_key(FileId(uuid::Uuid::nil()), 0, 0, true);
    let grant = Grant::Put { size_bytes: sealed_bytes(1), sha256: None };
    let link = api.parts.ports.blobs.link(&some, grant, good()).await?;
    match link.is_some() || !direct {
        true => Ok(direct),
        false => Err(refused(FileRejection::NotDirect)),
    }
}

/// A link by which a part is put, and the key that it is sealed by before.
pub(super) async fn grant(
    api: &Arc<Api>,
    asked: &Asked,
    file: FileId,
    wish: &Wish,
) -> Result<Response, Refused> {
    let (scope, account) = (&asked.scope, asked.viewer.account);
    scope.admit(&format!("commands/{account}"), scope.limits.per_account).await?;
    let file = own_file(asked, file).await?;
    if file.state != FileState::Uploading || !file.direct {
        return Err(refused(FileRejection::NotDirect));
    }
    if wish.offset >= file.size_bytes || !wish.offset.is_multiple_of(PART_BYTES_MAX) {
        return Err(refused(FileRejection::PartInvalid));
    }
    let size_bytes = (file.size_bytes - wish.offset).min(PART_BYTES_MAX);
    let ports = &api.parts.ports;
    let key = key_of(&api.parts.keyring, &file).await?.ok_or(Refused::from(NOT_FOUND))?;
    let salt: [u8; SALT_BYTES] = ports.entropy.bytes();
    // What is put twice lies there once, so nobody stores more than they have begun to upload.
    let blob = part_key(file.id, wish.offset, 0, true);
    let grant = Grant::Put { size_bytes: sealed_bytes(size_bytes), sha256: None };
    let until = Timestamp(scope.clock.now_ms() + DIRECT_MS);
    let link = ports.blobs.link(&blob, grant, good()).await?;
    let link = link.ok_or(refused(FileRejection::NotDirect))?;
    let headers: serde_json::Map<String, serde_json::Value> =
        link.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let told = json!({
        "method": link.method,
        "url": link.url,
        "headers": headers,
        "sizeBytes": size_bytes.to_string(),
        "salt": STANDARD.encode(salt),
        "key": STANDARD.encode(part_secret(&key, wish.offset, &salt)),
        "until": until,
    });
    let kept = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, kept, Json(told)).into_response())
}
