//! What is asked for beside previews, and who is told what became of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use ports::Error;
use ports::documents::{Order, Scan};

use super::decide::{found, own};
use super::{
    AVATAR_BYTES_MAX, CONVERSIONS_MAX, JobKind, Media, MediaEvent, MediaFormat, MediaRejection,
    MediaRequested, MediaTold, TOLD_MAX,
};
use crate::Event;
use crate::attachments::{FileUse, Holder, NoteMedia};
use crate::files::{File, FileEvent, FileId};
use crate::kernel::command::{Fetch, State};
use crate::kernel::{AnyCommand, Command, Context, Document, Reader, Recorded, Slot, StreamId, id};
use crate::messages::Message;
use crate::pictures::NotePictureReady;
use crate::timers::{Action, Answer, Purpose, Timer, Timing};

/// Asks that a file of one's own is made into another format of its kind; nothing when it was, or
/// is being done. What failed is tried again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConvertFile {
    pub file_id: FileId,
    pub format: MediaFormat,
}

/// A file, and what is known of its contents, which another may hold.
pub struct Wanted {
    file: Slot<File>,
    media: Option<Slot<Media>>,
    stream: StreamId,
}

impl State for Wanted {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.file.fill(fetch);
        let holder = self.file.get().map(File::holder);
        self.media = holder.map(|it| Slot::new(it.to_string(), self.stream));
        self.media.fill(fetch);
    }
}

impl Wanted {
    fn of(file: FileId, context: &Context<'_>) -> Self {
        let stream = StreamId::Account(context.actor);
        Self { file: Slot::new(file.to_string(), stream), media: None, stream }
    }

    /// What is known of it, if it is theirs and there.
    fn media(&self, context: &Context<'_>) -> Option<&Media> {
        let there = self.file.get().is_some_and(File::is_uploaded);
        let media = self.media.as_ref().filter(|_| there);
        media.and_then(|it| found(it, context)).filter(|it| !it.jobs.is_empty())
    }
}

/// Whether there is what a job makes, or it is being made.
fn has(media: &Media, kind: JobKind) -> bool {
    media.job(kind).is_some_and(|it| it.is_due() || it.made.is_some())
}

/// What asks for a job.
fn asked(media: &Media, kind: JobKind) -> Vec<Event> {
    let Media { file_id, account_id, .. } = *media;
    vec![MediaRequested { file_id, account_id, kind, redo: None }.into()]
}

impl Command for ConvertFile {
    const NAME: &'static str = "ConvertFile";
    const SEALS: bool = false;
    type State = Wanted;
    type Rejection = MediaRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, MediaRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Wanted {
        Wanted::of(self.file_id, context)
    }

    fn decide(self, wanted: &Wanted, context: &Context<'_>) -> Result<Vec<Event>, MediaRejection> {
        let media = wanted.media(context).ok_or(MediaRejection::NotFound)?;
        let kind = JobKind::Conversion(self.format);
        if has(media, kind) {
            return Ok(Vec::new());
        }
        let conversions = media.jobs.iter().filter(|it| matches!(it.kind, JobKind::Conversion(_)));
        if media.job(kind).is_none() && conversions.count() >= CONVERSIONS_MAX {
            return Err(MediaRejection::TooMany);
        }
        Ok(asked(media, kind))
    }
}

/// Asks for squares of a file of one's own, to show them as a picture; nothing when there are some,
/// they are being made, or there is no such file. What failed is tried again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AskAvatars {
    pub file_id: FileId,
}

impl Command for AskAvatars {
    const NAME: &'static str = "AskAvatars";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Wanted;
    type Rejection = MediaRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, MediaRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Wanted {
        Wanted::of(self.file_id, context)
    }

    fn decide(self, wanted: &Wanted, context: &Context<'_>) -> Result<Vec<Event>, MediaRejection> {
        let Some(media) = wanted.media(context) else { return Ok(Vec::new()) };
        let kind = JobKind::Avatars;
        if has(media, kind) || media.size_bytes > AVATAR_BYTES_MAX {
            return Ok(Vec::new());
        }
        Ok(asked(media, kind))
    }
}

/// Asks for what an earlier version of the tool has made, or failed to make; nothing while
/// something is to be done, or when that version has done it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RedoMedia {
    pub file_id: FileId,
    /// The version of the tool.
    pub tool: u32,
}

impl Command for RedoMedia {
    const NAME: &'static str = "RedoMedia";
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
        let kind = found(media, context).and_then(|it| it.behind(self.tool));
        let (file_id, account_id) = (self.file_id, context.actor);
        let redo = Some(true);
        let requested = kind.map(|kind| MediaRequested { file_id, account_id, kind, redo });
        Ok(requested.into_iter().map(Event::from).collect())
    }
}

/// Changes nothing; it is refused unless the messages that hold a file are to be told now.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfirmTelling {
    pub file_id: FileId,
    /// `seq` of the event that they are to be told of.
    pub seq: u64,
}

