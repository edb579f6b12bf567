//! Chat lists as whoever keeps them sees them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    ArchiveConversation, Badge, Listing, MarkUnread, MuteConversation, OrderPinnedConversations,
    PinConversation, PinnedConversations, UnarchiveConversation, UnmuteConversation,
    UnpinConversation,
};
use crate::accounts::AccountId;
use crate::conversations::{Conversation, ConversationId, ConversationObject};
use crate::kernel::graphql::{Outcome, id, outage, scope};
use crate::kernel::{Command, Timestamp};
use crate::members::Member;
use crate::receipts::Unread;

/// How the viewer keeps a conversation.
pub struct ListingObject {
    conversation_id: ConversationId,
    account: AccountId,
    listing: Option<Arc<Listing>>,
}

impl ListingObject {
    /// How the viewer keeps it; nothing for applications.
    pub async fn find(context: &Context<'_>, conversation: ConversationId) -> Result<Option<Self>> {
        let scope = scope(context);
        let viewer = scope.viewer()?;
        if viewer.scopes.is_some() {
            return Ok(None);
        }
        let account = viewer.account;
        let id = Listing::id(account, conversation);
        let listing = scope.reader.fetch::<Listing>(account, id).await.map_err(outage)?;
        Ok(Some(Self { conversation_id: conversation, account, listing }))
    }
}

/// How the viewer keeps a conversation in their chat list, on all of their devices.
#[Object(name = "Listing")]
impl ListingObject {
    async fn conversation_id(&self) -> ID {
        self.conversation_id.into()
    }

    /// Until when the viewer wants to hear nothing of it; 9999-12-30T22:00:00Z when it is for ever,
    /// null when it is not muted.
    async fn muted_until(&self, context: &Context<'_>) -> Option<Timestamp> {
        let now = Timestamp(scope(context).clock.now_ms());
        let muted = self.listing.as_ref().filter(|it| it.is_muted(now));
        muted.and_then(|it| it.muted_until)
    }

    /// Whether the viewer has marked it as unread and not read more, nor marked the same as read
    /// again, since.
    async fn marked_unread(&self, context: &Context<'_>) -> Result<bool> {
        let Some(it) = self.listing.as_ref().filter(|it| it.marked_number.is_some()) else {
            return Ok(false);
        };
        let reader = &scope(context).reader;
        let member = Member::id(self.conversation_id, self.account);
        let member = reader.load::<Member>(member).await.map_err(outage)?;
        let unread = Unread::load(reader, self.account, self.conversation_id).await;
        let read_number = unread.map_err(outage)?.read_number;
        Ok(member.is_some_and(|it| it.active) && it.is_marked(read_number))
    }

    /// Whether the viewer has archived it and nothing has come since but while it was muted.
    async fn archived(&self, context: &Context<'_>) -> Result<bool> {
        let Some(it) = self.listing.as_ref().filter(|it| it.archived_number.is_some()) else {
            return Ok(false);
        };
        // In a frame of the viewer's own account nobody has asked whether they are a member still.
        let id = self.conversation_id.to_string();
        let head = scope(context).reader.fetch::<Conversation>(self.account, id).await;
        Ok(head.map_err(outage)?.is_some_and(|head| it.is_archived(&head)))
    }

    /// Its place among those that the viewer has pinned, from 1; null when it is not pinned.
    async fn pinned_rank(&self, context: &Context<'_>) -> Result<Option<i32>> {
        let id = self.account.to_string();
        let pinned = scope(context).reader.load::<PinnedConversations>(id).await.map_err(outage)?;
        let pinned = pinned.iter().flat_map(|it| &it.conversation_ids);
        let mut ranks = (1..).zip(pinned).filter(|(_, it)| **it == self.conversation_id);
        Ok(ranks.next().map(|(rank, _)| rank))
    }
}

/// What the viewer has pinned.
pub struct PinnedObject(Option<Arc<PinnedConversations>>);

impl PinnedObject {
    /// What the viewer has pinned; nothing for applications.
    pub async fn find(context: &Context<'_>, account: AccountId) -> Result<Option<Self>> {
        let scope = scope(context);
        let viewer = scope.viewer()?;
        if viewer.scopes.is_some() {
            return Ok(None);
        }
        let id = account.to_string();
        let pinned = scope.reader.fetch::<PinnedConversations>(viewer.account, id).await;
        Ok(Some(Self(pinned.map_err(outage)?)))
    }
}

/// The conversations that the viewer has pinned.
#[Object(name = "PinnedConversations")]
impl PinnedObject {
    /// At most 10, the first stands first.
    async fn conversation_ids(&self) -> Vec<ID> {
        let pinned = self.0.iter().flat_map(|it| &it.conversation_ids);
        pinned.map(|it| (*it).into()).collect()
    }
}

/// What is unread in the viewer's conversations.
struct BadgeObject(Badge);

