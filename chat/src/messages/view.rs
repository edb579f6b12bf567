//! Messages as they are remembered; one that is gone keeps its place and nothing else.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{Body, ContentKind, Forwarded, MessageEvent, MessageId, MessageSent, Quote};
use crate::accounts::AccountId;
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
    /// What they take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<Long>,
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
    /// Number of edits.
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

impl Message {
    /// Whether its time has come, though its deletion may not have been noted yet.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|it| it <= now)
    }

    /// Whether nobody may read it any more.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.body.is_none() || self.is_over(now)
    }

    /// The files that it holds, as events tell them.
    pub(crate) fn held(&self) -> Option<Vec<FileId>> {
        (!self.files.is_empty()).then(|| self.files.clone())
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
        (self.files, self.file_bytes) = (Vec::new(), None);
        (self.view_once, self.opened) = (false, false);
        self.quote = None;
        self.mentions = Vec::new();
        self.everyone = false;
        self.forwarded = None;
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
                    ThreadEvent::moved(event).map(|it| it.message_id)
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
    /// Ids of a message's versions begin with this.
    pub fn prefix(message: MessageId) -> String {
        format!("{message}/")
    }
}

impl Document for Version {
    const COLLECTION: Collection = Collection { name: "versions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match public(event) {
            Some(MessageEvent::MessageEdited(it)) => {
                vec![format!("{}{}", Self::prefix(it.message_id), padded(it.revision.0))]
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
