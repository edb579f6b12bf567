//! Messages as clients see them, and pages of them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::documents::{Order, Scan};

use super::{
    Body, ContentObject, DeleteMessage, EditMessage, Entity, EntityKind, Forwarded, HideMessage, Message,
    MessageId, SendMessage, Version,
};
use crate::accounts::AccountObject;
use crate::drafts::clear_beside;
use crate::edit_policy::shows_versions;
use crate::kernel::document::{Document, padded};
use crate::kernel::graphql::{NOT_FOUND, Outcome, Scope, id, outage, rejected, scope};
use crate::kernel::time::Long;
use crate::kernel::{Personal, Timestamp};
use crate::pins::is_pinned;
use crate::reactions::{ReactionCount, reactions_to};
use crate::timeline::Timeline;

/// A message; its text is opened when it is asked for.
pub struct MessageObject {
    message: Arc<Message>,
}

impl MessageObject {
    /// A message whose audience the caller has checked.
    pub fn new(message: Arc<Message>) -> Self {
        Self { message }
    }

    /// A message that the viewer may read; in a frame the audience has been checked.
    pub async fn find(context: &Context<'_>, id: MessageId) -> Result<Option<Self>> {
        let scope = scope(context);
        let found = match scope.is_checked() {
            true => scope.reader.load::<Message>(id.to_string()).await,
            false => {
                let viewer = scope.viewer()?.account;
                scope.reader.fetch::<Message>(viewer, id.to_string()).await
            }
        };
        let found = found.map_err(outage)?.map(|it| scope.within(&it));
        Ok(found.map(Self::new))
    }

    async fn body(&self, context: &Context<'_>) -> Result<Option<Body>> {
        match &self.message.body {
            Some(body) => open(scope(context), body).await,
            None => Ok(None),
        }
    }
}

async fn open(scope: &Scope, body: &Personal<Body>) -> Result<Option<Body>> {
    scope.reader.open(body).await.map_err(outage)
}

/// A stretch of text with a meaning; offsets in UTF-16 code units.
struct EntityObject(Entity);

#[Object(name = "Entity")]
impl EntityObject {
    async fn kind(&self) -> EntityKind {
        self.0.kind
    }

    async fn offset(&self) -> u32 {
        self.0.offset
    }

    async fn length(&self) -> u32 {
        self.0.length
    }

    /// Where a link goes: http, https, mailto or tel.
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Language of a code block.
    async fn language(&self) -> Option<&str> {
        self.0.language.as_deref()
    }

    /// Who is mentioned.
    async fn account_id(&self) -> Option<ID> {
        self.0.account_id.map(ID::from)
    }
}

/// Where a forwarded message comes from.
struct ForwardedObject(Forwarded);

/// Where a forwarded message comes from.
#[Object(name = "Forwarded")]
impl ForwardedObject {
    /// Who wrote it first; null when they do not let it be known, and once erased.
    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        match self.0.account_id {
            Some(it) => AccountObject::find(context, it).await,
            None => Ok(None),
        }
    }

    /// When it was sent first.
    async fn sent_at(&self) -> Timestamp {
        self.0.sent_at
    }
}

/// A text that a message had.
#[derive(SimpleObject)]
struct MessageVersion {
    /// 0 for the first text.
    revision: Long,
    text: Option<String>,
    at: Timestamp,
}

/// A message; once deleted only its place remains.
#[Object(name = "Message")]
impl MessageObject {
    async fn id(&self) -> ID {
        self.message.id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.message.conversation_id.into()
    }

    /// Dense inside the conversation.
    async fn number(&self) -> Long {
        Long(self.message.number)
    }

    /// `seq` of the event that sent it.
    async fn seq(&self) -> Long {
        Long(self.message.seq)
    }

