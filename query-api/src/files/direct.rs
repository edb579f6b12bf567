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
    DIRECT_BYTES_MAX, DIRECT_MS, FileId, FileRejection, FileState, PARTS_MAX, SALT_BYTES, key_of,
    part_key, part_secret, sealed_bytes,
};
use chat::kernel::graphql::NOT_FOUND;
use chat::kernel::{Rejection, Timestamp};
use ports::blobs::Grant;

use super::receive::{own_file, parts};
use super::{Asked, Refused};
use crate::schema::Api;

/// Which part somebody wants to put.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Wish {
    /// Where it begins in the file.
    offset: u64,
    /// 1 to 67,108,864, before it is sealed.
    size_bytes: u64,
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
    let within = wish.offset.checked_add(wish.size_bytes).is_some_and(|it| it <= file.size_bytes);
    if !within || !(1..=DIRECT_BYTES_MAX).contains(&wish.size_bytes) {
        return Err(refused(FileRejection::PartInvalid));
    }
    let ports = &api.parts.ports;
    if parts(ports, file.id).await?.len() >= PARTS_MAX {
        return Err(refused(FileRejection::TooManyParts));
    }
    let key = key_of(&api.parts.keyring, &file).await?.ok_or(Refused::from(NOT_FOUND))?;
    let salt: [u8; SALT_BYTES] = ports.entropy.bytes();
    let number = u64::from_be_bytes(ports.entropy.bytes());
    let blob = part_key(file.id, wish.offset, number, true);
    let grant = Grant::Put { size_bytes: sealed_bytes(wish.size_bytes), sha256: None };
    let until = Timestamp(scope.clock.now_ms() + DIRECT_MS);
    let link = ports.blobs.link(&blob, grant, good()).await?;
    let link = link.ok_or(refused(FileRejection::NotDirect))?;
    let headers: serde_json::Map<String, serde_json::Value> =
        link.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let told = json!({
        "method": link.method,
        "url": link.url,
        "headers": headers,
        "salt": STANDARD.encode(salt),
        "key": STANDARD.encode(part_secret(&key, wish.offset, &salt)),
        "until": until,
    });
    let kept = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, kept, Json(told)).into_response())
}
