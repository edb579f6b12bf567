//! Read pointers as their owner sees them.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{MarkRead, Unread};
use crate::conversations::{ConversationId, ConversationObject};
use crate::kernel::graphql::{id, outage, scope};
use crate::kernel::time::Long;

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
}