impl Command for ConfirmTelling {
    const NAME: &'static str = "ConfirmTelling";
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
        let told = found(media, context).filter(|it| it.is_told_of(self.seq));
        told.map(|_| Vec::new()).ok_or(MediaRejection::NotFound)
    }
}

/// Notes that the messages that hold a file have been told what became of it; nothing when more
/// has since.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NoteTold {
    pub file_id: FileId,
    /// `seq` of the event that they have been told of.
    pub seq: u64,
}

impl Command for NoteTold {
    const NAME: &'static str = "NoteTold";
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
        let told = found(media, context).filter(|it| it.is_told_of(self.seq));
        let (file_id, account_id) = (self.file_id, context.actor);
        let told = told.map(|_| MediaTold { file_id, account_id });
        Ok(told.into_iter().map(Event::from).collect())
    }
}

/// The timers that an event sets and clears: whoever sees a file is told once there is more of it.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let purpose = Purpose::MediaTold;
    if let Some(FileEvent::FileDiscarded(it)) = FileEvent::of(&event.event) {
        return vec![Timing::Clear { purpose, id: it.file_id.0 }];
    }
    let due_at = event.occurred_at;
    let (file, account_id, tells) = match MediaEvent::of(&event.event) {
        Some(MediaEvent::MediaProduced(it)) => (it.file_id, it.account_id, it.tells),
        Some(MediaEvent::MediaFailed(it)) => (it.file_id, it.account_id, it.tells),
        Some(MediaEvent::MediaTold(it)) => {
            return vec![Timing::Clear { purpose, id: it.file_id.0 }];
        }
        Some(MediaEvent::MediaRequested(_) | MediaEvent::MediaStarted(_)) | None => {
            return Vec::new();
        }
    };
    if tells != Some(true) {
        return Vec::new();
    }
    vec![Timing::Set { purpose, id: file.0, account_id, due_at }]
}

/// What holds a file or one of its aliases, and which of those.
async fn holding(reader: &Reader, first: FileId) -> Result<Vec<(Holder, FileId)>, Error> {
    let (name, prefix) = (File::COLLECTION.name, File::aliases_of(first));
    let scan = Scan::prefix(name, Some("aliases"), &prefix, Order::Ascending, TOLD_MAX);
    let aliases = reader.scan::<File>(scan).await?;
    let mut all = Vec::new();
    for file in aliases.iter().map(|(_, it)| it.id).chain([first]) {
        let (name, prefix) = (FileUse::COLLECTION.name, FileUse::of(file));
        let scan = Scan::prefix(name, Some("used"), &prefix, Order::Ascending, TOLD_MAX);
        let uses = reader.scan::<FileUse>(scan).await?;
        all.extend(uses.iter().map(|(_, it)| (it.holder, file)));
    }
    all.sort_by_key(|(it, _)| !matches!(it, Holder::Picture { .. }));
    all.truncate(TOLD_MAX);
    Ok(all)
}

/// Tells what holds a file that there is more of it, each where it stands, and notes that.
pub(crate) async fn tell(reader: &Reader, timer: &Timer) -> Result<Action, Error> {
    let (file_id, seq, account_id) = (FileId(timer.id), timer.seq, timer.account_id);
    let own = |what: &[u8]| id::derive(timer.client_id(), &[b"told", what]);
    let mut next = timer.gives(NoteTold { file_id, seq });
    let media = reader.load::<Media>(file_id.to_string()).await?;
    let seen = media.as_ref().is_some_and(|it| it.seen > it.told);
    let shown = media.and_then(|it| it.job(JobKind::Avatars).map(|it| it.made.is_some()));
    for (holder, file_id) in holding(reader, file_id).await? {
        let command: Box<dyn AnyCommand> = match holder {
            Holder::Message(message_id) if seen => {
                let message = reader.load::<Message>(message_id.to_string()).await?;
                let Some(conversation_id) = message.map(|it| it.conversation_id) else { continue };
                Box::new(NoteMedia { conversation_id, message_id, file_id })
            }
            // Whatever else is made of its file is not shown.
            Holder::Picture { picture_id, conversation_id } if shown == Some(true) => {
                Box::new(NotePictureReady { picture_id, conversation_id })
            }
            // Whoever has scheduled it sees the file itself.
            Holder::Message(_)
            | Holder::Scheduled(_)
            | Holder::Picture { .. }
            | Holder::Sticker { .. } => continue,
        };
        next = Action {
            account_id,
            client_id: own(holder.id().as_bytes()),
            command,
            // Of one that is gone nobody need hear.
            then: Some(Box::new(move |_: Answer| Some(next))),
        };
    }
    // Documents that are folded again show what was long ago: whoever owns the stream knows
    // whether it is so.
    Ok(Action {
        account_id,
        client_id: own(b"confirm"),
        command: Box::new(ConfirmTelling { file_id, seq }),
        then: Some(Box::new(|answer: Answer| answer.is_ok().then_some(next))),
    })
}
