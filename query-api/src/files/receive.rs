//! The bytes of an upload: sealed part by part while they come, put together once all are there.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;
use tokio::sync::Mutex;
use uuid::Uuid;

use chat::files::{
    BeginUpload, File, FileId, FileRejection, FileState, ListedPart, PARTS_MAX, Part,
    SIMPLE_BYTES_MAX, Sealer, key_of, part_key, part_of, parts_of, parts_prefix, whole,
};
use chat::kernel::graphql::NOT_FOUND;
use chat::kernel::{Failure, Rejection, id};
use ports::blobs::{BlobKey, LIST_MAX, Put, Source, Span};
use ports::keys::Secret;
use ports::{Error, Ports};

use super::assemble::assemble;
use super::incoming::{Checksum, Incoming, sealed};
use super::progress::Progress;
use super::{Asked, Refused};
use crate::schema::Api;

/// The digest is another: a status of tus's own.
fn mismatch() -> Refused {
    let status = StatusCode::from_u16(460).expect("it is a status");
    Refused::Status(status, "the bytes have another checksum")
}

/// Begins an upload and waits until it can be read.
pub(super) async fn begin(
    asked: &Asked,
    client_id: Uuid,
    command: BeginUpload,
) -> Result<Arc<File>, Refused> {
    let (scope, account) = (&asked.scope, asked.viewer.account);
    scope.admit(&format!("commands/{account}"), scope.limits.per_account).await?;
    let accepted = scope.submit_for(account, client_id, command).await?;
    let readable = scope.outcome(accepted).await.is_ok_and(|it| it.readable);
    if !readable {
        return Err(Failure::Unknown.into());
    }
    own_file(asked, BeginUpload::file_id(account, client_id)).await
}

/// A file of whoever asks that is not over.
pub(super) async fn own_file(asked: &Asked, file: FileId) -> Result<Arc<File>, Refused> {
    let found = asked.scope.reader.fetch::<File>(asked.viewer.account, file.to_string()).await?;
    found.filter(|it| it.state != FileState::Over).ok_or(Refused::from(NOT_FOUND))
}

/// An upload as far as it has come.
pub(super) struct Upload {
    api: Arc<Api>,
    asked: Asked,
    pub(super) file: Arc<File>,
    key: Secret,
    pub(super) offset: u64,
    parts: usize,
}

/// The parts of an upload that are stored, whether or not they follow each other.
pub(super) async fn parts(ports: &Ports, file: FileId) -> Result<Vec<Part>, Error> {
    let prefix = parts_prefix(file);
    let (mut after, mut parts): (Option<BlobKey>, _) = (None, Vec::new());
    loop {
        let listed = ports.blobs.list(&prefix, after.as_ref(), LIST_MAX).await?;
        parts.extend(listed.iter().filter_map(|it| part_of(file, it)));
        match listed.last().filter(|_| parts.len() < PARTS_MAX) {
            Some(last) => after = Some(last.key.clone()),
            None => return Ok(parts),
        }
    }
}

impl Upload {
    /// Finds out how far an upload has come.
    pub(super) async fn of(api: &Arc<Api>, asked: Asked, file: Arc<File>) -> Result<Self, Refused> {
        let key = key_of(&api.parts.keyring, &file).await?.ok_or(Refused::from(NOT_FOUND))?;
        let (offset, parts) = match file.state {
            FileState::Uploading => {
                let parts = parts(&api.parts.ports, file.id).await?;
                let count = parts.len();
                (whole(parts).0.min(file.size_bytes), count)
            }
            FileState::Uploaded | FileState::Over => (file.size_bytes, 0),
        };
        Ok(Self { api: Arc::clone(api), asked, file, key, offset, parts })
    }

    /// Takes what a body holds and finishes the upload if nothing is missing then; gives how far it
    /// has come. What came before a connection broke is kept.
    pub(super) async fn take(
        self,
        body: Body,
        checksum: Option<Checksum>,
    ) -> (Arc<File>, Result<u64, Refused>) {
        let file = Arc::clone(&self.file);
        // Whoever asks may be gone before the bytes are safe that have come from them.
        let taking = ports::spawn("upload", async move { self.take_all(body, checksum).await });
        match taking.await {
            Ok(Ok((file, offset))) => (file, Ok(offset)),
            Ok(Err(refused)) => (file, Err(refused)),
            Err(_) => (file, Err(Failure::Unknown.into())),
        }
    }

