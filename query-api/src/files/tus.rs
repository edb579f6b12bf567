//! The protocol tus 1.0.0 (tus.io/protocols/resumable-upload), and its extensions creation,
//! creation-with-upload, expiration, checksum, termination and concatenation.

use std::collections::HashSet;
use std::sync::Arc;

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use chat::files::{
    BeginUpload, File, FileId, FileRejection, FileState, PIECES_MAX, SIZE_BYTES_MAX,
    TerminateUpload, whole,
};
use chat::kernel::graphql::NOT_FOUND;
use chat::kernel::{Failure, Rejection, id};

use super::direct;
use super::incoming::Checksum;
use super::receive::{Upload, begin, own_file, parts};
use super::{Asked, RESUMABLE, Refused, VERSION};
use crate::schema::Api;

/// What is announced.
pub(super) const EXTENSIONS: &str =
    "creation,creation-with-upload,expiration,checksum,termination,concatenation";
pub(super) const ALGORITHMS: &str = "sha1,sha256";

/// What the bytes of an upload are sent as.
const BYTES: &str = "application/offset+octet-stream";

/// Bytes of the header that describes an upload at most.
const METADATA_BYTES_MAX: usize = 4_096;

type Answer = Result<Response, Refused>;

fn bad(message: &'static str) -> Refused {
    Refused::Status(StatusCode::BAD_REQUEST, message)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|it| it.to_str().unwrap_or_default())
}

/// A header that is a number; `None` when there is none.
fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, Refused> {
    let Some(text) = text(headers, name) else { return Ok(None) };
    let plain = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let number = text.parse().ok().filter(|_| plain);
    number.map(Some).ok_or(bad("a header is no number"))
}

/// The version of the client must be ours.
fn check_version(headers: &HeaderMap) -> Result<(), Refused> {
    let ours = headers.get(&RESUMABLE) == Some(&VERSION);
    ours.then_some(()).ok_or(Refused::Version)
}

/// Whether the body holds bytes of the upload; a body of another type is refused.
fn has_bytes(headers: &HeaderMap) -> bool {
    text(headers, "content-type") == Some(BYTES)
}

/// Name and type of a file, as a client says.
fn metadata(headers: &HeaderMap) -> Result<(String, String), Refused> {
    let (mut name, mut media_type) = (String::new(), String::new());
    let Some(header) = headers.get("upload-metadata") else { return Ok((name, media_type)) };
    let invalid = || bad("Upload-Metadata is not as tus has it");
    let pairs = header.to_str().ok().filter(|it| it.len() <= METADATA_BYTES_MAX);
    for pair in pairs.ok_or_else(invalid)?.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = STANDARD.decode(value.trim()).map_err(|_| invalid())?;
        let value = String::from_utf8(value).map_err(|_| invalid());
        match key {
            "filename" | "name" => name = value?,
            "filetype" | "type" => media_type = value?,
            _ => (),
        }
    }
    Ok((name, media_type))
}

/// What of others an upload is, or is made of.
enum Concat {
    Nothing,
    Partial,
    Final(Vec<FileId>),
}

/// Reads `partial`, or `final;` and paths or URLs of uploads, each behind a space.
fn concat(headers: &HeaderMap) -> Result<Concat, Refused> {
    let Some(header) = text(headers, "upload-concat") else { return Ok(Concat::Nothing) };
    if header == "partial" {
        return Ok(Concat::Partial);
    }
    let invalid = || bad("Upload-Concat is not as tus has it");
    let places = header.strip_prefix("final;").ok_or_else(invalid)?.split_ascii_whitespace();
    let ids = places.map(|it| it.rsplit_once("/files/").and_then(|(_, id)| id.parse().ok()));
    let ids: Option<Vec<FileId>> = ids.collect();
    let once = |ids: &Vec<FileId>| ids.iter().collect::<HashSet<_>>().len() == ids.len();
    let ids = ids.filter(|it| !it.is_empty()).ok_or_else(invalid)?;
    if ids.len() <= PIECES_MAX && !once(&ids) {
        return Err(bad("a piece is there twice"));
    }
    match ids.len() > PIECES_MAX {
        true => Err(Rejection::from(FileRejection::TooManyPieces).into()),
        false => Ok(Concat::Final(ids)),
    }
}

