//! What can happen to threads.

use std::fmt;

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded};
use crate::messages::{MessageEvent, MessageId};
use crate::removals::RemovalEvent;

crate::events! {
    /// Everything that can happen to threads beside what is sent there.
    ThreadEvent {
        MessageMoved [],
        ThreadReadMoved [],
    }
}

/// The thread that a message is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.threads")]
pub struct Threaded {
    /// The message that it begins at.
    pub thread_id: MessageId,
    /// Whether the message was sent to the conversation, and moved.
    pub moved: bool,
}

/// A message that was sent to a conversation was moved to another line of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.threads")]
pub struct MessageMoved {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message, which stays.
    pub number: Long,
    pub author_id: AccountId,
    /// Accounts that it mentions.
    pub mentions: Vec<AccountId>,
    /// Whether it mentions everyone.
    #[serde(default)]
    pub everyone: Option<bool>,
    /// The thread that it was in; absent when it was in none.
    pub from_thread_id: Option<MessageId>,
    /// The thread that it is in; absent when it is in none.
    pub to_thread_id: Option<MessageId>,
    /// Who moved it.
    pub account_id: AccountId,
    /// Where the admin of a group was; absent in other conversations.
    pub origin: Option<Origin>,
}

/// A person has read a thread up to a message; it stands in their account's stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.threads")]
pub struct ThreadReadMoved {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    pub thread_id: MessageId,
    /// Number of the last message read.
    pub number: Long,
}

impl MessageMoved {
    /// Where the message is now.
    pub(crate) fn threaded(&self) -> Option<Threaded> {
        self.to_thread_id.map(|thread_id| Threaded { thread_id, moved: true })
    }
}

impl ThreadEvent {
    /// The move, if it is one.
    pub(crate) fn moved(event: &Recorded) -> Option<&MessageMoved> {
        match Self::of(&event.event)? {
            Self::MessageMoved(it) => Some(it),
            Self::ThreadReadMoved(_) => None,
        }
    }

    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::MessageMoved(it) => {
                let effect = match (it.from_thread_id, it.to_thread_id) {
                    (None, _) => Effect::Deleted { number: it.number.0 },
                    (_, None) => Effect::Restored,
                    (Some(_), Some(_)) => Effect::InThread,
                };
                (Change::Message(it.message_id), effect)
            }
            Self::ThreadReadMoved(it) => {
                (Change::ThreadReadState(it.thread_id), Effect::Read(it.conversation_id))
            }
        }
    }
}

/// Messages of one order: those of a conversation that are in no thread, or those of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Conversation(ConversationId),
    Thread(MessageId),
}

impl Line {
    /// The line that a message of a conversation belongs to.
    pub fn of(conversation: ConversationId, thread: Option<Threaded>) -> Self {
        Self::through(conversation, thread.map(|it| it.thread_id))
    }

    /// The line of a thread, or the conversation's own.
    pub fn through(conversation: ConversationId, thread: Option<MessageId>) -> Self {
        thread.map_or(Self::Conversation(conversation), Self::Thread)
    }
}

/// As it begins keys.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(it) => it.fmt(f),
            Self::Thread(it) => it.fmt(f),
        }
    }
}

/// That a message comes into a thread's sight, or goes out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) thread_id: MessageId,
    pub(crate) conversation_id: ConversationId,
    pub(crate) number: u64,
    pub(crate) comes: bool,
    /// Whether it was sent to the conversation, and moved.
    pub(crate) moved: bool,
}

/// What an event changes in the sight of threads: of one, of two when something is moved on.
pub(crate) fn turns(event: &Recorded) -> Vec<Turn> {
    let turn = |conversation_id, number: Long, thread: Option<Threaded>, comes| {
        let turn = thread.map(|it| Turn {
            thread_id: it.thread_id,
            conversation_id,
            number: number.0,
            comes,
            moved: it.moved,
        });
        turn.into_iter().collect()
    };
    match MessageEvent::of(&event.event) {
        Some(MessageEvent::MessageSent(it)) => {
            return turn(it.conversation_id, it.number, it.thread, true);
        }
        Some(MessageEvent::MessageDeleted(it)) => {
            return turn(it.conversation_id, it.number, it.thread, false);
        }
        Some(MessageEvent::MessageEdited(_) | MessageEvent::MessageHidden(_)) | None => (),
    }
    match RemovalEvent::of(&event.event) {
        Some(RemovalEvent::MessageRemoved(it)) => {
            return turn(it.conversation_id, it.number, it.thread, false);
        }
        Some(RemovalEvent::MessageRestored(it)) => {
            return turn(it.conversation_id, it.number, it.thread, true);
        }
        Some(RemovalEvent::MessageDestroyed(_)) | None => (),
    }
    let Some(it) = ThreadEvent::moved(event) else { return Vec::new() };
    let ends = [(it.from_thread_id, false), (it.to_thread_id, true)];
    let ends = ends.into_iter().filter_map(|(thread, comes)| {
        let (conversation_id, number) = (it.conversation_id, it.number.0);
        Some(Turn { thread_id: thread?, conversation_id, number, comes, moved: true })
    });
    ends.collect()
}