    async fn take_all(
        self,
        body: Body,
        checksum: Option<Checksum>,
    ) -> Result<(Arc<File>, u64), Refused> {
        if self.file.state == FileState::Uploaded {
            return Ok((self.file, self.offset));
        }
        if !self.file.pieces.is_empty() {
            let file = assemble(&self.api, &self.asked, &self.file, &self.key).await?;
            let end = file.size_bytes;
            return Ok((file, end));
        }
        let left = self.file.size_bytes - self.offset;
        let known = match checksum.is_none() && self.is_digested() {
            true => self.api.uploads.take(self.file.id, self.offset),
            // What waits for its checksum is stored under other names.
            false => None,
        };
        let incoming = Incoming::new(body, left, (checksum.as_ref(), known));
        let (scope, offset, taken) = (&self.asked.scope, self.offset, incoming.taken.clone());
        let progress = Progress { scope, file: &self.file, offset, taken };
        let incoming = Arc::new(Mutex::new(incoming));
        let storing = async {
            match checksum {
                None => self.store(&incoming, true).await.map(|it| it.0),
                Some(checksum) => self.store_checked(&incoming, &checksum).await,
            }
        };
        let end = progress.during(storing).await?;
        if incoming.lock().await.over {
            let message = "there are more bytes than the upload has left";
            return Err(Refused::Status(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        if end < self.file.size_bytes || self.file.partial {
            return Ok((self.file, end));
        }
        let file = assemble(&self.api, &self.asked, &self.file, &self.key).await?;
        Ok((file, end))
    }

    /// Stores all that comes; gives its end, and its parts.
    async fn store(
        &self,
        incoming: &Arc<Mutex<Incoming>>,
        counts: bool,
    ) -> Result<(u64, Vec<(u64, BlobKey)>), Refused> {
        let (mut at, mut stored) = (self.offset, Vec::new());
        while incoming.lock().await.fill().await {
            if self.parts + stored.len() >= PARTS_MAX {
                return Err(Refused::from(Rejection::from(FileRejection::TooManyParts)));
            }
            let (part, size_bytes) = self.store_part(incoming, at, counts).await?;
            stored.push((at, part));
            self.goes_on(&stored).await?;
            at += size_bytes;
        }
        if let Some(known) = incoming.lock().await.known.take() {
            self.api.uploads.put(self.file.id, known);
        }
        Ok((at, stored))
    }

    /// Stores what comes apart, until it is known that it is what was meant.
    async fn store_checked(
        &self,
        incoming: &Arc<Mutex<Incoming>>,
        checksum: &Checksum,
    ) -> Result<u64, Refused> {
        let (end, waiting) = self.store(incoming, false).await?;
        let (cut, found) = incoming.lock().await.digest();
        if cut || found.as_ref() != checksum.expected {
            self.forget(&waiting).await?;
            return if cut { Ok(self.offset) } else { Err(mismatch()) };
        }
        let blobs = &self.api.parts.ports.blobs;
        for (start, part) in &waiting {
            let Some(reading) = blobs.get(part, Span::Whole).await? else {
                return Err(Refused::from(NOT_FOUND));
            };
            let counting = self.part_key(*start, true);
            let size_bytes = Some(reading.size_bytes);
            let source = Source { bytes: reading.bytes, size_bytes, sha256: None };
            stored(blobs.put(&counting, source).await?)?;
            if let Err(refused) = self.goes_on(&[(*start, counting)]).await {
                self.forget(&waiting).await?;
                return Err(refused);
            }
        }
        self.forget(&waiting).await?;
        Ok(end)
    }

    fn part_key(&self, start: u64, counts: bool) -> BlobKey {
        let salt = u64::from_be_bytes(self.api.parts.ports.entropy.bytes());
        part_key(self.file.id, start, salt, counts)
    }

    async fn store_part(
        &self,
        incoming: &Arc<Mutex<Incoming>>,
        start: u64,
        counts: bool,
    ) -> Result<(BlobKey, u64), Refused> {
        let ports = &self.api.parts.ports;
        let key = self.part_key(start, counts);
        let salt = ports.entropy.bytes();
        let sealer = Sealer::part(&self.key, start, salt);
        let before = incoming.lock().await.taken.bytes();
        let source = Source::stream(sealed(Arc::clone(incoming), sealer));
        stored(ports.blobs.put(&key, source).await?)?;
        let mut incoming = incoming.lock().await;
        let size_bytes = incoming.taken.bytes() - before;
        if let Some(known) = &mut incoming.known {
            known.stored(ListedPart::new(&key, start, size_bytes, salt));
        }
        Ok((key, size_bytes))
    }

    /// Whether anybody can use what is known of its digest.
    fn is_digested(&self) -> bool {
        self.file.may_be_listed() && !self.api.parts.ports.scanner.is_there()
    }

    /// Refuses to go on once the upload is none any more: what came too late belongs to nothing,
    /// unless whoever finished it has listed it.
    async fn goes_on(&self, stored: &[(u64, BlobKey)]) -> Result<(), Refused> {
        let reader = self.asked.scope.reader.anew();
        let listed = match reader.load::<File>(self.file.id.to_string()).await? {
            Some(file) if file.state == FileState::Uploading => return Ok(()),
            Some(file) => parts_of(&*self.api.parts.ports.blobs, &file, &self.key).await?,
            None => Vec::new(),
        };
        let listed: Vec<_> = listed.iter().filter_map(ListedPart::blob).collect();
        let late = stored.iter().filter(|it| !listed.contains(&it.1));
        let late: Vec<_> = late.cloned().collect();
        self.forget(&late).await?;
        Err(Refused::from(NOT_FOUND))
    }

    async fn forget(&self, parts: &[(u64, BlobKey)]) -> Result<(), Refused> {
        for (_, part) in parts {
            self.api.parts.ports.blobs.delete(part).await?;
        }
        Ok(())
    }
}

/// What a put must have come to.
pub(super) fn stored(put: Put) -> Result<(), Error> {
    match put {
        Put::Stored { .. } => Ok(()),
        Put::Differs | Put::TooLarge => Err(Error::unavailable("blobs", "a part was not stored")),
    }
}

/// A file in one request: its name in the query, its type and size in the headers.
pub(super) async fn simple(
    api: &Arc<Api>,
    asked: Asked,
    query: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let text = |name| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    let length = text(header::CONTENT_LENGTH).and_then(|it| it.parse::<u64>().ok());
    let needed = Refused::Status(StatusCode::LENGTH_REQUIRED, "Content-Length is needed");
    let size_bytes = length.ok_or(needed)?;
    if size_bytes > SIMPLE_BYTES_MAX {
        let message = "in one request come at most 16 MiB, by tus 2 GiB";
        return Err(Refused::Status(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let scope = &asked.scope;
    let client_id = match text(header::HeaderName::from_static("idempotency-key")) {
        Some(key) => {
            let id = Uuid::parse_str(key).ok().filter(|it| it.get_version_num() == 7);
            id.ok_or(Refused::from(Failure::ClientIdInvalid))?
        }
        None => id::fresh(scope.clock.now_ms(), &*scope.entropy),
    };
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let name = pairs.into_iter().find(|(key, _)| key == "name").map(|(_, it)| it.into_owned());
    let command = BeginUpload {
        name: name.unwrap_or_default(),
        media_type: text(header::CONTENT_TYPE).unwrap_or_default().to_owned(),
        size_bytes,
        storage_bytes_max: scope.limits.storage_bytes,
        refused: api.parts.intake.refused.clone(),
        ..BeginUpload::default()
    };
    let file = begin(&asked, client_id, command).await?;
    let mut upload = Upload::of(api, asked, file).await?;
    if upload.file.state == FileState::Uploading {
        // What an earlier try has left is the same from its beginning.
        upload.offset = 0;
    }
    let (file, taken) = upload.take(body, None).await;
    if taken? < size_bytes {
        return Err(Refused::Status(StatusCode::BAD_REQUEST, "the body ends before its length"));
    }
    let told = json!({ "id": file.id, "sizeBytes": file.size_bytes.to_string() });
    Ok((StatusCode::CREATED, Json(told)).into_response())
}
