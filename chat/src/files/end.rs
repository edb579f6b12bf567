//! What ends by itself: uploads that take too long, files that nothing refers to, and the blobs
//! that either leaves behind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use ports::Error;

use super::decide::{found, own_file};
use super::{
    File, FileDiscarded, FileEvent, FileId, FileKept, FileRejection, FileReleased, FileState,
    FileSwept, FileWithdrawn, RELEASED_MS, UploadAbandoned,
};
use crate::Event;
use crate::attachments::{is_held, is_used};
use crate::kernel::command::{Fetch, State};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Reader, Recorded, Slot, StreamId, Timestamp};
use crate::timers::{Action, Purpose, Timer, Timing};

/// A file that may end, and if it is an alias that whose contents it has.
pub struct Ending {
    file: Slot<File>,
    first: Option<Slot<File>>,
    stream: StreamId,
}

impl State for Ending {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.file.fill(fetch);
        let first = self.file.get().and_then(|it| it.same_as);
        self.first = first.map(|it| Slot::new(it.to_string(), self.stream));
        self.first.fill(fetch);
    }
}

impl Ending {
    pub(super) fn of(file: FileId, context: &Context<'_>) -> Self {
        let stream = StreamId::Account(context.actor);
        Self { file: own_file(file, context), first: None, stream }
    }

    /// The file, if it is theirs.
    pub(super) fn file(&self, context: &Context<'_>) -> Option<&File> {
        found(&self.file, context)
    }

    /// What ends it: giving an upload up, or discarding what was uploaded. Contents that aliases
    /// have stay until the last of those is over, and go with it.
    pub(super) fn over(&self, file: &File) -> Vec<Event> {
        let (file_id, account_id) = (file.id, file.account_id);
        match file.state {
            FileState::Uploading => {
                let size_bytes = Long(file.size_bytes);
                let abandoned =
                    |leaf| UploadAbandoned { file_id, account_id, size_bytes, leaf: Long(leaf) };
                file.leaf().map(|it| abandoned(it).into()).into_iter().collect()
            }
            FileState::Uploaded if file.aliases > 0 => {
                vec![FileWithdrawn { file_id, account_id }.into()]
            }
            FileState::Uploaded => {
                let first = self.first.as_ref().and_then(Slot::get);
                let first = first.filter(|it| it.withdrawn && it.aliases <= 1);
                [Some(file), first].into_iter().flatten().filter_map(discarded).collect()
            }
            FileState::Over => Vec::new(),
        }
    }
}

fn discarded(file: &File) -> Option<Event> {
    let discarded = FileDiscarded {
        file_id: file.id,
        account_id: file.account_id,
        size_bytes: Long(file.size_bytes),
        leaf: Long(file.leaf()?),
        contents: file.contents.clone(),
        same_as: file.same_as,
        withdrawn: file.withdrawn.then_some(true),
    };
    Some(discarded.into())
}

/// Ends an upload or a file whose time has come; one that is over already is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EndFile {
    pub file_id: FileId,
    /// Of an upload, or of a file.
    pub uploaded: bool,
    /// The time that has come: another may have been set since.
    pub due_at: Timestamp,
}

impl Command for EndFile {
    const NAME: &'static str = "EndFile";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Ending;
    type Rejection = FileRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FileRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Ending {
        Ending::of(self.file_id, context)
    }

    fn decide(self, ending: &Ending, context: &Context<'_>) -> Result<Vec<Event>, FileRejection> {
        let state = if self.uploaded { FileState::Uploaded } else { FileState::Uploading };
        let due = |it: &&File| {
            it.state == state && [it.until, it.kept_until].contains(&Some(self.due_at))
        };
        Ok(ending.file(context).filter(due).map(|it| ending.over(it)).unwrap_or_default())
    }
}

