//! Read pointers as their owner sees them.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::others::{
    Receipt, Said, are_told, delivered_key, passing, readers, readers_counted, receipts,
};
use super::{DELIVERED_MS, MarkRead, ReceiptRejection, Unread, is_told};
use crate::accounts::{AccountId, AccountObject};
use crate::conversations::{Conversation, ConversationId, ConversationObject};
use crate::kernel::ephemeral::Ephemeral;
use crate::kernel::graphql::{id, outage, rejected, scope};
use crate::kernel::time::Long;
use crate::messages::{Message, MessageId};
use crate::presence::tell;

/// How far the viewer has read a conversation.
pub struct ReadStateObject {
    conversation_id: ConversationId,
    unread: Unread,
}

impl ReadStateObject {
    /// The viewer's read state.
    pub async fn find(context: &Context<'_>, conversation: ConversationId) -> Result<Option<Self>> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let unread = Unread::load(&scope.reader, viewer, conversation).await.map_err(outage)?;
        Ok(Some(Self { conversation_id: conversation, unread }))
    }
}

/// How far the viewer has read.
#[Object(name = "ReadState")]
impl ReadStateObject {
    async fn conversation_id(&self) -> ID {
        self.conversation_id.into()
    }

    /// Number of the last message read.
    async fn number(&self) -> Long {
        Long(self.unread.read_number)
    }

    async fn unread_count(&self) -> i32 {
        i32::try_from(self.unread.count).unwrap_or(i32::MAX)
    }
}

/// How far another member has read and received.
pub struct ReceiptObject {
    account_id: AccountId,
    conversation_id: ConversationId,
    read: Option<u64>,
    delivered: Option<u64>,
}

impl ReceiptObject {
    /// As it was told.
    pub fn read(it: &Ephemeral) -> Option<Self> {
        if !is_told(it) {
            return None;
        }
        let [read, delivered] = ["read", "delivered"].map(|name| it.detail.get(name)?.as_u64());
        let (account_id, conversation_id) = (it.account_id, it.conversation_id?);
        Some(Self { account_id, conversation_id, read, delivered })
    }
}

/// How far another member has read and received; neither ever moves back.
#[Object(name = "Receipt")]
impl ReceiptObject {
    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.account_id).await
    }

    async fn conversation_id(&self) -> ID {
        self.conversation_id.into()
    }

    /// Number of the last message read, outside threads; null in a frame that tells of receiving
    /// only.
    async fn read_number(&self) -> Option<Long> {
        self.read.map(Long)
    }

    /// Number of the last message that a device has received, as far as is told; null in a frame
    /// that tells of reading only.
    async fn delivered_number(&self) -> Option<Long> {
        self.delivered.map(Long)
    }
}

/// The receipts of the others; nothing in a conversation that is too large.
pub(crate) async fn receipts_of_others(
    context: &Context<'_>,
    conversation: &Conversation,
) -> Result<Option<Vec<ReceiptObject>>> {
    if !are_told(conversation.member_count) {
        return Ok(None);
    }
    let scope = scope(context);
    let (viewer, cache) = (scope.viewer()?.account, scope.cache.as_ref());
    let found = receipts(&scope.reader, cache, viewer, conversation.id).await.map_err(outage)?;
    let object = |Receipt { account_id, read_number, delivered_number }| ReceiptObject {
        account_id,
        conversation_id: conversation.id,
        read: Some(read_number),
        delivered: Some(delivered_number),
    };
    Ok(Some(found.into_iter().map(object).collect()))
}

/// Who of the others has read a message.
struct ReadersObject {
    count: usize,
    listed: Option<Vec<AccountId>>,
}

/// Who of the others has read a message, of those who show it and are shown the viewer's receipts.
#[Object(name = "Readers")]
impl ReadersObject {
    /// How many; in conversations of over 200 members as far as is counted, at most 1,000.
    async fn count(&self) -> i32 {
        i32::try_from(self.count).unwrap_or(i32::MAX)
    }

