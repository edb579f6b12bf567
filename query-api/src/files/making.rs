//! Makes contents of the parts of an upload: a list of them, or one blob of what is in them.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;

use axum::http::StatusCode;
use chat::files::{
    File, ListedPart, Part, Sealer, hex, read_part, salt_of, seal_list, sealed_bytes,
};
use chat::kernel::Failure;
use ports::blobs::{BlobKey, Source};
use ports::keys::Secret;
use ports::scanner::Verdict;
use ports::{Error, ErrorKind};

use super::Refused;
use super::digested::Digested;
use super::intake::Look;
use super::receive::stored;
use crate::schema::Parts;

/// Pieces that wait to be stored at most.
const WAITING_MAX: usize = 4;

/// Contents that are stored.
pub(super) struct Made {
    /// SHA-256 in hexadecimal digits.
    pub(super) digest: String,
    pub(super) verdict: Verdict,
    /// Whether they stay in their parts.
    pub(super) in_parts: bool,
}

/// What is to hold contents.
pub(super) struct Making<'a> {
    pub(super) roles: &'a Parts,
    pub(super) file: &'a File,
    pub(super) key: &'a Secret,
    pub(super) own: &'a BlobKey,
}

impl Making<'_> {
    /// Lists parts that follow each other, each with the key that it is sealed by. What is known of
    /// them need not be read, unless somebody looks at it.
    pub(super) async fn list(
        &self,
        path: Vec<(Secret, Part)>,
        known: Option<Digested>,
    ) -> Result<Made, Refused> {
        let ports = &self.roles.ports;
        let parts: Vec<_> = path.iter().map(|it| it.1.clone()).collect();
        let known = known.and_then(|it| it.of(&parts)).filter(|_| !ports.scanner.is_there());
        let (digest, verdict, listed) = match known {
            Some((digest, listed)) => (hex(&digest), Verdict::Clean, listed),
            None => {
                let (look, looking) = Look::begin(&ports.scanner);
                let reading = self.read(&path, look, None);
                let (read, verdict) = tokio::join!(reading, looking);
                let (digest, listed) = read?.ok_or(Failure::Unavailable)?;
                (digest, verdict?, listed)
            }
        };
        let list = seal_list(self.key, ports.entropy.bytes(), &listed);
        stored(ports.blobs.put(self.own, list.into()).await?)?;
        Ok(Made { digest, verdict, in_parts: true })
    }

    /// Puts parts together into one blob.
    pub(super) async fn join(&self, path: Vec<(Secret, Part)>) -> Result<Made, Refused> {
        let ports = &self.roles.ports;
        let (to, from) = mpsc::channel(WAITING_MAX);
        let pieces = stream::unfold(from, |mut from| async move {
            from.recv().await.map(|piece: Result<Bytes, Error>| (piece, from))
        });
        let size_bytes = Some(sealed_bytes(self.file.size_bytes));
        let source = Source { bytes: pieces.boxed(), size_bytes, sha256: None };
        let (look, looking) = Look::begin(&ports.scanner);
        let joined = Joined { sealer: Sealer::whole(self.key, ports.entropy.bytes()), to };
        let sealing = async move {
            let mut joined = joined;
            let read = match self.read(&path, look, Some(&mut joined)).await {
                Ok(read) => read,
                // Who stores the pieces fails with it.
                Err(error) => {
                    let _ = joined.to.send(Err(error)).await;
                    return None;
                }
            };
            joined.finish().await?;
            read
        };
        let (put, read, verdict) =
            tokio::join!(ports.blobs.put(self.own, source), sealing, looking);
        if self.file.direct && put.as_ref().is_err_and(|it| it.kind == ErrorKind::Corrupt) {
            // Whoever sealed a part did it otherwise than they were told.
            let message = "a part is not sealed by its key";
            return Err(Refused::Status(StatusCode::UNPROCESSABLE_ENTITY, message));
        }
        stored(put?)?;
        let ((digest, _), verdict) = (read.ok_or(Failure::Unavailable)?, verdict?);
        Ok(Made { digest, verdict, in_parts: false })
    }

    /// Reads parts, one after the other; gives the digest of what is in them, unless it is not
    /// wanted any more, and where they lie.
    async fn read(
        &self,
        path: &[(Secret, Part)],
        look: Look,
        joined: Option<&mut Joined>,
    ) -> Result<Option<(String, Vec<ListedPart>)>, Error> {
        let (mut reader, mut listed) =
            (Through { digest: Context::new(&SHA256), look, joined }, Vec::new());
        for (key, part) in path {
            match self.read_one(key, part, &mut reader).await {
                Ok(Some(it)) => listed.push(it),
                Ok(None) => return Ok(None),
                Err(error) => {
                    // So does who looks at them.
                    reader.look.fail(Error::new(error.kind, error.port, "it breaks off")).await;
                    return Err(error);
                }
            }
        }
        Ok(Some((hex(reader.digest.finish().as_ref()), listed)))
    }

    async fn read_one(
        &self,
        key: &Secret,
        part: &Part,
        through: &mut Through<'_>,
    ) -> Result<Option<ListedPart>, Error> {
        let blobs = &*self.roles.ports.blobs;
        let salt = salt_of(blobs, &part.key).await?;
        let listed = ListedPart::new(&part.key, part.start, part.size_bytes, salt);
        let mut plain = read_part(blobs, key, &listed, (0, part.size_bytes)).await?;
        while let Some(plain) = plain.try_next().await? {
            if through.push(&plain).await.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(listed))
    }
}

/// What contents go through when they are read.
struct Through<'a> {
    digest: Context,
    look: Look,
    joined: Option<&'a mut Joined>,
}

impl Through<'_> {
    /// Some more; nothing when they are not wanted any more.
    async fn push(&mut self, plain: &[u8]) -> Option<()> {
        self.digest.update(plain);
        self.look.push(plain).await?;
        match &mut self.joined {
            Some(joined) => joined.push(plain).await,
            None => Some(()),
        }
    }
}

/// One blob that contents are put together in.
struct Joined {
    sealer: Sealer,
    to: mpsc::Sender<Result<Bytes, Error>>,
}

impl Joined {
    async fn push(&mut self, plain: &[u8]) -> Option<()> {
        self.sealer.push(plain);
        self.send().await
    }

    async fn finish(mut self) -> Option<()> {
        self.sealer.finish();
        self.send().await
    }

    async fn send(&mut self) -> Option<()> {
        let sealed = self.sealer.take();
        if sealed.is_empty() {
            return Some(());
        }
        self.to.send(Ok(sealed)).await.ok()
    }
}
