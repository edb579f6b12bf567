//! When a job is started, and which outcome counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AGAIN_MS, ATTEMPTS_MAX, Job, JobId, JobKind, Media, MediaFailed, MediaFailure, MediaOutcome,
    MediaProduced, MediaRequested, MediaStarted, job_id,
};
use crate::Event;
use crate::files::{File, FileId};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp};

crate::rejections! {
    /// Why jobs say no.
    MediaRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        TooMany: LimitExceeded, "MEDIA_TOO_MANY",
            "a file is made into 8 formats at most", "Upload it again, or convert it yourself.";
    }
}

/// What is known of a file of whoever asks.
pub(super) fn own(file: FileId, context: &Context<'_>) -> Slot<Media> {
    Slot::new(file.to_string(), StreamId::Account(context.actor))
}

/// What is known of the file, if it is theirs: a slot holds whatever has the id.
pub(super) fn found<'a>(media: &'a Slot<Media>, context: &Context<'_>) -> Option<&'a Media> {
    media.get().filter(|it| it.account_id == context.actor)
}

/// A job that waits for the outcome of this attempt, the newest: what an earlier one made may have
/// been deleted. None once it has one, or its file is not there any more.
fn tried<'a>(
    media: &'a Slot<Media>,
    (job, attempt): (JobId, u64),
    context: &Context<'_>,
) -> Option<&'a Job> {
    let mut jobs = found(media, context)?.jobs.iter();
    let own = jobs.find(|it| it.id == Some(job) && it.is_due());
    own.filter(|it| attempt == it.attempts && !it.has_failed())
}

/// Notes that a job is being done; nothing when another attempt was noted, it is over, or anything
/// else has become of the file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StartMedia {
    pub file_id: FileId,
    #[schemars(with = "String")]
    pub kind: JobKind,
    /// The version of the tool.
    pub tool: u32,
    /// 1 is the first.
    pub attempt: u64,
    /// `seq` of what whoever does it knows of the file.
    pub seq: u64,
}

impl Command for StartMedia {
    const NAME: &'static str = "StartMedia";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<Media>;
    type Rejection = MediaRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, MediaRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Media> {
        own(self.file_id, context)
    }

    fn decide(
        self,
        media: &Slot<Media>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MediaRejection> {
        let known = found(media, context).filter(|it| it.seq == self.seq);
        let job = known.and_then(|it| it.job(self.kind));
        let next = job.filter(|it| it.is_due() && self.attempt == it.attempts + 1);
        let started = next.filter(|_| self.attempt <= ATTEMPTS_MAX).map(|job| MediaStarted {
            file_id: self.file_id,
            account_id: context.actor,
            job_id: job_id(self.file_id, self.kind, self.tool, job.asked),
            attempt: Long(self.attempt),
            kind: Some(self.kind),
            tool: Some(Long(self.tool.into())),
        });
        Ok(started.into_iter().map(Event::from).collect())
    }
}

/// Notes what came of a job; nothing when it has an outcome, a later attempt was started, or its
/// file is not there any more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RecordMedia {
    pub file_id: FileId,
    pub job_id: JobId,
    pub attempt: u64,
    /// Which blobs hold the variants, in the order of those.
    pub blobs: Vec<u64>,
    #[schemars(skip)]
    pub outcome: MediaOutcome,
}

impl Command for RecordMedia {
    const NAME: &'static str = "RecordMedia";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = (Slot<Media>, Slot<File>);
    type Rejection = MediaRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, MediaRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let file = Slot::new(self.file_id.to_string(), StreamId::Account(context.actor));
        (own(self.file_id, context), file)
    }

    fn decide(
        self,
        (media, file): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MediaRejection> {
        if self.blobs.len() != self.outcome.variants.len() {
            return Err(MediaRejection::NotFound);
        }
        let waits = tried(media, (self.job_id, self.attempt), context);
        // What is sealed beside the file is of whoever owns it.
        let leaf = file.get().filter(|_| waits.is_some()).and_then(File::leaf);
        let Some(leaf) = leaf else { return Ok(Vec::new()) };
        // What is seen at once is made first, and what is played then.
        let (file_id, account_id, kind) = (self.file_id, context.actor, JobKind::Renditions);
        let asks = waits.is_some_and(|it| it.kind == JobKind::Previews) && self.outcome.is_played();
        let asks = asks && found(media, context).is_some_and(|it| it.job(kind).is_none());
        let requested = asks.then_some(MediaRequested { file_id, account_id, kind, redo: None });
        let produced = MediaProduced {
            file_id: self.file_id,
            account_id: context.actor,
            job_id: self.job_id,
            blobs: self.blobs.into_iter().map(Long).collect(),
            outcome: Personal::beside(self.outcome, leaf),
            tells: waits.filter(|it| it.made.is_none()).map(|_| true),
        };
        let requested = requested.map(Event::from);
        Ok(std::iter::once(produced.into()).chain(requested).collect())
    }
}

/// Notes that an attempt has failed; nothing when a later one was started, or it is over.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FailMedia {
    pub file_id: FileId,
    pub job_id: JobId,
    pub attempt: u64,
    #[schemars(with = "String")]
    pub failure: MediaFailure,
}

impl Command for FailMedia {
    const NAME: &'static str = "FailMedia";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<Media>;
    type Rejection = MediaRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, MediaRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Media> {
        own(self.file_id, context)
    }

    fn decide(
        self,
        media: &Slot<Media>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MediaRejection> {
        let Some(job) = tried(media, (self.job_id, self.attempt), context) else {
            return Ok(Vec::new());
        };
        let rests = (1..).zip(AGAIN_MS).find(|(attempt, _)| *attempt == self.attempt);
        let rest = rests.map(|(_, ms)| ms).filter(|_| self.failure.may_pass());
        let failed = MediaFailed {
            file_id: self.file_id,
            account_id: context.actor,
            job_id: self.job_id,
            attempt: Long(self.attempt),
            code: self.failure,
            again_at: rest.map(|it| Timestamp(context.now.0 + it)),
            tells: (rest.is_none() && job.made.is_none() && !job.redo).then_some(true),
        };
        Ok(vec![failed.into()])
    }
}
