//! What is in files, as those see it who may see the file.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, Result, SimpleObject};

use super::{Media, MediaFailure, MediaKind, MediaOutcome, SoundTags, Stage, Variant};
use crate::files::{File, FileState, Link};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{outage, scope};
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
    /// Once it is ready.
    outcome: Option<MediaOutcome>,
}

impl MediaObject {
    /// Of a file that the viewer may see; whoever asks has checked that. Nothing before it was
    /// uploaded, and nothing of what is over; where no links lead to it, what it is and nothing
    /// of what is in it.
    pub(crate) async fn of(
        context: &Context<'_>,
        file: &Arc<File>,
        linked: bool,
    ) -> Result<Option<Self>> {
        if file.state != FileState::Uploaded {
            return Ok(None);
        }
        let reader = &scope(context).reader;
        let found = reader.load::<Media>(file.holder().to_string()).await.map_err(outage)?;
        let Some(media) = found else { return Ok(None) };
        let outcome = match &media.stage {
            // Of what is opened once, only what it is.
            Stage::Ready { outcome } => {
                let outcome = reader.open(outcome).await.map_err(outage)?;
                outcome.map(|it| if linked { it } else { it.bare() })
            }
            Stage::Uploading | Stage::Due { .. } | Stage::Failed { .. } => None,
        };
        Ok(Some(Self { file: Arc::clone(file), media, outcome }))
    }

    fn told<T>(&self, of: impl Fn(&MediaOutcome) -> T) -> Option<T> {
        self.outcome.as_ref().map(of)
    }
}

/// What is in a file, by its contents: found by a program that looks into each file alone.
#[Object(name = "Media")]
impl MediaObject {
    async fn state(&self) -> MediaState {
        match (&self.media.stage, &self.outcome) {
            (Stage::Failed { .. }, _) => MediaState::Failed,
            (Stage::Ready { .. }, Some(it)) if it.kind != MediaKind::Other => MediaState::Ready,
            (Stage::Ready { .. }, _) => MediaState::None,
            (Stage::Uploading | Stage::Due { .. }, _) => MediaState::Processing,
        }
    }

    /// Why nothing was made of it.
    async fn failure(&self) -> Option<MediaFailure> {
        match self.media.stage {
            Stage::Failed { failure } => Some(failure),
            Stage::Uploading | Stage::Due { .. } | Stage::Ready { .. } => None,
        }
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

    /// What was made of it, the smallest first; at most 64.
    #[graphql(complexity = "1 + 8 * child_complexity")]
    async fn variants(&self, context: &Context<'_>) -> Result<Vec<VariantObject>> {
        let scope = scope(context);
        let Some(outcome) = &self.outcome else { return Ok(Vec::new()) };
        let link = match scope.is_checked() {
            true => None,
            false => {
                let now = Timestamp(scope.clock.now_ms());
                Some(Link::to(self.file.id, scope.viewer()?, now))
            }
        };
        let object = |it: &Variant| VariantObject {
            name: it.name.clone(),
            media_type: it.media_type.clone(),
            width: it.width,
            height: it.height,
            size_bytes: Long(it.size_bytes),
            url: link.clone().map(|link| link.variant(&it.name).path(&scope.reader.keyring)),
        };
        let mut all: Vec<VariantObject> = outcome.variants.iter().map(object).collect();
        all.sort_by_key(|it| it.size_bytes);
        Ok(all)
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
