//! What goes into a thread, who moves messages there, and when a thread's read pointer moves.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    MOVED_MAX, MessageMoved, Participant, Thread, ThreadPointer, ThreadReadMoved, Threaded,
};
use crate::Event;
use crate::contacts::Talk;
use crate::conversations::{ConversationId, Kind};
use crate::kernel::command::Fetch;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Origin, Slot, State, StreamId, Timestamp};
use crate::members::Member;
use crate::messages::{Message, MessageId};

crate::rejections! {
    /// Why threads say no.
    ThreadRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        NoThread: NotFound, "THREADS_NOT_FOUND",
            "no thread begins at that message", "Check the id.";
        Nested: Conflict, "THREADS_NESTED",
            "what is in a thread begins none, and what begins one is in none",
            "Choose another message.";
        Forbidden: Forbidden, "THREADS_FORBIDDEN",
            "only owners and admins move messages in groups", "Ask an owner or admin.";
        CountInvalid: Invalid, "THREADS_COUNT_INVALID",
            "1 to 100 messages are moved at once", "Do it in several calls.";
        Gone: Conflict, "THREADS_MESSAGE_GONE",
            "a message has been deleted", "Leave it out.";
        SentThere: Conflict, "THREADS_SENT_THERE",
            "what was sent in a thread stays there", "Leave it out.";
        NotBegun: Conflict, "THREADS_NOT_BEGUN",
            "what expires after it is read stays in the conversation until it is",
            "Move it once it has been read.";
        Ahead: Invalid, "THREADS_NUMBER_AHEAD",
            "no message of the thread has that number yet", "Mark what has been received.";
        Refused: Forbidden, "THREADS_REFUSED",
            "the other person wants nothing of you", "Respect that.";
        Blocked: Conflict, "THREADS_BLOCKED",
            "you have blocked the other person", "Unblock them first.";
    }
}

/// The thread that a message is to go into, for whatever goes there.
pub struct Entry {
    thread_id: MessageId,
    root: Slot<Message>,
    thread: Slot<Thread>,
}

/// Why a message does not go there; each room says it in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoEntry {
    Absent,
    Nested,
}

impl State for Entry {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.root.fill(fetch);
        self.thread.fill(fetch);
    }
}

impl Entry {
    /// Asks for what it is decided from.
    pub fn new(conversation: ConversationId, thread_id: MessageId) -> Self {
        let (id, stream) = (thread_id.to_string(), StreamId::Conversation(conversation));
        Self { thread_id, root: Slot::new(id.clone(), stream), thread: Slot::new(id, stream) }
    }

    /// Where a message is that goes there. A thread whose root is gone goes on; none begins there.
    ///
    /// # Errors
    /// Why it does not go there.
    pub fn threaded(
        &self,
        conversation: ConversationId,
        now: Timestamp,
    ) -> Result<Threaded, NoEntry> {
        let root = self.root.get().filter(|it| it.conversation_id == conversation);
        let root = root.ok_or(NoEntry::Absent)?;
        if root.is_gone(now) && self.thread.get().is_none() {
            return Err(NoEntry::Absent);
        }
        match root.thread {
            Some(_) => Err(NoEntry::Nested),
            None => Ok(Threaded { thread_id: self.thread_id, moved: false }),
        }
    }
}

impl From<NoEntry> for ThreadRejection {
    fn from(it: NoEntry) -> Self {
        match it {
            NoEntry::Absent => Self::NoThread,
            NoEntry::Nested => Self::Nested,
        }
    }
}

/// Moves messages into a thread, all or none, or back to the conversation; what is there is there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MoveToThread {
    pub conversation_id: ConversationId,
    /// The message that the thread begins at; without it they go back to the conversation.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
    /// 1 to 100, that were sent to the conversation.
    pub message_ids: Vec<MessageId>,
}

/// The conversation, and the membership of whoever asks.
type Place = (Talk, Slot<Member>);

/// Where the command comes from when an admin of a group gives it, if whoever asks may move at all.
fn allowed(
    (talk, member): &Place,
    context: &Context<'_>,
) -> Result<Option<Origin>, ThreadRejection> {
    let member = member.get().filter(|it| it.active).ok_or(ThreadRejection::NotFound)?;
    let conversation = talk.conversation.get().ok_or(ThreadRejection::NotFound)?;
    match talk.blocked_by() {
        Some(it) if it == context.actor => return Err(ThreadRejection::Blocked),
        Some(_) => return Err(ThreadRejection::Refused),
        None => (),
    }
    match conversation.kind {
        Kind::Group if member.role.manages() => Ok(Some(context.origin.clone())),
        Kind::Group => Err(ThreadRejection::Forbidden),
        Kind::Direct | Kind::Saved => Ok(None),
    }
}

