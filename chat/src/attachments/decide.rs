//! Who may send files, and which go together.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::storage::{self, ConversationStorage};
use super::{ATTACHMENTS_MAX, LAST_MOMENT_MS};
use crate::Event;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::files::{File, FileId, FileState};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::messages::{
    Addressed, Content, Message, MessageId, Names, Placed, Quote, Said, Sending, Unsent, caption,
    names,
};

crate::rejections! {
    /// Why attachments say no.
    AttachmentRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        CountInvalid: Invalid, "ATTACHMENTS_COUNT_INVALID",
            "a message holds 1 to 10 files", "Send them in several messages.";
        Repeated: Invalid, "ATTACHMENTS_REPEATED",
            "a file is there twice", "Name each once.";
        Mixed: Invalid, "ATTACHMENTS_MIXED",
            "photos go with videos, sounds with sounds, documents with documents, a voice alone",
            "Send them in several messages.";
        FileNotFound: NotFound, "ATTACHMENTS_FILE_NOT_FOUND",
            "that is no file that you have uploaded and that is there", "Upload it.";
        ViewOnceInvalid: Invalid, "ATTACHMENTS_VIEW_ONCE_INVALID",
            "what is opened once is one photo, video or voice",
            "Send it alone, with no time after it is read.";
        NotViewOnce: Conflict, "ATTACHMENTS_NOT_VIEW_ONCE",
            "the message holds nothing that you could open once", "Ask for its files.";
        StorageFull: LimitExceeded, "ATTACHMENTS_STORAGE_FULL",
            "the conversation's storage is full",
            "Delete messages with files, or ask staff for more.";
        Opened: Conflict, "ATTACHMENTS_OPENED",
            "it has been opened", "There is nothing to open any more.";
        NotHeld: Conflict, "ATTACHMENTS_NOT_HELD",
            "the message does not show that file now", "Ask for its files.";
        NotOwner: Forbidden, "ATTACHMENTS_NOT_OWNER",
            "the file is somebody else's", "Send a file of your own.";
        ViewOnce: Conflict, "ATTACHMENTS_VIEW_ONCE",
            "what is opened once is not replaced", "Delete it, and send another.";
        TooManyVersions: LimitExceeded, "ATTACHMENTS_TOO_MANY_VERSIONS",
            "a file of a message has 20 versions at most", "Send it in another message.";
    }
}

/// What a file is taken for in a message, as whoever sends it says.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, async_graphql::Enum,
)]
pub enum AttachmentKind {
    Photo,
    Video,
    /// Something to listen to, like a piece of music.
    Audio,
    /// What somebody has said into a microphone.
    Voice,
    /// Whatever it is, to be saved.
    Document,
}

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    pub kind: AttachmentKind,
    pub file_id: FileId,
    /// Who has uploaded it.
    pub owner_id: AccountId,
}

/// The files of a message, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachments {
    pub all: Vec<Attachment>,
}

/// A file that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Attach {
    pub file_id: FileId,
    pub kind: AttachmentKind,
}

/// Sends files, with a text beside them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendAttachments {
    pub conversation_id: ConversationId,
    /// 1 to 10 that whoever sends them has uploaded.
    pub attachments: Vec<Attach>,
    /// Markdown, at most 16,384 bytes; may be empty.
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// What it quotes of the message that it replies to.
    #[serde(default)]
    pub quote: Option<Quote>,
    /// The message that begins the thread it goes to.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
    /// When it was sent, for history from elsewhere; not in the future.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    /// Whether nobody is to be notified of it.
    #[serde(default)]
    pub silent: bool,
    /// Seconds after which it is gone for everyone: 60 to 31,536,000.
    #[serde(default)]
    pub expires_in: Option<u32>,
    /// Seconds after the other person has read it after which it is gone for everyone: 1 to
    /// 604,800, in a direct conversation.
    #[serde(default)]
    pub expires_after_read: Option<u32>,
    /// Whether the other person opens it once, and then it is gone for everyone: one photo, video
    /// or voice, in a direct conversation.
    #[serde(default)]
    pub view_once: bool,
}

impl SendAttachments {
    /// Files, and nothing else that a message may have.
    pub fn new(conversation_id: ConversationId, attachments: Vec<Attach>) -> Self {
        Self {
            conversation_id,
            attachments,
            text: String::new(),
            reply_to: None,
            quote: None,
            thread_id: None,
            sent_at: None,
            silent: false,
            expires_in: None,
            expires_after_read: None,
            view_once: false,
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
            view_once: self.view_once,
            ..Addressed::to(self.conversation_id)
        }
    }

    /// The id of the message that this command sends.
    pub fn message_id(&self, context: &Context<'_>) -> MessageId {
        self.addressed().message_id(context)
    }

    /// Refuses what is not opened once.
    fn check_once(&self) -> Result<(), AttachmentRejection> {
        let once = match &self.attachments[..] {
            [it] => it.kind.is_seen() || it.kind == AttachmentKind::Voice,
            _ => false,
        };
        match self.view_once && !(once && self.expires_after_read.is_none()) {
            true => Err(AttachmentRejection::ViewOnceInvalid),
            false => Ok(()),
        }
    }

