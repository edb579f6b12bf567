//! Links to files: who may load what, and until when, in a form that nobody else can make; and the
//! key that opens what they lead to.

use std::sync::Arc;

use uuid::Uuid;

use ports::Error;
use ports::keys::{Secret, TreeId, crypto};

use super::{File, FileId, FileState, LINK_MS, STREAM_MS, contents_key};
use crate::accounts::AccountId;
use crate::edit_policy::may_see_versions;
use crate::kernel::graphql::Viewer;
use crate::kernel::{Keyring, Reader, Timestamp};
use crate::media::{Stream, is_avatar};
use crate::messages::{Message, MessageId};
use crate::pictures::{LINKED_MS, Subject};
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

/// By what somebody may see a file for longer than a link is good: it is looked at each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// It is theirs.
    Owner,
    /// They see a message that holds it, or what that showed before.
    Message(MessageId),
    /// It is somebody's picture.
    Picture(Subject),
}

impl Through {
    fn id(self) -> Uuid {
        match self {
            Self::Owner => Uuid::nil(),
            Self::Message(it) => it.0,
            Self::Picture(Subject::Account(it)) => it.0,
            Self::Picture(Subject::Conversation(it)) => it.0,
        }
    }

    /// As it stands in a query.
    fn text(self) -> String {
        match self {
            Self::Owner | Self::Message(_) => self.id().simple().to_string(),
            Self::Picture(it) => it.to_string(),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if let Ok(it) = text.parse::<Uuid>() {
            return Some(if it.is_nil() { Self::Owner } else { Self::Message(MessageId(it)) });
        }
        let account = text.parse().ok().map(Subject::Account);
        let subject = account.or_else(|| text.parse().ok().map(Subject::Conversation));
        subject.map(Self::Picture)
    }

    fn is_picture(self) -> bool {
        matches!(self, Self::Picture(_))
    }

    /// Under which name the secret lies that signs it.
    fn secret(self) -> &'static str {
        match self {
            Self::Owner | Self::Message(_) => "file streams",
            Self::Picture(Subject::Account(_)) => "pictures of accounts",
            Self::Picture(Subject::Conversation(_)) => "pictures of conversations",
        }
    }

    /// Whether such a link leads to a variant of this name.
    fn has(self, name: &str) -> bool {
        match self {
            Self::Owner | Self::Message(_) => Stream::has(name),
            Self::Picture(_) => is_avatar(name),
        }
    }

    /// Whether somebody sees the file now.
    async fn shows(
        self,
        reader: &Reader,
        (file, viewer): (&File, AccountId),
        now: Timestamp,
    ) -> Result<bool, Error> {
        let message = match self {
            Self::Owner => return Ok(file.account_id == viewer),
            Self::Picture(subject) => return subject.shows(reader, (file.id, viewer)).await,
            Self::Message(message) => message,
        };
        let found = reader.fetch::<Message>(viewer, message.to_string()).await?;
        let Some(message) = found.filter(|it| !it.is_gone(now)) else { return Ok(false) };
        if message.showed(file.id) {
            return may_see_versions(reader, &message, viewer).await;
        }
        Ok(message.files.contains(&file.id))
    }
}

/// The leaf of an account's own tree that keys the digests of its contents: no event seals under
/// it, and nothing destroys it but what destroys the tree.
pub(super) const CONTENTS_LEAF: u64 = u64::MAX;

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
    /// Of a stream, whose playlists and pieces it leads to, or of a picture.
    pub through: Option<Through>,
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
        Self { file, variant: None, through: None, viewer: viewer.account, session, until }
    }

    /// The same for what a video is played from while it comes, for [`STREAM_MS`].
    pub fn stream(self, through: Through) -> Self {
        let until = Timestamp(self.until.0 - LINK_MS + STREAM_MS);
        let variant = Some(Stream::name().to_owned());
        Self { variant, through: Some(through), until, ..self }
    }

    /// The same for what is seen as a picture. Whoever asks again soon is given the same one, so
    /// that they need not load it again.
    pub fn picture(self, through: Through, now: Timestamp) -> Self {
        let since = now.0 - now.0.rem_euclid(LINKED_MS);
        Self { through: Some(through), until: Timestamp(since + STREAM_MS), ..self }
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
        if let Some(through) = self.through {
            let (name, id) = (through.secret(), through.id());
            // All of a stream is one; of a picture each size is one.
            let of = if through.is_picture() { variant } else { b"" };
            return crypto::fingerprint(&keyring.secret(name), &[&ids, &until, id.as_bytes(), of]);
        }
        // What comes before the name has always the same length.
        crypto::fingerprint(&keyring.secret("file links"), &[&ids, &until, variant])
    }

    /// What is in the query of its URL.
    pub fn query(&self, keyring: &Keyring) -> String {
        let (viewer, session) = (self.viewer, self.session);
        let (until, signature) = (self.until.0, self.signature(keyring));
        let through = match self.through {
            Some(it) => format!("&through={}", it.text()),
            None => String::new(),
        };
        format!("viewer={viewer}&session={session}&until={until}{through}&sign={signature}")
    }

    /// The path and query of its URL.
    pub fn path(&self, keyring: &Keyring) -> String {
        let variant = self.variant.as_ref().map(|it| format!("/{it}")).unwrap_or_default();
        format!("/files/{}{variant}?{}", self.file, self.query(keyring))
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
        let through = match value("through") {
            Some(it) => {
                let through = Through::read(it)?;
                variant.as_deref().filter(|it| through.has(it))?;
                Some(through)
            }
            None => None,
        };
        let link = Self { file, variant, through, viewer, session, until };
        let (given, made) = (value("sign")?, link.signature(keyring));
        crypto::equal(given.as_bytes(), made.as_bytes()).then_some(link)
    }

    /// The file, as long as the link is good, its session goes on and the file is there.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn follow(&self, reader: &Reader, now: Timestamp) -> Result<Arc<File>, LinkError> {
        // A clock that was set back does not lengthen it.
        let good = if self.through.is_some() { STREAM_MS } else { LINK_MS };
        if !(self.until.0 - good..self.until.0).contains(&now.0) {
            return Err(LinkError::NotFound);
        }
        let session = reader.load::<Session>(self.session.to_string()).await?;
        // One that was just opened may not have been projected yet, as for tokens.
        if session.is_some_and(|it| it.ended || it.account_id != self.viewer) {
            return Err(LinkError::NotFound);
        }
        let file = reader.load::<File>(self.file.to_string()).await?;
        let file = file.filter(|it| it.state == FileState::Uploaded).ok_or(LinkError::NotFound)?;
        if let Some(through) = self.through
            && !through.shows(reader, (&file, self.viewer), now).await?
        {
            return Err(LinkError::NotFound);
        }
        Ok(file)
    }
}
