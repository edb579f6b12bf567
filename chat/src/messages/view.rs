//! Messages as they are remembered; one that is gone keeps its place and nothing else.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{Body, ContentKind, Forwarded, MessageEvent, MessageId, MessageSent, Quote};
use crate::accounts::AccountId;
use crate::attachments::{AttachmentEvent, AttachmentReplaced};
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::expiry::ExpiryEvent;
use crate::files::FileId;
use crate::kernel::document::padded;
use crate::kernel::time::Long;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::removals::RemovalEvent;
use crate::threads::{Line, ThreadEvent, Threaded};

/// A message. What it does not have is not written: most messages have little of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub number: u64,
    /// `seq` of the event that sent it.
    pub seq: u64,
    pub author_id: AccountId,
    /// Absent once it is gone for everyone, and while a moderator has removed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Personal<Body>>,
    /// What a moderator has removed, until it is restored or destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aside: Option<Box<Aside>>,
    /// The first text, once there is a later one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Personal<Body>>,
    /// What the body holds beside text; once there is a later text, the first body does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentKind>,
    /// The files that it holds, also while a moderator has removed it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileId>,
    /// What they take, with earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<Long>,
    /// What they take without those, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown_bytes: Option<Long>,
    /// Which of them took the place of others, the first time first: at most 19 for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<Replaced>,
    /// Whether the other person opens what it holds once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub view_once: bool,
    /// Whether that person has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opened: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// What it quotes of the message that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The thread that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<Threaded>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<AccountId>,
    /// Whether it mentions everyone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<Forwarded>,
    pub sent_at: Timestamp,
    pub occurred_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// When it is gone for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Seconds after the other person has read it after which it is gone for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after_read: Option<u32>,
    /// Number of edits, of texts and of files.
    pub revision: u64,
    /// `seq` of the event that made it what it is.
    pub changed_seq: u64,
}

/// The texts of a message that a moderator has removed: where nobody who asks for a body looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    pub body: Personal<Body>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Personal<Body>>,
}

/// That a newer file took the place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// Which file of the message: 0 for the first.
    pub place: u32,
    /// The file that was there, which the message holds for as long as it is there itself.
    pub file_id: FileId,
    pub revision: u64,
    pub at: Timestamp,
}

/// A file in its place, after some edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) file_id: FileId,
    /// 1 for the first.
    pub(crate) version: u32,
    /// Since when, unless it was sent so.
    pub(crate) replaced_at: Option<Timestamp>,
}

