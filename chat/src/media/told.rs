//! What a media worker says, cut to what may be said: it has read strangers' bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{
    BANDWIDTH_MAX, CODECS_BYTES_MAX, COUNT_MAX, DURATION_MS_MAX, FRAGMENT_MS_MAX, FRAGMENTS_MAX,
    FRAMES_MAX, Fragments, MediaFailure, MediaKind, MediaOutcome, PEAKS, SIDE_MAX, SoundTags,
    TAG_CHARS_MAX, THUMBHASH_BYTES_MAX, VARIANT_CHARS_MAX, VARIANTS_MAX, Variant,
};
use crate::files::media_type;

/// What came of giving a file to a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The file is this; the variants are in the files of these names.
    Done(MediaOutcome),
    /// Nothing was made of it.
    Failed(MediaFailure),
    /// No worker works here: it says nothing of the file.
    Refused,
}

/// The exit codes of the worker.
mod exit {
    pub(super) const DONE: i32 = 0;
    pub(super) const FAILED: i32 = 3;
    pub(super) const REFUSED: i32 = 4;
}

/// What stands in the line of a job that was done. Fields of a later worker are left out; whatever
/// is known is looked at.
#[derive(Deserialize)]
struct Line {
    media_type: String,
    #[serde(default)]
    kind: MediaKind,
    width: Option<u32>,
    height: Option<u32>,
    frames: Option<u32>,
    duration_ms: Option<u64>,
    has_sound: Option<bool>,
    pages: Option<u64>,
    entries: Option<u64>,
    encrypted: Option<bool>,
    syntax: Option<String>,
    #[serde(default)]
    cut: bool,
    thumbhash: Option<String>,
    waveform: Option<Vec<u8>>,
    tags: Option<SoundTags>,
    #[serde(default)]
    files: Vec<Made>,
}

#[derive(Deserialize)]
struct Made {
    name: String,
    media_type: String,
    width: Option<u32>,
    height: Option<u32>,
    bytes: u64,
    fragments: Option<Fragments>,
}

#[derive(Deserialize)]
struct Failure {
    failed: Reason,
}

#[derive(Deserialize)]
struct Reason {
    reason: String,
}

/// Reads how a worker has ended and what it said; what is not as it must be is a broken worker.
pub fn told(code: Option<i32>, line: &[u8]) -> Told {
    let broken = Told::Failed(MediaFailure::Broken);
    match code {
        Some(exit::DONE) => {
            let line = serde_json::from_slice::<Line>(line).ok();
            line.and_then(outcome).map_or(broken, Told::Done)
        }
        Some(exit::FAILED) => {
            let failure = serde_json::from_slice::<Failure>(line).ok();
            failure.map_or(broken, |it| Told::Failed(MediaFailure::of(&it.failed.reason)))
        }
        Some(exit::REFUSED) => Told::Refused,
        Some(_) | None => broken,
    }
}

/// Whether a name of a variant is one: small letters and digits, and an end.
pub fn is_variant_name(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let Some((stem, end)) = name.split_once('.') else { return false };
    let stem = !stem.is_empty() && stem.bytes().all(|it| plain(it) || it == b'-');
    stem && !end.is_empty() && end.bytes().all(plain) && name.len() <= VARIANT_CHARS_MAX
}

fn outcome(line: Line) -> Option<MediaOutcome> {
    let (width, height) = (side(line.width)?, side(line.height)?);
    let variants: Option<Vec<Variant>> = line.files.into_iter().map(variant).collect();
    let mut outcome = MediaOutcome {
        media_type: typed(&line.media_type)?,
        kind: line.kind,
        width,
        height,
        frames: within(line.frames, FRAMES_MAX)?,
        duration_ms: within(line.duration_ms, DURATION_MS_MAX)?,
        has_sound: line.has_sound,
        pages: within(line.pages, COUNT_MAX)?,
        entries: within(line.entries, COUNT_MAX)?,
        encrypted: line.encrypted,
        syntax: plain(line.syntax),
        cut: line.cut,
        thumbhash: line.thumbhash,
        waveform: line.waveform,
        tags: line.tags.map(tags).filter(|it| *it != SoundTags::default()),
        variants: variants?,
    };
    let hash = outcome.thumbhash.as_ref().is_none_or(|it| {
        let bytes = STANDARD.decode(it);
        bytes.is_ok_and(|it| (1..=THUMBHASH_BYTES_MAX).contains(&it.len()))
    });
    let peaks = outcome.waveform.as_ref().is_none_or(|it| it.len() == PEAKS);
    let few = outcome.variants.len() <= VARIANTS_MAX;
    let mut names: Vec<&str> = outcome.variants.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    let apart = names.windows(2).all(|it| it[0] != it[1]);
    if outcome.kind == MediaKind::Other {
        // Whatever is not looked into has nothing that was found inside.
        outcome = MediaOutcome { media_type: outcome.media_type, ..MediaOutcome::default() };
    }
    (hash && peaks && few && apart).then_some(outcome)
}

fn variant(made: Made) -> Option<Variant> {
    is_variant_name(&made.name).then_some(())?;
    let good = made.fragments.as_ref().is_none_or(|it| is_whole(it, made.bytes));
    good.then_some(())?;
    Some(Variant {
        // A text says its character set, too.
        media_type: media_type(&made.media_type)?,
        name: made.name,
        width: side(made.width)?,
        height: side(made.height)?,
        size_bytes: made.bytes,
        fragments: made.fragments,
    })
}

/// Whether the pieces of a video are all of it, and what is said of them breaks no line of a
/// playlist.
fn is_whole(fragments: &Fragments, size_bytes: u64) -> bool {
    let Fragments { init_bytes, parts, bandwidth, codecs } = fragments;
    let plain = |it: u8| it.is_ascii_alphanumeric() || b".,".contains(&it);
    let sum = parts.iter().try_fold(*init_bytes, |sum, (bytes, _)| sum.checked_add(*bytes));
    let times = parts.iter().all(|(_, ms)| (1..=FRAGMENT_MS_MAX).contains(ms));
    sum == Some(size_bytes)
        && times
        && (1..=FRAGMENTS_MAX).contains(&parts.len())
        && (1..=BANDWIDTH_MAX).contains(bandwidth)
        && (1..=CODECS_BYTES_MAX).contains(&codecs.len())
        && codecs.bytes().all(plain)
}

/// A type as it is written, without anything behind it.
fn typed(text: &str) -> Option<String> {
    media_type(text).filter(|it| it == text)
}

fn side(pixels: Option<u32>) -> Option<Option<u32>> {
    let good = pixels.is_none_or(|it| (1..=SIDE_MAX).contains(&it));
    good.then_some(pixels)
}

fn within<T: Ord>(number: Option<T>, most: T) -> Option<Option<T>> {
    let good = number.as_ref().is_none_or(|it| *it <= most);
    good.then_some(number)
}

/// A text is cut, since a stranger may have written it.
fn plain(text: Option<String>) -> Option<String> {
    let text = text?;
    let plain = text.chars().filter(|it| !it.is_control()).take(TAG_CHARS_MAX);
    Some(plain.collect::<String>()).filter(|it| !it.is_empty())
}

fn tags(tags: SoundTags) -> SoundTags {
    SoundTags { title: plain(tags.title), artist: plain(tags.artist), album: plain(tags.album) }
}
