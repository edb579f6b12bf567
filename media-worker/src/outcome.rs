//! What comes of a job: one line of JSON, the last that is said.

use serde::{Deserialize, Serialize};

use crate::fragments::Fragments;

/// The line: either of the two.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    Done(Box<Outcome>),
    Failed(Failure),
    /// No decoder was started: this machine has no wall to put around it.
    Refused {
        detail: String,
    },
}

/// What a file is, and what was made of it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outcome {
    /// The version of what is made of files, by which servers know what to have made anew.
    #[serde(default)]
    pub(crate) tool: u32,
    /// By content, never by name.
    pub(crate) media_type: String,
    pub(crate) kind: Kind,
    /// As it is to be shown: after its orientation was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<u32>,
    /// How many pictures follow each other, of what moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) frames: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration_ms: Option<u64>,
    /// Whether there is something to hear in a video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) has_sound: Option<bool>,
    /// Some 25 bytes that a client paints until it has more, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) thumbhash: Option<String>,
    /// A hundred peaks, 0 is silence and 255 as loud as can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waveform: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tags: Option<Tags>,
    /// Pages of a text, sheets of a table, slides of a presentation, as far as the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pages: Option<u64>,
    /// How many entries an archive claims to hold, told in `entries.json` or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entries: Option<u64>,
    /// Whether something of it can't be read without a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted: Option<bool>,
    /// What the language of a code is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) syntax: Option<String>,
    /// Whether `text.txt` or `code.html` is only its beginning.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) cut: bool,
    #[serde(default)]
    pub(crate) files: Vec<Produced>,
}

fn is_false(it: &bool) -> bool {
    !it
}

/// What a sound is called, each at most 200 characters.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tags {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artist: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) album: Option<String>,
}

/// What a file is to a reader.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Image,
    Video,
    Audio,
    Document,
    Archive,
    Code,
    /// Nothing that is looked into.
    #[default]
    Other,
}

/// A file in `output/`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Produced {
    /// Which of the opened files the decoder has written it to. Only between the two processes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) slot: Option<usize>,
    pub(crate) name: String,
    /// Follows from the name; a decoder has no say in it.
    #[serde(default)]
    pub(crate) media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<u32>,
    /// As the file is on disk, whatever the decoder says.
    #[serde(default)]
    pub(crate) bytes: u64,
    /// Where its parts lie, of a video that is made to be fetched in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fragments: Option<Fragments>,
}

/// Why there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    /// For operators: it may hold words of a decoder, at most 200 characters.
    pub(crate) detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Reason {
    /// It is nothing that can be made into what is asked.
    #[serde(rename = "MEDIA_UNSUPPORTED")]
    Unsupported,
    /// It would take more memory, pixels, frames or bytes than is given to one file.
    #[serde(rename = "MEDIA_TOO_LARGE")]
    TooLarge,
    /// It would take more time than is given to one file.
    #[serde(rename = "MEDIA_TIMEOUT")]
    Timeout,
    /// It isn't what it says it is, or broke its decoder.
    #[serde(rename = "MEDIA_CORRUPT")]
    Corrupt,
}

impl Failure {
    pub(crate) fn new(reason: Reason, detail: impl std::fmt::Display) -> Failure {
        let detail = detail.to_string();
        let printable = detail.chars().filter(|it| !it.is_control()).take(200);
        Failure { reason, detail: printable.collect() }
    }

    pub(crate) fn unsupported(detail: impl std::fmt::Display) -> Failure {
        Failure::new(Reason::Unsupported, detail)
    }

    pub(crate) fn too_large(detail: impl std::fmt::Display) -> Failure {
        Failure::new(Reason::TooLarge, detail)
    }

    pub(crate) fn timeout(detail: impl std::fmt::Display) -> Failure {
        Failure::new(Reason::Timeout, detail)
    }

    pub(crate) fn corrupt(detail: impl std::fmt::Display) -> Failure {
        Failure::new(Reason::Corrupt, detail)
    }
}
