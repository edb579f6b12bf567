//! Reactions as clients see them.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    AddReaction, AllowedReactions, Count, Emoji, LimitReactions, Reacted, ReactionRejection,
    Reactor, RemoveReaction, Tally,
};
use crate::accounts::AccountObject;
use crate::conversations::{ConversationId, ConversationObject, page_complexity};
use crate::kernel::Timestamp;
use crate::kernel::document::Document;
use crate::kernel::graphql::{Outcome, Page, id, outage, rejected, scope};
use crate::kernel::pages::{self, Shelf};
use crate::messages::{Message, MessageId, MessageObject, visible};
use crate::stickers::{StickerObject, owner_of};

/// How many have given a message an emoji.
pub struct ReactionCount {
    message_id: MessageId,
    count: Count,
}

/// An emoji that a message was given.
#[Object]
impl ReactionCount {
    /// One of Unicode's, or the id of a custom one.
    async fn emoji(&self) -> &str {
        self.count.emoji.as_str()
    }

    /// The picture of a custom emoji; null for others, and when it is gone.
    #[graphql(complexity = "2 + child_complexity")]
    async fn sticker(&self, context: &Context<'_>) -> Result<Option<StickerObject>> {
        match self.count.emoji.custom() {
            Some(it) => StickerObject::of(context, it).await,
            None => Ok(None),
        }
    }

    async fn count(&self) -> i32 {
        i32::try_from(self.count.count).unwrap_or(i32::MAX)
    }

    /// Whether the viewer has given it. In a subscription it makes each frame cost as much as it
    /// has viewers: a client asks for it when the frame's `actorId` is its own.
    async fn viewer_reacted(&self, context: &Context<'_>) -> Result<bool> {
        let id = Reacted::id(self.message_id, scope(context).viewer()?.account);
        let reacted = scope(context).reader.load::<Reacted>(id).await.map_err(outage)?;
        Ok(reacted.is_some_and(|it| it.emoji.contains(&self.count.emoji)))
    }
}

fn counts(tally: &Tally) -> Vec<ReactionCount> {
    let message_id = tally.message_id;
    let shown = if tally.removed { &[][..] } else { &tally.counts };
    shown.iter().map(|it| ReactionCount { message_id, count: it.clone() }).collect()
}

/// A message's tally, unless it is from after the viewer's time in the conversation.
async fn tally(context: &Context<'_>, message: MessageId) -> Result<Option<Arc<Tally>>> {
    let scope = scope(context);
    let tally = scope.reader.load::<Tally>(message.to_string()).await.map_err(outage)?;
    tally.iter().for_each(|it| scope.shows(it.seq));
    Ok(tally.filter(|tally| scope.ended_at.is_none_or(|it| tally.seq <= it)))
}

/// What a message that the viewer may read was given; nothing where it is withheld, since it has
/// changed after the viewer's time.
pub(crate) async fn reactions_to(
    context: &Context<'_>,
    message: &Message,
) -> Result<Option<Vec<ReactionCount>>> {
    if message.body.is_none() {
        return Ok(Some(Vec::new()));
    }
    let scope = scope(context);
    let tally = scope.reader.load::<Tally>(message.id.to_string()).await.map_err(outage)?;
    let Some(tally) = tally else { return Ok(Some(Vec::new())) };
    scope.shows(tally.seq);
    let seen = scope.ended_at.is_none_or(|it| tally.seq <= it);
    Ok(seen.then(|| counts(&tally)))
}

/// The emoji that a conversation allows; nothing when it allows all.
pub(crate) async fn allowed_reactions(
    context: &Context<'_>,
    conversation: ConversationId,
) -> Result<Option<Vec<String>>> {
    let scope = scope(context);
    let found = scope.reader.load::<AllowedReactions>(conversation.to_string()).await;
    let found = found.map_err(outage)?;
    found.iter().for_each(|it| scope.shows(it.seq));
    let allowed = found.and_then(|it| it.allowed.clone());
    Ok(allowed.map(|it| it.iter().map(|it| it.as_str().to_owned()).collect()))
}

/// What a message was given.
pub struct ReactionsObject(Arc<Tally>);

impl ReactionsObject {
    /// The reactions to a message that the viewer may read; in a frame that has been checked.
    pub async fn find(context: &Context<'_>, message: MessageId) -> Result<Option<Self>> {
        let scope = scope(context);
        let Some(found) = tally(context, message).await? else { return Ok(None) };
        let admitted = scope.is_checked() || {
            let viewer = scope.viewer()?.account;
            found.audience().admits(viewer, &scope.reader).await.map_err(outage)?
        };
        Ok(admitted.then_some(Self(found)))
    }
}

