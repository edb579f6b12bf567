//! Contents and variants as they are opened, chunk by chunk.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use ports::Error;
use ports::blobs::{BlobKey, Blobs, ByteStream, Span};
use ports::keys::Secret;

use super::part_list::read_list;
use super::{
    File, FileId, LIST_BYTES_MAX, ListedPart, Opener, SALT_BYTES, contents_blob, plain_bytes,
    sealed_bytes, variant_blob,
};

/// Parts that are asked for at once: while one is given, the next is on its way.
const PARTS_AT_ONCE: usize = 2;

fn changed() -> Error {
    Error::corrupt("blobs", "contents were changed or are missing")
}

/// What stands first in a blob.
///
/// # Errors
/// When there is no such blob, or the store can't be reached.
pub async fn salt_of(blobs: &dyn Blobs, blob: &BlobKey) -> Result<[u8; SALT_BYTES], Error> {
    let span = Span::From { offset: 0, bytes_max: SALT_BYTES as u64 };
    let reading = blobs.get(blob, span).await?.ok_or_else(changed)?;
    let salt = collected(reading.bytes).await?;
    salt.try_into().map_err(|_| changed())
}

async fn collected(bytes: ByteStream) -> Result<Vec<u8>, Error> {
    let all = bytes.try_fold(Vec::new(), async |mut all, it| {
        all.extend_from_slice(&it);
        Ok(all)
    });
    all.await
}

/// What an opener finds in a blob that so many bytes were sealed into.
async fn opened(
    blobs: &dyn Blobs,
    blob: &BlobKey,
    size_bytes: u64,
    opener: Opener,
) -> Result<ByteStream, Error> {
    let span = Span::From { offset: opener.offset, bytes_max: opener.bytes };
    let reading = blobs.get(blob, span).await?.ok_or_else(changed)?;
    if reading.size_bytes != sealed_bytes(size_bytes) {
        return Err(changed());
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

/// A span of a part, from its own beginning.
///
/// # Errors
/// When it was changed or is missing, or the store can't be reached; so it is with what follows.
pub async fn read_part(
    blobs: &dyn Blobs,
    key: &Secret,
    part: &ListedPart,
    span: (u64, u64),
) -> Result<ByteStream, Error> {
    let opener = Opener::part(key, part.start, &part.salt, part.size_bytes, span);
    let blob = part.blob().ok_or_else(changed)?;
    opened(blobs, &blob, part.size_bytes, opener).await
}

/// A span of the contents of a file that holds them.
///
/// # Errors
/// As above.
pub async fn read_contents(
    blobs: &Arc<dyn Blobs>,
    file: &File,
    key: &Secret,
    span: (u64, u64),
) -> Result<ByteStream, Error> {
    if !file.in_parts {
        let blob = contents_blob(file.id, file.blob.ok_or_else(changed)?);
        let salt = salt_of(&**blobs, &blob).await?;
        let opener = Opener::whole(key, &salt, file.size_bytes, span.0, span.1);
        return opened(&**blobs, &blob, file.size_bytes, opener).await;
    }
    let parts = parts_of(&**blobs, file, key).await?.into_iter();
    let mut some = parts.filter_map(move |it| it.within(span).map(|within| (it, within)));
    // Whether there is something is known before any of it is given.
    let Some((first, within)) = some.next() else { return Ok(stream::empty().boxed()) };
    let first = read_part(&**blobs, key, &first, within).await?;
    let (blobs, key) = (Arc::clone(blobs), *key);
    let read = move |(part, within): (ListedPart, (u64, u64))| {
        let blobs = Arc::clone(&blobs);
        async move { read_part(&*blobs, &key, &part, within).await }
    };
    let rest = stream::iter(some).map(read).buffered(PARTS_AT_ONCE).try_flatten();
    Ok(first.chain(rest).boxed())
}

/// A span of a variant of a file.
///
/// # Errors
/// As above.
pub async fn read_variant(
    blobs: &dyn Blobs,
    (file, number, size_bytes): (FileId, u64, u64),
    key: &Secret,
    span: (u64, u64),
) -> Result<ByteStream, Error> {
    let blob = variant_blob(file, number);
    let salt = salt_of(blobs, &blob).await?;
    let opener = Opener::variant(key, (number, size_bytes), &salt, span);
    opened(blobs, &blob, size_bytes, opener).await
}

/// The parts that the contents of a file stay in; none where they are one blob.
///
/// # Errors
/// As above.
pub async fn parts_of(
    blobs: &dyn Blobs,
    file: &File,
    key: &Secret,
) -> Result<Vec<ListedPart>, Error> {
    let Some(number) = file.blob.filter(|_| file.in_parts) else { return Ok(Vec::new()) };
    let blob = contents_blob(file.id, number);
    let reading = blobs.get(&blob, Span::Whole).await?.ok_or_else(changed)?;
    let size_bytes = plain_bytes(reading.size_bytes).filter(|it| *it <= LIST_BYTES_MAX);
    let size_bytes = size_bytes.ok_or_else(changed)?;
    let sealed = collected(reading.bytes).await?;
    let plain = sealed.split_first_chunk().and_then(|(salt, sealed)| {
        let mut opener = Opener::list(key, salt, size_bytes);
        let mut plain = opener.push(sealed)?;
        plain.extend(opener.finish()?);
        Some(plain)
    });
    plain.and_then(|it| read_list(file, &it)).ok_or_else(changed)
}
