//! Blobs in a folder: a file each, written beside and renamed when it is whole and durable.

use std::fs::{self, File};
use std::io::{self, BufWriter, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::folders::{self, sync};
use super::source::{Halt, Tally};
use super::{
    BlobKey, Blobs, ByteStream, Grant, LIST_MAX, Link, Listed, PORT, Put, Reading, Source, Span,
    check_link,
};
use crate::Error;

/// What the name of a file begins with while it is written; no key does.
const UNFINISHED: &str = ".new-";

/// Bytes that are read at once.
const CHUNK_BYTES: u64 = 256 << 10;

/// Bytes that are written at once: each time costs a change of threads.
const BATCH_BYTES: usize = 1 << 20;

/// Bytes of a piece that is written as it is.
const PIECE_BYTES: usize = 64 << 10;

/// How often a blob finds that its folder has just gone with the last one in it, at most.
const GONE_MAX: usize = 16;

pub(super) struct Embedded {
    folder: Arc<PathBuf>,
}

impl Embedded {
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        prepare(folder).map_err(unavailable)?;
        Ok(Self { folder: Arc::new(folder.to_owned()) })
    }

    fn file(&self, key: &BlobKey) -> PathBuf {
        folders::path(&self.folder, key)
    }

    /// Does on another thread what waits for the disk.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let folder = Arc::clone(&self.folder);
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.unwrap_or_else(|it| Err(Error::unknown(PORT, it)))
    }

    async fn store(&self, key: &BlobKey, source: Source) -> Result<Put, Halt> {
        let mut tally = Tally::new(source)?;
        // Whoever gives the put up drops this, which removes the file.
        let (new, mut writer) = self.on_disk(|folder| begin(folder).map_err(unavailable)).await?;
        let (mut batch, mut held) = (Vec::new(), 0);
        while let Some(bytes) = tally.next().await? {
            held += bytes.len();
            batch.push(bytes);
            if held >= BATCH_BYTES {
                (writer, batch) = self.on_disk(|_| write(writer, batch)).await?;
                held = 0;
            }
        }
        self.on_disk(|_| write(writer, batch)).await?;
        let size_bytes = tally.finish()?;
        let file = self.file(key);
        self.on_disk(move |folder| {
            new.as_file().sync_all().map_err(unavailable)?;
            if let Err(error) = name(folder, new, &file) {
                folders::leave(folder, &file);
                return Err(unavailable(error));
            }
            folders::sync_for(folder, &file).map_err(|it| Error::unknown(PORT, it))
        })
        .await?;
        Ok(Put::Stored { size_bytes })
    }
}

fn unavailable(error: io::Error) -> Error {
    Error::unavailable(PORT, error)
}

/// Makes the folder if it is absent, and removes what puts that ended with their process have left.
fn prepare(folder: &Path) -> io::Result<()> {
    if folders::make(folder)? {
        sync(folder.parent().unwrap_or(Path::new("/")))?;
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|it| it.starts_with(UNFINISHED)) {
            // A put that is under way holds the lock.
            let left = File::open(entry.path()).is_ok_and(|it| it.try_lock().is_ok());
            if left {
                fs::remove_file(entry.path())?;
            }
        }
    }
    folders::spread(folder)
}

/// A new file that only its owner may read, locked, and a handle to write it.
fn begin(folder: &Path) -> io::Result<(NamedTempFile, File)> {
    let new = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    new.as_file().try_lock()?;
    let writer = new.as_file().try_clone()?;
    Ok((new, writer))
}

/// Writes a batch, small pieces together, and gives its room back.
fn write(file: File, mut batch: Vec<Bytes>) -> Result<(File, Vec<Bytes>), Error> {
    let mut writer = BufWriter::with_capacity(PIECE_BYTES, file);
    batch.drain(..).try_for_each(|it| writer.write_all(&it)).map_err(unavailable)?;
    let file = writer.into_inner().map_err(|it| unavailable(it.into_error()))?;
    Ok((file, batch))
}

