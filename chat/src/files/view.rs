//! Files as they are remembered, and what they take.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;
use ports::event_log::Partition;

use super::{
    DIRECT_MS, DIRECT_REST_MS, FileDetails, FileEvent, FileId, FileUploaded, UploadAbandoned,
    UploadBegun, UploadRefused,
};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::kernel::{Document, Personal, Recorded, Timestamp};

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
pub enum FileState {
    /// Not all of its bytes have come.
    Uploading,
    /// It is there.
    Uploaded,
    /// It is not there any more.
    Over,
}

/// A file, or what is to become one; what is over is remembered until its blobs are deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct File {
    pub id: FileId,
    pub account_id: AccountId,
    pub partition: Partition,
    pub size_bytes: u64,
    pub state: FileState,
    /// Under the leaf that is the key of all of it.
    pub details: Personal<FileDetails>,
    pub digest: Option<Personal<String>>,
    /// Which of its blobs holds the contents, while it does: an alias holds none, and what was
    /// withdrawn holds them for its aliases.
    pub blob: Option<u64>,
    /// Whether they stay in the parts that they came in, which that blob lists.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_parts: bool,
    /// Keyed digest of the contents that it holds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<String>,
    /// The file whose contents it has, if it is an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<FileId>,
    /// Files that are there and have its contents beside it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub aliases: u64,
    /// Whether it is over and only its contents are there, for its aliases.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    pub begun_at: Timestamp,
    /// When it ends: an upload unless it is finished, a file unless something refers to it. Absent
    /// once something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Whether it is a piece of another, and never a file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// The pieces that it is made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<FileId>,
    /// When it is discarded whatever refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<Timestamp>,
    /// Whether its bytes go to the store without us.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub direct: bool,
    /// Whether there may be blobs that it does not need.
    pub left_behind: bool,
    /// Since when, where more of them may come by links to the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(it: &u64) -> bool {
    *it == 0
}

impl File {
    /// The leaf of its owner's key tree that is the key of the file.
    pub fn leaf(&self) -> Option<u64> {
        self.details.leaf()
    }

    /// Whether it is there.
    pub fn is_uploaded(&self) -> bool {
        self.state == FileState::Uploaded
    }

    /// Whether its contents can be read, by itself or by its aliases.
    pub fn has_contents(&self) -> bool {
        self.is_uploaded() || self.withdrawn
    }

    /// The file that holds its contents, and what was made of them: itself, unless it is an alias.
    pub fn holder(&self) -> FileId {
        self.same_as.unwrap_or(self.id)
    }

    /// Where those of a partition are that have left blobs behind.
    pub fn left(partition: Partition) -> String {
        format!("{partition:04x}/")
    }

    /// Where the aliases of a file are.
    pub fn aliases_of(file: FileId) -> String {
        format!("{file}/")
    }

    /// Whether what it leaves behind is to be deleted now: links outlive what they were made for,
    /// and what was begun by one may take its time.
    pub fn is_to_be_swept(&self, now: Timestamp) -> bool {
        let all_in = |it: Timestamp| it.0 + DIRECT_MS + DIRECT_REST_MS <= now.0;
        self.left_behind && self.left_at.is_none_or(all_in)
    }

    /// Something is stored that it does not need, since this time.
    fn leaves(&mut self, now: Timestamp) {
        self.left_behind = true;
        self.left_at = self.direct.then_some(now);
    }

    /// One more file has its contents, or one less.
    fn count_alias(&mut self, begins: bool) {
        let less = self.aliases.saturating_sub(1);
        self.aliases = if begins { self.aliases + 1 } else { less };
    }

    fn uploaded(&mut self, it: &FileUploaded, event: &Recorded) {
        self.state = FileState::Uploaded;
        self.digest = Some(it.digest.clone());
        self.blob = it.same_as.is_none().then_some(it.blob.0);
        self.in_parts = it.same_as.is_none() && it.in_parts == Some(true);
        self.contents = it.contents.clone();
        self.same_as = it.same_as;
        self.until = Some(it.unused_until);
        self.kept_until = it.kept_until;
        self.leaves(event.occurred_at);
        self.seq = event.seq;
    }