impl Message {
    /// Whether its time has come, though its deletion may not have been noted yet.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|it| it <= now)
    }

    /// Whether nobody may read it any more.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.body.is_none() || self.is_over(now)
    }

    /// The files that it holds, earlier versions among them, as events tell them.
    pub(crate) fn held(&self) -> Option<Vec<FileId>> {
        let mut held = self.files.clone();
        for it in &self.replaced {
            // One may have been put back.
            if !held.contains(&it.file_id) {
                held.push(it.file_id);
            }
        }
        (!held.is_empty()).then_some(held)
    }

    /// What the files take that it shows; nothing where that does not count.
    pub(crate) fn shown_bytes(&self) -> Option<Long> {
        self.shown_bytes.or(self.file_bytes)
    }

    /// Whether it holds a file as an earlier version only.
    pub(crate) fn showed(&self, file: FileId) -> bool {
        !self.files.contains(&file) && self.replaced.iter().any(|it| it.file_id == file)
    }

    /// The files that it had after an edit, in their places.
    pub(crate) fn placed(&self, revision: u64) -> Vec<Placed> {
        let sent = |file_id: &FileId| Placed { file_id: *file_id, version: 1, replaced_at: None };
        let mut all: Vec<Placed> = self.files.iter().map(sent).collect();
        // What came later is undone, the last first.
        for it in self.replaced.iter().rev().filter(|it| it.revision > revision) {
            if let Some(placed) = all.get_mut(it.place as usize) {
                placed.file_id = it.file_id;
            }
        }
        for it in self.replaced.iter().filter(|it| it.revision <= revision) {
            if let Some(placed) = all.get_mut(it.place as usize) {
                placed.version += 1;
                placed.replaced_at = Some(it.at);
            }
        }
        all
    }

    /// The edit that gave it the text that it had after one: files change no text.
    pub(crate) fn text_revision(&self, revision: u64) -> u64 {
        let later = self.replaced.iter().rev().skip_while(|it| it.revision > revision);
        later.fold(revision, |at, it| if it.revision == at { at - 1 } else { at })
    }

    /// It without what it says, and without its thread unless somebody has seen it there.
    pub(crate) fn bare(&self, seen: bool) -> Self {
        let thread = self.thread.filter(|_| seen);
        Self { body: None, original: None, thread, ..self.clone() }
    }

    fn sent(it: &MessageSent, event: &Recorded) -> Self {
        Self {
            id: it.message_id,
            conversation_id: it.conversation_id,
            number: it.number.0,
            seq: event.seq,
            author_id: it.author_id,
            body: Some(it.body.clone()),
            aside: None,
            original: None,
            content: it.content,
            files: it.files.clone().unwrap_or_default(),
            file_bytes: it.file_bytes,
            shown_bytes: None,
            replaced: Vec::new(),
            view_once: it.view_once.unwrap_or(false),
            opened: false,
            reply_to: it.reply_to,
            quote: it.quote,
            thread: it.thread,
            mentions: it.mentions.clone(),
            everyone: it.everyone.unwrap_or(false),
            forwarded: it.forwarded,
            sent_at: it.sent_at.unwrap_or(event.occurred_at),
            occurred_at: event.occurred_at,
            edited_at: None,
            silent: it.silent.unwrap_or(false),
            expires_at: it.expires_at,
            expires_after_read: it.expires_after_read.and_then(|it| u32::try_from(it.0).ok()),
            revision: 0,
            changed_seq: event.seq,
        }
    }

    /// Only its place remains.
    fn empty(&mut self) {
        self.body = None;
        self.aside = None;
        self.original = None;
        self.content = None;
        (self.files, self.replaced) = (Vec::new(), Vec::new());
        (self.file_bytes, self.shown_bytes) = (None, None);
        (self.view_once, self.opened) = (false, false);
        self.quote = None;
        self.mentions = Vec::new();
        self.everyone = false;
        self.forwarded = None;
    }

    fn files_change(&mut self, it: &AttachmentReplaced, at: Timestamp) {
        let (place, revision) = (u32::try_from(it.place.0).unwrap_or(u32::MAX), it.revision.0);
        let Some(file) = self.files.get_mut(place as usize) else { return };
        let file_id = std::mem::replace(file, it.new_file_id);
        self.replaced.push(Replaced { place, file_id, revision, at });
        let held = self.file_bytes.map_or(0, |it| it.0) + it.file_bytes.map_or(0, |it| it.0);
        (self.file_bytes, self.shown_bytes) = (Some(Long(held)), Some(it.shown_bytes));
        self.edited_at = Some(at);
        self.revision = revision;
    }

    fn removals_change(&mut self, change: &RemovalEvent) {
        match change {
            RemovalEvent::MessageRemoved(_) => {
                let (body, original) = (self.body.take(), self.original.take());
                self.aside = body.map(|body| Box::new(Aside { body, original }));
            }
            RemovalEvent::MessageRestored(_) => {
                if let Some(aside) = self.aside.take() {
                    self.body = Some(aside.body);
                    self.original = aside.original;
                }
            }
            RemovalEvent::MessageDestroyed(_) => self.empty(),
        }
    }
}

/// The room's event, unless it is somebody's own.
fn public(event: &Recorded) -> Option<&MessageEvent> {
    MessageEvent::of(&event.event).filter(|it| !matches!(it, MessageEvent::MessageHidden(_)))
}

/// A newer file in the place of another.
fn replaced(event: &Recorded) -> Option<&AttachmentReplaced> {
    match AttachmentEvent::of(&event.event) {
        Some(AttachmentEvent::AttachmentReplaced(it)) => Some(it),
        Some(AttachmentEvent::FilesReleased(_) | AttachmentEvent::AttachmentReady(_)) | None => {
            None
        }
    }
}

