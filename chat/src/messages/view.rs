//! Messages as they are remembered; one that is gone keeps its place and nothing else.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{Body, ContentKind, Forwarded, MessageEvent, MessageId, MessageSent};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::removals::RemovalEvent;

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
    /// What the body holds beside text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<AccountId>,
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
            reply_to: it.reply_to,
            mentions: it.mentions.clone(),
            forwarded: it.forwarded,
            sent_at: it.sent_at.unwrap_or(event.occurred_at),
            occurred_at: event.occurred_at,
            edited_at: None,
            silent: it.silent.unwrap_or(false),
            expires_at: it.expires_at,
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
        self.mentions = Vec::new();
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
            None => RemovalEvent::of(&event.event).map(RemovalEvent::message_id),
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
                    message.changed_seq = event.seq;
                }
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
        let sent_at = padded(u64::try_from(self.sent_at.0).unwrap_or(0));
        vec![
            Some(format!("{conversation}/{number}")),
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

/// That a message mentions somebody; it goes when the message no longer does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    pub message_id: MessageId,
}

impl Mention {
    /// Ids of a person's mentions in a conversation, by number.
    pub fn id(conversation: ConversationId, account: AccountId, number: u64) -> String {
        format!("{conversation}/{account}/{}", padded(number))
    }

    /// The number that an id ends with.
    pub fn number(id: &str) -> Option<u64> {
        id.rsplit('/').next().and_then(|it| u64::from_str_radix(it, 16).ok())
    }
}

impl Document for Mention {
    const COLLECTION: Collection = Collection { name: "mentions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let (conversation, number, accounts) = match public(event) {
            Some(MessageEvent::MessageSent(it)) => {
                (it.conversation_id, it.number.0, it.mentions.clone())
            }
            Some(MessageEvent::MessageEdited(it)) => {
                let both = [it.mentions.as_slice(), &it.no_longer_mentioned].concat();
                (it.conversation_id, it.number.0, both)
            }
            Some(MessageEvent::MessageDeleted(it)) => {
                (it.conversation_id, it.number.0, it.mentions.clone())
            }
            Some(MessageEvent::MessageHidden(_)) => return Vec::new(),
            None => match RemovalEvent::of(&event.event) {
                Some(RemovalEvent::MessageRemoved(it)) => {
                    (it.conversation_id, it.number.0, it.mentions.clone())
                }
                Some(RemovalEvent::MessageRestored(it)) => {
                    (it.conversation_id, it.number.0, it.mentions.clone())
                }
                Some(RemovalEvent::MessageDestroyed(_)) | None => return Vec::new(),
            },
        };
        accounts.into_iter().map(|it| Self::id(conversation, it, number)).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(public(event), Some(MessageEvent::MessageSent(_)))
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        *document = match public(event) {
            Some(MessageEvent::MessageSent(it)) => Some(Self { message_id: it.message_id }),
            Some(MessageEvent::MessageEdited(it)) => {
                let number = it.number.0;
                let still =
                    it.mentions.iter().any(|at| Self::id(it.conversation_id, *at, number) == id);
                still.then_some(Self { message_id: it.message_id })
            }
            Some(MessageEvent::MessageDeleted(_) | MessageEvent::MessageHidden(_)) => None,
            None => match RemovalEvent::of(&event.event) {
                Some(RemovalEvent::MessageRestored(it)) => Some(Self { message_id: it.message_id }),
                Some(RemovalEvent::MessageRemoved(_) | RemovalEvent::MessageDestroyed(_))
                | None => None,
            },
        };
    }
}