/// How many bytes the pieces of an upload come to, all of which are there.
async fn joined(api: &Api, asked: &Asked, pieces: &[FileId]) -> Result<u64, Refused> {
    let account = asked.viewer.account;
    asked.scope.admit(&format!("commands/{account}"), asked.scope.limits.per_account).await?;
    let mut size_bytes: u64 = 0;
    for piece in pieces {
        let file = own_file(asked, *piece).await?;
        let (end, _) = whole(parts(&api.parts.ports, file.id).await?);
        if !file.partial || end < file.size_bytes {
            return Err(bad("a piece is not partial, or not all of it has come"));
        }
        size_bytes = size_bytes.saturating_add(file.size_bytes);
    }
    Ok(size_bytes)
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Refused> {
    let Some(header) = text(headers, "upload-checksum") else { return Ok(None) };
    let (name, value) = header.split_once(' ').unwrap_or((header, ""));
    let algorithm: &'static Algorithm = match name {
        "sha1" => &SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => &SHA256,
        _ => return Err(bad("the algorithm of Upload-Checksum is unknown")),
    };
    let expected = STANDARD.decode(value).map_err(|_| bad("Upload-Checksum is not in base64"))?;
    Ok(Some(Checksum { algorithm, expected }))
}

/// A time as HTTP writes it (RFC 9110, 5.6.7).
fn http_date(ms: i64) -> HeaderValue {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
    let text = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::from_str(&text).expect("a date is plain text")
}

