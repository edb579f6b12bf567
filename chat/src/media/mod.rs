//! Media: what is in a file, and what was made of it for those who look at it.
//!
//! Once a file is uploaded, a job is due: whoever folds its partition (`projectors/src/media/`)
//! gives the contents to the media worker, a program behind walls (ADR 38), and what comes of it
//! becomes events in the file's stream. What the file is, and what its [`Variant`]s are called, is
//! sealed under the leaf of the file; the variants are blobs under keys that derive from the same
//! leaf. So destroying it erases all of them.
//!
//! A job is named by file, kind and the tool's version, which the worker says. It is started by an
//! event that counts, so that a file which ends its server every time is given up, too. The first
//! outcome counts; another changes nothing. What would fail again fails for good at once, anything
//! else is tried again after [`AGAIN_MS`], [`ATTEMPTS_MAX`] times in all.
//!
//! Every file asks for its previews, and a video for its renditions once those are there; its owner
//! may ask for other formats ([`ConvertFile`]), and does for squares by showing it as a picture
//! ([`AskAvatars`]). What an earlier version of the tool has made is made anew when nothing else is
//! to be done ([`RedoMedia`]), and shown until then. Whoever sees a message is told when there is
//! more of its files (`attachments/ready.rs`). A long video is played while it comes, from a
//! [`Stream`].
//!
//! What a worker says is the word of a program that has read strangers' bytes: [`told`] cuts it to
//! what may be said.
//!
//! Limits: [`ATTEMPTS_MAX`], [`AVATAR_BYTES_MAX`], [`CONVERSIONS_MAX`], [`RENDITIONS_MS_MAX`],
//! [`VARIANTS_MAX`], [`SIDE_MAX`], [`FRAMES_MAX`], [`COUNT_MAX`], [`DURATION_MS_MAX`],
//! [`TAG_CHARS_MAX`], [`THUMBHASH_BYTES_MAX`], [`PEAKS`], [`FRAGMENTS_MAX`], [`FRAGMENT_MS_MAX`],
//! [`BANDWIDTH_MAX`], [`CODECS_BYTES_MAX`], [`TOLD_MAX`].

mod ask;
#[cfg(test)]
mod asked;
mod decide;
mod events;
mod graphql;
mod jobs;
mod played;
mod progress;
#[cfg(test)]
mod said;
#[cfg(test)]
mod tests;
mod told;
mod view;

pub use ask::{AskAvatars, ConfirmTelling, ConvertFile, NoteTold, RedoMedia};
pub(crate) use ask::{tell, timings};
pub use decide::{FailMedia, MediaRejection, RecordMedia, StartMedia};
pub use events::{
    Fragments, MediaEvent, MediaFailed, MediaFailure, MediaKind, MediaOutcome, MediaProduced,
    MediaRequested, MediaStarted, MediaTold, SoundTags, Variant,
};
pub use graphql::{MediaMutation, MediaObject, MediaState, VariantObject};
pub use jobs::{JobId, JobKind, MediaFormat, job_id};
pub use played::{Stream, is_meant, variant};
pub(crate) use played::{avatars, is_avatar};
pub use progress::MediaProgressObject;
pub use told::{Told, is_variant_name, told};
pub use view::{Job, Made, Media};

/// Times that a job is started at most.
pub const ATTEMPTS_MAX: u64 = 3;
/// How long a job rests after each attempt but the last: 10 seconds, then 2 minutes.
pub const AGAIN_MS: [i64; 2] = [10_000, 120_000];
/// Bytes of a file at most of which somebody's picture is made: 10 MiB.
pub const AVATAR_BYTES_MAX: u64 = 10 << 20;
/// Formats that a file is made into at most.
pub const CONVERSIONS_MAX: usize = 8;
/// How long a video may be that is written anew: half an hour.
pub const RENDITIONS_MS_MAX: u64 = 30 * 60 * 1_000;
/// Messages and pictures that are told what became of a file at most; pictures come first.
pub const TOLD_MAX: usize = 100;
/// Pieces of a video at most that are loaded each by itself.
pub const FRAGMENTS_MAX: usize = 1_000;
/// How long one of them lasts at most.
pub const FRAGMENT_MS_MAX: u64 = 60_000;
/// Bits of a second of a video at most.
pub const BANDWIDTH_MAX: u64 = 1_000_000_000;
/// Bytes of the names of its decoders at most.
pub const CODECS_BYTES_MAX: usize = 60;
/// Variants of one job at most.
pub const VARIANTS_MAX: usize = 64;
/// Characters of a variant's name at most.
pub const VARIANT_CHARS_MAX: usize = 60;
/// Pixels of a side at most.
pub const SIDE_MAX: u32 = 100_000_000;
/// Pictures that follow each other at most.
pub const FRAMES_MAX: u32 = 10_000_000;
/// Pages and entries at most.
pub const COUNT_MAX: u64 = 1 << 32;
/// Longest duration: a year.
pub const DURATION_MS_MAX: u64 = 365 * 24 * 3_600 * 1_000;
/// Characters of a tag at most.
pub const TAG_CHARS_MAX: usize = 200;
/// Bytes of a thumbhash at most.
pub const THUMBHASH_BYTES_MAX: usize = 25;
/// Peaks of a waveform.
pub const PEAKS: usize = 100;
