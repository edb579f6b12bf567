//! When an upload may begin, and when it is a file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contents::is_digest;
use super::end::Ending;
use super::{
    Contents, DAY_MS, File, FileDetails, FileId, FileState, FileUploaded, MEDIA_TYPE_BYTES_MAX,
    NAME_BYTES_MAX, PIECES_MAX, RefusalReason, SIZE_BYTES_MAX, Storage, UNUSED_MS_MAX,
    UPLOAD_MS_MAX, UPLOADS_MAX, UploadBegun, UploadRefused,
};
use crate::Event;
use crate::accounts::{Account, AccountId};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp, id};

crate::rejections! {
    /// Why files say no.
    FileRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        TooLarge: Invalid, "FILES_TOO_LARGE",
            "a file has at most 2 GiB", "Upload what fits, or split it.";
        StorageFull: LimitExceeded, "FILES_STORAGE_FULL",
            "the account's storage is full", "Delete files, or ask staff for more.";
        TooManyUploads: LimitExceeded, "FILES_TOO_MANY_UPLOADS",
            "100 uploads are not finished", "Finish or terminate some.";
        TooManyParts: LimitExceeded, "FILES_TOO_MANY_PARTS",
            "the upload came in too many parts", "Terminate it, and send more at once.";
        TooManyPieces: Invalid, "FILES_TOO_MANY_PIECES",
            "an upload is made of at most 50 others", "Upload larger pieces.";
        NotDirect: Conflict, "FILES_NOT_DIRECT",
            "the server's store has no address, or the upload was not begun for it",
            "Send the bytes to the server.";
        PartInvalid: Invalid, "FILES_PART_INVALID",
            "a part begins at a multiple of 8 MiB within the upload", "Ask for another one.";
        NameInvalid: Invalid, "FILES_NAME_INVALID",
            "a name has at most 255 bytes", "Shorten it.";
        TypeInvalid: Invalid, "FILES_TYPE_INVALID",
            "the media type is none", "Name one like image/png, or none.";
        TypeRefused: Forbidden, "FILES_TYPE_REFUSED",
            "the server takes no files of that kind", "Send something else.";
        Refused: Forbidden, "FILES_REFUSED",
            "the contents are known to do harm, or are not to be spread", "Clean your machine.";
        Suspended: Forbidden, "FILES_SUSPENDED",
            "the account can't upload", "Ask staff.";
    }
}

/// Begins an upload.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BeginUpload {
    /// At most 255 bytes once folders are left out; without one it is `file`.
    pub name: String,
    /// Like `image/png`; parameters are left out; without one it is unknown.
    pub media_type: String,
    pub size_bytes: u64,
    /// Bytes that the account's files may take together.
    pub storage_bytes_max: u64,
    /// Types and endings of names that the server does not take, like `image/svg+xml` and `.exe`.
    pub refused: Vec<String>,
    /// Whether it is a piece of another.
    #[serde(default)]
    pub partial: bool,
    /// The pieces that it is made of, at most 50; none when its bytes come by themselves.
    #[serde(default)]
    pub pieces: Vec<FileId>,
    /// Whether its bytes go to the store without us, which has to have an address.
    #[serde(default)]
    pub direct: bool,
}

impl BeginUpload {
    /// The file that somebody's command with this client id makes.
    pub fn file_id(account: AccountId, client_id: uuid::Uuid) -> FileId {
        FileId(id::derive(client_id, &[b"file", account.0.as_bytes()]))
    }
}

/// Characters that turn the direction of the text around them, by which names pretend another end.
fn turns(it: char) -> bool {
    matches!(it, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}')
}

/// A name without what could mean anything but a name.
pub(super) fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|it| !it.is_control() && !turns(*it)).collect();
    match plain.trim() {
        "" | "." | ".." => "file".to_owned(),
        name => name.to_owned(),
    }
}

/// A media type in lower case and without parameters, if it is one (RFC 6838).
pub(crate) fn media_type(text: &str) -> Option<String> {
    let name = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if name.is_empty() {
        return Some("application/octet-stream".to_owned());
    }
    let plain = |it: &str| {
        let begins = it.bytes().next().is_some_and(|it| it.is_ascii_alphanumeric());
        begins && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&it))
    };
    let parts = name.split_once('/').is_some_and(|(kind, sub)| plain(kind) && plain(sub));
    (parts && name.len() <= MEDIA_TYPE_BYTES_MAX).then_some(name)
}

/// Whether a name or a type is one that is not taken: an ending begins with a dot.
fn is_of(refused: &str, name: &str, media_type: &str) -> bool {
    match refused.starts_with('.') {
        true => name.to_lowercase().ends_with(&refused.to_lowercase()),
        false => media_type.eq_ignore_ascii_case(refused),
    }
}

/// A file of whoever asks.
pub(super) fn own_file(file: FileId, context: &Context<'_>) -> Slot<File> {
    Slot::new(file.to_string(), StreamId::Account(context.actor))
}

/// The file, if it is theirs: a slot holds whatever has the id.
pub(super) fn found<'a>(file: &'a Slot<File>, context: &Context<'_>) -> Option<&'a File> {
    file.get().filter(|it| it.account_id == context.actor)
}

