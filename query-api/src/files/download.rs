//! Files as links give them: whole, or the span that was asked for, opened chunk by chunk.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use chat::files::{
    File, FileDetails, FileId, Link, LinkError, holder_of, key_of, read_contents, read_variant,
};
use chat::kernel::graphql::{Asker, NOT_FOUND, Scope};
use chat::kernel::{Failure, Timestamp};
use chat::media::{Media, Stream, is_meant, variant};
use ports::blobs::ByteStream;

use super::Refused;
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

/// The type of playlists (RFC 8216), which name links and are kept nowhere.
const PLAYLIST: HeaderValue = HeaderValue::from_static("application/vnd.apple.mpegurl");
const UNKEPT: HeaderValue = HeaderValue::from_static("no-store");

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

/// What a link leads to.
struct Wished {
    /// The file that holds it, which may be another than the link names.
    file: Arc<File>,
    /// The number of its blob, if it is a variant.
    variant: Option<u64>,
    size_bytes: u64,
    /// Contents never change, so what the link calls them tells them; that another file holds
    /// them, and since when, is nobody's business.
    tag: String,
    kind: &'static str,
    disposition: String,
}

impl Wished {
    async fn find(scope: &Scope, link: &Link, query: &str) -> Result<Self, Refused> {
        let reader = &scope.reader;
        let file = link.follow(reader, Timestamp(scope.clock.now_ms())).await?;
        let Some(name) = &link.variant else {
            let details = reader.open(&file.details).await?.ok_or(Refused::from(NOT_FOUND))?;
            let (kind, disposition) = shown(&details);
            let file = holder_of(reader, &file).await?.ok_or(Refused::from(NOT_FOUND))?;
            let (variant, size_bytes) = (None, file.size_bytes);
            let tag = format!("\"{}\"", link.file);
            return Ok(Self { file, variant, size_bytes, tag, kind, disposition });
        };
        let file = holder_of(reader, &file).await?.ok_or(Refused::from(NOT_FOUND))?;
        let media = reader.load::<Media>(file.id.to_string()).await?;
        let media = media.ok_or(Refused::from(NOT_FOUND))?;
        let found = variant(&media, reader, name).await?.ok_or(Refused::from(NOT_FOUND))?;
        let (blob, variant) = found;
        if !is_meant(query, blob) {
            return Err(NOT_FOUND.into());
        }
        let (name, media_type) = (variant.name, variant.media_type);
        let (kind, disposition) = shown(&FileDetails { name, media_type });
        let tag = format!("\"{}-{blob:x}\"", link.file);
        let size_bytes = variant.size_bytes;
        Ok(Self { file, variant: Some(blob), size_bytes, tag, kind, disposition })
    }

    /// A playlist is written when it is asked for.
    async fn list(scope: &Scope, link: &Link, name: &str) -> Result<Response, Refused> {
        let reader = &scope.reader;
        let file = link.follow(reader, Timestamp(scope.clock.now_ms())).await?;
        let file = holder_of(reader, &file).await?.ok_or(Refused::from(NOT_FOUND))?;
        let media = reader.load::<Media>(file.id.to_string()).await?;
        let media = media.ok_or(Refused::from(NOT_FOUND))?;
        let stream = Stream::of(&media, reader).await?;
        let list = stream.and_then(|it| it.list(name, &link.query(&reader.keyring)));
        let list = list.ok_or(Refused::from(NOT_FOUND))?;
        Ok(([(header::CONTENT_TYPE, PLAYLIST), (header::CACHE_CONTROL, UNKEPT)], list)
            .into_response())
    }

    /// A span of it as it is opened.
    async fn read(&self, api: &Api, span: (u64, u64)) -> Result<ByteStream, Refused> {
        let (keyring, blobs) = (&api.parts.keyring, &api.parts.ports.blobs);
        let key = key_of(keyring, &self.file).await?.ok_or(Refused::from(NOT_FOUND))?;
        Ok(match self.variant {
            Some(blob) => {
                let wanted = (self.file.id, blob, self.size_bytes);
                read_variant(&**blobs, wanted, &key, span).await?
            }
            None => read_contents(blobs, &self.file, &key, span).await?,
        })
    }
}

/// Follows a link.
pub(super) async fn download(
    api: &Arc<Api>,
    from: SocketAddr,
    (file, variant): (FileId, Option<String>),
    query: &str,
    headers: &HeaderMap,
    head: bool,
) -> Result<Response, Refused> {
    let address = from.ip().to_string();
    let scope = api.scope(Asker::Nobody { address: address.clone() });
    scope.admit(&format!("ip/{address}"), scope.limits.per_ip).await?;
    let keyring = &api.parts.keyring;
    let link = Link::read(file, variant, query, keyring).ok_or(Refused::from(NOT_FOUND))?;
    if let Some(name) = link.variant.as_deref().filter(|it| Stream::is_list(it)) {
        return Wished::list(&scope, &link, name).await;
    }
    let wished = Wished::find(&scope, &link, query).await?;
    let (tag, size) = (wished.tag.as_str(), wished.size_bytes);
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let known = text(header::IF_NONE_MATCH).is_some_and(|it| names(it, tag));
    let current = text(header::IF_RANGE).is_none_or(|it| it.trim() == tag);
    let range = text(header::RANGE).filter(|_| current);
    let wanted = wanted(range, size);
    let (status, from, bytes) = match wanted {
        _ if known => (StatusCode::NOT_MODIFIED, 0, 0),
        Wanted::Whole => (StatusCode::OK, 0, size),
        Wanted::Span { from, bytes } => (StatusCode::PARTIAL_CONTENT, from, bytes),
        Wanted::Nothing => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let empty = head || known || wanted == Wanted::Nothing;
    let body = match empty {
        true => Body::empty(),
        false => Body::from_stream(wished.read(api, (from, bytes)).await?),
    };
    let mut response = (status, body).into_response();
    let told = response.headers_mut();
    told.insert(header::ETAG, value(tag));
    told.insert(header::CACHE_CONTROL, CACHED);
    told.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
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
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(wished.kind));
    told.insert(header::CONTENT_DISPOSITION, value(&wished.disposition));
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
