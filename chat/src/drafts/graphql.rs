//! Drafts as whoever wrote them sees them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{ClearDraft, Draft, DraftLine, SaveDraft};
use crate::kernel::graphql::{Outcome, Scope, failed, id, outage, scope, uuid};
use crate::kernel::{Failure, Timestamp, id as ids};
use crate::messages::{Message, MessageObject};
use crate::timeline::Timeline;

/// What the viewer has begun to write for a line of a conversation, if anything.
pub struct DraftObject {
    line: DraftLine,
    draft: Option<Arc<Draft>>,
}

impl DraftObject {
    /// The viewer's draft, empty when there is none; nothing for applications.
    pub async fn find(context: &Context<'_>, line: DraftLine) -> Result<Option<Self>> {
        let scope = scope(context);
        let viewer = scope.viewer()?;
        if viewer.scopes.is_some() {
            return Ok(None);
        }
        let id = Draft::id(viewer.account, line);
        let draft = scope.reader.fetch::<Draft>(viewer.account, id).await.map_err(outage)?;
        Ok(Some(Self { line, draft }))
    }

    /// The viewer's draft for the thread that begins at a message, or would; nothing where the
    /// viewer sees none.
    pub(crate) async fn find_for_thread(
        context: &Context<'_>,
        line: DraftLine,
    ) -> Result<Option<Self>> {
        let found = Self::find(context, line).await?;
        let (Some(thread), Some(Self { draft: None, .. })) = (line.thread(), &found) else {
            return Ok(found);
        };
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let root = scope.reader.fetch::<Message>(viewer, thread.to_string()).await;
        let root = root.map_err(outage)?;
        let begins =
            root.is_some_and(|it| it.conversation_id == line.conversation() && it.thread.is_none());
        Ok(found.filter(|_| begins))
    }
}

/// What the viewer has begun to write in a conversation, or in one of its threads.
#[Object(name = "Draft")]
impl DraftObject {
    async fn conversation_id(&self) -> ID {
        self.line.conversation().into()
    }

    /// The message that begins the thread it is written for; null when that is none.
    async fn thread_id(&self) -> Option<ID> {
        self.line.thread().map(ID::from)
    }

    /// Markdown; null when there is no draft.
    async fn text(&self, context: &Context<'_>) -> Result<Option<String>> {
        match &self.draft {
            Some(it) => scope(context).reader.open(&it.text).await.map_err(outage),
            None => Ok(None),
        }
    }

    /// The message that it answers.
    async fn reply_to(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        let Some(id) = self.draft.as_ref().and_then(|it| it.reply_to) else { return Ok(None) };
        let scope = scope(context);
        // Also in a frame: it shows what is one's own, the message is not.
        let viewer = scope.viewer()?.account;
        let found = scope.reader.fetch::<Message>(viewer, id.to_string()).await;
        let found = found.map_err(outage)?;
        let here = found.filter(|it| it.conversation_id == self.line.conversation());
        Ok(here.map(|it| MessageObject::new(scope.within(&it))))
    }

    async fn saved_at(&self) -> Option<Timestamp> {
        self.draft.as_ref().map(|it| it.saved_at)
    }
}

#[derive(InputObject)]
struct SaveDraftInput {
    client_id: ID,
    conversation_id: ID,
    /// Markdown, at most 16,384 bytes; nothing clears the draft.
    text: String,
    reply_to: Option<ID>,
    /// The message that begins the thread it is written for; none begins at what is in a thread.
    thread_id: Option<ID>,
}

#[derive(InputObject)]
struct ClearDraftInput {
    client_id: ID,
    conversation_id: ID,
    /// The message that begins the thread it was written for.
    thread_id: Option<ID>,
}

#[derive(SimpleObject)]
struct DraftPayload {
    draft: Option<DraftObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct DraftMutation;

#[Object]
impl DraftMutation {
    /// Saves what the viewer has begun to write in a conversation or thread, for all of their
    /// devices; the last to save wins.
    async fn save_draft(
        &self,
        context: &Context<'_>,
        input: SaveDraftInput,
    ) -> Result<DraftPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let reply_to = input.reply_to.as_ref().map(id).transpose()?;
        let thread_id = input.thread_id.as_ref().map(id).transpose()?;
        let command = SaveDraft { conversation_id, text: input.text, reply_to, thread_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, DraftLine::new(conversation_id, thread_id)).await
    }

    /// Clears what the viewer has begun to write; what is not there is clear.
    async fn clear_draft(
        &self,
        context: &Context<'_>,
        input: ClearDraftInput,
    ) -> Result<DraftPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let thread_id = input.thread_id.as_ref().map(id).transpose()?;
        let command = ClearDraft { conversation_id, saved_until: None, thread_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, DraftLine::new(conversation_id, thread_id)).await
    }
}

async fn payload(context: &Context<'_>, outcome: Outcome, line: DraftLine) -> Result<DraftPayload> {
    let draft = match outcome.readable {
        true => DraftObject::find(context, line).await?,
        false => None,
    };
    Ok(DraftPayload { draft, position: outcome.position })
}

/// Clears the viewer's draft beside a message that was accepted under the client's id.
pub(crate) async fn clear_beside(
    scope: &Scope,
    client_id: &ID,
    line: DraftLine,
    sent: Outcome,
) -> Result<Outcome> {
    let viewer = scope.viewer()?;
    // An id of its own that comes again with the message's: repeated, both are done once.
    let client_id = ids::derive(uuid(client_id)?, &[b"draft"]);
    let event = Timeline::id(sent.accepted.partition, sent.accepted.ordinal);
    let event = match sent.readable {
        true => scope.reader.load::<Timeline>(event).await.map_err(outage)?,
        false => None,
    };
    // Repeated, it leaves what was begun after the message.
    let Some(event) = event else { return Err(failed(Failure::Unknown)) };
    let (conversation_id, thread_id) = (line.conversation(), line.thread());
    let clear = ClearDraft { conversation_id, saved_until: Some(event.occurred_at), thread_id };
    match scope.submit_for(viewer.account, client_id, clear).await {
        Ok(accepted) => {
            let position = scope.outcome(accepted).await?.position;
            Ok(Outcome { position, ..sent })
        }
        Err(Failure::Rejected(_)) => Ok(sent),
        // The message is there, so what is asked again must come under the same id.
        Err(_) => Err(failed(Failure::Unknown)),
    }
}
