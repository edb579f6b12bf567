//! Messages as clients see them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::content::opened;
use super::quote::{QuoteObject, quoted};
use super::versions::VersionObject;
use super::{Body, ContentObject, Entity, EntityKind, Forwarded, Message, MessageId};
use crate::accounts::AccountObject;
use crate::conversations::ConversationObject;
use crate::kernel::Timestamp;
use crate::kernel::graphql::{outage, scope};
use crate::kernel::time::Long;
use crate::pins::is_pinned;
use crate::previews::PreviewObject;
use crate::reactions::{ReactionCount, reactions_to};
use crate::stickers::StickerObject;
use crate::threads::{ThreadObject, thread_of};

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
        opened(&scope(context).reader, &self.message).await.map_err(outage)
    }
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

    /// The custom emoji that is named; null when it is gone: then its name is shown.
    #[graphql(complexity = "2 + child_complexity")]
    async fn sticker(&self, context: &Context<'_>) -> Result<Option<StickerObject>> {
        match self.0.emoji.as_ref().and_then(|it| it.parse().ok()) {
            Some(it) => StickerObject::of(context, it).await,
            None => Ok(None),
        }
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

/// A message; once deleted only its place remains.
#[Object(name = "Message")]
impl MessageObject {
    async fn id(&self) -> ID {
        self.message.id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.message.conversation_id.into()
    }

    /// The conversation as it is now. In a subscription, what is the viewer's own in it makes each
    /// frame cost as much as it has viewers.
    async fn conversation(&self, context: &Context<'_>) -> Result<Option<ConversationObject>> {
        ConversationObject::find(context, self.message.conversation_id).await
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

    /// As HTML that is safe to show, of few tags and no style; null once deleted or erased.
    #[graphql(complexity = 5)]
    async fn html(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.body(context).await?.map(|it| it.html()))
    }

    /// Formatting, links and mentions in the text, those of everyone among them.
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

    /// What the page is that it links to first; null until that is known, and where it is not.
    #[graphql(complexity = "5 + child_complexity")]
    async fn link_preview(&self, context: &Context<'_>) -> Result<Option<PreviewObject>> {
        PreviewObject::of(context, &self.message).await
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

    /// What it quotes of that; null when either is gone, and where the text that it quotes has been
    /// edited away and is kept from the viewer.
    #[graphql(complexity = "10 + child_complexity")]
    async fn quote(&self, context: &Context<'_>) -> Result<Option<QuoteObject>> {
        quoted(context, &self.message).await
    }

    /// The message that begins the thread it is in; null when it is in none.
    async fn thread_id(&self) -> Option<ID> {
        self.message.thread.map(|it| it.thread_id.into())
    }

    /// The thread that it is in, or that begins at it; null when there is none, and for who has
    /// left since.
    #[graphql(complexity = "5 + child_complexity")]
    async fn thread(&self, context: &Context<'_>) -> Result<Option<ThreadObject>> {
        thread_of(context, &self.message).await
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

    /// When it is gone for everyone; null when it stays, also until it is read.
    async fn expires_at(&self) -> Option<Timestamp> {
        self.message.expires_at
    }

    /// Seconds after the other person has read it after which it is gone for everyone; null when
    /// that makes no difference.
    async fn expires_after_read(&self) -> Option<u32> {
        self.message.expires_after_read
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

    /// The texts and files that it had, oldest first: those after a revision, at most 100. Null
    /// where the conversation's policy keeps them from the viewer.
    #[graphql(complexity = "10 + 50 * child_complexity")]
    async fn versions(
        &self,
        context: &Context<'_>,
        after: Option<Long>,
    ) -> Result<Option<Vec<VersionObject>>> {
        VersionObject::of(context, &self.message, after.map(|it| it.0)).await
    }
}