    /// As it is read; null once deleted or erased.
    async fn text(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.body(context).await?.map(|it| it.text))
    }

    /// As the author wrote it; null once deleted or erased.
    async fn markdown(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.body(context).await?.map(|it| it.markdown))
    }

    /// Formatting, links and mentions in the text.
    async fn entities(&self, context: &Context<'_>) -> Result<Vec<EntityObject>> {
        let entities = self.body(context).await?.map(|it| it.entities).unwrap_or_default();
        Ok(entities.into_iter().map(EntityObject).collect())
    }

    /// What it holds beside its text, if it does; null once deleted or erased.
    #[graphql(complexity = "5 + child_complexity")]
    async fn content(&self, context: &Context<'_>) -> Result<Option<ContentObject>> {
        if self.message.content.is_none() {
            return Ok(None);
        }
        let content = self.body(context).await?.and_then(|it| it.content);
        let Some(content) = content else { return Ok(None) };
        ContentObject::of(context, &self.message, content).await
    }

    async fn sender(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.message.author_id).await
    }

    /// The message that this one answers.
    async fn reply_to(&self, context: &Context<'_>) -> Result<Option<Self>> {
        let Some(id) = self.message.reply_to else { return Ok(None) };
        let found = scope(context).reader.load::<Message>(id.to_string()).await;
        let found = found.map_err(outage)?;
        let here = found.filter(|it| it.conversation_id == self.message.conversation_id);
        Ok(here.map(|it| Self::new(scope(context).within(&it))))
    }

    /// Where it comes from, if it was forwarded and says so.
    async fn forwarded(&self) -> Option<ForwardedObject> {
        self.message.forwarded.filter(|_| self.message.body.is_some()).map(ForwardedObject)
    }

    /// When it was sent, as far as the author says.
    async fn sent_at(&self) -> Timestamp {
        self.message.sent_at
    }

    /// When the server accepted it.
    async fn occurred_at(&self) -> Timestamp {
        self.message.occurred_at
    }

    async fn edited_at(&self) -> Option<Timestamp> {
        self.message.edited_at
    }

    /// Whether its author wants nobody to be notified of it.
    async fn silent(&self) -> bool {
        self.message.silent
    }

    /// When it is gone for everyone; null when it stays.
    async fn expires_at(&self) -> Option<Timestamp> {
        self.message.expires_at
    }

    /// Whether it is gone for everyone.
    async fn deleted(&self) -> bool {
        self.message.body.is_none()
    }

    /// Whether it is pinned. Null for who has left since, once what is pinned is not as they saw
    /// it.
    async fn pinned(&self, context: &Context<'_>) -> Result<Option<bool>> {
        is_pinned(context, &self.message).await
    }

    /// What members have given it, at most 20 emoji; the one that was given first comes first. Null
    /// for who has left since, once it is not as they saw it.
    #[graphql(complexity = "1 + 2 * child_complexity")]
    async fn reactions(&self, context: &Context<'_>) -> Result<Option<Vec<ReactionCount>>> {
        reactions_to(context, &self.message).await
    }

    /// The texts that it had, oldest first: those after a revision, at most 100. Null where the
    /// conversation's policy keeps them from the viewer.
    #[graphql(complexity = "10 + 2 * child_complexity")]
    async fn versions(
        &self,
        context: &Context<'_>,
        after: Option<Long>,
    ) -> Result<Option<Vec<MessageVersion>>> {
        let Some(current) = &self.message.body else { return Ok(Some(Vec::new())) };
        if !shows_versions(context, &self.message).await? {
            return Ok(None);
        }
        let scope = scope(context);
        let mut versions = Vec::new();
        if after.is_none() {
            let first = self.message.original.as_ref().unwrap_or(current);
            let text = open(scope, first).await?.map(|it| it.text);
            let at = self.message.occurred_at;
            versions.push(MessageVersion { revision: Long(0), text, at });
        }
        let limit = VERSIONS_MAX - versions.len();
        for (revision, edit) in
            edits(scope, self.message.id, after.map_or(1, |it| it.0 + 1), limit).await?
        {
            let text = open(scope, &edit.body).await?.map(|it| it.text);
            versions.push(MessageVersion { revision: Long(revision), text, at: edit.edited_at });
        }
        Ok(Some(versions))
    }
}

/// Versions of a message that are shown at once.
const VERSIONS_MAX: usize = 100;

/// Edits of a message from a revision on; each has the next.
async fn edits(
    scope: &Scope,
    message: MessageId,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Arc<Version>)>> {
    let prefix = Version::prefix(message);
    let mut scan = Scan::prefix(Version::COLLECTION.name, None, &prefix, Order::Ascending, limit);
    scan.from = format!("{prefix}{}", padded(from));
    let found = scope.reader.scan::<Version>(scan).await.map_err(outage)?;
    Ok((from..).zip(found.into_iter().map(|(_, it)| it)).collect())
}

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
    /// When it was sent, for history from elsewhere; not in the future.
    sent_at: Option<Timestamp>,
    /// Whether the viewer's draft in the conversation goes with it, on all of their devices.
    #[graphql(default)]
    clear_draft: bool,
    /// Whether nobody is to be notified of it.
    #[graphql(default)]
    silent: bool,
    /// Seconds after which it is gone for everyone, 60 to 31,536,000. Where the conversation has
    /// such a time too, the shorter one counts.
    expires_in: Option<u32>,
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
        let command = SendMessage {
            conversation_id,
            text: input.text,
            reply_to: input.reply_to.as_ref().map(id).transpose()?,
            sent_at: input.sent_at,
            silent: input.silent,
            expires_in: input.expires_in,
        };
        let mut outcome = scope.submit(&input.client_id, command).await?;
        if input.clear_draft {
            outcome = clear_beside(scope, &input.client_id, conversation_id, outcome).await?;
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

    /// Deletes a message for everyone, with its key, or puts it out of the viewer's sight.
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
