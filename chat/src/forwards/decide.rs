//! Who may forward what, and what is said of where it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BODIES_BYTES_MAX, FORWARDED_MAX};
use crate::Event;
use crate::accounts::AccountId;
use crate::attachments::ConversationStorage;
use crate::contacts::Talk;
use crate::conversations::ConversationId;
use crate::expiry;
use crate::kernel::command::Fetch;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, State, StreamId, id};
use crate::members::Member;
use crate::messages::{
    Body, Content, ContentKind, EntityKind, Forwarded, Message, MessageId, MessageSent,
};
use crate::privacy::{Gate, Setting};
use crate::threads::{Entry, NoEntry};

crate::rejections! {
    /// Why forwards say no.
    ForwardRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        CountInvalid: Invalid, "FORWARDS_COUNT_INVALID",
            "not 1 to 100 messages", "Forward them in several calls.";
        TooLarge: Invalid, "FORWARDS_TOO_LARGE",
            "the texts come to over 512 KiB", "Forward fewer at once.";
        Gone: Conflict, "FORWARDS_MESSAGE_GONE",
            "a message has been deleted", "Leave it out.";
        Poll: Conflict, "FORWARDS_POLL",
            "a poll belongs to its conversation", "Leave it out, or ask anew there.";
        ViewOnce: Conflict, "FORWARDS_VIEW_ONCE",
            "what is opened once is not sent on", "Leave it out.";
        ThreadNotFound: NotFound, "FORWARDS_THREAD_NOT_FOUND",
            "no thread begins at that message where they go", "Check the id.";
        ThreadNested: Conflict, "FORWARDS_THREAD_NESTED",
            "what is in a thread begins none", "Forward them to that thread.";
        StorageFull: LimitExceeded, "FORWARDS_STORAGE_FULL",
            "the storage of the conversation that they go to is full",
            "Delete messages with files there, or ask staff for more.";
        Refused: Forbidden, "FORWARDS_REFUSED",
            "the other person takes no messages from you", "Respect that.";
        Blocked: Conflict, "FORWARDS_BLOCKED",
            "you have blocked the other person", "Unblock them first.";
    }
}

/// A message that is forwarded.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Source {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// What it says to whoever forwards it; absent when it is gone.
    #[schemars(with = "Option<serde_json::Value>")]
    pub body: Option<Body>,
}

/// Sends messages on, in their order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ForwardMessages {
    /// Where they go.
    pub conversation_id: ConversationId,
    /// The message that begins the thread they go to.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
    /// 1 to 100.
    pub messages: Vec<Source>,
    /// Whether they say who wrote them.
    pub attributed: bool,
}

/// The id of the nth message that a command forwards.
pub(super) fn forwarded_id(
    client_id: Uuid,
    actor: AccountId,
    to: ConversationId,
    nth: usize,
) -> MessageId {
    let (to, actor, nth) = (to.0.into_bytes(), actor.0.into_bytes(), (nth as u64).to_be_bytes());
    MessageId(id::derive(client_id, &[b"forward", &to, &actor, &nth]))
}

/// What goes on of what a message says: of a place that moves, where it was when it was sent.
fn onward(body: &Body) -> Result<Body, ForwardRejection> {
    let content = match &body.content {
        Some(Content::Poll(_)) => return Err(ForwardRejection::Poll),
        Some(Content::LiveLocation(it)) => Some(Content::Location(*it)),
        Some(
            it @ (Content::Location(_)
            | Content::Contact(_)
            | Content::Attachments(_)
            | Content::Sticker(_)),
        ) => Some(it.clone()),
        None => None,
    };
    // Everyone is mentioned where it was written; elsewhere it is text.
    let mut entities = body.entities.clone();
    entities.retain(|it| it.kind != EntityKind::Everyone);
    Ok(Body { content, entities, ..body.clone() })
}

/// Who wrote a message first, as far as it tells.
fn author(message: &Message) -> Option<AccountId> {
    message.forwarded.map_or(Some(message.author_id), |it| it.account_id)
}

/// The messages, and whether their authors let it be known that they are theirs.
pub struct Sources {
    actor: AccountId,
    attributed: bool,
    all: Vec<(Slot<Message>, Option<Gate>)>,
}

impl State for Sources {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        for (message, gate) in &mut self.all {
            message.fill(fetch);
            let author = message.get().filter(|_| self.attributed).and_then(author);
            *gate = author.map(|it| Gate::new(Setting::Forwards, it, self.actor));
            gate.fill(fetch);
        }
    }
}

impl ForwardMessages {
    fn check(&self) -> Result<(), ForwardRejection> {
        if !(1..=FORWARDED_MAX).contains(&self.messages.len()) {
            return Err(ForwardRejection::CountInvalid);
        }
        let bodies = self.messages.iter().filter_map(|it| it.body.as_ref());
        let bytes = bodies.map(|it| serde_json::to_vec(it).map_or(usize::MAX, |it| it.len()));
        if bytes.fold(0, usize::saturating_add) > BODIES_BYTES_MAX {
            return Err(ForwardRejection::TooLarge);
        }
        Ok(())
    }

