//! What is in files, as those see it who may see the file.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};

use super::{
    ConvertFile, Job, JobKind, Media, MediaFailure, MediaFormat, MediaKind, MediaOutcome,
    SoundTags, Stream, Variant,
};
use crate::files::{File, FileObject, FileState, Link, Through};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{id, outage, scope};
use crate::kernel::time::Long;

/// How far looking into a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum MediaState {
    /// It waits, or is being done.
    Processing,
    /// What can be known and made of it is there.
    Ready,
    /// Nothing was made of it; it is loaded like any other.
    Failed,
    /// It is of a kind that nothing is made of.
    None,
}

/// What is known of a file's contents.
pub struct MediaObject {
    file: Arc<File>,
    media: Arc<Media>,
    /// What its previews came to, once they are there.
    outcome: Option<MediaOutcome>,
    linked: bool,
    /// By what the viewer sees it, if that can be looked at again.
    through: Option<Through>,
}

impl MediaObject {
    /// Of a file that the viewer may see; whoever asks has checked that. Nothing before it was
    /// uploaded, and nothing of what is over; where no links lead to it, what it is and nothing
    /// of what is in it.
    pub(crate) async fn of(
        context: &Context<'_>,
        file: &Arc<File>,
        linked: bool,
        through: Option<Through>,
    ) -> Result<Option<Self>> {
        if file.state != FileState::Uploaded {
            return Ok(None);
        }
        let reader = &scope(context).reader;
        let found = reader.load::<Media>(file.holder().to_string()).await.map_err(outage)?;
        let Some(media) = found else { return Ok(None) };
        let made = media.job(JobKind::Previews).and_then(|it| it.made.as_ref());
        let outcome = match made {
            Some(it) => reader.open(&it.outcome).await.map_err(outage)?,
            None => None,
        };
        // Of what is opened once, only what it is.
        let outcome = outcome.map(|it| if linked { it } else { it.bare() });
        Ok(Some(Self { file: Arc::clone(file), media, outcome, linked, through }))
    }

    fn previews(&self) -> Option<&Job> {
        self.media.job(JobKind::Previews)
    }

    fn told<T>(&self, of: impl Fn(&MediaOutcome) -> T) -> Option<T> {
        self.outcome.as_ref().map(of)
    }
}

/// What is in a file, by its contents: found by a program that looks into each file alone.
#[Object(name = "Media")]
impl MediaObject {
    async fn state(&self) -> MediaState {
        match (self.previews().map(state), &self.outcome) {
            (Some(MediaState::Ready), Some(it)) if it.kind != MediaKind::Other => MediaState::Ready,
            (Some(MediaState::Ready), _) => MediaState::None,
            (Some(it), _) => it,
            (None, _) => MediaState::Processing,
        }
    }

    /// Why nothing was made of it.
    async fn failure(&self) -> Option<MediaFailure> {
        self.previews()?.failure
    }

    async fn kind(&self) -> Option<MediaKind> {
        self.told(|it| it.kind)
    }

    /// By its contents, whatever its name says.
    async fn media_type(&self) -> Option<&str> {
        self.outcome.as_ref().map(|it| it.media_type.as_str())
    }

    /// In pixels, as it is to be shown: upright.
    async fn width(&self) -> Option<u32> {
        self.outcome.as_ref()?.width
    }

    /// In pixels, as it is to be shown: upright.
    async fn height(&self) -> Option<u32> {
        self.outcome.as_ref()?.height
    }

    /// Pictures that follow each other, of what moves.
    async fn frames(&self) -> Option<u32> {
        self.outcome.as_ref()?.frames
    }

    async fn duration_ms(&self) -> Option<Long> {
        self.outcome.as_ref()?.duration_ms.map(Long)
    }

    /// Whether there is something to hear in a video.
    async fn has_sound(&self) -> Option<bool> {
        self.outcome.as_ref()?.has_sound
    }

    /// Pages of a text, sheets of a table, slides of a presentation, as far as the file says.
    async fn pages(&self) -> Option<Long> {
        self.outcome.as_ref()?.pages.map(Long)
    }

    /// Entries that an archive claims to hold; the first 10,000 are in `entries.json`.
    async fn entries(&self) -> Option<Long> {
        self.outcome.as_ref()?.entries.map(Long)
    }

    /// Whether something of it can't be read without a password.
    async fn encrypted(&self) -> Option<bool> {
        self.outcome.as_ref()?.encrypted
    }

    /// What the language of a code is called.
    async fn syntax(&self) -> Option<&str> {
        self.outcome.as_ref()?.syntax.as_deref()
    }

    /// Whether `text.txt` or `code.html` is only the beginning.
    async fn cut(&self) -> Option<bool> {
        self.told(|it| it.cut)
    }

    /// Some 25 bytes in base64 that a client paints until it has more
    /// (<https://evanw.github.io/thumbhash>).
    async fn thumbhash(&self) -> Option<&str> {
        self.outcome.as_ref()?.thumbhash.as_deref()
    }

    /// A hundred peaks of a sound, from 0, which is silence, to 255.
    async fn waveform(&self) -> Option<Vec<i32>> {
        let peaks = self.outcome.as_ref()?.waveform.as_ref()?;
        Some(peaks.iter().map(|it| i32::from(*it)).collect())
    }