    fn new(it: &UploadBegun, event: &Recorded) -> Self {
        Self {
            id: it.file_id,
            account_id: it.account_id,
            partition: event.partition,
            size_bytes: it.size_bytes.0,
            state: FileState::Uploading,
            details: it.details.clone(),
            digest: None,
            blob: None,
            in_parts: false,
            contents: None,
            same_as: None,
            aliases: 0,
            withdrawn: false,
            begun_at: event.occurred_at,
            until: Some(it.expires_at),
            partial: it.partial.unwrap_or(false),
            pieces: it.pieces.clone().unwrap_or_default(),
            kept_until: None,
            direct: it.direct.unwrap_or(false),
            left_behind: false,
            left_at: None,
            seq: event.seq,
        }
    }
}

impl Document for File {
    const COLLECTION: Collection = Collection { name: "files", indexes: &["left", "aliases"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some(event) = FileEvent::of(&event.event) else { return Vec::new() };
        let first = alias(event).map(|(first, _)| first);
        [Some(event.file_id()), first].iter().flatten().map(ToString::to_string).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(FileEvent::of(&event.event), Some(FileEvent::UploadBegun(_)))
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let told = FileEvent::of(&event.event);
        let of_first = told.and_then(alias).filter(|(first, _)| first.to_string() == id);
        if let Some((_, begins)) = of_first {
            return document.iter_mut().for_each(|it| it.count_alias(begins));
        }
        match (told, document.as_mut()) {
            (Some(FileEvent::UploadBegun(it)), _) => *document = Some(Self::new(it, event)),
            (Some(FileEvent::FileUploaded(it)), Some(file)) => file.uploaded(it, event),
            (Some(FileEvent::FileKept(_)), Some(file)) => {
                file.until = None;
                file.seq = event.seq;
            }
            (Some(FileEvent::FileReleased(it)), Some(file)) => {
                file.until = Some(it.unused_until);
                file.seq = event.seq;
            }
            (Some(FileEvent::FileWithdrawn(_)), Some(file)) => {
                file.state = FileState::Over;
                file.withdrawn = true;
                file.digest = None;
                file.until = None;
                file.seq = event.seq;
            }
            (
                Some(
                    FileEvent::UploadAbandoned(_)
                    | FileEvent::UploadRefused(_)
                    | FileEvent::FileDiscarded(_),
                ),
                Some(file),
            ) => {
                file.state = FileState::Over;
                file.withdrawn = false;
                file.digest = None;
                file.blob = None;
                file.in_parts = false;
                file.leaves(event.occurred_at);
                file.seq = event.seq;
            }
            (Some(FileEvent::FileSwept(_)), Some(file)) => match file.state {
                FileState::Over if !file.withdrawn => *document = None,
                FileState::Uploading | FileState::Uploaded | FileState::Over => {
                    file.left_behind = false;
                    file.left_at = None;
                }
            },
            (
                Some(
                    FileEvent::FileUploaded(_)
                    | FileEvent::UploadAbandoned(_)
                    | FileEvent::UploadRefused(_)
                    | FileEvent::FileKept(_)
                    | FileEvent::FileReleased(_)
                    | FileEvent::FileWithdrawn(_)
                    | FileEvent::FileDiscarded(_)
                    | FileEvent::FileSwept(_),
                )
                | None,
                _,
            ) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let key = || format!("{}{}", Self::left(self.partition), self.id);
        let alias = self.same_as.filter(|_| self.is_uploaded());
        let alias = alias.map(|it| format!("{}{}", Self::aliases_of(it), self.id));
        vec![self.left_behind.then(key), alias]
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}

/// The file whose contents an alias has, and whether the event begins that or ends it.
fn alias(event: &FileEvent) -> Option<(FileId, bool)> {
    match event {
        FileEvent::FileUploaded(it) => Some((it.same_as?, true)),
        FileEvent::FileDiscarded(it) => Some((it.same_as?, false)),
        FileEvent::UploadBegun(_)
        | FileEvent::UploadAbandoned(_)
        | FileEvent::UploadRefused(_)
        | FileEvent::FileKept(_)
        | FileEvent::FileReleased(_)
        | FileEvent::FileWithdrawn(_)
        | FileEvent::FileSwept(_) => None,
    }
}

/// Contents that an account has stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The file that holds them; others that have them are its aliases.
    pub file_id: FileId,
}

impl Contents {
    /// The id of the contents of an account with a keyed digest.
    pub fn id(account: AccountId, digest: &str) -> String {
        format!("{account}/{digest}")
    }
}

impl Document for Contents {
    const COLLECTION: Collection = Collection { name: "contents", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let (account, digest) = match FileEvent::of(&event.event) {
            Some(FileEvent::FileUploaded(it)) => (it.account_id, &it.contents),
            Some(FileEvent::FileDiscarded(it)) => (it.account_id, &it.contents),
            Some(
                FileEvent::UploadBegun(_)
                | FileEvent::UploadAbandoned(_)
                | FileEvent::UploadRefused(_)
                | FileEvent::FileKept(_)
                | FileEvent::FileReleased(_)
                | FileEvent::FileWithdrawn(_)
                | FileEvent::FileSwept(_),
            )
            | None => return Vec::new(),
        };
        digest.iter().map(|it| Self::id(account, it)).collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        *document = match FileEvent::of(&event.event) {
            Some(FileEvent::FileUploaded(it)) => Some(Self { file_id: it.file_id }),
            Some(_) | None => None,
        };
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}

/// What the files of an account take; an upload takes what it is to become, an alias nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Storage {
    pub bytes: u64,
    /// Files that were uploaded.
    pub files: u64,
    /// Uploads that are not finished.
    pub uploads: u64,
}

impl Document for Storage {
    const COLLECTION: Collection = Collection { name: "storage", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let account = match FileEvent::of(&event.event) {
            Some(FileEvent::UploadBegun(it)) => it.account_id,
            Some(FileEvent::FileUploaded(it)) => it.account_id,
            Some(FileEvent::UploadAbandoned(it)) => it.account_id,
            Some(FileEvent::UploadRefused(it)) => it.account_id,
            Some(FileEvent::FileWithdrawn(it)) => it.account_id,
            Some(FileEvent::FileDiscarded(it)) => it.account_id,
            Some(FileEvent::FileKept(_) | FileEvent::FileReleased(_) | FileEvent::FileSwept(_))
            | None => return Vec::new(),
        };
        vec![account.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event) = FileEvent::of(&event.event) else { return };
        let storage = document.get_or_insert_default();
        match event {
            FileEvent::UploadBegun(it) => {
                storage.bytes += it.size_bytes.0;
                storage.uploads += 1;
            }
            FileEvent::FileUploaded(it) => {
                let spared = it.spared_bytes.map_or(0, |it| it.0);
                storage.bytes = storage.bytes.saturating_sub(spared);
                storage.uploads = storage.uploads.saturating_sub(1);
                storage.files += 1;
            }
            FileEvent::UploadAbandoned(UploadAbandoned { size_bytes, .. })
            | FileEvent::UploadRefused(UploadRefused { size_bytes, .. }) => {
                storage.bytes = storage.bytes.saturating_sub(size_bytes.0);
                storage.uploads = storage.uploads.saturating_sub(1);
            }
            FileEvent::FileWithdrawn(_) => storage.files = storage.files.saturating_sub(1),
            FileEvent::FileDiscarded(it) => {
                let taken = if it.same_as.is_none() { it.size_bytes.0 } else { 0 };
                let shown = u64::from(it.withdrawn != Some(true));
                storage.bytes = storage.bytes.saturating_sub(taken);
                storage.files = storage.files.saturating_sub(shown);
            }
            FileEvent::FileKept(_) | FileEvent::FileReleased(_) | FileEvent::FileSwept(_) => (),
        }
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}
