//! Who may send, edit and delete, and what a message must be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::said::{self, Names};
use super::{
    Addressed, ContentKind, Editing, Message, MessageEdited, MessageHidden, MessageId, Quote,
    Sending,
};
use crate::Event;
use crate::accounts::AccountId;
use crate::contacts::Talk;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp};
use crate::members::{Member, Role};
use crate::removals::deletion;

crate::rejections! {
    /// Why messages say no.
    MessageRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Empty: Invalid, "MESSAGES_EMPTY",
            "a message has text", "Write something.";
        TooLong: Invalid, "MESSAGES_TOO_LONG",
            "text is over 16,384 bytes", "Send it in several messages.";
        TextInvalid: Invalid, "MESSAGES_TEXT_INVALID",
            "text holds control characters", "Remove them.";
        ReplyNotFound: NotFound, "MESSAGES_REPLY_NOT_FOUND",
            "the message replied to is not in this conversation", "Check the id.";
        QuoteInvalid: Invalid, "MESSAGES_QUOTE_INVALID",
            "a quote is 1 to 1,024 characters of the message that is replied to",
            "Quote a piece of that message.";
        QuoteNotFound: Conflict, "MESSAGES_QUOTE_NOT_FOUND",
            "the message replied to does not say that there", "Quote what it says now.";
        ThreadNotFound: NotFound, "MESSAGES_THREAD_NOT_FOUND",
            "no thread begins at that message in this conversation", "Check the id.";
        ThreadNested: Conflict, "MESSAGES_THREAD_NESTED",
            "what is in a thread begins none", "Send it to that thread.";
        SentAtInvalid: Invalid, "MESSAGES_SENT_AT_INVALID",
            "the claimed time lies in the future", "Leave it out, or claim a time that has passed.";
        NotAuthor: Forbidden, "MESSAGES_NOT_AUTHOR",
            "only the author edits a message", "Send a message of your own.";
        TooLate: Conflict, "MESSAGES_TOO_LATE",
            "the time in which the conversation lets messages be edited is over",
            "Send another message.";
        Forbidden: Forbidden, "MESSAGES_FORBIDDEN",
            "only the author, admins and the owner delete for everyone",
            "Delete it for yourself, or ask an admin.";
        Gone: Conflict, "MESSAGES_GONE",
            "the message has been deleted", "There is nothing to change any more.";
        ExpiryInvalid: Invalid, "MESSAGES_EXPIRY_INVALID",
            "a message is there for 60 seconds to 365 days", "Choose a time within that.";
        ExpiryAfterReadInvalid: Invalid, "MESSAGES_EXPIRY_AFTER_READ_INVALID",
            "a message is there for 1 second to 7 days after it is read",
            "Choose a time within that.";
        ExpiryNotDirect: Conflict, "MESSAGES_EXPIRY_NOT_DIRECT",
            "only what is said to one other person, in no thread, expires after it is read",
            "Let it expire after it is sent.";
        ViewOnceNotDirect: Conflict, "MESSAGES_VIEW_ONCE_NOT_DIRECT",
            "only what is sent to one other person, in no thread, is opened once",
            "Let it expire after it is sent.";
        TooManyUnread: LimitExceeded, "MESSAGES_TOO_MANY_UNREAD",
            "100 of your messages here that expire after they are read have not been read",
            "Wait until some are.";
        Refused: Forbidden, "MESSAGES_REFUSED",
            "the other person takes no messages from you", "Respect that.";
        Forwarded: Conflict, "MESSAGES_FORWARDED",
            "a message that says who wrote it is not edited", "Send a message of your own.";
        Blocked: Conflict, "MESSAGES_BLOCKED",
            "you have blocked the other person", "Unblock them first.";
        NotText: Conflict, "MESSAGES_NOT_TEXT",
            "the message holds something other than text", "Send another message.";
    }
}

pub(crate) fn member(conversation: ConversationId, account: AccountId) -> Slot<Member> {
    Slot::new(Member::id(conversation, account), StreamId::Conversation(conversation))
}

pub(crate) fn active(slot: &Slot<Member>) -> Result<&Member, MessageRejection> {
    slot.get().filter(|it| it.active).ok_or(MessageRejection::NotFound)
}

/// Refuses what one of a direct conversation wants nothing of.
pub(crate) fn welcome(talk: &Talk, context: &Context<'_>) -> Result<(), MessageRejection> {
    match talk.blocked_by() {
        Some(it) if it == context.actor => Err(MessageRejection::Blocked),
        Some(_) => Err(MessageRejection::Refused),
        None => Ok(()),
    }
}

pub(crate) fn message(conversation: ConversationId, message: MessageId) -> Slot<Message> {
    Slot::new(message.to_string(), StreamId::Conversation(conversation))
}

/// The message, if it is of this conversation.
pub(crate) fn found(
    slot: &Slot<Message>,
    conversation: ConversationId,
) -> Result<&Message, MessageRejection> {
    let message = slot.get().filter(|it| it.conversation_id == conversation);
    message.ok_or(MessageRejection::NotFound)
}

