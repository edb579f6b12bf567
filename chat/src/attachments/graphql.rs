//! Attachments as clients see and send them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    Attach, Attachment, AttachmentKind, Attachments, OpenAttachment, ReplaceAttachment,
    SendAttachments,
};
use crate::conversations::ConversationId;
use crate::drafts::{DraftLine, clear_beside};
use crate::files::{FileObject, Through};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{id, outage, rejected, scope, uuid};
use crate::messages::{
    Content, Message, MessageObject, MessagePayload, Placed, QuoteInput, changed, message_id,
    opened, visible,
};

/// What a message holds that the viewer may read.
pub struct AttachmentsObject {
    pub(crate) message: Arc<Message>,
    /// Those that it shows now.
    pub(crate) attachments: Attachments,
}

/// The files of a message.
#[Object(name = "Attachments")]
impl AttachmentsObject {
    /// In their order, at most 10.
    #[graphql(complexity = "1 + 4 * child_complexity")]
    async fn attachments(&self) -> Vec<AttachmentObject> {
        AttachmentObject::after(&self.attachments, &self.message, self.message.revision)
    }

    /// Whether the other person opens them once, by `openAttachment`: nobody else is given links.
    async fn view_once(&self) -> bool {
        self.message.view_once
    }

    /// Whether what is opened once has been opened.
    async fn opened(&self) -> bool {
        self.message.opened
    }
}

/// A file of a message.
pub(crate) struct AttachmentObject {
    attachment: Attachment,
    placed: Placed,
    /// Whether links lead to it.
    linked: bool,
    through: Through,
}

impl AttachmentObject {
    /// Those that a message showed after an edit.
    pub(crate) fn after(all: &Attachments, message: &Message, revision: u64) -> Vec<Self> {
        let (linked, through) = (!message.view_once, Through::Message(message.id));
        let all = all.after(message, revision).into_iter();
        all.map(|(attachment, placed)| Self { attachment, placed, linked, through }).collect()
    }

    /// Those that are to be sent at a time, as whoever has uploaded them sees them.
    pub(crate) fn scheduled(all: Attachments) -> Vec<Self> {
        let (linked, through) = (true, Through::Owner);
        let first = |it: &Attachment| Placed { file_id: it.file_id, version: 1, replaced_at: None };
        let all = all.all.into_iter();
        all.map(|it| Self { placed: first(&it), attachment: it, linked, through }).collect()
    }
}

/// A file of a message.
#[Object(name = "Attachment")]
impl AttachmentObject {
    /// What it is taken for, as its sender says.
    async fn kind(&self) -> AttachmentKind {
        self.attachment.kind
    }

    /// 1 for the first file in its place, 2 once a newer one took that.
    async fn version(&self) -> u32 {
        self.placed.version
    }

    /// When it took the place of the one before; null for the first.
    async fn replaced_at(&self) -> Option<Timestamp> {
        self.placed.replaced_at
    }

    /// Null when its owner has discarded it.
    async fn file(&self, context: &Context<'_>) -> Result<Option<FileObject>> {
        let file = (self.attachment.file_id, self.attachment.owner_id);
        FileObject::held(context, file, self.linked, Some(self.through)).await
    }
}

#[derive(InputObject)]
pub(crate) struct AttachmentInput {
    /// A file that the viewer has uploaded.
    file_id: ID,
    /// What it is taken for.
    kind: AttachmentKind,
}

impl AttachmentInput {
    /// What these files are to be sent as.
    pub(crate) fn all(files: &[Self]) -> Result<Vec<Attach>> {
        let attach = |it: &Self| Ok(Attach { file_id: id(&it.file_id)?, kind: it.kind });
        files.iter().map(attach).collect()
    }
}

#[derive(InputObject)]
struct SendAttachmentsInput {
    client_id: ID,
    conversation_id: ID,
    /// 1 to 10: photos and videos together, sounds together, documents together, or a voice alone.
    attachments: Vec<AttachmentInput>,
    /// Markdown beside them, at most 16,384 bytes.
    #[graphql(default)]
    text: String,
    reply_to: Option<ID>,
    /// What it quotes of the message that it replies to.
    quote: Option<QuoteInput>,
    /// The message that begins the thread it goes to; none begins at what is in a thread.
    thread_id: Option<ID>,
    /// When it was sent, for history from elsewhere; not in the future.
    sent_at: Option<Timestamp>,
    /// Whether the viewer's draft of the line that it goes to goes with it, on all their devices.
    #[graphql(default)]
    clear_draft: bool,
    /// Whether nobody is to be notified of it.
    #[graphql(default)]
    silent: bool,
    /// Seconds after which it is gone for everyone, 60 to 31,536,000. Where the conversation has
    /// such a time too, the shorter one counts.
    expires_in: Option<u32>,
    /// Seconds after the other person of a direct conversation has read it after which it is gone
    /// for everyone, 1 to 604,800. Where `expiresIn` is given too, what comes first counts.
    expires_after_read: Option<u32>,
    /// Whether the other person of a direct conversation opens it once, and a minute later it is
    /// gone for everyone: one photo, video or voice.
    #[graphql(default)]
    view_once: bool,
}

