//! Makes a file of an upload whose parts are all stored.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use chat::files::{
    File, FileRejection, FileState, FinishUpload, Part, RefusalReason, RefuseUpload,
    TerminateUpload, contents_blob, contents_id, key_of, whole,
};
use chat::kernel::graphql::NOT_FOUND;
use chat::kernel::{Failure, id};
use ports::Error;
use ports::cache::Lease;
use ports::keys::Secret;

use super::making::{Made, Making};
use super::receive::{own_file, parts};
use super::{Asked, Refused};
use crate::schema::{Api, Parts};

/// How long nobody else puts an upload together after one was seen to do it.
const LEASE: Duration = Duration::from_secs(60);

/// Makes a file of an upload of which all bytes are stored. Done again, after a crash or by another
/// node, it comes to the same.
pub(super) async fn assemble(
    api: &Api,
    asked: &Asked,
    file: &File,
    key: &Secret,
) -> Result<Arc<File>, Refused> {
    let ports = &api.parts.ports;
    // It stands in an event, where numbers are longs.
    let blob = u64::from_be_bytes(ports.entropy.bytes()) >> 1;
    let held = Lease::take(ports, format!("upload/{}", file.id), LEASE).await;
    let taken = Refused::Status(StatusCode::LOCKED, "the upload is being finished");
    let lease = held.ok_or(taken)?;
    lease.during(ports, finish(api, asked, (file, key), blob)).await?;
    let reader = asked.scope.reader.anew();
    let found = reader.load::<File>(file.id.to_string()).await?;
    if found.as_ref().and_then(|it| it.blob) != Some(blob) {
        ports.blobs.delete(&contents_blob(file.id, blob)).await?;
    }
    found.filter(|it| it.state == FileState::Uploaded).ok_or(Refused::from(NOT_FOUND))
}

async fn finish(
    api: &Api,
    asked: &Asked,
    (file, key): (&File, &Secret),
    blob: u64,
) -> Result<(), Refused> {
    let (roles, ports) = (&api.parts, &api.parts.ports);
    // Somebody else may have finished it since it was looked at.
    if own_file_now(asked, file).await? == FileState::Uploaded {
        return Ok(());
    }
    let path = path(roles, asked, file, key).await?;
    let end = path.iter().map(|it| it.1.size_bytes).sum();
    if end != file.size_bytes {
        return Err(Failure::Unavailable.into());
    }
    let own = contents_blob(file.id, blob);
    let making = Making { roles, file, key, own: &own };
    let made = match file.is_listed_in(path.len()) {
        true => making.list(path, api.uploads.take(file.id, end)).await,
        false => making.join(path).await,
    };
    let Made { digest, verdict, in_parts } = match made {
        Ok(made) => made,
        Err(refused) => {
            ports.blobs.delete(&own).await?;
            return Err(refused);
        }
    };
    if let Some(reason) = roles.intake.refuses(&digest, &verdict) {
        ports.blobs.delete(&own).await?;
        return refuse(asked, file, reason).await;
    }
    let told = (digest.as_str(), end);
    let contents = contents_id(&roles.keyring, file.account_id, told).await?;
    let kept_days = roles.intake.kept_days;
    let (file_id, size_bytes) = (file.id, end);
    let command = FinishUpload { file_id, blob, digest, size_bytes, contents, kept_days, in_parts };
    let client_id = id::derive(file.id.0, &[b"finish", &blob.to_be_bytes()]);
    let accepted = match asked.scope.submit_for(file.account_id, client_id, command).await {
        Ok(accepted) => accepted,
        // It may have been noted: then it is what the file is, or is swept with it.
        Err(failure @ (Failure::Unknown | Failure::Unavailable)) => return Err(failure.into()),
        // Nobody else sweeps after what is forgotten.
        Err(failure) => {
            ports.blobs.delete(&own).await?;
            return Err(failure.into());
        }
    };
    if !asked.scope.outcome(accepted).await.is_ok_and(|it| it.readable) {
        return Err(Failure::Unknown.into());
    }
    for piece in &file.pieces {
        // One that can't be given up now ends by itself.
        let command = TerminateUpload { file_id: *piece };
        let client_id = id::derive(file.id.0, &[b"piece", piece.0.as_bytes()]);
        if let Ok(accepted) = asked.scope.submit_for(file.account_id, client_id, command).await {
            let _ = asked.scope.outcome(accepted).await;
        }
    }
    Ok(())
}

/// The parts that follow each other, each with the key that it is sealed by: of the upload itself,
/// or of its pieces.
async fn path(
    roles: &Parts,
    asked: &Asked,
    file: &File,
    key: &Secret,
) -> Result<Vec<(Secret, Part)>, Refused> {
    let ports = &roles.ports;
    let own = async |file, key: &Secret| {
        let (_, path) = whole(parts(ports, file).await?);
        Ok::<Vec<_>, Error>(path.into_iter().map(|it| (*key, it)).collect())
    };
    if file.pieces.is_empty() {
        return Ok(own(file.id, key).await?);
    }
    let mut all = Vec::new();
    for piece in &file.pieces {
        let piece = own_file(asked, *piece).await?;
        let key = key_of(&roles.keyring, &piece).await?.ok_or(Refused::from(NOT_FOUND))?;
        all.extend(own(piece.id, &key).await?);
    }
    Ok(all)
}

/// Takes away what is not taken, and says so.
async fn refuse(asked: &Asked, file: &File, reason: RefusalReason) -> Result<(), Refused> {
    tracing::warn!(file = %file.id, account = %file.account_id, ?reason, "a file was refused");
    metrics::counter!("parlance_files_refused_total", "reason" => format!("{reason:?}"))
        .increment(1);
    for file_id in file.pieces.iter().copied().chain([file.id]) {
        let client_id = id::derive(file_id.0, &[b"refuse"]);
        let command = RefuseUpload { file_id, reason };
        asked.scope.submit_for(file.account_id, client_id, command).await?;
    }
    Err(Failure::Rejected(FileRejection::Refused.into()).into())
}

async fn own_file_now(asked: &Asked, file: &File) -> Result<FileState, Refused> {
    asked.scope.reader.forget();
    Ok(own_file(asked, file.id).await?.state)
}
