//! What uses which files, as it is remembered.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ports::documents::Collection;

use super::AttachmentEvent;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::{Document, Recorded};
use crate::messages::{MessageEvent, MessageId};
use crate::pictures::{PictureEvent, PictureId};
use crate::removals::RemovalEvent;
use crate::schedule::{ScheduleEvent, ScheduledId};
use crate::stickers::{PackId, Sticker, StickerEvent};

/// What uses files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    Message(MessageId),
    Sticker {
        pack_id: PackId,
        number: u64,
    },
    /// What is to be sent at a time.
    Scheduled(ScheduledId),
    /// Of a conversation, or of whoever has uploaded it.
    Picture {
        picture_id: PictureId,
        conversation_id: Option<ConversationId>,
    },
}

impl Holder {
    /// What stands for it in keys, and in the id of the timer that releases its files.
    pub fn id(self) -> Uuid {
        match self {
            Self::Message(it) => it.0,
            Self::Sticker { pack_id, number } => Sticker::holder(pack_id, number),
            Self::Scheduled(it) => it.0,
            Self::Picture { picture_id, .. } => picture_id.0,
        }
    }
}

/// That something uses a file; once it is gone, until its files are released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUse {
    pub file_id: FileId,
    pub holder: Holder,
    /// Whether what used it is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

impl FileUse {
    /// The id of the use of a file by what has this id.
    pub fn id(file: FileId, holder: Uuid) -> String {
        format!("{}{}", Self::of(file), holder.simple())
    }

    /// Ids of the uses of a file begin with this.
    pub fn of(file: FileId) -> String {
        format!("{file}/")
    }

    /// Where the uses are that are over with what has this id.
    pub fn over_with(holder: Uuid) -> String {
        format!("{}/", holder.simple())
    }
}

/// What an event says of uses.
enum Told {
    Begin,
    Over,
    End,
}

fn told(event: &Recorded) -> Option<(Holder, &[FileId], Told)> {
    if let Some(event) = StickerEvent::of(&event.event) {
        return of_sticker(event);
    }
    if let Some(event) = PictureEvent::of(&event.event) {
        return of_picture(event);
    }
    if let Some(event) = ScheduleEvent::of(&event.event) {
        return of_scheduled(event);
    }
    let (message, files, told) = match AttachmentEvent::of(&event.event) {
        Some(AttachmentEvent::FilesReleased(it)) => (it.message_id, &it.file_ids[..], Told::End),
        Some(AttachmentEvent::AttachmentReplaced(it)) => {
            (it.message_id, std::slice::from_ref(&it.new_file_id), Told::Begin)
        }
        Some(AttachmentEvent::AttachmentReady(_)) => return None,
        None => of_message(event)?,
    };
    Some((Holder::Message(message), files, told))
}

fn of_message(event: &Recorded) -> Option<(MessageId, &[FileId], Told)> {
    if let Some(RemovalEvent::MessageDestroyed(it)) = RemovalEvent::of(&event.event) {
        return Some((it.message_id, it.files.as_deref()?, Told::Over));
    }
    match MessageEvent::of(&event.event)? {
        MessageEvent::MessageSent(it) => Some((it.message_id, it.files.as_deref()?, Told::Begin)),
        MessageEvent::MessageDeleted(it) => Some((it.message_id, it.files.as_deref()?, Told::Over)),
        MessageEvent::MessageEdited(_) | MessageEvent::MessageHidden(_) => None,
    }
}

fn of_sticker(event: &StickerEvent) -> Option<(Holder, &[FileId], Told)> {
    let (pack_id, number, file, told) = match event {
        StickerEvent::StickerAdded(it) => (it.pack_id, it.number, &it.file_id, Told::Begin),
        StickerEvent::StickerRemoved(it) => (it.pack_id, it.number, &it.file_id, Told::Over),
        StickerEvent::StickerReleased(it) => (it.pack_id, it.number, &it.file_id, Told::End),
        StickerEvent::PackCreated(_)
        | StickerEvent::PackRenamed(_)
        | StickerEvent::PackDeleted(_)
        | StickerEvent::PackInstalled(_)
        | StickerEvent::PackUninstalled(_) => return None,
    };
    let holder = Holder::Sticker { pack_id, number: number.0 };
    Some((holder, std::slice::from_ref(file), told))
}

fn of_scheduled(event: &ScheduleEvent) -> Option<(Holder, &[FileId], Told)> {
    let (files, told) = match event {
        ScheduleEvent::MessageScheduled(it) => (it.files.as_deref()?, Told::Begin),
        ScheduleEvent::ScheduledCancelled(it) => (it.files.as_deref()?, Told::Over),
        ScheduleEvent::ScheduledSent(it) => (it.files.as_deref()?, Told::Over),
        ScheduleEvent::ScheduledReleased(it) => (&it.file_ids[..], Told::End),
        ScheduleEvent::ScheduledChanged(_)
        | ScheduleEvent::ScheduledSending(_)
        | ScheduleEvent::ScheduledFailed(_) => return None,
    };
    Some((Holder::Scheduled(event.scheduled_id()), files, told))
}

fn of_picture(event: &PictureEvent) -> Option<(Holder, &[FileId], Told)> {
    let (picture_id, conversation_id, file, told) = match event {
        PictureEvent::PictureSet(it) => {
            (it.picture_id, it.conversation_id, &it.file_id, Told::Begin)
        }
        PictureEvent::PictureRemoved(it) => {
            (it.picture_id, it.conversation_id, &it.file_id, Told::Over)
        }
        PictureEvent::PictureReleased(it) => {
            (it.picture_id, it.conversation_id, &it.file_id, Told::End)
        }
        PictureEvent::PictureReady(_) => return None,
    };
    Some((Holder::Picture { picture_id, conversation_id }, std::slice::from_ref(file), told))
}

/// What is gone by this event, so that its files are to be released, or has released them.
pub(super) fn ended(event: &Recorded) -> Option<(Holder, bool)> {
    match told(event)? {
        (holder, _, Told::Over) => Some((holder, false)),
        (holder, _, Told::End) => Some((holder, true)),
        (_, _, Told::Begin) => None,
    }
}

impl Document for FileUse {
    const COLLECTION: Collection =
        Collection { name: "file_uses", indexes: &["used", "over", "held"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some((holder, files, _)) = told(event) else { return Vec::new() };
        files.iter().map(|it| Self::id(*it, holder.id())).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(told(event), Some((_, _, Told::Begin)))
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        match told(event) {
            Some((holder, files, Told::Begin)) => {
                let file = files.iter().find(|it| Self::id(**it, holder.id()) == id);
                *document = file.map(|it| Self { file_id: *it, holder, over: false });
            }
            Some((_, _, Told::Over)) => {
                if let Some(it) = document {
                    it.over = true;
                }
            }
            Some((_, _, Told::End)) => *document = None,
            None => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let holder = self.holder.id();
        let over = format!("{}{}", Self::over_with(holder), self.file_id);
        let used = Self::id(self.file_id, holder);
        // Pictures come before messages, of which so many are told of a file and no more, and
        // behind those comes what is told of nothing.
        let first = match self.holder {
            Holder::Picture { .. } => format!("{}!{}", Self::of(self.file_id), holder.simple()),
            Holder::Message(_) => used.clone(),
            Holder::Scheduled(_) | Holder::Sticker { .. } => {
                format!("{}z{}", Self::of(self.file_id), holder.simple())
            }
        };
        vec![(!self.over).then_some(first), self.over.then_some(over), Some(used)]
    }
}
