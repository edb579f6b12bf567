//! What clients ask of messages, and what they do with them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::quote::QuoteInput;
use super::{
    DeleteMessage, EditMessage, HideMessage, Message, MessageId, MessageObject, SendMessage,
};
use crate::drafts::{DraftLine, clear_beside};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{NOT_FOUND, Outcome, id, outage, rejected, scope};
use crate::timeline::Timeline;

/// Reads of this room.
#[derive(Default)]
pub struct MessageQuery;

#[Object]
impl MessageQuery {
    /// A message of a conversation that the viewer is a member of.
    async fn message(&self, context: &Context<'_>, id: ID) -> Result<Option<MessageObject>> {
        MessageObject::find(context, crate::kernel::graphql::id(&id)?).await
    }
}

#[derive(InputObject)]
struct SendMessageInput {
    client_id: ID,
    conversation_id: ID,
    /// Markdown, at most 16,384 bytes.
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
    /// Whether the page that it links to first is looked up, to show what it is; not if `sentAt` is
    /// given.
    #[graphql(default = true)]
    link_preview: bool,
}

#[derive(InputObject)]
struct EditMessageInput {
    client_id: ID,
    message_id: ID,
    text: String,
}

#[derive(InputObject)]
struct DeleteMessageInput {
    client_id: ID,
    message_id: ID,
    /// For everyone, or only for the viewer.
    #[graphql(default)]
    for_everyone: bool,
}

/// The message that a command was about.
#[derive(SimpleObject)]
pub struct MessagePayload {
    message: Option<MessageObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct MessageMutation;

#[Object]
impl MessageMutation {
    /// Sends a message; the same client id sends it once, for ever.
    async fn send_message(
        &self,
        context: &Context<'_>,
        input: SendMessageInput,
    ) -> Result<MessagePayload> {
        let scope = scope(context);
        if input.clear_draft {
            scope.viewer()?.may("clearDraft").map_err(rejected)?;
        }
        let conversation_id = id(&input.conversation_id)?;
        let reply_to = input.reply_to.as_ref().map(id).transpose()?;
        let thread_id = input.thread_id.as_ref().map(id).transpose()?;
        let quote = match &input.quote {
            Some(it) => {
                Some(it.found(context, reply_to, (conversation_id, &input.client_id)).await?)
            }
            None => None,
        };
        let command = SendMessage {
            conversation_id,
            text: input.text,
            reply_to,
            quote,
            sent_at: input.sent_at,
            silent: input.silent,
            expires_in: input.expires_in,
            expires_after_read: input.expires_after_read,
            link_preview: input.link_preview && scope.previews,
            thread_id,
        };
        let mut outcome = scope.submit(&input.client_id, command).await?;
        if input.clear_draft {
            let line = DraftLine::new(conversation_id, thread_id);
            outcome = clear_beside(scope, &input.client_id, line, outcome).await?;
        }
        sent(context, outcome).await
    }

    /// Changes the text of one's own message, for as long as the conversation's policy says.
    async fn edit_message(
        &self,
        context: &Context<'_>,
        input: EditMessageInput,
    ) -> Result<MessagePayload> {
        let message = visible(context, &input.message_id).await?;
        let command = EditMessage {
            conversation_id: message.conversation_id,
            message_id: message.id,
            text: input.text,
        };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        changed(context, outcome, message.id).await
    }

    /// Deletes a message for everyone, or puts it out of the viewer's sight. One's own goes with
    /// its key; another's, in a group that one manages, can be restored for 24 hours.
    async fn delete_message(
        &self,
        context: &Context<'_>,
        input: DeleteMessageInput,
    ) -> Result<MessagePayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let scope = scope(context);
        let outcome = match input.for_everyone {
            true => {
                let command = DeleteMessage { conversation_id, message_id };
                scope.submit(&input.client_id, command).await?
            }
            false => {
                let command = HideMessage { conversation_id, message_id };
                scope.submit(&input.client_id, command).await?
            }
        };
        changed(context, outcome, message_id).await
    }
}

/// A message that the viewer names and may read.
pub(crate) async fn visible(context: &Context<'_>, message: &ID) -> Result<Arc<Message>> {
    let scope = scope(context);
    let message_id: MessageId = id(message)?;
    let viewer = scope.viewer()?.account;
    let found = scope.reader.fetch::<Message>(viewer, message_id.to_string()).await;
    found.map_err(outage)?.ok_or_else(|| rejected(NOT_FOUND))
}

/// The message that the accepted event sent.
async fn sent(context: &Context<'_>, outcome: Outcome) -> Result<MessagePayload> {
    let accepted = outcome.accepted;
    let event = match outcome.readable {
        true => {
            let id = Timeline::id(accepted.partition, accepted.ordinal);
            scope(context).reader.load::<Timeline>(id).await.map_err(outage)?
        }
        false => None,
    };
    let message = match event.map(|it| it.change) {
        Some(crate::Change::Message(id)) => MessageObject::find(context, id).await?,
        _ => None,
    };
    Ok(MessagePayload { message, position: outcome.position })
}

/// The message as a command has left it.
pub(crate) async fn changed(
    context: &Context<'_>,
    outcome: Outcome,
    message: MessageId,
) -> Result<MessagePayload> {
    let message = match outcome.readable {
        true => MessageObject::find(context, message).await?,
        false => None,
    };
    Ok(MessagePayload { message, position: outcome.position })
}