#[derive(InputObject)]
struct OpenAttachmentInput {
    client_id: ID,
    message_id: ID,
}

#[derive(InputObject)]
struct ReplaceAttachmentInput {
    client_id: ID,
    conversation_id: ID,
    message_id: ID,
    /// The file that the message shows now.
    file_id: ID,
    /// The file that takes its place: one that the viewer has uploaded.
    new_file_id: ID,
}

#[derive(SimpleObject)]
struct OpenAttachmentPayload {
    /// With links, for 50 seconds.
    attachments: Vec<AttachmentObject>,
    message: Option<MessageObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct AttachmentMutation;

#[Object]
impl AttachmentMutation {
    /// Sends files that the viewer has uploaded; the same client id sends them once, for ever.
    async fn send_attachments(
        &self,
        context: &Context<'_>,
        input: SendAttachmentsInput,
    ) -> Result<MessagePayload> {
        let scope = scope(context);
        if input.clear_draft {
            scope.viewer()?.may("clearDraft").map_err(rejected)?;
        }
        let conversation_id: ConversationId = id(&input.conversation_id)?;
        let reply_to = input.reply_to.as_ref().map(id).transpose()?;
        let thread_id = input.thread_id.as_ref().map(id).transpose()?;
        let quote = match &input.quote {
            Some(it) => {
                Some(it.found(context, reply_to, (conversation_id, &input.client_id)).await?)
            }
            None => None,
        };
        let command = SendAttachments {
            conversation_id,
            attachments: AttachmentInput::all(&input.attachments)?,
            text: input.text,
            reply_to,
            quote,
            thread_id,
            sent_at: input.sent_at,
            silent: input.silent,
            expires_in: input.expires_in,
            expires_after_read: input.expires_after_read,
            view_once: input.view_once,
        };
        let mut outcome = scope.submit(&input.client_id, command).await?;
        if input.clear_draft {
            let line = DraftLine::new(conversation_id, thread_id);
            outcome = clear_beside(scope, &input.client_id, line, outcome).await?;
        }
        let author = scope.viewer()?.account;
        let sent = message_id(conversation_id, author, uuid(&input.client_id)?);
        changed(context, outcome, sent).await
    }

    /// Opens what a message holds that the viewer opens once: they have its links, and a minute
    /// later it is gone for everyone.
    async fn open_attachment(
        &self,
        context: &Context<'_>,
        input: OpenAttachmentInput,
    ) -> Result<OpenAttachmentPayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let scope = scope(context);
        let command = OpenAttachment { conversation_id, message_id };
        let outcome = scope.submit(&input.client_id, command).await?;
        let mut payload = OpenAttachmentPayload {
            attachments: Vec::new(),
            message: None,
            position: outcome.position,
        };
        if !outcome.readable {
            return Ok(payload);
        }
        let found = scope.reader.load::<Message>(message_id.to_string()).await.map_err(outage)?;
        let Some(message) = found.map(|it| scope.within(&it)) else { return Ok(payload) };
        let body = opened(&scope.reader, &message).await.map_err(outage)?;
        if let Some(Content::Attachments(it)) = body.and_then(|it| it.content) {
            let all = AttachmentObject::after(&it, &message, message.revision).into_iter();
            let linked = |it| AttachmentObject { linked: true, ..it };
            payload.attachments = all.map(linked).collect();
        }
        payload.message = Some(MessageObject::new(message));
        Ok(payload)
    }

    /// Puts a newer file in the place of one that a message of the viewer's own shows, for as long
    /// as they may edit it: everybody sees the newer one there, and earlier ones can be looked at
    /// like earlier texts. At most 20 in each place.
    async fn replace_attachment(
        &self,
        context: &Context<'_>,
        input: ReplaceAttachmentInput,
    ) -> Result<MessagePayload> {
        let message = visible(context, &input.message_id).await?;
        let command = ReplaceAttachment {
            conversation_id: id(&input.conversation_id)?,
            message_id: message.id,
            file_id: id(&input.file_id)?,
            new_file_id: id(&input.new_file_id)?,
        };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        changed(context, outcome, message.id).await
    }
}
