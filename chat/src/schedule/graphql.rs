//! Scheduled messages as their author sees them.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::documents::{Order, Scan};

use super::{
    CancelScheduled, ChangeScheduled, ScheduleMessage, Scheduled, ScheduledId, ScheduledState,
    SendScheduledNow,
};
use crate::attachments::{AttachmentInput, AttachmentObject};
use crate::conversations::page_complexity;
use crate::kernel::document::Document;
use crate::kernel::graphql::{Outcome, Page, id, outage, scope};
use crate::kernel::time::Long;
use crate::kernel::{Command, Timestamp};
use crate::messages::MessageObject;
use crate::timeline::Timeline;

/// A scheduled message.
pub struct ScheduledObject(Arc<Scheduled>);

impl ScheduledObject {
    /// A message that the viewer has scheduled; in a frame that has been checked.
    pub async fn find(context: &Context<'_>, id: ScheduledId) -> Result<Option<Self>> {
        let scope = scope(context);
        let found = match scope.is_checked() {
            true => scope.reader.load::<Scheduled>(id.to_string()).await,
            false => {
                let viewer = scope.viewer()?.account;
                scope.reader.fetch::<Scheduled>(viewer, id.to_string()).await
            }
        };
        Ok(found.map_err(outage)?.map(Self))
    }
}

