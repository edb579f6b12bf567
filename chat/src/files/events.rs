//! What can happen to a file.

use apache_avro::AvroSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use ports::keys::TreeId;

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::event::Reaction;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded, Timestamp};

crate::id! {
    /// Identifies a file, and the upload that it comes from.
    FileId, "file"
}

crate::events! {
    /// Everything that can happen to files; they live in their owner's stream.
    FileEvent {
        UploadBegun [details],
        FileUploaded [digest],
        UploadAbandoned [],
        UploadRefused [],
        FileKept [],
        FileReleased [],
        FileWithdrawn [],
        FileDiscarded [],
        FileSwept [],
    }
}

/// What its owner says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FileDetails {
    /// Without folders, control characters and marks that turn the direction of text.
    pub name: String,
    /// In lower case and without parameters; nobody has looked whether it is true.
    pub media_type: String,
}

/// Somebody has begun to upload a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct UploadBegun {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub size_bytes: Long,
    /// Under a key of its own, which is the key of the file.
    pub details: Personal<FileDetails>,
    /// When it is abandoned unless all bytes have come.
    pub expires_at: Timestamp,
    /// Whether it is a piece of another, which its bytes are made of; null when it is not.
    #[serde(default)]
    pub partial: Option<bool>,
    /// The pieces that it is made of, in their order; null when its bytes come by themselves.
    #[serde(default)]
    pub pieces: Option<Vec<FileId>>,
    /// Whether its bytes go to the store without us; null when they do not.
    #[serde(default)]
    pub direct: Option<bool>,
}

/// All bytes of a file are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct FileUploaded {
    pub file_id: FileId,
    pub account_id: AccountId,
    /// Which of the blobs of the file holds its contents.
    pub blob: Long,
    /// SHA-256 of the contents in hexadecimal digits, under the key of the file.
    pub digest: Personal<String>,
    /// When it is discarded unless something refers to it.
    pub unused_until: Timestamp,
    /// Keyed digest of the contents, by which they are found when they come again; null where that
    /// is not known, and of an alias.
    #[serde(default)]
    pub contents: Option<String>,
    /// The file of the same account whose contents it has; null where it holds its own. That one
    /// holds its own.
    #[serde(default)]
    pub same_as: Option<FileId>,
    /// Bytes that it does not take since another holds its contents.
    #[serde(default)]
    pub spared_bytes: Option<Long>,
    /// When it is discarded whatever refers to it; null where files are kept.
    #[serde(default)]
    pub kept_until: Option<Timestamp>,
    /// Whether the contents stay in the parts that they came in, and that blob lists those; null
    /// when it holds them.
    #[serde(default)]
    pub in_parts: Option<bool>,
}

/// An upload was given up, or has taken too long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct UploadAbandoned {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub size_bytes: Long,
    /// The leaf of the owner's key tree that is the key of the file.
    pub leaf: Long,
}

/// Why what somebody uploaded is not taken: the scanner knows it to do harm, or the operator's list
/// has its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AvroSchema)]
#[avro(namespace = "chat.files")]
pub enum RefusalReason {
    Harmful,
    Blocked,
}

/// What somebody uploaded is not taken: it is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct UploadRefused {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub size_bytes: Long,
    /// The leaf of the owner's key tree that is the key of the file.
    pub leaf: Long,
    pub reason: RefusalReason,
}

/// Something refers to a file: it is there until nothing does any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct FileKept {
    pub file_id: FileId,
    pub account_id: AccountId,
}

/// Nothing may refer to a file any more: it is discarded unless something does by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct FileReleased {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub unused_until: Timestamp,
}

/// A file is not there any more, but its contents are: aliases have them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct FileWithdrawn {
    pub file_id: FileId,
    pub account_id: AccountId,
}

/// A file is not there any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct FileDiscarded {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub size_bytes: Long,
    /// The leaf of the owner's key tree that is the key of the file.
    pub leaf: Long,
    /// Keyed digest of the contents that it held; null where that was not known, and of an alias.
    #[serde(default)]
    pub contents: Option<String>,
    /// The file whose contents it had; null where it held its own.
    #[serde(default)]
    pub same_as: Option<FileId>,
    /// Whether it had been withdrawn before, and now its contents go; null when it had not.
    #[serde(default)]
    pub withdrawn: Option<bool>,
}

/// The blobs are deleted that an upload, or what is over, had left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.files")]
pub struct FileSwept {
    pub file_id: FileId,
    pub account_id: AccountId,
}

impl FileEvent {
    /// The file that it is about.
    pub(crate) fn file_id(&self) -> FileId {
        match self {
            Self::UploadBegun(it) => it.file_id,
            Self::FileUploaded(it) => it.file_id,
            Self::UploadAbandoned(it) => it.file_id,
            Self::UploadRefused(it) => it.file_id,
            Self::FileKept(it) => it.file_id,
            Self::FileReleased(it) => it.file_id,
            Self::FileWithdrawn(it) => it.file_id,
            Self::FileDiscarded(it) => it.file_id,
            Self::FileSwept(it) => it.file_id,
        }
    }

    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::FileSwept(_) => (Change::None, Effect::None),
            Self::UploadBegun(_)
            | Self::FileUploaded(_)
            | Self::UploadAbandoned(_)
            | Self::UploadRefused(_)
            | Self::FileKept(_)
            | Self::FileReleased(_)
            | Self::FileWithdrawn(_)
            | Self::FileDiscarded(_) => (Change::File(self.file_id()), Effect::None),
        }
    }
}

/// Of what is over nothing can be read any more, wherever its blobs are found.
pub fn destroy_file(event: &Recorded) -> Vec<Reaction> {
    let (account, leaf) = match FileEvent::of(&event.event) {
        Some(FileEvent::UploadAbandoned(it)) => (it.account_id, it.leaf),
        Some(FileEvent::UploadRefused(it)) => (it.account_id, it.leaf),
        Some(FileEvent::FileDiscarded(it)) => (it.account_id, it.leaf),
        Some(
            FileEvent::UploadBegun(_)
            | FileEvent::FileUploaded(_)
            | FileEvent::FileKept(_)
            | FileEvent::FileReleased(_)
            | FileEvent::FileWithdrawn(_)
            | FileEvent::FileSwept(_),
        )
        | None => return Vec::new(),
    };
    let own = account.0.into_bytes();
    vec![Reaction::DestroyKey { tree: TreeId { author: own, stream: own }, leaf: leaf.0 }]
}
