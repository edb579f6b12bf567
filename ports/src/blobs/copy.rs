//! Copies blobs into another store: those that it does not have in their size. None is removed.
//! Packs of documents stay: documents are folded anew where the log goes, and nothing would point
//! at them there.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Blobs, LIST_MAX, Listed, PORT, Put, Source, Span};
use crate::Error;
use crate::documents::packs::PREFIX;

/// Blobs copied at the same time.
const AT_ONCE: usize = 4;

/// Copies what the other store lacks; gives the number of blobs copied.
///
/// # Errors
/// What the stores say; then some are copied, and it can be done again.
pub async fn copy(from: &dyn Blobs, to: &dyn Blobs) -> Result<u64, Error> {
    let (mut after, mut copied) = (None, 0);
    loop {
        let page = from.list("", after.as_ref(), LIST_MAX).await?;
        let Some(last) = page.last() else { return Ok(copied) };
        after = Some(last.key.clone());
        let others = page.into_iter().filter(|it| !it.key.as_str().starts_with(PREFIX));
        let copies = others.map(|it| copy_one(from, to, it));
        let done: Vec<bool> = stream::iter(copies).buffer_unordered(AT_ONCE).try_collect().await?;
        copied += done.into_iter().filter(|it| *it).count() as u64;
    }
}

/// Gives whether there was something to be copied.
async fn copy_one(from: &dyn Blobs, to: &dyn Blobs, listed: Listed) -> Result<bool, Error> {
    let key = &listed.key;
    if to.size(key).await? == Some(listed.size_bytes) {
        return Ok(false);
    }
    // It may have been deleted since it was listed.
    let Some(reading) = from.get(key, Span::Whole).await? else { return Ok(false) };
    let size_bytes = Some(reading.size_bytes);
    match to.put(key, Source { bytes: reading.bytes, size_bytes, sha256: None }).await? {
        Put::Stored { .. } => Ok(true),
        Put::Differs | Put::TooLarge => {
            Err(Error::corrupt(PORT, format!("the blob {key} is not of its size")))
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{BlobKey, open};
    use super::*;

    #[test]
    fn what_is_absent_is_copied_once_and_nothing_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = |name: &str| {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            open(&folder.path().join(name)).unwrap()
        };
        let (from, to) = (store("from"), store("to"));
        let key = |n: usize| BlobKey::new(&format!("blob-{n}")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let put = async |n: usize, bytes: usize| {
                let stored = from.put(&key(n), Bytes::from(vec![7; bytes]).into()).await;
                assert!(matches!(stored, Ok(Put::Stored { .. })));
            };
            for n in 0..LIST_MAX + 5 {
                put(n, n % 10).await;
            }
            let all = LIST_MAX as u64 + 5;
            assert_eq!(copy(&*from, &*to).await.unwrap(), all);
            assert_eq!(copy(&*from, &*to).await.unwrap(), 0);
            put(3, 1_000_000).await;
            from.delete(&key(4)).await.unwrap();
            let pack = BlobKey::new("pack.0.0").unwrap();
            let _ = from.put(&pack, Bytes::from_static(b"bodies").into()).await.unwrap();
            assert_eq!(copy(&*from, &*to).await.unwrap(), 1);
            assert_eq!(to.size(&key(3)).await.unwrap(), Some(1_000_000));
            let kept = to.get(&key(4), Span::Whole).await.unwrap().unwrap();
            let bytes: Vec<Bytes> = kept.bytes.try_collect().await.unwrap();
            assert_eq!(bytes.concat(), [7; 4]);
        });
    }
}