/// Sends a message.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendMessage {
    pub conversation_id: ConversationId,
    /// Markdown, at most 16,384 bytes.
    pub text: String,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// When it was sent, for history from elsewhere; not in the future.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    // What a command was before it could hold the following is what it is without them.
    /// Whether nobody is to be notified of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    /// Seconds after which it is gone for everyone: 60 to 31,536,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// Seconds after the other person has read it after which it is gone for everyone: 1 to
    /// 604,800, in a direct conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after_read: Option<u32>,
    /// Whether the page that it links to first is looked up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub link_preview: bool,
    /// The message that begins the thread it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<MessageId>,
    /// What it quotes of the message that it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
}

impl SendMessage {
    /// A text, and nothing else that a message may have.
    pub fn new(conversation_id: ConversationId, text: impl Into<String>) -> Self {
        Self {
            conversation_id,
            text: text.into(),
            reply_to: None,
            sent_at: None,
            silent: false,
            expires_in: None,
            expires_after_read: None,
            link_preview: false,
            thread_id: None,
            quote: None,
        }
    }

    fn addressed(&self) -> Addressed {
        Addressed {
            reply_to: self.reply_to,
            quote: self.quote,
            thread_id: self.thread_id,
            sent_at: self.sent_at,
            silent: self.silent,
            expires_in: self.expires_in,
            expires_after_read: self.expires_after_read,
            preview: self.link_preview,
            ..Addressed::to(self.conversation_id)
        }
    }

    /// The id of the message that this command sends.
    pub fn message_id(&self, context: &Context<'_>) -> MessageId {
        self.addressed().message_id(context)
    }
}

impl Command for SendMessage {
    const NAME: &'static str = "SendMessage";
    const SEALS: bool = true;
    type State = (Sending, Names);
    type Rejection = MessageRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, MessageRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Sending::new(self.addressed(), context), said::names(&self.text, context))
    }

    fn decide(
        self,
        (sending, names): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MessageRejection> {
        let sent = sending.sent(context, || said::body(&self.text, names, sending.by_manager()))?;
        let mut events = sending.read(context);
        events.push(sent.into());
        Ok(events)
    }

    /// Whether pages are looked up, and which text is the last to quote, may have changed between
    /// two tries.
    fn body(&self) -> Vec<u8> {
        let quote = self.quote.map(Quote::of_any_revision);
        let same = Self { link_preview: false, quote, ..self.clone() };
        serde_json::to_vec(&same).expect("a command is plain data")
    }
}

/// Changes the text of one's own message, or what is said beside its files.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EditMessage {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// Markdown, at most 16,384 bytes.
    pub text: String,
}

impl Command for EditMessage {
    const NAME: &'static str = "EditMessage";
    const SEALS: bool = true;
    type State = (Editing, Names);
    type Rejection = MessageRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, MessageRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let editing = Editing::new(self.conversation_id, self.message_id, context);
        (editing, said::names(&self.text, context))
    }

    fn decide(
        self,
        (editing, names): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MessageRejection> {
        let message = editing.allowed(context)?;
        let leaf = message.body.as_ref().and_then(Personal::leaf);
        let captioned = message.content == Some(ContentKind::Attachments);
        let say = if captioned { said::caption } else { said::body };
        let (body, mentions) = say(&self.text, names, editing.by_manager())?;
        let everyone = body.mentions_everyone();
        let before = message.mentions.iter().copied();
        let edited = MessageEdited {
            message_id: message.id,
            conversation_id: message.conversation_id,
            number: Long(message.number),
            revision: Long(message.revision + 1),
            body: leaf.map_or_else(
                || Personal::new(body.clone()),
                |it| Personal::beside(body.clone(), it),
            ),
            no_longer_mentioned: before.filter(|it| !mentions.contains(it)).collect(),
            mentions,
            everyone: (everyone || message.everyone).then_some(everyone),
            thread: message.thread,
        };
        Ok(vec![edited.into()])
    }
}

/// Deletes a message for everyone: one's own for good, another's so that it can be restored for a
/// day.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeleteMessage {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for DeleteMessage {
    const NAME: &'static str = "DeleteMessage";
    const SEALS: bool = false;
    type State = (Slot<Member>, Slot<Message>);
    type Rejection = MessageRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, MessageRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let member = member(self.conversation_id, context.actor);
        (member, message(self.conversation_id, self.message_id))
    }

    fn decide(
        self,
        (member, message): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MessageRejection> {
        let member = active(member)?;
        let message = found(message, self.conversation_id)?;
        if message.author_id != context.actor && member.role < Role::Admin {
            return Err(MessageRejection::Forbidden);
        }
        Ok(deletion(message, context).into_iter().collect())
    }
}

/// Puts a message out of one's own sight.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HideMessage {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for HideMessage {
    const NAME: &'static str = "HideMessage";
    const SEALS: bool = false;
    type State = (Slot<Member>, Slot<Message>);
    type Rejection = MessageRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, MessageRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let member = member(self.conversation_id, context.actor);
        (member, message(self.conversation_id, self.message_id))
    }

    fn decide(
        self,
        (member, message): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MessageRejection> {
        active(member)?;
        let message = found(message, self.conversation_id)?;
        let hidden = MessageHidden {
            message_id: message.id,
            conversation_id: message.conversation_id,
            number: Long(message.number),
            account_id: context.actor,
            thread_id: message.thread.map(|it| it.thread_id),
        };
        Ok(vec![hidden.into()])
    }
}
