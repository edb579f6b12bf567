//! Which jobs there are, and what they are called.

use async_graphql::Enum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use ports::media_worker::Load;

use crate::files::FileId;
use crate::kernel::id;

crate::id! {
    /// Identifies a job: a file, what is to be made of it, and by which version of the tool.
    JobId, "job"
}

/// What a file can be made into: pictures into others, sounds and the sound of videos into others,
/// and documents and code into their text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Enum)]
#[serde(rename_all = "snake_case")]
pub enum MediaFormat {
    Jpeg,
    Png,
    Gif,
    Webp,
    Opus,
    #[graphql(name = "MP3")]
    Mp3,
    #[graphql(name = "M4A")]
    M4a,
    Flac,
    Wav,
    Txt,
}

impl MediaFormat {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Webp,
        Self::Opus,
        Self::Mp3,
        Self::M4a,
        Self::Flac,
        Self::Wav,
        Self::Txt,
    ];

    /// As workers are asked for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Webp => "webp",
            Self::Opus => "opus",
            Self::Mp3 => "mp3",
            Self::M4a => "m4a",
            Self::Flac => "flac",
            Self::Wav => "wav",
            Self::Txt => "txt",
        }
    }

    /// Hours of sound take minutes to write.
    fn is_sound(self) -> bool {
        match self {
            Self::Opus | Self::Mp3 | Self::M4a | Self::Flac | Self::Wav => true,
            Self::Jpeg | Self::Png | Self::Gif | Self::Webp | Self::Txt => false,
        }
    }
}

/// What is made of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// What a client shows of it before it has it, and what is in it.
    Previews,
    /// A video as every client plays it.
    Renditions,
    /// Squares of a picture, for those who show it as theirs.
    Avatars,
    /// The same in another format.
    Conversion(MediaFormat),
    /// Something that a later version makes, which raises the shape of documents for that.
    Later,
}

impl JobKind {
    /// As it stands in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Previews => "previews",
            Self::Renditions => "renditions",
            Self::Avatars => "avatars",
            Self::Conversion(to) => to.name(),
            Self::Later => "later",
        }
    }

    /// The kind of a name; one that a later version has is only that.
    pub fn of(name: &str) -> Self {
        let format = || MediaFormat::ALL.into_iter().find(|it| it.name() == name);
        match name {
            "previews" => Self::Previews,
            "renditions" => Self::Renditions,
            "avatars" => Self::Avatars,
            _ => format().map_or(Self::Later, Self::Conversion),
        }
    }

    /// What it takes of whoever does it.
    pub(super) fn load(self, size_bytes: u64) -> Load {
        match self {
            Self::Renditions => Load::Long,
            // Somebody waits to see them, and none are made of a large file.
            Self::Avatars => Load::Small,
            Self::Conversion(to) if to.is_sound() => Load::Long,
            _ if size_bytes >> 20 < 16 => Load::Small,
            Self::Previews | Self::Conversion(_) | Self::Later => Load::Large,
        }
    }
}

/// The id of a job, which was asked for by the event of this `seq`; 0 where nobody had to ask.
pub fn job_id(file: FileId, kind: JobKind, tool: u32, asked: u64) -> JobId {
    let again = match asked {
        0 => Vec::new(),
        _ => asked.to_be_bytes().to_vec(),
    };
    let parts: [&[u8]; 4] = [b"media", kind.name().as_bytes(), &tool.to_be_bytes(), &again];
    JobId(id::derive(file.0, &parts))
}

crate::coded!(JobKind, name);
