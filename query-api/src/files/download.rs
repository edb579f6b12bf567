//! Files as links give them: whole, or the span that was asked for, opened chunk by chunk.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};

use chat::files::{
    File, FileDetails, FileId, Link, LinkError, Opener, contents_blob, sealed_bytes,
};
use chat::kernel::graphql::{Asker, NOT_FOUND, Scope};
use chat::kernel::{Failure, Timestamp};
use ports::Error;
use ports::blobs::{ByteStream, Span};

use super::Refused;
use super::assemble::{key_of, salt};
use super::ranges::{Wanted, wanted};
use crate::schema::Api;

/// What browsers may show where it is; they are told to take it for nothing else. Everything else
/// is saved.
const INLINE: [&str; 12] = [
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/avif",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/wav",
    "audio/flac",
];

/// What is not on the list is only bytes.
const BYTES: &str = "application/octet-stream";

/// For as long as a link is good, and only for whoever has it.
const CACHED: HeaderValue = HeaderValue::from_static("private, max-age=50, no-transform");

impl From<LinkError> for Refused {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NotFound => NOT_FOUND.into(),
            LinkError::Unavailable => Failure::Unavailable.into(),
        }
    }
}

/// Follows a link.
pub(super) async fn download(
    api: &Arc<Api>,
    from: SocketAddr,
    file: FileId,
    query: &str,
    headers: &HeaderMap,
    head: bool,
) -> Result<Response, Refused> {
    let address = from.ip().to_string();
    let scope = api.scope(Asker::Nobody { address: address.clone() });
    scope.admit(&format!("ip/{address}"), scope.limits.per_ip).await?;
    let keyring = &api.parts.keyring;
    let link = Link::read(file, query, keyring).ok_or(Refused::from(NOT_FOUND))?;
    let file = link.follow(&scope.reader, Timestamp(scope.clock.now_ms())).await?;
    let details = scope.reader.open(&file.details).await?.ok_or(Refused::from(NOT_FOUND))?;
    // Contents never change, so the id tells them.
    let tag = format!("\"{}\"", file.id);
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let known = text(header::IF_NONE_MATCH).is_some_and(|it| names(it, &tag));
    let current = text(header::IF_RANGE).is_none_or(|it| it.trim() == tag);
    let range = text(header::RANGE).filter(|_| current);
    let wanted = wanted(range, file.size_bytes);
    let (status, from, bytes) = match wanted {
        _ if known => (StatusCode::NOT_MODIFIED, 0, 0),
        Wanted::Whole => (StatusCode::OK, 0, file.size_bytes),
        Wanted::Span { from, bytes } => (StatusCode::PARTIAL_CONTENT, from, bytes),
        Wanted::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let empty = head || known || wanted == Wanted::Nothing;
    let body = match empty {
        true => Body::empty(),
        false => Body::from_stream(contents(api, &scope, &file, (from, bytes)).await?),
    };
    let mut response = (status, body).into_response();
    let told = response.headers_mut();
    told.insert(header::ETAG, value(&tag));
    told.insert(header::CACHE_CONTROL, CACHED);
    told.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let size = file.size_bytes;
    match wanted {
        _ if known => return Ok(response),
        Wanted::Whole => (),
        Wanted::Span { from, bytes } => {
            let to = from + bytes - 1;
            told.insert(header::CONTENT_RANGE, value(&format!("bytes {from}-{to}/{size}")));
        }
        Wanted::Nothing => {
            told.insert(header::CONTENT_RANGE, value(&format!("bytes */{size}")));
            return Ok(response);
        }
    }
    told.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    let (kind, disposition) = shown(&details);
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    told.insert(header::CONTENT_DISPOSITION, value(&disposition));
    Ok(response)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("it is plain text")
}

/// Whether a list of tags names one.
fn names(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/") == tag)
}

/// The type that a file is said to have, and what is to be done with it (RFC 6266).
fn shown(details: &FileDetails) -> (&'static str, String) {
    let inline = INLINE.iter().find(|it| **it == details.media_type);
    let verb = if inline.is_some() { "inline" } else { "attachment" };
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-._".contains(&it);
    let mut name = String::new();
    for byte in details.name.bytes() {
        match plain(byte) {
            true => name.push(char::from(byte)),
            false => name.push_str(&format!("%{byte:02X}")),
        }
    }
    (inline.unwrap_or(&BYTES), format!("{verb}; filename*=UTF-8''{name}"))
}

fn changed() -> Error {
    Error::corrupt("blobs", "contents were changed or are missing")
}

/// A span of the contents as it is opened.
async fn contents(
    api: &Api,
    scope: &Scope,
    file: &File,
    (from, bytes): (u64, u64),
) -> Result<ByteStream, Refused> {
    let ports = &api.parts.ports;
    let key = key_of(&scope.reader.keyring, file).await?.ok_or(Refused::from(NOT_FOUND))?;
    let blob = contents_blob(file.id, file.blob.ok_or_else(changed)?);
    let salt = salt(ports, &blob).await?;
    let opener = Opener::whole(&key, &salt, file.size_bytes, from, bytes);
    let span = Span::From { offset: opener.offset, bytes_max: opener.bytes };
    let reading = ports.blobs.get(&blob, span).await?.ok_or_else(changed)?;
    if reading.size_bytes != sealed_bytes(file.size_bytes) {
        return Err(changed().into());
    }
    let next = |state: Option<(ByteStream, Opener)>| async move {
        let Some((mut sealed, mut opener)) = state else { return Ok(None) };
        let (plain, rest) = match sealed.next().await {
            Some(bytes) => (opener.push(&bytes?), Some((sealed, opener))),
            None => (opener.finish(), None),
        };
        Ok(Some((plain.ok_or_else(changed)?.into(), rest)))
    };
    Ok(stream::try_unfold(Some((reading.bytes, opener)), next).boxed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disposition(name: &str, media_type: &str) -> String {
        let details = FileDetails { name: name.to_owned(), media_type: media_type.to_owned() };
        let (kind, disposition) = shown(&details);
        format!("{kind} {disposition}")
    }

    #[test]
    fn only_what_is_listed_is_shown_where_it_is_and_names_break_no_header() {
        let bytes = "application/octet-stream attachment; filename*=UTF-8''";
        assert_eq!(disposition("a.png", "image/png"), "image/png inline; filename*=UTF-8''a.png");
        for kind in ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", ""] {
            assert_eq!(disposition("a", kind), format!("{bytes}a"), "{kind}");
        }
        let hostile = disposition("a\r\nX: \"b\";ä", "text/html");
        assert_eq!(hostile, format!("{bytes}a%0D%0AX%3A%20%22b%22%3B%C3%A4"));
    }
}