    fn said(
        &self,
        (names, files): (&Names, &[Slot<File>]),
        (by_manager, kept): (bool, bool),
        context: &Context<'_>,
    ) -> Result<Said, Unsent<AttachmentRejection>> {
        check(&self.attachments).and_then(|()| self.check_once()).map_err(Unsent::Content)?;
        let attachments = sent_by(&self.attachments, files, kept, context);
        let attachments = attachments.map_err(Unsent::Content)?;
        let (mut body, mentions) = caption(&self.text, names, by_manager)?;
        body.content = Some(Content::Attachments(attachments));
        Ok((body, mentions))
    }

    /// Decides it; files that are `kept` for it are not about to be discarded.
    pub(crate) fn decided(
        self,
        ((sending, names), files, storage): &<Self as Command>::State,
        kept: bool,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Unsent<AttachmentRejection>> {
        let by_manager = sending.by_manager();
        let say = || self.said((names, files), (by_manager, kept), context);
        let mut sent = sending.sent(context, say)?;
        let bytes = storage::bytes(files);
        if !ConversationStorage::has_room(storage, bytes, context) {
            return Err(Unsent::Content(AttachmentRejection::StorageFull));
        }
        sent.file_bytes = (bytes > 0).then_some(Long(bytes));
        let mut events = sending.read(context);
        events.push(sent.into());
        Ok(events)
    }
}

impl AttachmentKind {
    fn is_seen(self) -> bool {
        matches!(self, Self::Photo | Self::Video)
    }
}

fn fits(attach: &[Attach]) -> bool {
    (1..=ATTACHMENTS_MAX).contains(&attach.len())
}

/// Refuses files that do not go together.
pub(crate) fn check(attach: &[Attach]) -> Result<(), AttachmentRejection> {
    if !fits(attach) {
        return Err(AttachmentRejection::CountInvalid);
    }
    let once: BTreeSet<_> = attach.iter().map(|it| it.file_id).collect();
    if once.len() < attach.len() {
        return Err(AttachmentRejection::Repeated);
    }
    let first = attach[0].kind;
    let goes = |it: AttachmentKind| it == first || (it.is_seen() && first.is_seen());
    let together = first != AttachmentKind::Voice && attach.iter().all(|it| goes(it.kind));
    match attach.len() == 1 || together {
        true => Ok(()),
        false => Err(AttachmentRejection::Mixed),
    }
}

/// The files of whoever sends them; none is read where they are too many.
pub(crate) fn slots(attach: &[Attach], context: &Context<'_>) -> Vec<Slot<File>> {
    let named = attach.iter().filter(|_| fits(attach));
    let own = StreamId::Account(context.actor);
    named.map(|it| Slot::new(it.file_id.to_string(), own)).collect()
}

/// What is sent of files that whoever sends them has uploaded.
pub(crate) fn sent_by(
    attach: &[Attach],
    files: &[Slot<File>],
    kept: bool,
    context: &Context<'_>,
) -> Result<Attachments, AttachmentRejection> {
    let there = |it: &File| may_be_sent(it, context) || (kept && is_own(it, context));
    if !files.iter().all(|it| it.get().is_some_and(there)) {
        return Err(AttachmentRejection::FileNotFound);
    }
    let owner_id = context.actor;
    let all = attach.iter();
    let all = all.map(|it| Attachment { kind: it.kind, file_id: it.file_id, owner_id });
    Ok(Attachments { all: all.collect() })
}

impl Attachments {
    /// What a message shows of them after an edit; a newer file is its author's own.
    pub(crate) fn after(&self, message: &Message, revision: u64) -> Vec<(Attachment, Placed)> {
        let placed = self.all.iter().zip(message.placed(revision));
        let shown = placed.map(|(it, placed)| {
            let first = placed.file_id == it.file_id;
            let owner_id = if first { it.owner_id } else { message.author_id };
            (Attachment { kind: it.kind, file_id: placed.file_id, owner_id }, placed)
        });
        shown.collect()
    }
}

/// Whether somebody may send a file: it is theirs and there, and not about to be discarded.
pub(crate) fn may_be_sent(file: &File, context: &Context<'_>) -> bool {
    let stays = file.until.is_none_or(|it| it.0 - LAST_MOMENT_MS > context.now.0);
    is_own(file, context) && stays
}

fn is_own(file: &File, context: &Context<'_>) -> bool {
    file.account_id == context.actor && file.state == FileState::Uploaded
}

impl Command for SendAttachments {
    const NAME: &'static str = "SendAttachments";
    const SEALS: bool = true;
    type State = ((Sending, Names), Vec<Slot<File>>, Slot<ConversationStorage>);
    type Rejection = Unsent<AttachmentRejection>;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, Self::Rejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let sending = Sending::new(self.addressed(), context);
        let storage = ConversationStorage::of(self.conversation_id);
        let files = slots(&self.attachments, context);
        ((sending, names(&self.text, context)), files, storage)
    }

    fn decide(
        self,
        state: &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Self::Rejection> {
        self.decided(state, false, context)
    }

    /// Which text is the last to quote may have changed between two tries.
    fn body(&self) -> Vec<u8> {
        let quote = self.quote.map(Quote::of_any_revision);
        serde_json::to_vec(&Self { quote, ..self.clone() }).expect("a command is plain data")
    }
}