    /// What a sound says of itself.
    async fn tags(&self) -> Option<SoundTags> {
        self.outcome.as_ref()?.tags.clone()
    }

    /// What is, or was, to be made of it: its previews, and what else was asked for.
    async fn jobs(&self) -> Vec<MediaJobObject> {
        let known = self.media.jobs.iter().filter(|_| self.linked);
        known.filter_map(MediaJobObject::of).collect()
    }

    /// Path of a playlist by which a long video is played while it comes (HTTP Live Streaming, RFC
    /// 8216), good for 6 hours in this session and as long as the viewer may see it; null where
    /// there is none, and in frames.
    async fn stream_url(&self, context: &Context<'_>) -> Result<Option<String>> {
        let scope = scope(context);
        let Some(through) = self.through.filter(|_| !scope.is_checked()) else { return Ok(None) };
        let stream = Stream::of(&self.media, &scope.reader).await.map_err(outage)?;
        if stream.is_none() {
            return Ok(None);
        }
        let link = Link::to(self.file.id, scope.viewer()?, Timestamp(scope.clock.now_ms()));
        Ok(Some(link.stream(through).path(&scope.reader.keyring)))
    }

    /// What was made of it, the smallest first; at most 64 by each job.
    #[graphql(complexity = "1 + 8 * child_complexity")]
    async fn variants(&self, context: &Context<'_>) -> Result<Vec<VariantObject>> {
        let scope = scope(context);
        let link = match scope.is_checked() {
            true => None,
            false => {
                let now = Timestamp(scope.clock.now_ms());
                Some(Link::to(self.file.id, scope.viewer()?, now))
            }
        };
        let object = |it: Variant| VariantObject {
            url: link.clone().map(|link| link.variant(&it.name).path(&scope.reader.keyring)),
            name: it.name,
            media_type: it.media_type,
            width: it.width,
            height: it.height,
            size_bytes: Long(it.size_bytes),
        };
        let mut all = Vec::new();
        let told = |it: &&Job| self.linked && MediaJobKind::of(it.kind).is_some();
        for made in self.media.jobs.iter().filter(told).filter_map(|it| it.made.as_ref()) {
            let outcome = scope.reader.open(&made.outcome).await.map_err(outage)?;
            all.extend(outcome.into_iter().flat_map(|it| it.variants).map(object));
        }
        all.sort_by_key(|it| it.size_bytes);
        Ok(all)
    }
}

/// How far a job has come: what is made anew is there.
fn state(job: &Job) -> MediaState {
    match (&job.made, job.failure) {
        (Some(_), _) => MediaState::Ready,
        (None, Some(_)) => MediaState::Failed,
        (None, None) => MediaState::Processing,
    }
}

/// What a job makes.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum MediaJobKind {
    /// What is shown of it before it is loaded.
    Previews,
    /// A video as every client plays it.
    Renditions,
    /// The same in another format.
    Conversion,
}

impl MediaJobKind {
    /// What a job makes, and in which format a conversion does.
    pub(super) fn of(kind: JobKind) -> Option<(Self, Option<MediaFormat>)> {
        match kind {
            JobKind::Previews => Some((Self::Previews, None)),
            JobKind::Renditions => Some((Self::Renditions, None)),
            JobKind::Conversion(to) => Some((Self::Conversion, Some(to))),
            // Whose picture a file is, is not told to those who see the file.
            JobKind::Avatars | JobKind::Later => None,
        }
    }
}

/// Something that is, or was, to be made of a file.
#[derive(SimpleObject)]
#[graphql(name = "MediaJob")]
struct MediaJobObject {
    kind: MediaJobKind,
    /// Of a conversion.
    format: Option<MediaFormat>,
    state: MediaState,
    /// Why nothing came of it.
    failure: Option<MediaFailure>,
}

impl MediaJobObject {
    fn of(job: &Job) -> Option<Self> {
        let (kind, format) = MediaJobKind::of(job.kind)?;
        Some(Self { kind, format, state: state(job), failure: job.failure })
    }
}

/// Something that was made of a file.
#[derive(SimpleObject)]
#[graphql(name = "Variant")]
pub struct VariantObject {
    /// Like `320.webp`; unique in its file.
    name: String,
    media_type: String,
    /// In pixels.
    width: Option<u32>,
    /// In pixels.
    height: Option<u32>,
    size_bytes: Long,
    /// Path from which the viewer can load it for 50 seconds, in this session; null in frames,
    /// and where the file is opened once.
    url: Option<String>,
}

#[derive(InputObject)]
struct ConvertFileInput {
    client_id: ID,
    file_id: ID,
    format: MediaFormat,
}

#[derive(SimpleObject)]
struct ConvertFilePayload {
    file: Option<FileObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct MediaMutation;

#[Object]
impl MediaMutation {
    /// Asks that a file of the viewer's is made into another format of its kind, which is then one
    /// of its variants, `converted.…`; a file has 8 such formats at most.
    async fn convert_file(
        &self,
        context: &Context<'_>,
        input: ConvertFileInput,
    ) -> Result<ConvertFilePayload> {
        let file_id = id(&input.file_id)?;
        let command = ConvertFile { file_id, format: input.format };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let file = match outcome.readable {
            true => FileObject::find(context, file_id).await?,
            false => None,
        };
        Ok(ConvertFilePayload { file, position: outcome.position })
    }
}