fn count(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// What is unread in the viewer's conversations: of those that are muted or archived, only what
/// mentions the viewer.
#[Object(name = "Badge")]
impl BadgeObject {
    /// Conversations with something unread, or marked as unread.
    async fn conversation_count(&self) -> i32 {
        count(self.0.conversations)
    }

    /// Unread messages; a conversation that is only marked as unread counts as one.
    async fn message_count(&self) -> i32 {
        count(self.0.messages)
    }

    /// Unread messages that mention the viewer, up to 1,000 in each conversation.
    async fn mention_count(&self) -> i32 {
        count(self.0.mentions)
    }

    /// Whether it is counted over all conversations: false for who has over 1,000, of which the
    /// most recently active ones are counted.
    async fn complete(&self) -> bool {
        self.0.complete
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct ChatListQuery;

#[Object]
impl ChatListQuery {
    /// What is unread in the viewer's conversations, as it stands on an application's icon.
    #[graphql(complexity = "1_000 + child_complexity")]
    async fn badge(&self, context: &Context<'_>) -> Result<BadgeObject> {
        let scope = scope(context);
        let (viewer, now) = (scope.viewer()?.account, Timestamp(scope.clock.now_ms()));
        Badge::load(&scope.reader, viewer, now).await.map(BadgeObject).map_err(outage)
    }
}

#[derive(InputObject)]
struct MuteConversationInput {
    client_id: ID,
    conversation_id: ID,
    /// Null when it is for ever.
    until: Option<Timestamp>,
}

#[derive(InputObject)]
struct UnmuteConversationInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(InputObject)]
struct MarkUnreadInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(InputObject)]
struct ArchiveConversationInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(InputObject)]
struct UnarchiveConversationInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(InputObject)]
struct PinConversationInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(InputObject)]
struct UnpinConversationInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(InputObject)]
struct OrderPinnedConversationsInput {
    client_id: ID,
    /// All that are pinned, the first stands first.
    conversation_ids: Vec<ID>,
}

#[derive(SimpleObject)]
struct ListingPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

#[derive(SimpleObject)]
struct OrderPinnedConversationsPayload {
    pinned: Option<PinnedObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct ChatListMutation;

#[Object]
impl ChatListMutation {
    /// Mutes a conversation until a time, or for ever.
    async fn mute_conversation(
        &self,
        context: &Context<'_>,
        input: MuteConversationInput,
    ) -> Result<ListingPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = MuteConversation { conversation_id, until: input.until };
        submit(context, &input.client_id, conversation_id, command).await
    }

    /// Unmutes a conversation.
    async fn unmute_conversation(
        &self,
        context: &Context<'_>,
        input: UnmuteConversationInput,
    ) -> Result<ListingPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = UnmuteConversation { conversation_id };
        submit(context, &input.client_id, conversation_id, command).await
    }

    /// Marks a conversation as unread until more of it is read, or the same once more.
    async fn mark_unread(
        &self,
        context: &Context<'_>,
        input: MarkUnreadInput,
    ) -> Result<ListingPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = MarkUnread { conversation_id };
        submit(context, &input.client_id, conversation_id, command).await
    }

    /// Archives a conversation until something comes while it is not muted.
    async fn archive_conversation(
        &self,
        context: &Context<'_>,
        input: ArchiveConversationInput,
    ) -> Result<ListingPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = ArchiveConversation { conversation_id };
        submit(context, &input.client_id, conversation_id, command).await
    }

    /// Takes a conversation out of the archive.
    async fn unarchive_conversation(
        &self,
        context: &Context<'_>,
        input: UnarchiveConversationInput,
    ) -> Result<ListingPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = UnarchiveConversation { conversation_id };
        submit(context, &input.client_id, conversation_id, command).await
    }

    /// Pins a conversation before all others, at most 10; one that is pinned stays where it is.
    async fn pin_conversation(
        &self,
        context: &Context<'_>,
        input: PinConversationInput,
    ) -> Result<ListingPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = PinConversation { conversation_id };
        submit(context, &input.client_id, conversation_id, command).await
    }

    /// Takes a conversation down that is pinned.
    async fn unpin_conversation(
        &self,
        context: &Context<'_>,
        input: UnpinConversationInput,
    ) -> Result<ListingPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = UnpinConversation { conversation_id };
        submit(context, &input.client_id, conversation_id, command).await
    }

    /// Puts what is pinned into another order.
    async fn order_pinned_conversations(
        &self,
        context: &Context<'_>,
        input: OrderPinnedConversationsInput,
    ) -> Result<OrderPinnedConversationsPayload> {
        let ids = input.conversation_ids.iter().map(id).collect::<Result<Vec<_>>>()?;
        let command = OrderPinnedConversations { conversation_ids: ids };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let pinned = match outcome.readable {
            true => PinnedObject::find(context, scope(context).viewer()?.account).await?,
            false => None,
        };
        Ok(OrderPinnedConversationsPayload { pinned, position: outcome.position })
    }
}

async fn submit(
    context: &Context<'_>,
    client_id: &ID,
    conversation: ConversationId,
    command: impl Command,
) -> Result<ListingPayload> {
    let outcome: Outcome = scope(context).submit(client_id, command).await?;
    let conversation = ConversationObject::readable(context, &outcome, conversation).await?;
    Ok(ListingPayload { conversation, position: outcome.position })
}
