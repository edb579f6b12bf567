//! Threads as they are remembered: the head of each, and how far each person has come there.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::ThreadEvent;
use super::events::{Turn, turns};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded, Timestamp};
use crate::messages::{MessageEvent, MessageId};

/// The head of a thread; it stays when nothing is left in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// The message that it begins at.
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// Messages in it that are not gone.
    pub reply_count: u64,
    /// The highest number of what was ever in it.
    pub last_number: u64,
    /// When something was sent or moved there last.
    pub active_at: Timestamp,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl Thread {
    /// What begins the keys of those of a conversation.
    pub(super) fn prefix(conversation: ConversationId) -> String {
        format!("{conversation}/")
    }

    /// What is behind that: the one that was active last is the highest.
    pub(super) fn cursor(&self) -> String {
        let active_at = padded(u64::try_from(self.active_at.0).unwrap_or(0));
        format!("{active_at}/{}", self.id)
    }

    fn turns(&mut self, turn: &Turn, event: &Recorded) {
        match turn.comes {
            true => self.reply_count += 1,
            false => self.reply_count = self.reply_count.saturating_sub(1),
        }
        self.last_number = self.last_number.max(turn.number);
        let sent = matches!(MessageEvent::of(&event.event), Some(MessageEvent::MessageSent(_)));
        if turn.comes && (sent || ThreadEvent::moved(event).is_some()) {
            self.active_at = event.occurred_at;
        }
        self.seq = event.seq;
    }
}

impl Document for Thread {
    const COLLECTION: Collection = Collection { name: "threads", indexes: &["by_activity"] };

    fn ids(event: &Recorded) -> Vec<String> {
        turns(event).iter().map(|it| it.thread_id.to_string()).collect()
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let turns = turns(event);
        let Some(turn) = turns.iter().find(|it| it.thread_id.to_string() == id) else { return };
        let thread = document.get_or_insert_with(|| Self {
            id: turn.thread_id,
            conversation_id: turn.conversation_id,
            reply_count: 0,
            last_number: 0,
            active_at: event.occurred_at,
            seq: event.seq,
        });
        thread.turns(turn, event);
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let key = || format!("{}{}", Self::prefix(self.conversation_id), self.cursor());
        vec![(self.reply_count > 0).then(key)]
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.conversation_id)
    }
}

/// How far somebody has read a thread by writing there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// Number of the last message that they sent there.
    pub number: u64,
}

impl Participant {
    /// Id of a person's part in a thread.
    pub fn id(thread: MessageId, account: AccountId) -> String {
        format!("{thread}/{account}")
    }
}

impl Document for Participant {
    const COLLECTION: Collection = Collection { name: "participants", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match MessageEvent::of(&event.event) {
            Some(MessageEvent::MessageSent(it)) => {
                let id = it.thread.map(|thread| Self::id(thread.thread_id, it.author_id));
                id.into_iter().collect()
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(MessageEvent::MessageSent(it)) = MessageEvent::of(&event.event) {
            *document = Some(Self { number: it.number.0 });
        }
    }
}

/// How far a person has read a thread, as they said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadPointer {
    pub account_id: AccountId,
    pub number: u64,
}

impl ThreadPointer {
    /// Id of a person's pointer in a thread.
    pub fn id(account: AccountId, thread: MessageId) -> String {
        format!("{account}/{thread}")
    }
}

impl Document for ThreadPointer {
    const COLLECTION: Collection = Collection { name: "thread_pointers", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match ThreadEvent::of(&event.event) {
            Some(ThreadEvent::ThreadReadMoved(it)) => vec![Self::id(it.account_id, it.thread_id)],
            Some(ThreadEvent::MessageMoved(_)) | None => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(ThreadEvent::ThreadReadMoved(it)) = ThreadEvent::of(&event.event) {
            let number = document.as_ref().map_or(0, |it| it.number).max(it.number.0);
            *document = Some(Self { account_id: it.account_id, number });
        }
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}
