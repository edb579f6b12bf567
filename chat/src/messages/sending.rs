//! What every message goes through, whatever its kind: membership, blocks, the message replied to,
//! its thread, the claimed time and the next number.

use super::{
    Body, Content, ContentKind, Message, MessageId, MessageRejection, MessageSent, Quote, active,
    found, message, welcome,
};
use crate::Event;
use crate::accounts::AccountId;
use crate::contacts::Talk;
use crate::conversations::{Conversation, ConversationId, Kind};
use crate::expiry::{self, UNBEGUN_MAX, may_expire_after_read, may_expire_in};
use crate::kernel::command::Fetch;
use crate::kernel::rejection::Listed;
use crate::kernel::time::{Long, TIMESTAMP_MS_MAX};
use crate::kernel::{Context, Personal, Reject, Slot, State, Timestamp, id};
use crate::members::Member;
use crate::previews::is_wanted;
use crate::threads::{Entry, NoEntry, Threaded};

/// Where a message goes, in which thread, as an answer to what, and when it claims to have been
/// sent.
#[derive(Debug, Clone, Copy)]
pub struct Addressed {
    pub conversation_id: ConversationId,
    pub reply_to: Option<MessageId>,
    /// What it quotes of that.
    pub quote: Option<Quote>,
    /// The thread that it goes to.
    pub thread_id: Option<MessageId>,
    pub sent_at: Option<Timestamp>,
    pub silent: bool,
    /// Seconds after which it is gone for everyone.
    pub expires_in: Option<u32>,
    /// Seconds after the other person has read it after which it is gone for everyone.
    pub expires_after_read: Option<u32>,
    /// Whether the page that it links to is to be looked up.
    pub preview: bool,
    /// Whether the other person opens what it holds once.
    pub view_once: bool,
}

impl Addressed {
    /// To a conversation, and nothing else.
    pub fn to(conversation_id: ConversationId) -> Self {
        Self {
            conversation_id,
            reply_to: None,
            quote: None,
            thread_id: None,
            sent_at: None,
            silent: false,
            expires_in: None,
            expires_after_read: None,
            preview: false,
            view_once: false,
        }
    }

    /// The id of the message that a command sends there.
    pub fn message_id(&self, context: &Context<'_>) -> MessageId {
        message_id(self.conversation_id, context.actor, context.client_id)
    }
}

/// The id of the message that somebody's command with this client id sends.
pub fn message_id(
    conversation: ConversationId,
    author: AccountId,
    client_id: uuid::Uuid,
) -> MessageId {
    let parts = [conversation.0.into_bytes(), author.0.into_bytes()];
    MessageId(id::derive(client_id, &[b"message", &parts[0], &parts[1]]))
}

/// What it is decided from that a message is sent.
pub struct Sending {
    to: Addressed,
    talk: Talk,
    member: Slot<Member>,
    reply: Option<Slot<Message>>,
    thread: Option<Entry>,
}

impl State for Sending {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.talk.fill(fetch);
        self.member.fill(fetch);
        self.reply.fill(fetch);
        self.thread.fill(fetch);
    }
}

/// What a message says, and whom it mentions.
pub(crate) type Said = (Body, Vec<AccountId>);

impl Sending {
    /// Asks for what it is decided from.
    pub fn new(to: Addressed, context: &Context<'_>) -> Self {
        let talk = Talk::new(to.conversation_id, context.actor);
        let member = super::member(to.conversation_id, context.actor);
        let reply = to.reply_to.map(|it| message(to.conversation_id, it));
        let thread = to.thread_id.map(|it| Entry::new(to.conversation_id, it));
        Self { to, talk, member, reply, thread }
    }

    /// Whether whoever sends it manages the group; nobody manages other conversations.
    pub(crate) fn by_manager(&self) -> bool {
        self.member.get().is_some_and(|it| it.active && it.role.manages())
    }

    /// What sending has read: the time begins of what expires after that. Who writes in a thread
    /// has read nothing else.
    pub(crate) fn read(&self, context: &Context<'_>) -> Vec<Event> {
        let conversation = self.talk.conversation.get().filter(|_| self.thread.is_none());
        conversation
            .map_or(Vec::new(), |it| expiry::begun(it, context.actor, it.last_number, context.now))
    }