impl Document for Message {
    const COLLECTION: Collection =
        Collection { name: "messages", indexes: &["by_number", "by_time", "by_author"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = match public(event) {
            Some(MessageEvent::MessageSent(it)) => Some(it.message_id),
            Some(MessageEvent::MessageEdited(it)) => Some(it.message_id),
            Some(MessageEvent::MessageDeleted(it)) => Some(it.message_id),
            Some(MessageEvent::MessageHidden(_)) => None,
            None => match (RemovalEvent::of(&event.event), ExpiryEvent::of(&event.event)) {
                (Some(it), _) => Some(it.message_id()),
                (None, Some(ExpiryEvent::ExpiryBegun(it))) => Some(it.message_id),
                (None, Some(ExpiryEvent::ExpirySet(_) | ExpiryEvent::ReadingNoted(_)) | None) => {
                    let moved = ThreadEvent::moved(event).map(|it| it.message_id);
                    moved.or_else(|| replaced(event).map(|it| it.message_id))
                }
            },
        };
        id.iter().map(ToString::to_string).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(public(event), Some(MessageEvent::MessageSent(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (public(event), document.as_mut()) {
            (Some(MessageEvent::MessageSent(it)), _) => *document = Some(Self::sent(it, event)),
            (Some(MessageEvent::MessageEdited(it)), Some(message)) => {
                let before = message.body.replace(it.body.clone());
                message.original = message.original.take().or(before);
                message.mentions = it.mentions.clone();
                message.everyone = it.everyone.unwrap_or(false);
                message.edited_at = Some(event.occurred_at);
                message.revision = it.revision.0;
                message.changed_seq = event.seq;
            }
            (Some(MessageEvent::MessageDeleted(_)), Some(message)) => {
                message.empty();
                message.changed_seq = event.seq;
            }
            (None, Some(message)) => {
                if let Some(it) = RemovalEvent::of(&event.event) {
                    message.removals_change(it);
                } else if let Some(ExpiryEvent::ExpiryBegun(it)) = ExpiryEvent::of(&event.event) {
                    message.expires_at = Some(it.expires_at);
                    message.opened |= it.opened == Some(true);
                }
                if let Some(it) = ThreadEvent::moved(event) {
                    message.thread = it.threaded();
                }
                if let Some(it) = replaced(event) {
                    message.files_change(it, event.occurred_at);
                }
                message.changed_seq = event.seq;
            }
            (Some(MessageEvent::MessageEdited(_) | MessageEvent::MessageDeleted(_)), None)
            | (Some(MessageEvent::MessageHidden(_)), _)
            | (None, None) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        if self.body.is_none() {
            return vec![None, None, None];
        }
        let (conversation, number) = (self.conversation_id, padded(self.number));
        let line = Line::of(conversation, self.thread);
        let sent_at = padded(u64::try_from(self.sent_at.0).unwrap_or(0));
        vec![
            Some(format!("{line}/{number}")),
            Some(format!("{conversation}/{sent_at}/{number}")),
            Some(format!("{conversation}/{}/{number}", self.author_id)),
        ]
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.conversation_id)
    }
}

/// A text that an edit gave a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    pub body: Personal<Body>,
    pub edited_at: Timestamp,
}

impl Version {
    /// The id of the text that an edit gave a message.
    pub fn id(message: MessageId, revision: u64) -> String {
        format!("{message}/{}", padded(revision))
    }
}

impl Document for Version {
    const COLLECTION: Collection = Collection { name: "versions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match public(event) {
            Some(MessageEvent::MessageEdited(it)) => {
                vec![Self::id(it.message_id, it.revision.0)]
            }
            _ => Vec::new(),
        }
    }

    fn begins(event: &Recorded) -> bool {
        matches!(public(event), Some(MessageEvent::MessageEdited(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(MessageEvent::MessageEdited(it)) = public(event) {
            *document = Some(Self { body: it.body.clone(), edited_at: event.occurred_at });
        }
    }
}