    /// Who; null in conversations of over 200 members, and seven days after the message.
    #[graphql(complexity = "100 + 10 * child_complexity")]
    async fn accounts(&self, context: &Context<'_>) -> Result<Option<Vec<AccountObject>>> {
        let Some(listed) = &self.listed else { return Ok(None) };
        let mut found = Vec::with_capacity(listed.len());
        for account in listed {
            found.extend(AccountObject::find(context, *account).await?);
        }
        Ok(Some(found))
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct ReceiptQuery;

#[Object]
impl ReceiptQuery {
    /// How far the viewer has read a conversation; zero for a stranger.
    async fn read_state(
        &self,
        context: &Context<'_>,
        conversation_id: ID,
    ) -> Result<Option<ReadStateObject>> {
        ReadStateObject::find(context, id(&conversation_id)?).await
    }

    /// Who of the others has read a message; null when the viewer can't read it, and for what is
    /// in a thread.
    #[graphql(complexity = "1_000 + child_complexity")]
    async fn readers(
        &self,
        context: &Context<'_>,
        message_id: ID,
    ) -> Result<Option<ReadersObject>> {
        let scope = scope(context);
        let (message, viewer) = (id::<MessageId>(&message_id)?, scope.viewer()?.account);
        let message = scope.reader.fetch::<Message>(viewer, message.to_string()).await;
        let message = message.map_err(outage)?.filter(|it| scope.within(it).body.is_some());
        let message = message.filter(|it| it.thread.is_none());
        let Some(message) = message else { return Ok(None) };
        let head = message.conversation_id.to_string();
        let head = scope.reader.load::<Conversation>(head).await.map_err(outage)?;
        let members = head.map_or(0, |it| it.member_count);
        let said = Said::of(members, scope.clock.now_ms() - message.occurred_at.0);
        if said == Said::HowManyAtLeast {
            let count = readers_counted(&scope.reader, viewer, &message).await.map_err(outage)?;
            return Ok(Some(ReadersObject { count, listed: None }));
        }
        let found = readers(&scope.reader, viewer, &message).await.map_err(outage)?;
        let (count, listed) = (found.len(), (said == Said::Who).then_some(found));
        Ok(Some(ReadersObject { count, listed }))
    }
}

#[derive(InputObject)]
struct MarkReadInput {
    client_id: ID,
    conversation_id: ID,
    /// Number of the last message read.
    number: Long,
}

#[derive(SimpleObject)]
struct MarkReadPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

#[derive(InputObject)]
struct MarkDeliveredInput {
    conversation_id: ID,
    /// Number of the last message received.
    number: Long,
}

#[derive(SimpleObject)]
struct MarkDeliveredPayload {
    /// False when it is not kept: the conversation has too many members.
    ok: bool,
}

/// Changes of this room.
#[derive(Default)]
pub struct ReceiptMutation;

#[Object]
impl ReceiptMutation {
    /// Marks everything up to a message as read; an older number changes nothing.
    async fn mark_read(
        &self,
        context: &Context<'_>,
        input: MarkReadInput,
    ) -> Result<MarkReadPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = MarkRead { conversation_id, number: input.number };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let conversation = ConversationObject::readable(context, &outcome, conversation_id).await?;
        Ok(MarkReadPayload { conversation, position: outcome.position })
    }

    /// Says up to which message a device of the viewer has received; an older number changes
    /// nothing. It is told to the others and not kept for ever.
    async fn mark_delivered(
        &self,
        context: &Context<'_>,
        input: MarkDeliveredInput,
    ) -> Result<MarkDeliveredPayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        scope.take(&format!("delivered-rate/{viewer}"), scope.limits.per_account).await?;
        let (conversation, number) =
            (id::<ConversationId>(&input.conversation_id)?, input.number.0);
        let head = scope.reader.fetch::<Conversation>(viewer, conversation.to_string()).await;
        let head = head.map_err(outage)?.ok_or_else(|| rejected(ReceiptRejection::NotFound))?;
        if number > head.last_number {
            return Err(rejected(ReceiptRejection::Ahead));
        }
        if !are_told(head.member_count) {
            return Ok(MarkDeliveredPayload { ok: false });
        }
        let read = Unread::load(&scope.reader, viewer, conversation).await.map_err(outage)?;
        if number <= read.read_number {
            // Who has read it has received it.
            return Ok(MarkDeliveredPayload { ok: true });
        }
        let key = delivered_key(viewer, conversation);
        let raised = scope.cache.raise(&key, number, DELIVERED_MS).await.map_err(outage)?;
        if raised {
            tell(scope, passing(viewer, conversation, None, Some(number))).await?;
        }
        Ok(MarkDeliveredPayload { ok: true })
    }
}