/// The timers that an event sets and clears.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let (expires, unused) = (Purpose::UploadExpires, Purpose::FileUnused);
    let over = |id| [unused, Purpose::FileEnds].map(|purpose| Timing::Clear { purpose, id }).into();
    match FileEvent::of(&event.event) {
        Some(FileEvent::UploadBegun(it)) => {
            let (id, account_id, due_at) = (it.file_id.0, it.account_id, it.expires_at);
            vec![Timing::Set { purpose: expires, id, account_id, due_at }]
        }
        Some(FileEvent::FileUploaded(it)) => {
            let (id, account_id, due_at) = (it.file_id.0, it.account_id, it.unused_until);
            let clear = Timing::Clear { purpose: expires, id };
            let ends = it.kept_until.map(|due_at| Timing::Set {
                purpose: Purpose::FileEnds,
                id,
                account_id,
                due_at,
            });
            let unused = Timing::Set { purpose: unused, id, account_id, due_at };
            [clear, unused].into_iter().chain(ends).collect()
        }
        Some(FileEvent::UploadAbandoned(it)) => {
            vec![Timing::Clear { purpose: expires, id: it.file_id.0 }]
        }
        Some(FileEvent::UploadRefused(it)) => {
            vec![Timing::Clear { purpose: expires, id: it.file_id.0 }]
        }
        Some(FileEvent::FileKept(it)) => {
            vec![Timing::Clear { purpose: unused, id: it.file_id.0 }]
        }
        Some(FileEvent::FileReleased(it)) => {
            let (id, account_id, due_at) = (it.file_id.0, it.account_id, it.unused_until);
            vec![Timing::Set { purpose: unused, id, account_id, due_at }]
        }
        Some(FileEvent::FileWithdrawn(it)) => over(it.file_id.0),
        Some(FileEvent::FileDiscarded(it)) => over(it.file_id.0),
        Some(FileEvent::FileSwept(_)) | None => Vec::new(),
    }
}

/// Ends the upload or the file that a timer is about; a file that something refers to is kept.
/// Nothing while something that is gone has not released it: whether another does is known then.
pub(crate) async fn end(reader: &Reader, timer: &Timer) -> Result<Option<Action>, Error> {
    let (file_id, uploaded) = (FileId(timer.id), timer.purpose != Purpose::UploadExpires);
    let held = timer.purpose == Purpose::FileUnused && is_held(reader, file_id).await?;
    if held && !is_used(reader, file_id).await? {
        return Ok(None);
    }
    Ok(Some(match held {
        true => timer.gives(KeepFile { file_id, due_at: timer.due_at }),
        false => timer.gives(EndFile { file_id, uploaded, due_at: timer.due_at }),
    }))
}

/// Keeps a file that something refers to; one that is kept is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeepFile {
    pub file_id: FileId,
    /// The time that has come: another may have been set since.
    pub due_at: Timestamp,
}

impl Command for KeepFile {
    const NAME: &'static str = "KeepFile";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<File>;
    type Rejection = FileRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FileRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<File> {
        own_file(self.file_id, context)
    }

    fn decide(self, file: &Slot<File>, context: &Context<'_>) -> Result<Vec<Event>, FileRejection> {
        let file =
            found(file, context).filter(|it| it.is_uploaded() && it.until == Some(self.due_at));
        let kept = file.map(|it| FileKept { file_id: it.id, account_id: context.actor });
        Ok(kept.into_iter().map(Event::from).collect())
    }
}

/// Discards a file soon unless something refers to it by then; what is not there stays so.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleaseFile {
    pub file_id: FileId,
}

impl Command for ReleaseFile {
    const NAME: &'static str = "ReleaseFile";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<File>;
    type Rejection = FileRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FileRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<File> {
        own_file(self.file_id, context)
    }

    fn decide(self, file: &Slot<File>, context: &Context<'_>) -> Result<Vec<Event>, FileRejection> {
        let file = found(file, context).filter(|it| it.is_uploaded());
        let unused_until = Timestamp(context.now.0.saturating_add(RELEASED_MS));
        let released =
            file.map(|it| FileReleased { file_id: it.id, account_id: context.actor, unused_until });
        Ok(released.into_iter().map(Event::from).collect())
    }
}

/// Notes that the blobs are deleted that a file does not need; nothing when that was noted, or when
/// there are more of them since.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NoteSwept {
    pub file_id: FileId,
    /// `seq` of the event that the blobs were left behind by.
    pub seq: u64,
}

impl Command for NoteSwept {
    const NAME: &'static str = "NoteSwept";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<File>;
    type Rejection = FileRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FileRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<File> {
        own_file(self.file_id, context)
    }

    fn decide(self, file: &Slot<File>, context: &Context<'_>) -> Result<Vec<Event>, FileRejection> {
        let left = found(file, context).filter(|it| it.left_behind && it.seq == self.seq);
        let swept = left.map(|it| FileSwept { file_id: it.id, account_id: context.actor });
        Ok(swept.into_iter().map(Event::from).collect())
    }
}
