//! What can happen to a job.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use super::{JobId, JobKind, RENDITIONS_MS_MAX};
use crate::Change;
use crate::accounts::AccountId;
use crate::files::FileId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded, Timestamp};

crate::events! {
    /// Everything that can happen to jobs; they live in the stream of their file's owner.
    MediaEvent {
        MediaRequested [],
        MediaStarted [],
        MediaProduced [outcome],
        MediaFailed [],
        MediaTold [],
    }
}

/// Why nothing was made of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, async_graphql::Enum, schemars::JsonSchema)]
pub enum MediaFailure {
    /// It is refused whatever is in it, as playlists are, which name other files.
    Unsupported,
    /// It would take more memory, pixels or bytes than is given to one file.
    TooLarge,
    /// It takes more time than is given to one file.
    Timeout,
    /// It is not what it says it is.
    Corrupt,
    /// Whoever looks into it ended without an answer.
    Broken,
}

impl MediaFailure {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Unsupported, Self::TooLarge, Self::Timeout, Self::Corrupt, Self::Broken];

    /// As it stands in events, and as workers say it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unsupported => "MEDIA_UNSUPPORTED",
            Self::TooLarge => "MEDIA_TOO_LARGE",
            Self::Timeout => "MEDIA_TIMEOUT",
            Self::Corrupt => "MEDIA_CORRUPT",
            Self::Broken => "MEDIA_BROKEN",
        }
    }

    /// The failure of a code; one that a later version has is only that.
    pub fn of(code: &str) -> Self {
        Self::ALL.into_iter().find(|it| it.code() == code).unwrap_or(Self::Broken)
    }

    /// Whether the next attempt may come to something else.
    pub fn may_pass(self) -> bool {
        match self {
            Self::Timeout | Self::Broken => true,
            Self::Unsupported | Self::TooLarge | Self::Corrupt => false,
        }
    }
}

crate::coded!(MediaFailure, code);

/// What a file is to whoever looks at it.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    async_graphql::Enum,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Image,
    Video,
    Audio,
    Document,
    Archive,
    Code,
    /// Nothing that is looked into.
    #[default]
    #[serde(other)]
    Other,
}

/// What a sound says of itself, each at most 200 characters.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    async_graphql::SimpleObject,
    schemars::JsonSchema,
)]
pub struct SoundTags {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub album: Option<String>,
}

/// Something that was made of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Variant {
    /// Like `320.webp`; unique in its file.
    pub name: String,
    pub media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    pub size_bytes: u64,
    /// Of a video that is played while it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragments: Option<Fragments>,
}

/// The pieces of a video that can be loaded each by itself, behind a beginning that all need
/// (ISO/IEC 23000-19).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Fragments {
    pub init_bytes: u64,
    /// Bytes and milliseconds of each, in their order.
    pub parts: Vec<(u64, u64)>,
    /// Bits of a second at most.
    pub bandwidth: u64,
    /// By which decoders it is played (RFC 6381).
    pub codecs: String,
}

/// What a file is, and what was made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MediaOutcome {
    /// By its contents, whatever its owner says.
    pub media_type: String,
    pub kind: MediaKind,
    /// As it is to be shown: upright.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Pictures that follow each other, of what moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Whether there is something to hear in a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_sound: Option<bool>,
    /// Pages, sheets or slides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// Entries of an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Whether something of it can't be read without a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// What the language of a code is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syntax: Option<String>,
    /// Whether a text of it is only its beginning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<String>,
    /// Peaks from 0 to 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waveform: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<SoundTags>,
    pub variants: Vec<Variant>,
}

impl MediaOutcome {
    /// Whether it is played, and not too long to be written anew.
    pub(super) fn is_played(&self) -> bool {
        self.kind == MediaKind::Video
            && self.duration_ms.is_some_and(|it| (1..=RENDITIONS_MS_MAX).contains(&it))
    }

    /// What it is, and nothing of what is in it.
    pub(crate) fn bare(self) -> Self {
        let Self { media_type, kind, width, height, duration_ms, .. } = self;
        Self { media_type, kind, width, height, duration_ms, ..Self::default() }
    }
}

/// Something is to be made of a file beside its previews, which every file asks for, or anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.media")]
pub struct MediaRequested {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub kind: JobKind,
    /// Whether it was made, or failed, by an earlier tool; null when it was not.
    pub redo: Option<bool>,
}

/// A job is being done; it counts even if nobody ever hears what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.media")]
pub struct MediaStarted {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub job_id: JobId,
    /// 1 is the first.
    pub attempt: Long,
    /// What is being made; null are previews.
    #[serde(default)]
    pub kind: Option<JobKind>,
    /// The version of the tool; null is the first.
    #[serde(default)]
    pub tool: Option<Long>,
}

/// A job is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.media")]
pub struct MediaProduced {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub job_id: JobId,
    /// Which blobs hold the variants, in the order of those.
    pub blobs: Vec<Long>,
    /// Under the key of the file, so that its end takes it along.
    pub outcome: Personal<MediaOutcome>,
    /// Whether those who see the file are told; null when they are not, since something like it was
    /// there.
    #[serde(default)]
    pub tells: Option<bool>,
}

/// A job has failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.media")]
pub struct MediaFailed {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub job_id: JobId,
    pub attempt: Long,
    pub code: MediaFailure,
    /// When it is tried again; absent, it is not.
    pub again_at: Option<Timestamp>,
    /// Whether those who see the file are told; null when they are not.
    #[serde(default)]
    pub tells: Option<bool>,
}

/// The messages that hold a file have been told what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.media")]
pub struct MediaTold {
    pub file_id: FileId,
    pub account_id: AccountId,
}

impl MediaEvent {
    /// The file that it is about.
    pub(super) fn file_id(&self) -> FileId {
        match self {
            Self::MediaRequested(it) => it.file_id,
            Self::MediaStarted(it) => it.file_id,
            Self::MediaProduced(it) => it.file_id,
            Self::MediaFailed(it) => it.file_id,
            Self::MediaTold(it) => it.file_id,
        }
    }

    /// What it means to those who listen: how often something is tried is nobody's business.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::MediaRequested(it) => (Change::File(it.file_id), Effect::None),
            Self::MediaProduced(it) => (Change::File(it.file_id), Effect::None),
            Self::MediaFailed(it) if it.again_at.is_none() => {
                (Change::File(it.file_id), Effect::None)
            }
            Self::MediaFailed(_) | Self::MediaStarted(_) | Self::MediaTold(_) => {
                (Change::None, Effect::None)
            }
        }
    }
}