impl MoveToThread {
    /// The move of a message; nothing when it is there already.
    fn moved(
        &self,
        message: &Message,
        begins: bool,
        context: &Context<'_>,
    ) -> Result<Option<MessageMoved>, ThreadRejection> {
        if message.is_gone(context.now) {
            return Err(ThreadRejection::Gone);
        }
        if begins || self.thread_id == Some(message.id) {
            return Err(ThreadRejection::Nested);
        }
        let from = message.thread.map(|it| it.thread_id);
        if from == self.thread_id {
            return Ok(None);
        }
        if message.thread.is_some_and(|it| !it.moved) {
            return Err(ThreadRejection::SentThere);
        }
        Ok(Some(MessageMoved {
            message_id: message.id,
            conversation_id: message.conversation_id,
            number: Long(message.number),
            author_id: message.author_id,
            mentions: message.mentions.clone(),
            everyone: message.everyone.then_some(true),
            from_thread_id: from,
            to_thread_id: self.thread_id,
            account_id: context.actor,
            origin: None,
        }))
    }
}

impl Command for MoveToThread {
    const NAME: &'static str = "MoveToThread";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = (Place, Option<Entry>, Vec<(Slot<Message>, Slot<Thread>)>);
    type Rejection = ThreadRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ThreadRejection> {
        match (1..=MOVED_MAX).contains(&self.message_ids.len()) {
            true => Ok(StreamId::Conversation(self.conversation_id)),
            false => Err(ThreadRejection::CountInvalid),
        }
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let (id, stream) = (self.conversation_id, StreamId::Conversation(self.conversation_id));
        let member = Slot::new(Member::id(id, context.actor), stream);
        let ids: BTreeSet<_> = self.message_ids.iter().map(ToString::to_string).collect();
        let both = |it: String| (Slot::new(it.clone(), stream), Slot::new(it, stream));
        let entry = self.thread_id.map(|it| Entry::new(id, it));
        ((Talk::new(id, context.actor), member), entry, ids.into_iter().map(both).collect())
    }

    fn decide(
        self,
        (place, entry, all): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ThreadRejection> {
        let origin = allowed(place, context)?;
        if let Some(entry) = entry {
            entry.threaded(self.conversation_id, context.now)?;
        }
        let unbegun = place.0.conversation.get().map_or(&[][..], |it| it.unbegun.as_slice());
        let mut moved = Vec::with_capacity(all.len());
        for (message, thread) in all {
            let message = message.get().filter(|it| it.conversation_id == self.conversation_id);
            let message = message.ok_or(ThreadRejection::NotFound)?;
            // Its time would begin by what is read elsewhere.
            if self.thread_id.is_some() && unbegun.iter().any(|it| it.message_id == message.id) {
                return Err(ThreadRejection::NotBegun);
            }
            moved.extend(self.moved(message, thread.get().is_some(), context)?);
        }
        moved.sort_unstable_by_key(|it| it.number.0);
        let moved = moved.into_iter().map(|it| MessageMoved { origin: origin.clone(), ..it });
        Ok(moved.map(Event::from).collect())
    }
}

/// Marks a thread as read up to a message; an older number changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MarkThreadRead {
    pub conversation_id: ConversationId,
    /// The message that the thread begins at.
    pub thread_id: MessageId,
    pub number: Long,
}

impl Command for MarkThreadRead {
    const NAME: &'static str = "MarkThreadRead";
    const SEALS: bool = false;
    type State = ((Slot<ThreadPointer>, Slot<Participant>), Slot<Member>, Slot<Thread>);
    type Rejection = ThreadRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ThreadRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let (actor, thread) = (context.actor, self.thread_id);
        let (own, there) = (StreamId::Account(actor), StreamId::Conversation(self.conversation_id));
        let pointer = Slot::new(ThreadPointer::id(actor, thread), own);
        let participant = Slot::new(Participant::id(thread, actor), there);
        let member = Slot::new(Member::id(self.conversation_id, actor), there);
        ((pointer, participant), member, Slot::new(thread.to_string(), there))
    }

    fn decide(
        self,
        ((pointer, participant), member, thread): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ThreadRejection> {
        let member = member.get().filter(|it| it.active).ok_or(ThreadRejection::NotFound)?;
        let thread = thread.get().filter(|it| it.conversation_id == self.conversation_id);
        let thread = thread.ok_or(ThreadRejection::NotFound)?;
        if self.number.0 > thread.last_number {
            return Err(ThreadRejection::Ahead);
        }
        let said = pointer.get().map_or(0, |it| it.number);
        let sent = participant.get().map_or(0, |it| it.number);
        if self.number.0 <= said.max(sent).max(member.joined_number) {
            return Ok(Vec::new());
        }
        let moved = ThreadReadMoved {
            account_id: context.actor,
            conversation_id: self.conversation_id,
            thread_id: self.thread_id,
            number: self.number,
        };
        Ok(vec![moved.into()])
    }
}