impl Command for BeginUpload {
    const NAME: &'static str = "BeginUpload";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Slot<Storage>, Slot<Account>);
    type Rejection = FileRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FileRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Slot::of(context.actor), Slot::of(context.actor))
    }

    /// What the options say may change between two tries.
    fn body(&self) -> Vec<u8> {
        let fixed = (&self.name, &self.media_type, self.size_bytes);
        // What a command was before there were pieces is what it is without them.
        let asked = match self.partial || !self.pieces.is_empty() {
            true => serde_json::to_vec(&(fixed, self.partial, &self.pieces)),
            false if self.direct => serde_json::to_vec(&(fixed, "direct")),
            false => serde_json::to_vec(&fixed),
        };
        asked.expect("a command is plain data")
    }

    fn decide(
        self,
        (storage, account): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, FileRejection> {
        if !account.get().is_some_and(|it| it.is_shown() && !it.suspended) {
            return Err(FileRejection::Suspended);
        }
        if self.size_bytes > SIZE_BYTES_MAX {
            return Err(FileRejection::TooLarge);
        }
        if self.pieces.len() > PIECES_MAX {
            return Err(FileRejection::TooManyPieces);
        }
        let name = clean_name(&self.name);
        if name.len() > NAME_BYTES_MAX {
            return Err(FileRejection::NameInvalid);
        }
        let media_type = media_type(&self.media_type).ok_or(FileRejection::TypeInvalid)?;
        if self.refused.iter().any(|it| is_of(it, &name, &media_type)) {
            return Err(FileRejection::TypeRefused);
        }
        let storage = storage.get().cloned().unwrap_or_default();
        if storage.uploads >= UPLOADS_MAX {
            return Err(FileRejection::TooManyUploads);
        }
        if storage.bytes.saturating_add(self.size_bytes) > self.storage_bytes_max {
            return Err(FileRejection::StorageFull);
        }
        let begun = UploadBegun {
            file_id: Self::file_id(context.actor, context.client_id),
            account_id: context.actor,
            size_bytes: Long(self.size_bytes),
            details: Personal::new(FileDetails { name, media_type }),
            expires_at: Timestamp(context.now.0 + UPLOAD_MS_MAX),
            partial: self.partial.then_some(true),
            direct: self.direct.then_some(true),
            pieces: (!self.pieces.is_empty()).then_some(self.pieces),
        };
        Ok(vec![begun.into()])
    }
}

/// Makes a file of an upload whose bytes are all stored; one that is a file already is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FinishUpload {
    pub file_id: FileId,
    /// Which of the blobs of the file holds its contents.
    pub blob: u64,
    /// SHA-256 of the contents in hexadecimal digits.
    #[schemars(skip)]
    pub digest: String,
    /// Bytes that were counted.
    pub size_bytes: u64,
    /// Keyed digest of the contents ([`super::contents_id`]), unless the account's keys are gone.
    pub contents: Option<String>,
    /// Days that the operator keeps a file; 0 is for ever.
    #[serde(default)]
    pub kept_days: u32,
    /// Whether that blob lists the parts that the contents stay in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_parts: bool,
}

impl Command for FinishUpload {
    const NAME: &'static str = "FinishUpload";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Slot<File>, Option<Slot<Contents>>);
    type Rejection = FileRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FileRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let same = |it: &String| {
            Slot::new(Contents::id(context.actor, it), StreamId::Account(context.actor))
        };
        (own_file(self.file_id, context), self.contents.as_ref().map(same))
    }

    fn decide(
        self,
        (file, same): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, FileRejection> {
        let file = found(file, context).filter(|it| it.state != FileState::Over);
        let file = file.filter(|it| !it.partial).ok_or(FileRejection::NotFound)?;
        if file.state == FileState::Uploaded {
            return Ok(Vec::new());
        }
        let whole = self.size_bytes == file.size_bytes && is_digest(&self.digest);
        let leaf = file.leaf().filter(|_| whole).ok_or(FileRejection::NotFound)?;
        let same_as = same.as_ref().and_then(Slot::get).map(|it| it.file_id);
        let uploaded = FileUploaded {
            file_id: file.id,
            account_id: context.actor,
            blob: Long(self.blob),
            digest: Personal::beside(self.digest, leaf),
            unused_until: Timestamp(context.now.0 + UNUSED_MS_MAX),
            contents: self.contents.filter(|_| same_as.is_none()),
            same_as,
            spared_bytes: same_as.map(|_| Long(file.size_bytes)),
            kept_until: (self.kept_days > 0)
                .then(|| Timestamp(context.now.0 + i64::from(self.kept_days) * DAY_MS)),
            in_parts: self.in_parts.then_some(true),
        };
        Ok(vec![uploaded.into()])
    }
}

/// Gives up an upload, or discards the file that it has become.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TerminateUpload {
    pub file_id: FileId,
}

impl Command for TerminateUpload {
    const NAME: &'static str = "TerminateUpload";
    const SEALS: bool = false;
    type State = Ending;
    type Rejection = FileRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FileRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Ending {
        Ending::of(self.file_id, context)
    }

    fn decide(self, ending: &Ending, context: &Context<'_>) -> Result<Vec<Event>, FileRejection> {
        let over = ending.file(context).map(|it| ending.over(it)).unwrap_or_default();
        match over.is_empty() {
            true => Err(FileRejection::NotFound),
            false => Ok(over),
        }
    }
}

/// Takes away an upload whose contents are not taken; what is over or a file already stays so.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RefuseUpload {
    pub file_id: FileId,
    pub reason: RefusalReason,
}

impl Command for RefuseUpload {
    const NAME: &'static str = "RefuseUpload";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<File>;
    type Rejection = FileRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FileRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<File> {
        own_file(self.file_id, context)
    }

    fn decide(self, file: &Slot<File>, context: &Context<'_>) -> Result<Vec<Event>, FileRejection> {
        let file = found(file, context).filter(|it| it.state == FileState::Uploading);
        let refused = file.and_then(|it| {
            let (size_bytes, leaf) = (Long(it.size_bytes), Long(it.leaf()?));
            let (file_id, account_id, reason) = (it.id, it.account_id, self.reason);
            Some(UploadRefused { file_id, account_id, size_bytes, leaf, reason })
        });
        Ok(refused.into_iter().map(Event::from).collect())
    }
}