    /// The event that sends a message, unless it may not be sent; what it says is looked at last.
    ///
    /// # Errors
    /// Why it may not, or what is wrong with what it says.
    pub(crate) fn sent<R: From<MessageRejection>>(
        &self,
        context: &Context<'_>,
        say: impl FnOnce() -> Result<Said, R>,
    ) -> Result<MessageSent, R> {
        let conversation = self.open(context)?;
        let thread = self.threaded(context)?;
        let (body, mentions) = say()?;
        // History from elsewhere is not looked up anew.
        let preview = self.to.preview && self.to.sent_at.is_none() && is_wanted(&body);
        Ok(MessageSent {
            message_id: self.to.message_id(context),
            conversation_id: self.to.conversation_id,
            number: Long(conversation.last_number + 1),
            author_id: context.actor,
            content: body.content.as_ref().map(ContentKind::of),
            files: body.content.as_ref().and_then(Content::files),
            file_bytes: None,
            everyone: body.mentions_everyone().then_some(true),
            body: Personal::new(body),
            reply_to: self.to.reply_to,
            mentions,
            sent_at: self.to.sent_at,
            forwarded: None,
            silent: self.to.silent.then_some(true),
            unseen: None,
            expires_at: conversation.expires_at(self.to.expires_in, context.now),
            expires_after_read: self.to.expires_after_read.map(|it| Long(it.into())),
            preview: preview.then_some(true),
            thread,
            quote: self.to.quote,
            view_once: self.to.view_once.then_some(true),
        })
    }

    /// Where in the conversation it goes.
    fn threaded(&self, context: &Context<'_>) -> Result<Option<Threaded>, MessageRejection> {
        let entry = self.thread.as_ref();
        let threaded = entry.map(|it| it.threaded(self.to.conversation_id, context.now));
        threaded.transpose().map_err(|it| match it {
            NoEntry::Absent => MessageRejection::ThreadNotFound,
            NoEntry::Nested => MessageRejection::ThreadNested,
        })
    }

    /// The conversation, if the message may be sent there.
    fn open(&self, context: &Context<'_>) -> Result<&Conversation, MessageRejection> {
        active(&self.member)?;
        let conversation = self.talk.conversation.get().ok_or(MessageRejection::NotFound)?;
        welcome(&self.talk, context)?;
        if let Some(reply) = &self.reply {
            let replied = found(reply, self.to.conversation_id);
            let present = replied.ok().filter(|it| !it.is_gone(context.now));
            let present = present.ok_or(MessageRejection::ReplyNotFound)?;
            self.to.quote.map_or(Ok(()), |it| it.check(present))?;
        }
        if self.to.quote.is_some() && self.reply.is_none() {
            return Err(MessageRejection::QuoteInvalid);
        }
        let claimed = self.to.sent_at.map_or(0, |it| it.0);
        if !(0..=context.now.0.min(TIMESTAMP_MS_MAX)).contains(&claimed) {
            return Err(MessageRejection::SentAtInvalid);
        }
        if !self.to.expires_in.is_none_or(may_expire_in) {
            return Err(MessageRejection::ExpiryInvalid);
        }
        let direct = conversation.kind == Kind::Direct && self.thread.is_none();
        if self.to.view_once && !(direct && conversation.member_count > 1) {
            return Err(MessageRejection::ViewOnceNotDirect);
        }
        if let Some(seconds) = self.to.expires_after_read {
            expires_after_read(seconds, direct.then_some(conversation), context.actor)?;
        }
        Ok(conversation)
    }
}

/// Refuses a time from when a message is read that is none, or where nobody or too many read it.
fn expires_after_read(
    seconds: u32,
    direct: Option<&Conversation>,
    author: AccountId,
) -> Result<(), MessageRejection> {
    if !may_expire_after_read(seconds) {
        return Err(MessageRejection::ExpiryAfterReadInvalid);
    }
    let unread = direct
        .ok_or(MessageRejection::ExpiryNotDirect)?
        .unbegun
        .iter()
        .filter(|it| it.author_id == author)
        .count();
    let fits = unread < UNBEGUN_MAX;
    fits.then_some(()).ok_or(MessageRejection::TooManyUnread)
}

/// Why a message with content is not sent: for a reason of any message, or one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent<R, M = MessageRejection> {
    Message(M),
    Content(R),
}

impl<R, M: Reject> From<M> for Unsent<R, M> {
    fn from(it: M) -> Self {
        Self::Message(it)
    }
}

/// The rooms list their own.
impl<R: Reject, M: Reject> Reject for Unsent<R, M> {
    const ALL: &'static [Self] = &[];

    fn listed(self) -> Listed {
        match self {
            Self::Message(it) => it.listed(),
            Self::Content(it) => it.listed(),
        }
    }
}
