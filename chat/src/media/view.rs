//! What is known of the contents of files: not yet, all there is to know, or why not.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use ports::documents::Collection;
use ports::event_log::Partition;
use ports::media_worker::Load;

use super::{JobId, JobKind, MediaEvent, MediaFailure, MediaOutcome};
use crate::accounts::AccountId;
use crate::files::{FileEvent, FileId, UploadBegun};
use crate::kernel::document::padded;
use crate::kernel::{Document, Personal, Recorded, Timestamp};

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Made {
    pub outcome: Personal<MediaOutcome>,
    /// Which blobs hold the variants, in the order of those.
    pub blobs: Vec<u64>,
}

/// Something that is, or was, to be made of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub kind: JobKind,
    /// From when on it is due, unless it has an end.
    pub due_from: Option<Timestamp>,
    /// `seq` of the event that asked for it; 0 where nobody had to.
    pub asked: u64,
    /// Whether an earlier tool has made it, or failed to.
    pub redo: bool,
    /// Times that it was started since it was asked for.
    pub attempts: u64,
    /// The attempt that has failed last.
    pub failed: u64,
    /// As it was started last.
    pub id: Option<JobId>,
    /// The version of the tool by which it was started last.
    pub tool: u32,
    /// Why nothing came of it, unless something had before.
    pub failure: Option<MediaFailure>,
    /// What there is of it, also while it is made anew.
    pub made: Option<Made>,
}

impl Job {
    fn new(kind: JobKind, from: Timestamp) -> Self {
        Self {
            kind,
            due_from: Some(from),
            asked: 0,
            redo: false,
            attempts: 0,
            failed: 0,
            id: None,
            tool: 0,
            failure: None,
            made: None,
        }
    }

    /// Whether it waits for an outcome.
    pub fn is_due(&self) -> bool {
        self.due_from.is_some()
    }

    /// Whether the attempt that was started last is known to have failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed == self.attempts
    }

    /// What it takes of whoever does it: what is made anew has time.
    pub fn load(&self, size_bytes: u64) -> Load {
        match self.made.is_some() {
            true => Load::Long,
            false => self.kind.load(size_bytes),
        }
    }

    /// Small files come first: that somebody waits to see a picture does not depend on who uploads
    /// a film. What kind of file it is said to be is sealed, and can be in no key. What takes long
    /// comes after all of them, and what is there already and is made anew comes last.
    fn class(&self, size_bytes: u64) -> u8 {
        match self.load(size_bytes) {
            Load::Long if self.made.is_some() => 5,
            Load::Long => 4,
            Load::Small | Load::Large => match size_bytes >> 20 {
                0 => 0,
                1..16 => 1,
                16..256 => 2,
                _ => 3,
            },
        }
    }
}