    /// What is said of where a message comes from.
    fn forwarded(&self, message: &Message, gate: Option<&Gate>) -> Option<Forwarded> {
        self.attributed.then(|| Forwarded {
            account_id: author(message).filter(|_| gate.is_some_and(Gate::admits)),
            sent_at: message.forwarded.map_or(message.sent_at, |it| it.sent_at),
        })
    }
}

impl Command for ForwardMessages {
    const NAME: &'static str = "ForwardMessages";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = ((Talk, Slot<Member>), (Option<Entry>, Slot<ConversationStorage>), Sources);
    type Rejection = ForwardRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ForwardRejection> {
        self.check()?;
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let there = StreamId::Conversation(self.conversation_id);
        let member = Slot::new(Member::id(self.conversation_id, context.actor), there);
        let slot = |it: &Source| {
            let stream = StreamId::Conversation(it.conversation_id);
            (Slot::new(it.message_id.to_string(), stream), None)
        };
        let all = self.messages.iter().map(slot).collect();
        let sources = Sources { actor: context.actor, attributed: self.attributed, all };
        let entry = self.thread_id.map(|it| Entry::new(self.conversation_id, it));
        let storage = ConversationStorage::of(self.conversation_id);
        ((Talk::new(self.conversation_id, context.actor), member), (entry, storage), sources)
    }

    fn decide(
        self,
        ((talk, member), (entry, storage), sources): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ForwardRejection> {
        let active = member.get().is_some_and(|it| it.active);
        let conversation = talk.conversation.get().filter(|_| active);
        let conversation = conversation.ok_or(ForwardRejection::NotFound)?;
        match talk.blocked_by() {
            Some(it) if it == context.actor => return Err(ForwardRejection::Blocked),
            Some(_) => return Err(ForwardRejection::Refused),
            None => (),
        }
        let entry = entry.as_ref().map(|it| it.threaded(self.conversation_id, context.now));
        let thread = entry.transpose().map_err(|it| match it {
            NoEntry::Absent => ForwardRejection::ThreadNotFound,
            NoEntry::Nested => ForwardRejection::ThreadNested,
        })?;
        let last = conversation.last_number;
        // Who writes in a thread has read nothing else.
        let mut sent = match thread {
            Some(_) => Vec::new(),
            None => expiry::begun(conversation, context.actor, last, context.now),
        };
        for (nth, (source, (message, gate))) in self.messages.iter().zip(&sources.all).enumerate() {
            let there = message.get().filter(|it| it.conversation_id == source.conversation_id);
            let message = there.ok_or(ForwardRejection::NotFound)?;
            if message.view_once {
                return Err(ForwardRejection::ViewOnce);
            }
            let body = source.body.as_ref().filter(|_| !message.is_gone(context.now));
            let body = onward(body.ok_or(ForwardRejection::Gone)?)?;
            let to = self.conversation_id;
            let forwarded = MessageSent {
                message_id: forwarded_id(context.client_id, context.actor, to, nth),
                conversation_id: to,
                number: Long(last + 1 + nth as u64),
                author_id: context.actor,
                content: body.content.as_ref().map(ContentKind::of),
                files: body.content.as_ref().and_then(Content::files),
                file_bytes: message.shown_bytes(),
                body: Personal::new(body),
                reply_to: None,
                mentions: Vec::new(),
                sent_at: None,
                forwarded: self.forwarded(message, gate.as_ref()),
                silent: None,
                unseen: None,
                expires_at: conversation.expires_at(None, context.now),
                expires_after_read: None,
                preview: None,
                everyone: None,
                thread,
                quote: None,
                view_once: None,
            };
            sent.push(forwarded.into());
        }
        let sources = sources.all.iter().filter_map(|(it, _)| it.get());
        let bytes = sources.filter_map(|it| it.shown_bytes()).map(|it| it.0).sum();
        if !ConversationStorage::has_room(storage, bytes, context) {
            return Err(ForwardRejection::StorageFull);
        }
        Ok(sent)
    }

    /// What was asked, not what the texts were then: an edit between two tries changes nothing.
    fn body(&self) -> Vec<u8> {
        let ids: Vec<_> = self.messages.iter().map(|it| it.message_id).collect();
        let asked = (self.conversation_id, ids, self.attributed);
        // What a command was before it could name a thread is what it is without one.
        let asked = match self.thread_id {
            Some(it) => serde_json::to_vec(&(asked, it)),
            None => serde_json::to_vec(&asked),
        };
        asked.expect("ids are plain data")
    }
}
