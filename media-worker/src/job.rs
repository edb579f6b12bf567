//! What is asked, and how much it may cost.

use serde::{Deserialize, Serialize};

/// `job.json`: `{"kind":"previews","name":"x.jpg"}`, `{"kind":"avatar"}`,
/// `{"kind":"convert","to":"webp"}` or `{"kind":"renditions"}`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Job {
    /// What a client shows of a file before it has it.
    Previews {
        /// What the sender calls it. It never says what the file is.
        #[serde(default)]
        name: Option<String>,
    },
    /// Square pictures of a person or a group.
    Avatar,
    /// The same in another format of its kind.
    Convert { to: Format },
    /// A video as every client plays it. Apart from previews, which don't wait for it.
    Renditions,
}

/// What can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    Jpeg,
    Png,
    Gif,
    Webp,
    Opus,
    Mp3,
    M4a,
    Flac,
    Wav,
    /// What a document says.
    Txt,
}

/// What the decoder may use up before it is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Its address space.
    pub(crate) memory_bytes: u64,
    /// Seconds of its threads together.
    pub(crate) cpu_s: u64,
    /// Seconds on the clock.
    pub(crate) wall_s: u64,
    /// Each file that it writes.
    pub(crate) file_bytes: u64,
}

/// An input may be as large as an upload.
pub(crate) const INPUT_BYTES_MAX: u64 = 2 << 30;

/// `job.json` is a few words.
pub(crate) const JOB_BYTES_MAX: u64 = 64 << 10;

impl Job {
    /// Whether it takes so long that it says how far it is.
    pub(crate) fn is_long(&self) -> bool {
        match self {
            Job::Previews { .. } | Job::Avatar => false,
            Job::Convert { to } => to.is_sound(),
            Job::Renditions => true,
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        let quick = Limits { memory_bytes: 2 << 30, cpu_s: 20, wall_s: 30, file_bytes: 64 << 20 };
        match self {
            Job::Previews { .. } | Job::Avatar => quick,
            Job::Convert { to } if to.is_sound() => {
                Limits { cpu_s: 600, wall_s: 900, file_bytes: 1 << 30, ..quick }
            }
            Job::Convert { .. } => quick,
            Job::Renditions => Limits { cpu_s: 3600, wall_s: 3600, file_bytes: 2 << 30, ..quick },
        }
    }
}

impl Format {
    /// Hours of sound take minutes to write.
    pub(crate) fn is_sound(self) -> bool {
        match self {
            Format::Opus | Format::Mp3 | Format::M4a | Format::Flac | Format::Wav => true,
            Format::Jpeg | Format::Png | Format::Gif | Format::Webp | Format::Txt => false,
        }
    }
}
