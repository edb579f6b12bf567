//! What is known of the contents of files: not yet, all there is to know, or why not.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;
use ports::event_log::Partition;

use super::{JobId, MediaEvent, MediaFailure, MediaOutcome, Variant, job_id};
use crate::accounts::AccountId;
use crate::files::{FileEvent, FileId, UploadBegun};
use crate::kernel::document::padded;
use crate::kernel::{Document, Personal, Recorded, Timestamp};

/// How far a job has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// The file is not there yet.
    Uploading,
    /// It waits, or is being done; from this time on, unless it is.
    Due {
        from: Timestamp,
    },
    Ready {
        outcome: Personal<MediaOutcome>,
    },
    Failed {
        failure: MediaFailure,
    },
}

/// What is known of a file's contents; it goes with its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    pub file_id: FileId,
    pub account_id: AccountId,
    pub partition: Partition,
    /// Of the file.
    pub size_bytes: u64,
    pub stage: Stage,
    /// Times that the job was started.
    pub attempts: u64,
    /// The attempt that has failed last.
    pub failed: u64,
    /// Which blobs hold the variants, in the order of those.
    pub blobs: Vec<u64>,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

/// Small files come first: that somebody waits to see a picture does not depend on who uploads a
/// film. What kind of file it is said to be is sealed, and can be in no key.
fn class(size_bytes: u64) -> u8 {
    match size_bytes >> 20 {
        0 => 0,
        1..16 => 1,
        16..256 => 2,
        _ => 3,
    }
}

impl Media {
    /// Where those of a partition are whose job is due, small files first, and of those the ones
    /// that have waited the longest.
    pub fn due(partition: Partition) -> String {
        format!("{partition:04x}/")
    }

    /// Whether it leaves a place to others.
    pub fn is_large(&self) -> bool {
        class(self.size_bytes) > 1
    }

    /// The job that is, or was, to be done.
    pub fn job_id(&self) -> JobId {
        job_id(self.file_id)
    }

    /// When its job is due, unless it has an outcome.
    pub fn due_from(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Due { from } => Some(from),
            Stage::Uploading | Stage::Ready { .. } | Stage::Failed { .. } => None,
        }
    }

    /// Whether its job waits for an outcome.
    pub fn is_due(&self) -> bool {
        self.due_from().is_some()
    }

    /// Whether the attempt that was started last is known to have failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed == self.attempts
    }

    /// Which blob holds the variant of a name, and what that is.
    pub fn variant<'a>(&self, outcome: &'a MediaOutcome, name: &str) -> Option<(u64, &'a Variant)> {
        let mut all = self.blobs.iter().zip(&outcome.variants);
        all.find(|(_, it)| it.name == name).map(|(blob, it)| (*blob, it))
    }

    fn new(it: &UploadBegun, event: &Recorded) -> Self {
        Self {
            file_id: it.file_id,
            account_id: it.account_id,
            partition: event.partition,
            size_bytes: it.size_bytes.0,
            stage: Stage::Uploading,
            attempts: 0,
            failed: 0,
            blobs: Vec::new(),
            seq: event.seq,
        }
    }

    fn fold(&mut self, event: &MediaEvent, seq: u64) {
        match event {
            MediaEvent::MediaStarted(it) => self.attempts = it.attempt.0,
            MediaEvent::MediaProduced(it) => {
                self.blobs = it.blobs.iter().map(|it| it.0).collect();
                self.stage = Stage::Ready { outcome: it.outcome.clone() };
            }
            MediaEvent::MediaFailed(it) => {
                self.failed = it.attempt.0;
                self.stage = match it.again_at {
                    Some(from) => Stage::Due { from },
                    None => Stage::Failed { failure: it.code },
                };
            }
        }
        self.seq = seq;
    }
}

impl Document for Media {
    const COLLECTION: Collection = Collection { name: "media", indexes: &["due"] };

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
                    media.stage = Stage::Due { from: event.occurred_at };
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
                    media.fold(it, event.seq);
                }
            }
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let key = |from: Timestamp| {
            let (partition, class) = (Self::due(self.partition), class(self.size_bytes));
            format!("{partition}{class}{}/{}", padded(from.0.unsigned_abs()), self.file_id)
        };
        vec![self.due_from().map(key)]
    }
}