/// An answer that tells how far an upload has come.
fn at(status: StatusCode, file: &File, offset: u64) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert("upload-offset", HeaderValue::from(offset));
    let expires = file.until.filter(|_| file.state == FileState::Uploading);
    if let Some(until) = expires {
        headers.insert("upload-expires", http_date(until.0));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Begins an upload, and takes the first bytes if there are some.
pub(super) async fn create(
    api: &Arc<Api>,
    asked: Asked,
    headers: &HeaderMap,
    body: Body,
) -> Answer {
    check_version(headers)?;
    let length = number(headers, "upload-length")?;
    let (partial, pieces) = match concat(headers)? {
        Concat::Nothing => (false, Vec::new()),
        Concat::Partial => (true, Vec::new()),
        Concat::Final(pieces) => (false, pieces),
    };
    let size_bytes = match (length, pieces.is_empty()) {
        (Some(length), true) => length,
        (None, false) => joined(api, &asked, &pieces).await?,
        (None, true) => return Err(bad("Upload-Length is needed")),
        (Some(_), false) => return Err(bad("the pieces say how long it is")),
    };
    if size_bytes > SIZE_BYTES_MAX {
        return Err(Refused::Status(StatusCode::PAYLOAD_TOO_LARGE, "a file has at most 2 GiB"));
    }
    let (name, media_type) = metadata(headers)?;
    let checksum = checksum(headers)?;
    if !has_bytes(headers) && number(headers, "content-length")?.is_some_and(|it| it > 0) {
        let message = "the body is not application/offset+octet-stream";
        return Err(Refused::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let storage_bytes_max = asked.scope.limits.storage_bytes;
    let refused = api.parts.intake.refused.clone();
    let direct = match text(headers, "upload-direct") {
        None | Some("false") => false,
        Some("true") if pieces.is_empty() && !partial => direct::check(api, true).await?,
        Some(_) => return Err(bad("Upload-Direct is true or false, and of a file of its own")),
    };
    let command = BeginUpload {
        name,
        media_type,
        size_bytes,
        storage_bytes_max,
        refused,
        partial,
        pieces,
        direct,
    };
    let client_id = id::fresh(asked.scope.clock.now_ms(), &*asked.scope.entropy);
    let file = begin(&asked, client_id, command).await?;
    let location = HeaderValue::from_str(&format!("/files/{}", file.id));
    let location = location.expect("an id is plain text");
    let upload = Upload::of(api, asked, file).await?;
    let body = if has_bytes(headers) { body } else { Body::empty() };
    let (file, taken) = upload.take(body, checksum).await;
    let mut response = match taken {
        Ok(offset) => at(StatusCode::CREATED, &file, offset),
        // The upload is there all the same, and its client learns where.
        Err(refused) => refused.into_response(),
    };
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Tells how far an upload has come.
pub(super) async fn head(
    api: &Arc<Api>,
    asked: Asked,
    file: FileId,
    headers: &HeaderMap,
) -> Answer {
    check_version(headers)?;
    let file = own_file(&asked, file).await?;
    let details = asked.scope.reader.open(&file.details).await?;
    let details = details.ok_or(Refused::from(NOT_FOUND))?;
    let upload = Upload::of(api, asked, file).await?;
    // One whose last bytes came before a crash is finished by whoever asks after it.
    let (file, taken) = upload.take(Body::empty(), None).await;
    let mut response = at(StatusCode::OK, &file, taken?);
    let pair = |key: &str, value: &str| format!("{key} {}", STANDARD.encode(value));
    let (name, kind) = (pair("filename", &details.name), pair("filetype", &details.media_type));
    let metadata = HeaderValue::from_str(&format!("{name},{kind}"));
    let headers = response.headers_mut();
    headers.insert("upload-length", HeaderValue::from(file.size_bytes));
    headers.insert("upload-metadata", metadata.expect("base64 is plain text"));
    if file.partial {
        headers.insert("upload-concat", HeaderValue::from_static("partial"));
    } else if !file.pieces.is_empty() {
        let paths = file.pieces.iter().map(|it| format!("/files/{it}")).collect::<Vec<_>>();
        let made = HeaderValue::from_str(&format!("final;{}", paths.join(" ")));
        headers.insert("upload-concat", made.expect("ids are plain text"));
    }
    Ok(response)
}

/// Takes bytes of an upload.
pub(super) async fn patch(
    api: &Arc<Api>,
    asked: Asked,
    file: FileId,
    headers: &HeaderMap,
    body: Body,
) -> Answer {
    check_version(headers)?;
    if !has_bytes(headers) {
        let message = "the body is not application/offset+octet-stream";
        return Err(Refused::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let offset = number(headers, "upload-offset")?.ok_or(bad("Upload-Offset is needed"))?;
    let checksum = checksum(headers)?;
    let file = own_file(&asked, file).await?;
    if !file.pieces.is_empty() {
        return Err(Refused::Status(StatusCode::FORBIDDEN, "it is made of others"));
    }
    let upload = Upload::of(api, asked, file).await?;
    if upload.offset != offset {
        return Err(Refused::Status(StatusCode::CONFLICT, "the upload is at another offset"));
    }
    let left = upload.file.size_bytes - offset;
    if number(headers, "content-length")?.is_some_and(|it| it > left) {
        let message = "there are more bytes than the upload has left";
        return Err(Refused::Status(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let (file, taken) = upload.take(body, checksum).await;
    Ok(at(StatusCode::NO_CONTENT, &file, taken?))
}

/// Gives an upload up, or discards the file that it has become.
pub(super) async fn terminate(
    _: &Arc<Api>,
    asked: Asked,
    file: FileId,
    headers: &HeaderMap,
) -> Answer {
    check_version(headers)?;
    let scope = &asked.scope;
    let client_id = id::fresh(scope.clock.now_ms(), &*scope.entropy);
    let command = TerminateUpload { file_id: file };
    let accepted = scope.submit_for(asked.viewer.account, client_id, command).await?;
    let outcome = scope.outcome(accepted).await;
    if outcome.is_ok_and(|it| it.readable) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Err(Failure::Unknown.into())
}
