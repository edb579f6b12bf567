//! Makes one blob of the parts of an upload, and a file of the upload.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use axum::http::StatusCode;
use chat::files::{
    File, FileRejection, FileState, FinishUpload, Opener, Part, RefusalReason, RefuseUpload,
    SALT_BYTES, Sealer, TerminateUpload, contents_blob, contents_id, hex, key_of, sealed_bytes,
    whole,
};
use chat::kernel::graphql::NOT_FOUND;
use chat::kernel::{Failure, id};
use ports::blobs::{Source, Span};
use ports::cache::Lease;
use ports::keys::Secret;
use ports::{Error, ErrorKind, Ports};

use super::intake::Look;
use super::receive::{own_file, parts, stored};
use super::{Asked, Refused};
use crate::schema::Parts;

/// How long nobody else puts an upload together after one was seen to do it.
const LEASE: Duration = Duration::from_secs(60);

/// Pieces that wait to be stored at most.
const WAITING_MAX: usize = 4;

/// Makes a file of an upload of which all bytes are stored. Done again, after a crash or by another
/// node, it comes to the same.
pub(super) async fn assemble(
    roles: &Parts,
    asked: &Asked,
    file: &File,
    key: &Secret,
) -> Result<Arc<File>, Refused> {
    let ports = &roles.ports;
    // It stands in an event, where numbers are longs.
    let blob = u64::from_be_bytes(ports.entropy.bytes()) >> 1;
    let held = Lease::take(ports, format!("upload/{}", file.id), LEASE).await;
    let taken = Refused::Status(StatusCode::LOCKED, "the upload is being finished");
    let lease = held.ok_or(taken)?;
    lease.during(ports, finish(roles, asked, file, key, blob)).await?;
    let reader = asked.scope.reader.anew();
    let found = reader.load::<File>(file.id.to_string()).await?;
    if found.as_ref().and_then(|it| it.blob) != Some(blob) {
        ports.blobs.delete(&contents_blob(file.id, blob)).await?;
    }
    found.filter(|it| it.state == FileState::Uploaded).ok_or(Refused::from(NOT_FOUND))
}

async fn finish(
    roles: &Parts,
    asked: &Asked,
    file: &File,
    key: &Secret,
    blob: u64,
) -> Result<(), Refused> {
    let ports = &roles.ports;
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
    let (to, from) = mpsc::channel(WAITING_MAX);
    let pieces = stream::unfold(from, |mut from| async move {
        from.recv().await.map(|piece: Result<Bytes, Error>| (piece, from))
    });
    let size_bytes = Some(sealed_bytes(file.size_bytes));
    let source = Source { bytes: pieces.boxed(), size_bytes, sha256: None };
    let sealer = Sealer::whole(key, ports.entropy.bytes());
    let (look, looking) = Look::begin(&ports.scanner);
    let resealing = reseal(ports, &path, sealer, (to, look));
    let (put, digest, verdict) = tokio::join!(ports.blobs.put(&own, source), resealing, looking);
    if file.direct && put.as_ref().is_err_and(|it| it.kind == ErrorKind::Corrupt) {
        // Whoever sealed a part did it otherwise than they were told.
        let message = "a part is not sealed by its key";
        return Err(Refused::Status(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    stored(put?)?;
    let digest = digest.map(|it| hex(it.as_ref()));
    let (Some(digest), Ok(verdict)) = (digest, verdict) else {
        ports.blobs.delete(&own).await?;
        return Err(Failure::Unavailable.into());
    };
    if let Some(reason) = roles.intake.refuses(&digest, &verdict) {
        ports.blobs.delete(&own).await?;
        return refuse(asked, file, reason).await;
    }
    let told = (digest.as_str(), end);
    let contents = contents_id(&roles.keyring, file.account_id, told).await?;
    let kept_days = roles.intake.kept_days;
    let command =
        FinishUpload { file_id: file.id, blob, digest, size_bytes: end, contents, kept_days };
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

/// Opens parts, one after the other, and seals them into one; gives the digest of the contents,
/// unless they could not be read or are not wanted any more.
async fn reseal(
    ports: &Ports,
    path: &[(Secret, Part)],
    mut sealer: Sealer,
    (to, look): (mpsc::Sender<Result<Bytes, Error>>, Look),
) -> Option<digest::Digest> {
    let mut digest = digest::Context::new(&SHA256);
    for (key, part) in path {
        let mut opened = Opened::new(ports, key, part).await;
        loop {
            let plain = match &mut opened {
                Ok(opened) => opened.next().await,
                Err(error) => Err(Error::new(error.kind, error.port, error.to_string())),
            };
            match plain {
                Ok(Some(plain)) => {
                    digest.update(&plain);
                    look.push(&plain).await?;
                    sealer.push(&plain);
                    send(&to, &mut sealer).await?;
                }
                Ok(None) => break,
                Err(error) => {
                    // Who stores the pieces fails with it, and so does who looks at them.
                    look.fail(Error::new(error.kind, error.port, "it breaks off")).await;
                    let _ = to.send(Err(error)).await;
                    return None;
                }
            }
        }
    }
    drop(look);
    sealer.finish();
    send(&to, &mut sealer).await?;
    Some(digest.finish())
}

async fn send(to: &mpsc::Sender<Result<Bytes, Error>>, sealer: &mut Sealer) -> Option<()> {
    let sealed = sealer.take();
    if sealed.is_empty() {
        return Some(());
    }
    to.send(Ok(Bytes::from(sealed))).await.ok()
}

/// A part that is being read.
struct Opened {
    bytes: ports::blobs::ByteStream,
    opener: Opener,
    ended: bool,
}

fn changed() -> Error {
    Error::corrupt("blobs", "a part of an upload was changed or is missing")
}

impl Opened {
    async fn new(ports: &Ports, key: &Secret, part: &Part) -> Result<Self, Error> {
        let salt = salt(ports, &part.key).await?;
        let opener = Opener::part(key, part.start, &salt, part.size_bytes);
        let span = Span::From { offset: opener.offset, bytes_max: opener.bytes };
        let reading = ports.blobs.get(&part.key, span).await?.ok_or_else(changed)?;
        Ok(Self { bytes: reading.bytes, opener, ended: false })
    }

    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.ended {
            return Ok(None);
        }
        let plain = match self.bytes.next().await {
            Some(sealed) => self.opener.push(&sealed?),
            None => {
                self.ended = true;
                self.opener.finish()
            }
        };
        plain.map(Some).ok_or_else(changed)
    }
}

/// What stands first in a blob.
pub(super) async fn salt(
    ports: &Ports,
    key: &ports::blobs::BlobKey,
) -> Result<[u8; SALT_BYTES], Error> {
    let span = Span::From { offset: 0, bytes_max: SALT_BYTES as u64 };
    let mut reading = ports.blobs.get(key, span).await?.ok_or_else(changed)?;
    let mut salt = Vec::with_capacity(SALT_BYTES);
    while let Some(bytes) = reading.bytes.next().await {
        salt.extend_from_slice(&bytes?);
    }
    salt.try_into().map_err(|_| changed())
}