/// Gives a file that is whole the name of its blob.
fn name(all: &Path, mut new: NamedTempFile, file: &Path) -> io::Result<()> {
    for _ in 0..GONE_MAX {
        match folders::make_for(all, file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            made => made?,
        }
        match new.persist(file) {
            Err(it) if it.error.kind() == io::ErrorKind::NotFound => new = it.file,
            named => return named.map(drop).map_err(|it| it.error),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// `None` for what is not there.
fn present<T>(found: io::Result<T>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable(error)),
    }
}

/// Reads as many bytes from where the file stands.
fn chunks(file: tokio::fs::File, length: u64) -> ByteStream {
    let read = |(mut file, left): (tokio::fs::File, u64)| async move {
        if left == 0 {
            return Ok(None);
        }
        let wanted = left.min(CHUNK_BYTES);
        let mut chunk = BytesMut::with_capacity(wanted as usize);
        let read = (&mut file).take(wanted).read_buf(&mut chunk).await.map_err(unavailable)?;
        if read == 0 {
            return Err(Error::corrupt(PORT, "a blob ends before its size"));
        }
        Ok(Some((chunk.freeze(), (file, left - read as u64))))
    };
    stream::try_unfold((file, length), read).boxed()
}

#[async_trait]
impl Blobs for Embedded {
    async fn put(&self, key: &BlobKey, source: Source) -> Result<Put, Error> {
        self.store(key, source).await.or_else(Halt::told)
    }

    async fn get(&self, key: &BlobKey, span: Span) -> Result<Option<Reading>, Error> {
        let Some(mut file) = present(tokio::fs::File::open(self.file(key)).await)? else {
            return Ok(None);
        };
        let size_bytes = file.metadata().await.map_err(unavailable)?.len();
        let (offset, length) = span.within(size_bytes);
        file.seek(SeekFrom::Start(offset)).await.map_err(unavailable)?;
        Ok(Some(Reading { size_bytes, bytes: chunks(file, length) }))
    }

    async fn size(&self, key: &BlobKey) -> Result<Option<u64>, Error> {
        let found = present(tokio::fs::metadata(self.file(key)).await)?;
        Ok(found.map(|it| it.len()))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        let file = self.file(key);
        self.on_disk(move |folder| {
            // What is absent may have been removed by one that did not make it durable.
            present(fs::remove_file(&file))?;
            folders::leave(folder, &file);
            folders::sync_for(folder, &file).map_err(|it| Error::unknown(PORT, it))
        })
        .await
    }

    async fn list(
        &self,
        beginning: &str,
        after: Option<&BlobKey>,
        limit: usize,
    ) -> Result<Vec<Listed>, Error> {
        let (beginning, after) = (beginning.to_owned(), after.cloned());
        self.on_disk(move |folder| {
            let listed = folders::list(folder, &beginning, after.as_ref(), limit.min(LIST_MAX));
            listed.map_err(unavailable)
        })
        .await
    }

    async fn link(&self, _: &BlobKey, grant: Grant, good: Duration) -> Result<Option<Link>, Error> {
        check_link(grant, good)?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use futures_util::future::poll_immediate;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_blob_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Embedded::open(&folder.path().join("blobs")).unwrap();
        let key = BlobKey::new("a").unwrap();
        blobs.put(&key, Bytes::from_static(b"x").into()).await.map(drop).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&blobs.file(&key)), 0o600);
        assert_eq!(mode(&blobs.folder), 0o700);
    }

    #[tokio::test]
    async fn what_a_lost_process_has_left_is_removed_and_what_is_under_way_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("blobs");
        let blobs = Embedded::open(&folder).unwrap();
        fs::write(folder.join(".new-left"), "half").unwrap();
        let (under_way, _) = begin(&folder).unwrap();
        Embedded::open(&folder).unwrap();
        let kept = under_way.path().file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(names(&folder), [kept]);
        assert_eq!(blobs.list("", None, 10).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_blob_lies_in_folders_of_its_words_that_go_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Embedded::open(folder.path()).unwrap();
        let keys = ["media.1.2.3", "media.1.4", "media.2.5"].map(|it| BlobKey::new(it).unwrap());
        for key in &keys {
            blobs.put(key, Bytes::from_static(b"x").into()).await.map(drop).unwrap();
        }
        let inner = folder.path().join("media./1.");
        assert_eq!(blobs.file(&keys[0]), inner.join("2.3"));
        assert_eq!(fs::metadata(&inner).unwrap().permissions().mode() & 0o777, 0o700);
        blobs.delete(&keys[0]).await.unwrap();
        assert_eq!(names(&inner), ["4"]);
        blobs.delete(&keys[1]).await.unwrap();
        assert_eq!(names(&folder.path().join("media.")), ["2."]);
        blobs.delete(&keys[2]).await.unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[tokio::test]
    async fn puts_and_deletes_beside_each_other_share_folders() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Embedded::open(folder.path()).unwrap();
        let each = async |n: usize| {
            let key = BlobKey::new(&format!("up.1.{n}")).unwrap();
            for _ in 0..50 {
                blobs.put(&key, Bytes::from_static(b"x").into()).await.map(drop).unwrap();
                assert_eq!(blobs.size(&key).await.unwrap(), Some(1));
                blobs.delete(&key).await.unwrap();
            }
        };
        futures_util::future::join_all((0..4).map(each)).await;
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[tokio::test]
    async fn what_lay_side_by_side_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "media.1.2", "up.1.p.0.7"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        for _ in 0..2 {
            let blobs = Embedded::open(folder.path()).unwrap();
            let listed = blobs.list("", None, 10).await.unwrap();
            let listed: Vec<_> = listed.iter().map(|it| (it.key.as_str(), it.size_bytes)).collect();
            assert_eq!(listed, [("a", 1), ("media.1.2", 9), ("up.1.p.0.7", 10)]);
        }
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, ["a", "media.", "up."]);
    }

    #[tokio::test]
    async fn a_put_that_is_given_up_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Embedded::open(folder.path()).unwrap();
        let key = BlobKey::new("a").unwrap();
        let mut put = blobs.put(&key, Source::stream(stream::pending().boxed()));
        while names(folder.path()).is_empty() {
            assert!(poll_immediate(&mut put).await.is_none());
            tokio::task::yield_now().await;
        }
        drop(put);
        // The file may still be on its way from the thread that makes it.
        while !names(folder.path()).is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
