//! Contents in the clear for the worker, and what it made sealed to the blobs.

use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use chat::files::{File, Sealer, read_contents, sealed_bytes};
use ports::blobs::{BlobKey, ByteStream, Put, Source};
use ports::keys::Secret;
use ports::{Error, Ports};

/// How long is rested after the store did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes that are sealed at once.
const PIECE: usize = 256 << 10;

fn local(error: std::io::Error) -> Error {
    Error::unavailable("media_worker", error)
}

/// Writes the contents of a file in the clear.
pub(super) async fn unseal(
    ports: &Ports,
    file: &File,
    key: &Secret,
    to: &Path,
) -> Result<(), Error> {
    let mut contents = read_contents(&ports.blobs, file, key, (0, file.size_bytes)).await?;
    let mut to = tokio::fs::File::create_new(to).await.map_err(local)?;
    while let Some(bytes) = contents.try_next().await? {
        to.write_all(&bytes).await.map_err(local)?;
    }
    to.flush().await.map_err(local)
}

/// Seals what lies at a path into a blob, until it is stored; says whether it is what was said.
pub(super) async fn seal(
    ports: &Ports,
    (key, blob): (&Secret, u64),
    path: &Path,
    own: &BlobKey,
    size_bytes: u64,
) -> bool {
    loop {
        let sealer = Sealer::variant(key, blob, ports.entropy.bytes());
        let Ok(file) = tokio::fs::File::open(path).await else { return false };
        let size_bytes = Some(sealed_bytes(size_bytes));
        let source = Source { bytes: sealed(file, sealer), size_bytes, sha256: None };
        match ports.blobs.put(own, source).await {
            Ok(Put::Stored { .. }) => return true,
            Ok(Put::Differs | Put::TooLarge) => return false,
            // What was made lies here and nowhere else.
            Err(error) => tracing::warn!(%error, "what was made of a file can't be stored now"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn sealed(file: tokio::fs::File, sealer: Sealer) -> ByteStream {
    let next = |state: Option<(tokio::fs::File, Sealer)>| async move {
        let Some((mut file, mut sealer)) = state else { return Ok(None) };
        let mut piece = vec![0; PIECE];
        let count = file.read(&mut piece).await.map_err(local)?;
        sealer.push(&piece[..count]);
        let rest = match count {
            0 => {
                sealer.finish();
                return Ok(Some((sealer.take(), None)));
            }
            _ => (sealer.take(), Some((file, sealer))),
        };
        Ok(Some(rest))
    };
    stream::try_unfold(Some((file, sealer)), next).boxed()
}
