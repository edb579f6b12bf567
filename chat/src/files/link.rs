//! Links to files: who may load what, and until when, in a form that nobody else can make; and the
//! key that opens what they lead to.

use std::sync::Arc;

use uuid::Uuid;

use ports::Error;
use ports::keys::{Secret, TreeId, crypto};

use super::{File, FileId, FileState, LINK_MS, contents_key};
use crate::accounts::AccountId;
use crate::kernel::graphql::Viewer;
use crate::kernel::{Keyring, Reader, Timestamp};
use crate::sessions::{Session, SessionId};

/// The key of a file's contents as the keyring has it; `None` once it was destroyed.
///
/// # Errors
/// When the keys can't be reached.
pub async fn key_of(keyring: &Keyring, file: &File) -> Result<Option<Secret>, Error> {
    let own = file.account_id.0.into_bytes();
    let Some(leaf) = file.leaf() else { return Ok(None) };
    let leaf = keyring.leaf(TreeId { author: own, stream: own }, leaf).await?;
    Ok(leaf.map(|it| contents_key(&it, file.id)))
}

/// The leaf of an account's own tree that keys the digests of its contents: no event seals under
/// it, and nothing destroys it but what destroys the tree.
const CONTENTS_LEAF: u64 = u64::MAX;

/// The keyed digest by which an account's contents are found again: of two files it is the same
/// only where the account and all bytes are; `None` once the account's keys are gone.
///
/// # Errors
/// When the keys can't be reached.
pub async fn contents_id(
    keyring: &Keyring,
    account: AccountId,
    (digest, size_bytes): (&str, u64),
) -> Result<Option<String>, Error> {
    let own = account.0.into_bytes();
    let leaf = keyring.leaf(TreeId { author: own, stream: own }, CONTENTS_LEAF).await?;
    let key = leaf.map(|it| crypto::derive(&it, &[b"digests of contents"]));
    let parts = [digest.as_bytes(), &size_bytes.to_be_bytes()];
    Ok(key.map(|it| crypto::fingerprint(&it, &parts)))
}

/// The file that holds the contents of one that is there: itself, or that whose alias it is.
///
/// # Errors
/// When the documents can't be reached.
pub async fn holder_of(reader: &Reader, file: &Arc<File>) -> Result<Option<Arc<File>>, Error> {
    let Some(first) = file.same_as else { return Ok(Some(Arc::clone(file))) };
    let first = reader.load::<File>(first.to_string()).await?;
    Ok(first.filter(|it| it.has_contents() && it.account_id == file.account_id))
}

/// What a link to a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub file: FileId,
    /// What of it: a variant by its name, or else the contents.
    pub variant: Option<String>,
    pub viewer: AccountId,
    pub session: SessionId,
    /// Good up to before this time.
    pub until: Timestamp,
}

/// Why nothing comes of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// It is forged, has run out, or what it leads to is not there any more.
    NotFound,
    /// That can't be told now.
    Unavailable,
}

impl From<Error> for LinkError {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a port failed");
        Self::Unavailable
    }
}

impl Link {
    /// A link for somebody who may see the file now.
    pub fn to(file: FileId, viewer: Viewer, now: Timestamp) -> Self {
        let session = SessionId(viewer.session);
        let until = Timestamp(now.0 + LINK_MS);
        Self { file, variant: None, viewer: viewer.account, session, until }
    }

    /// The same for a variant of the file, and for nothing else of it.
    pub fn variant(self, name: &str) -> Self {
        Self { variant: Some(name.to_owned()), ..self }
    }

    fn signature(&self, keyring: &Keyring) -> String {
        let ids: [Uuid; 3] = [self.file.0, self.viewer.0, self.session.0];
        let ids: Vec<u8> = ids.iter().flat_map(|it| *it.as_bytes()).collect();
        let until = self.until.0.to_be_bytes();
        let variant = self.variant.as_deref().unwrap_or_default().as_bytes();
        // What comes before the name has always the same length.
        crypto::fingerprint(&keyring.secret("file links"), &[&ids, &until, variant])
    }

    /// The path and query of its URL.
    pub fn path(&self, keyring: &Keyring) -> String {
        let (file, viewer, session) = (self.file, self.viewer, self.session);
        let (until, signature) = (self.until.0, self.signature(keyring));
        let variant = self.variant.as_ref().map(|it| format!("/{it}")).unwrap_or_default();
        let asked = format!("viewer={viewer}&session={session}&until={until}&sign={signature}");
        format!("/files/{file}{variant}?{asked}")
    }

    /// Reads the query of a URL that leads to a file; nothing when it was not made here.
    pub fn read(
        file: FileId,
        variant: Option<String>,
        query: &str,
        keyring: &Keyring,
    ) -> Option<Self> {
        let value = |wanted: &str| {
            let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
            pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
        };
        let (viewer, session) = (value("viewer")?.parse().ok()?, value("session")?.parse().ok()?);
        let until = Timestamp(value("until")?.parse().ok()?);
        let link = Self { file, variant, viewer, session, until };
        let (given, made) = (value("sign")?, link.signature(keyring));
        crypto::equal(given.as_bytes(), made.as_bytes()).then_some(link)
    }

    /// The file, as long as the link is good, its session goes on and the file is there.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn follow(
        &self,
        reader: &Reader,
        now: Timestamp,
    ) -> Result<Arc<File>, LinkError> {
        // A clock that was set back does not lengthen it.
        if !(self.until.0 - LINK_MS..self.until.0).contains(&now.0) {
            return Err(LinkError::NotFound);
        }
        let session = reader.load::<Session>(self.session.to_string()).await?;
        // One that was just opened may not have been projected yet, as for tokens.
        if session.is_some_and(|it| it.ended || it.account_id != self.viewer) {
            return Err(LinkError::NotFound);
        }
        let file = reader.load::<File>(self.file.to_string()).await?;
        file.filter(|it| it.state == FileState::Uploaded).ok_or(LinkError::NotFound)
    }
}