/// What a message was given, for who has the message already.
#[Object(name = "Reactions")]
impl ReactionsObject {
    async fn message_id(&self) -> ID {
        self.0.message_id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.0.conversation_id.into()
    }

    /// The conversation as it is now: who wrote the message asks it for `unseenReactionCount`. In
    /// a subscription, what is the viewer's own in it makes each frame cost as much as it has
    /// viewers.
    async fn conversation(&self, context: &Context<'_>) -> Result<Option<ConversationObject>> {
        ConversationObject::find(context, self.0.conversation_id).await
    }

    /// The emoji that was given first comes first.
    async fn counts(&self) -> Vec<ReactionCount> {
        counts(&self.0)
    }

    async fn message(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        MessageObject::find(context, self.0.message_id).await
    }
}

/// Somebody who has given a message an emoji.
struct ReactorObject(Arc<Reactor>);

/// Somebody who has given a message an emoji.
#[Object(name = "Reactor")]
impl ReactorObject {
    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.0.account_id).await
    }

    async fn reacted_at(&self) -> Timestamp {
        self.0.reacted_at
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct ReactionQuery;

#[Object]
impl ReactionQuery {
    /// Those who have given a message an emoji, by time; null when the viewer can't read it.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn reactors(
        &self,
        context: &Context<'_>,
        message_id: ID,
        emoji: String,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Result<Option<Connection<String, ReactorObject>>> {
        let scope = scope(context);
        let (message, viewer) = (id::<MessageId>(&message_id)?, scope.viewer()?.account);
        let message = scope.reader.fetch::<Message>(viewer, message.to_string()).await;
        let Some(message) = message.map_err(outage)? else { return Ok(None) };
        let emoji = Emoji::parse(&emoji).ok_or(ReactionRejection::EmojiInvalid);
        let emoji = emoji.map_err(rejected)?;
        let page = Page::new(first, last, after, before)?;
        match scope.within(&message).body.is_some() {
            true => {
                let prefix = Reactor::prefix(message.id, &emoji);
                Ok(Some(
                    pages::behind(context, Shelf::by_seq("by_emoji", &prefix), page, ReactorObject)
                        .await?,
                ))
            }
            false => Ok(Some(Connection::new(false, false))),
        }
    }
}

#[derive(InputObject)]
struct AddReactionInput {
    client_id: ID,
    message_id: ID,
    /// One emoji of Unicode's, or the id of a custom one: `pack_…/7`.
    emoji: String,
}

#[derive(InputObject)]
struct RemoveReactionInput {
    client_id: ID,
    message_id: ID,
    /// One emoji of Unicode's, or the id of a custom one: `pack_…/7`.
    emoji: String,
}

#[derive(InputObject)]
struct LimitReactionsInput {
    client_id: ID,
    conversation_id: ID,
    /// At most 100 emoji, or none at all; null allows all.
    allowed: Option<Vec<String>>,
}

#[derive(SimpleObject)]
struct ReactionPayload {
    message: Option<MessageObject>,
    position: String,
}

#[derive(SimpleObject)]
struct LimitReactionsPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct ReactionMutation;

#[Object]
impl ReactionMutation {
    /// Gives a message an emoji, at most 5 of 20 different ones; what is given already is given.
    async fn add_reaction(
        &self,
        context: &Context<'_>,
        input: AddReactionInput,
    ) -> Result<ReactionPayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let custom = Emoji::parse(&input.emoji).and_then(|it| it.custom());
        let pack_owner_id = match custom {
            Some(it) => owner_of(context, it.pack_id).await?,
            None => None,
        };
        let emoji = input.emoji;
        let command = AddReaction { conversation_id, message_id, emoji, pack_owner_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, message_id).await
    }

    /// Takes an emoji back; what was not given is not there.
    async fn remove_reaction(
        &self,
        context: &Context<'_>,
        input: RemoveReactionInput,
    ) -> Result<ReactionPayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let command = RemoveReaction { conversation_id, message_id, emoji: input.emoji };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, message_id).await
    }

    /// Says which emoji may be given in a group from here on; for its owner and admins.
    async fn limit_reactions(
        &self,
        context: &Context<'_>,
        input: LimitReactionsInput,
    ) -> Result<LimitReactionsPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = LimitReactions { conversation_id, allowed: input.allowed };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let conversation = ConversationObject::readable(context, &outcome, conversation_id).await?;
        Ok(LimitReactionsPayload { conversation, position: outcome.position })
    }
}

async fn payload(
    context: &Context<'_>,
    outcome: Outcome,
    message: MessageId,
) -> Result<ReactionPayload> {
    let message = match outcome.readable {
        true => MessageObject::find(context, message).await?,
        false => None,
    };
    Ok(ReactionPayload { message, position: outcome.position })
}
