//! Conversations as they are remembered: the head of each, bounded and small.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{ConversationEvent, ConversationId};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::expiry::{ExpiryEvent, Unbegun};
use crate::kernel::{Document, Personal, Recorded, StreamId, Timestamp};
use crate::members::MemberEvent;
use crate::messages::{MessageEvent, MessageId, Turn, turn};

/// What kind of conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
#[graphql(name = "ConversationKind")]
pub enum Kind {
    Group,
    Direct,
    Saved,
}

/// The head of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    pub id: ConversationId,
    pub kind: Kind,
    pub title: Option<Personal<String>>,
    /// The pair of a direct conversation; empty for a group.
    pub pair: Vec<AccountId>,
    pub open: bool,
    pub created_at: Timestamp,
    /// `seq` of the last event.
    pub seq: u64,
    /// Number of the last message, in a thread or not.
    pub last_number: u64,
    /// The last that was sent to no thread.
    pub last_message: Option<MessageId>,
    /// Number of the last message that was sent to none of its threads.
    pub line_number: u64,
    /// When the last message was sent, or the conversation was created.
    pub active_at: Timestamp,
    pub member_count: u64,
    /// Messages that its own line lacks: gone for everyone, removed, or in a thread.
    pub absent_count: u64,
    /// Seconds after which what is sent from here on is gone for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// Messages of a direct conversation that expire after they are read and have not been read: at
    /// most 100 of each of the two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unbegun: Vec<Unbegun>,
}

impl Conversation {
    fn new(id: ConversationId, kind: Kind, event: &Recorded) -> Self {
        Self {
            id,
            kind,
            title: None,
            pair: Vec::new(),
            open: false,
            created_at: event.occurred_at,
            seq: event.seq,
            last_number: 0,
            last_message: None,
            line_number: 0,
            active_at: event.occurred_at,
            member_count: 0,
            absent_count: 0,
            expires_in: None,
            unbegun: Vec::new(),
        }
    }

    fn begin(document: &mut Option<Self>, event: &Recorded, begin: &ConversationEvent) {
        match begin {
            ConversationEvent::GroupCreated(it) => {
                let mut group = Self::new(it.conversation_id, Kind::Group, event);
                group.title = Some(it.title.clone());
                group.open = it.open;
                group.member_count = 1;
                *document = Some(group);
            }
            ConversationEvent::DirectOpened(it) => {
                let kind = if it.account_ids.len() == 1 { Kind::Saved } else { Kind::Direct };
                let mut direct = Self::new(it.conversation_id, kind, event);
                direct.pair = it.account_ids.clone();
                direct.member_count = it.account_ids.len() as u64;
                *document = Some(direct);
            }
            ConversationEvent::GroupRenamed(it) => {
                if let Some(group) = document {
                    group.title = Some(it.title.clone());
                }
            }
        }
    }

    fn members_change(&mut self, change: &MemberEvent) {
        match change {
            MemberEvent::MembersAdded(it) => self.member_count += it.account_ids.len() as u64,
            MemberEvent::MemberLeft(_) | MemberEvent::MemberRemoved(_) => self.member_count -= 1,
            MemberEvent::RoleChanged(_) => (),
        }
    }

    fn messages_change(&mut self, change: &MessageEvent, event: &Recorded) {
        match change {
            MessageEvent::MessageSent(it) => {
                self.last_number = it.number.0;
                // What is said in a thread does not bring its conversation forward.
                if it.thread.is_none() {
                    self.line_number = it.number.0;
                    self.last_message = Some(it.message_id);
                    self.active_at = event.occurred_at;
                }
                self.unbegun.extend(Unbegun::of(it));
            }
            MessageEvent::MessageDeleted(it) => {
                self.unbegun.retain(|waits| waits.message_id != it.message_id);
            }
            MessageEvent::MessageEdited(_) | MessageEvent::MessageHidden(_) => (),
        }
    }
}

impl Conversation {
    /// Whether a person has by a number read something that expires after that.
    pub fn has_unbegun(&self, reader: AccountId, number: u64) -> bool {
        self.unbegun.iter().any(|it| it.is_read_by(reader, number))
    }

    fn expiry_changes(&mut self, change: &ExpiryEvent) {
        match change {
            ExpiryEvent::ExpirySet(it) => {
                self.expires_in = it.expires_in.and_then(|it| u32::try_from(it.0).ok());
            }
            ExpiryEvent::ExpiryBegun(it) => {
                self.unbegun.retain(|waits| waits.message_id != it.message_id);
            }
            ExpiryEvent::ReadingNoted(_) => (),
        }
    }

    /// When a message is gone that is sent now, with a time of its own or without: the shorter one
    /// counts.
    pub fn expires_at(&self, own: Option<u32>, now: Timestamp) -> Option<Timestamp> {
        let seconds = own.into_iter().chain(self.expires_in).min();
        seconds.map(|it| Timestamp(now.0 + i64::from(it) * 1_000))
    }
}

impl Document for Conversation {
    const COLLECTION: Collection = Collection { name: "conversations", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match event.stream {
            StreamId::Conversation(id) => vec![id.to_string()],
            StreamId::Account(_) | StreamId::Name(_) | StreamId::Instance => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(it) = ConversationEvent::of(&event.event) {
            Self::begin(document, event, it);
        }
        if let (Some(it), Some(conversation)) = (MemberEvent::of(&event.event), document.as_mut()) {
            conversation.members_change(it);
        }
        if let (Some(it), Some(conversation)) = (MessageEvent::of(&event.event), document.as_mut())
        {
            conversation.messages_change(it, event);
        }
        if let (Some((_, _, turn)), Some(conversation)) = (turn(event), document.as_mut()) {
            conversation.absent_count = match turn {
                Turn::Goes => conversation.absent_count + 1,
                Turn::Comes => conversation.absent_count.saturating_sub(1),
            };
        }
        if let (Some(it), Some(conversation)) = (ExpiryEvent::of(&event.event), document.as_mut()) {
            conversation.expiry_changes(it);
        }
        if let Some(conversation) = document {
            conversation.seq = event.seq;
        }
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.id)
    }
}