/// What is known of a file's contents; it goes with its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub partition: Partition,
    /// Of the file.
    pub size_bytes: u64,
    /// None before the file is there; then its previews, and what else was asked for.
    pub jobs: Vec<Job>,
    /// `seq` of the last end of a job of which those who see the file are told, and of the last of
    /// which they have been.
    pub ended: u64,
    pub told: u64,
    /// `seq` of the last of those ends that is told to messages: not of squares, which are none of
    /// their business.
    #[serde(default)]
    pub seen: u64,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl Media {
    /// The classes of what is due, those first that come first. What one holds takes the same of
    /// whoever does it.
    pub const CLASSES: RangeInclusive<u8> = 0..=5;

    /// Where those of a partition are whose next job is of a class: the ones first that have been
    /// due the longest, and last those that are due later.
    pub fn due(partition: Partition, class: u8) -> String {
        format!("{partition:04x}/{class}")
    }

    /// Where those of a partition are whose jobs have ended and of which one was done by a tool
    /// before that of a version.
    pub fn outdated(partition: Partition, tool: u32) -> (String, String) {
        let of = format!("{partition:04x}/");
        let end = format!("{of}{tool:08x}/");
        (of, end)
    }

    /// The job of a kind, if there is one.
    pub fn job(&self, kind: JobKind) -> Option<&Job> {
        self.jobs.iter().find(|it| it.kind == kind)
    }

    /// What is to be done next.
    pub fn next(&self) -> Option<&Job> {
        let due = self.jobs.iter().filter(|it| it.is_due() && it.kind != JobKind::Later);
        due.min_by_key(|it| (it.class(self.size_bytes), it.due_from))
    }

    /// Whether the end of a job at a `seq` is the last of which those who see the file are told,
    /// and they have not been.
    pub(super) fn is_told_of(&self, seq: u64) -> bool {
        self.ended == seq && self.told < seq
    }

    /// The job that was done by a tool before that of a version, when none is to be done.
    pub fn behind(&self, tool: u32) -> Option<JobKind> {
        let ended = self.jobs.iter().all(|it| !it.is_due());
        let oldest = self.jobs.iter().filter(|_| ended).min_by_key(|it| it.tool)?;
        (oldest.tool < tool).then_some(oldest.kind)
    }

    fn new(it: &UploadBegun, event: &Recorded) -> Self {
        Self {
            file_id: it.file_id,
            account_id: it.account_id,
            partition: event.partition,
            size_bytes: it.size_bytes.0,
            jobs: Vec::new(),
            ended: 0,
            told: 0,
            seen: 0,
            seq: event.seq,
        }
    }

    fn end(&mut self, job: JobId, tells: Option<bool>, seq: u64) {
        if tells == Some(true) {
            self.ended = seq;
            let squares = self.by_id(job).is_some_and(|it| it.kind == JobKind::Avatars);
            self.seen = if squares { self.seen } else { seq };
        }
    }

    fn by_id(&mut self, id: JobId) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|it| it.id == Some(id))
    }

    fn fold(&mut self, event: &MediaEvent, (seq, now): (u64, Timestamp)) {
        match event {
            MediaEvent::MediaRequested(it) if it.kind == JobKind::Later => (),
            MediaEvent::MediaRequested(it) => {
                let redo = it.redo.unwrap_or(false);
                let job = Job { asked: seq, redo, ..Job::new(it.kind, now) };
                match self.jobs.iter_mut().find(|job| job.kind == it.kind) {
                    // What there is of it is shown meanwhile.
                    Some(old) => *old = Job { made: old.made.take(), ..job },
                    None => self.jobs.push(job),
                }
            }
            MediaEvent::MediaStarted(it) => {
                let kind = it.kind.unwrap_or(JobKind::Previews);
                if let Some(job) = self.jobs.iter_mut().find(|job| job.kind == kind) {
                    job.attempts = it.attempt.0;
                    job.id = Some(it.job_id);
                    job.tool = it.tool.map_or(1, |it| u32::try_from(it.0).unwrap_or(u32::MAX));
                }
            }
            MediaEvent::MediaProduced(it) => {
                if let Some(job) = self.by_id(it.job_id) {
                    let blobs = it.blobs.iter().map(|it| it.0).collect();
                    job.made = Some(Made { outcome: it.outcome.clone(), blobs });
                    job.due_from = None;
                }
                self.end(it.job_id, it.tells, seq);
            }
            MediaEvent::MediaFailed(it) => {
                if let Some(job) = self.by_id(it.job_id) {
                    job.failed = it.attempt.0;
                    job.due_from = it.again_at;
                    job.failure = (it.again_at.is_none() && job.made.is_none()).then_some(it.code);
                }
                self.end(it.job_id, it.tells, seq);
            }
            MediaEvent::MediaTold(_) => self.told = self.ended,
        }
        self.seq = seq;
    }
}

impl Document for Media {
    const COLLECTION: Collection = Collection { name: "media", indexes: &["due", "outdated"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let file = match FileEvent::of(&event.event) {
            Some(
                FileEvent::FileKept(_)
                | FileEvent::FileReleased(_)
                | FileEvent::FileWithdrawn(_)
                | FileEvent::FileSwept(_),
            ) => None,
            Some(it) => Some(it.file_id()),
            None => MediaEvent::of(&event.event).map(MediaEvent::file_id),
        };
        file.iter().map(ToString::to_string).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(FileEvent::of(&event.event), Some(FileEvent::UploadBegun(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match FileEvent::of(&event.event) {
            Some(FileEvent::UploadBegun(it)) => *document = Some(Self::new(it, event)),
            Some(
                FileEvent::UploadAbandoned(_)
                | FileEvent::UploadRefused(_)
                | FileEvent::FileDiscarded(_),
            ) => *document = None,
            // What an alias shows was made of that whose contents it has.
            Some(FileEvent::FileUploaded(it)) if it.same_as.is_some() => *document = None,
            Some(FileEvent::FileUploaded(_)) => {
                if let Some(media) = document {
                    media.jobs = vec![Job::new(JobKind::Previews, event.occurred_at)];
                    media.seq = event.seq;
                }
            }
            Some(
                FileEvent::FileKept(_)
                | FileEvent::FileReleased(_)
                | FileEvent::FileWithdrawn(_)
                | FileEvent::FileSwept(_),
            ) => {}
            None => {
                if let (Some(media), Some(it)) = (document, MediaEvent::of(&event.event)) {
                    media.fold(it, (event.seq, event.occurred_at));
                }
            }
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let due = |job: &Job| {
            let of = Self::due(self.partition, job.class(self.size_bytes));
            let from = padded(job.due_from.unwrap_or_default().0.unsigned_abs());
            format!("{of}{from}/{}", self.file_id)
        };
        let ended = !self.jobs.is_empty() && self.jobs.iter().all(|it| !it.is_due());
        let oldest = self.jobs.iter().map(|it| it.tool).min().filter(|_| ended);
        let outdated = |tool| format!("{}{}", Self::outdated(self.partition, tool).1, self.file_id);
        vec![self.next().map(due), oldest.map(outdated)]
    }
}
