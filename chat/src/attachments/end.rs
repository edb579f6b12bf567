//! What becomes of the files of what is gone: those are discarded that nothing else uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ports::Error;
use ports::documents::{Order, Scan};

use super::view::ended;
use super::{AttachmentRejection, FileUse, FilesReleased, HELD_MAX, Holder};
use crate::Event;
use crate::conversations::ConversationId;
use crate::files::{File, FileId, ReleaseFile};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Document, Reader, Recorded, Slot, StreamId, id};
use crate::messages::{Message, MessageEvent, MessageId};
use crate::pictures::{NotePictureReleased, PictureEvent};
use crate::removals::RemovalEvent;
use crate::schedule::{NoteScheduledReleased, ScheduleEvent, Scheduled, ScheduledId};
use crate::stickers::{NoteStickerReleased, StickerEvent};
use crate::timers::{Action, Answer, Purpose, Timer, Timing};

/// Notes that the files of a message that is gone are not kept for it any more; nothing when that
/// was noted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NoteReleased {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// 1 to 200.
    pub file_ids: Vec<FileId>,
}

impl Command for NoteReleased {
    const NAME: &'static str = "NoteReleased";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Vec<Slot<FileUse>>;
    type Rejection = AttachmentRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AttachmentRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, _: &Context<'_>) -> Self::State {
        uses(&self.file_ids, self.message_id.0, StreamId::Conversation(self.conversation_id))
    }

    fn decide(
        self,
        uses: &Self::State,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, AttachmentRejection> {
        let (message_id, conversation_id) = (self.message_id, self.conversation_id);
        let released = |file_ids| FilesReleased { message_id, conversation_id, file_ids };
        Ok(over(uses).map(released).map(Event::from).into_iter().collect())
    }
}

/// The uses of files by what has this id and stands in a stream.
pub(crate) fn uses(files: &[FileId], holder: Uuid, stream: StreamId) -> Vec<Slot<FileUse>> {
    let files = files.iter().take(HELD_MAX);
    files.map(|it| Slot::new(FileUse::id(*it, holder), stream)).collect()
}

/// The files of uses that are over and were not released, if there are some.
pub(crate) fn over(uses: &[Slot<FileUse>]) -> Option<Vec<FileId>> {
    let over = uses.iter().filter_map(Slot::get).filter(|it| it.over);
    let files: Vec<_> = over.map(|it| it.file_id).collect();
    (!files.is_empty()).then_some(files)
}

/// The timers that an event sets and clears.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let purpose = Purpose::FilesReleased;
    let Some((holder, released)) = ended(event) else { return Vec::new() };
    let id = holder.id();
    if released {
        return vec![Timing::Clear { purpose, id }];
    }
    let account_id = match (MessageEvent::of(&event.event), RemovalEvent::of(&event.event)) {
        (Some(MessageEvent::MessageDeleted(it)), _) => it.author_id,
        (_, Some(RemovalEvent::MessageDestroyed(it))) => it.author_id,
        _ => match (StickerEvent::of(&event.event), PictureEvent::of(&event.event)) {
            (Some(StickerEvent::StickerRemoved(it)), _) => it.owner_id,
            (_, Some(PictureEvent::PictureRemoved(it))) => it.account_id,
            _ => match ScheduleEvent::of(&event.event) {
                Some(ScheduleEvent::ScheduledCancelled(it)) => it.account_id,
                Some(ScheduleEvent::ScheduledSent(it)) => it.account_id,
                _ => return Vec::new(),
            },
        },
    };
    vec![Timing::Set { purpose, id, account_id, due_at: event.occurred_at }]
}

/// Whether something uses a file, or did and has not released it.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn is_held(reader: &Reader, file: FileId) -> Result<bool, Error> {
    let (name, prefix) = (FileUse::COLLECTION.name, FileUse::of(file));
    let scan = Scan::prefix(name, Some("held"), &prefix, Order::Ascending, 1);
    Ok(!reader.scan::<FileUse>(scan).await?.is_empty())
}

/// Whether something that is there uses a file.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn is_used(reader: &Reader, file: FileId) -> Result<bool, Error> {
    let (name, prefix) = (FileUse::COLLECTION.name, FileUse::of(file));
    let scan = Scan::prefix(name, Some("used"), &prefix, Order::Ascending, 1);
    Ok(!reader.scan::<FileUse>(scan).await?.is_empty())
}

/// Whether the documents tell of the message that something scheduled has become, if any: until
/// then nobody knows what that uses.
async fn is_told_of(reader: &Reader, scheduled: ScheduledId) -> Result<bool, Error> {
    let scheduled = reader.load::<Scheduled>(scheduled.to_string()).await?;
    let Some(message) = scheduled.and_then(|it| it.message_id) else { return Ok(true) };
    Ok(reader.load::<Message>(message.to_string()).await?.is_some())
}

/// Releases the files of what is gone and that nothing else uses, each in its owner's stream, and
/// notes that; nothing while the documents do not tell of them.
pub(crate) async fn release(reader: &Reader, timer: &Timer) -> Result<Option<Action>, Error> {
    let (name, prefix) = (FileUse::COLLECTION.name, FileUse::over_with(timer.id));
    let scan = Scan::prefix(name, Some("over"), &prefix, Order::Ascending, HELD_MAX);
    let over = reader.scan::<FileUse>(scan).await?;
    let file_ids: Vec<_> = over.iter().map(|(_, it)| it.file_id).collect();
    let Some((_, first)) = over.first() else { return Ok(None) };
    if let Holder::Scheduled(it) = first.holder
        && !is_told_of(reader, it).await?
    {
        return Ok(None);
    }
    let mut next = match first.holder {
        Holder::Message(message_id) => {
            let conversation_id = timer.conversation();
            let file_ids = file_ids.clone();
            timer.gives(NoteReleased { conversation_id, message_id, file_ids })
        }
        Holder::Scheduled(scheduled_id) => {
            let file_ids = file_ids.clone();
            timer.gives(NoteScheduledReleased { scheduled_id, file_ids })
        }
        Holder::Sticker { pack_id, number } => {
            let (number, file_id) = (Long(number), first.file_id);
            timer.gives(NoteStickerReleased { pack_id, number, file_id })
        }
        Holder::Picture { picture_id, conversation_id } => {
            let file_id = first.file_id;
            timer.gives(NotePictureReleased { picture_id, conversation_id, file_id })
        }
    };
    for file_id in file_ids {
        let file = reader.load::<File>(file_id.to_string()).await?;
        let Some(file) = file.filter(|it| it.is_uploaded()) else { continue };
        if !is_used(reader, file_id).await? {
            next = Action {
                account_id: file.account_id,
                client_id: id::derive(timer.client_id(), &[b"release", file_id.0.as_bytes()]),
                command: Box::new(ReleaseFile { file_id }),
                // One that is over already is.
                then: Some(Box::new(move |_: Answer| Some(next))),
            };
        }
    }
    Ok(Some(next))
}