/// A message that waits to be sent; once it is over only what became of it remains.
#[Object(name = "ScheduledMessage")]
impl ScheduledObject {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.0.conversation_id.into()
    }

    /// As its author wrote it; null once it was sent or cancelled.
    async fn markdown(&self, context: &Context<'_>) -> Result<Option<String>> {
        match &self.0.text {
            Some(text) => scope(context).reader.open(text).await.map_err(outage),
            None => Ok(None),
        }
    }

    /// Its files, at most 10; none once it was sent or cancelled.
    #[graphql(complexity = "1 + 4 * child_complexity")]
    async fn attachments(&self, context: &Context<'_>) -> Result<Vec<AttachmentObject>> {
        let found = match &self.0.attachments {
            Some(sealed) => scope(context).reader.open(sealed).await.map_err(outage)?,
            None => None,
        };
        Ok(found.map(AttachmentObject::scheduled).unwrap_or_default())
    }

    /// The message that it will answer.
    async fn reply_to_id(&self) -> Option<ID> {
        self.0.reply_to.map(ID::from)
    }

    /// The message that begins the thread it goes to; null for the conversation.
    async fn thread_id(&self) -> Option<ID> {
        self.0.thread_id.map(ID::from)
    }

    async fn silent(&self) -> bool {
        self.0.silent
    }

    /// Seconds from when it is sent after which it is gone for everyone.
    async fn expires_in(&self) -> Option<u32> {
        self.0.expires_in
    }

    /// When it is to be sent.
    async fn at(&self) -> Timestamp {
        self.0.due_at
    }

    async fn state(&self) -> ScheduledState {
        self.0.state
    }

    /// Why it could not be sent: the code of an error.
    async fn failure(&self) -> Option<&str> {
        self.0.failure.as_deref()
    }

    /// The message, once it was sent.
    async fn message(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        match self.0.message_id {
            // In a frame nobody has checked whether the author is still there.
            Some(id) if !scope(context).is_checked() => MessageObject::find(context, id).await,
            Some(_) | None => Ok(None),
        }
    }

    /// Id of the message, once it was sent.
    async fn message_id(&self) -> Option<ID> {
        self.0.message_id.map(ID::from)
    }

    /// `seq` of the event that made it what it is.
    async fn seq(&self) -> Long {
        Long(self.0.seq)
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct ScheduleQuery;

#[Object]
impl ScheduleQuery {
    /// What the viewer has scheduled and was not sent, in one conversation or in all, by time.
    #[graphql(complexity = "page_complexity(first, None, child_complexity)")]
    async fn scheduled_messages(
        &self,
        context: &Context<'_>,
        conversation_id: Option<ID>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, ScheduledObject>> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let conversation = conversation_id.as_ref().map(id).transpose()?;
        let page = Page::new(first, None, after, None)?;
        let prefix = Scheduled::prefix(viewer, conversation);
        let index = if conversation.is_some() { "by_conversation" } else { "by_time" };
        let (name, limit) = (Scheduled::COLLECTION.name, page.limit + 1);
        let mut scan = Scan::prefix(name, Some(index), &prefix, Order::Ascending, limit);
        if let Some(after) = &page.after {
            // What sorts right after the entry that the cursor names.
            scan.from = format!("{prefix}{after:.64} ");
        }
        let mut found = scope.reader.scan::<Scheduled>(scan).await.map_err(outage)?;
        let more = found.len() > page.limit;
        found.truncate(page.limit);
        let mut connection = Connection::new(page.after.is_some(), more);
        let edges = found
            .into_iter()
            .map(|(key, it)| Edge::new(key[prefix.len()..].to_owned(), ScheduledObject(it)));
        connection.edges.extend(edges);
        Ok(connection)
    }
}

#[derive(InputObject)]
struct ScheduleMessageInput {
    client_id: ID,
    conversation_id: ID,
    /// Markdown, at most 16,384 bytes; may be empty beside files.
    text: String,
    /// At most 10, as in `sendAttachments`.
    #[graphql(default)]
    attachments: Vec<AttachmentInput>,
    reply_to: Option<ID>,
    /// The message that begins the thread it goes to; none begins at what is in a thread.
    thread_id: Option<ID>,
    /// Whether nobody is to be notified of it.
    #[graphql(default)]
    silent: bool,
    /// Seconds from when it is sent after which it is gone for everyone, 60 to 31,536,000.
    expires_in: Option<u32>,
    /// When it is to be sent: in 10 seconds to 365 days.
    at: Timestamp,
}

#[derive(InputObject)]
struct ChangeScheduledInput {
    client_id: ID,
    scheduled_id: ID,
    /// Markdown, at most 16,384 bytes; null for the text that it has.
    text: Option<String>,
    /// In 10 seconds to 365 days; null for the time that it has.
    at: Option<Timestamp>,
}

#[derive(InputObject)]
struct CancelScheduledInput {
    client_id: ID,
    scheduled_id: ID,
}

#[derive(InputObject)]
struct SendScheduledNowInput {
    client_id: ID,
    scheduled_id: ID,
}

#[derive(SimpleObject)]
struct ScheduledPayload {
    scheduled: Option<ScheduledObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct ScheduleMutation;

#[Object]
impl ScheduleMutation {
    /// Schedules a message; until it is sent nobody else sees it. At most 100 of one author wait in
    /// a conversation.
    async fn schedule_message(
        &self,
        context: &Context<'_>,
        input: ScheduleMessageInput,
    ) -> Result<ScheduledPayload> {
        let command = ScheduleMessage {
            conversation_id: id(&input.conversation_id)?,
            text: input.text,
            attachments: AttachmentInput::all(&input.attachments)?,
            reply_to: input.reply_to.as_ref().map(id).transpose()?,
            thread_id: input.thread_id.as_ref().map(id).transpose()?,
            silent: input.silent,
            expires_in: input.expires_in,
            at: input.at,
        };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let event = match outcome.readable {
            true => {
                let (at, ordinal) = (outcome.accepted.partition, outcome.accepted.ordinal);
                let id = Timeline::id(at, ordinal);
                scope(context).reader.load::<Timeline>(id).await.map_err(outage)?
            }
            false => None,
        };
        let scheduled = match event.map(|it| it.change) {
            Some(crate::Change::ScheduledMessage(id)) => ScheduledObject::find(context, id).await?,
            _ => None,
        };
        Ok(ScheduledPayload { scheduled, position: outcome.position })
    }

    /// Changes what a scheduled message says or when it is sent; a time lets one that failed wait
    /// again.
    async fn change_scheduled(
        &self,
        context: &Context<'_>,
        input: ChangeScheduledInput,
    ) -> Result<ScheduledPayload> {
        let scheduled_id = id(&input.scheduled_id)?;
        let command = ChangeScheduled { scheduled_id, text: input.text, at: input.at };
        changed(context, &input.client_id, scheduled_id, command).await
    }

    /// Takes a scheduled message back.
    async fn cancel_scheduled(
        &self,
        context: &Context<'_>,
        input: CancelScheduledInput,
    ) -> Result<ScheduledPayload> {
        let scheduled_id = id(&input.scheduled_id)?;
        changed(context, &input.client_id, scheduled_id, CancelScheduled { scheduled_id }).await
    }

    /// Sends a scheduled message without waiting for its time.
    async fn send_scheduled_now(
        &self,
        context: &Context<'_>,
        input: SendScheduledNowInput,
    ) -> Result<ScheduledPayload> {
        let scheduled_id = id(&input.scheduled_id)?;
        changed(context, &input.client_id, scheduled_id, SendScheduledNow { scheduled_id }).await
    }
}

async fn changed(
    context: &Context<'_>,
    client_id: &ID,
    scheduled: ScheduledId,
    command: impl Command,
) -> Result<ScheduledPayload> {
    let outcome: Outcome = scope(context).submit(client_id, command).await?;
    let scheduled = match outcome.readable {
        true => ScheduledObject::find(context, scheduled).await?,
        false => None,
    };
    Ok(ScheduledPayload { scheduled, position: outcome.position })
}
