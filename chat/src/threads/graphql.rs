//! Moving messages and reading threads as clients ask for it.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{MOVED_MAX, MarkThreadRead, MoveToThread, Thread, ThreadObject, ThreadRejection};
use crate::kernel::graphql::{id, outage, rejected, scope};
use crate::kernel::time::Long;
use crate::messages::{MessageId, MessageObject};

/// How many times fewer than other commands one may move many.
const MOVE_WEIGHT: u32 = 10;

#[derive(InputObject)]
struct MoveToThreadInput {
    client_id: ID,
    conversation_id: ID,
    /// The message that the thread begins at; without it they go back to the conversation.
    thread_id: Option<ID>,
    /// 1 to 100, that were sent to the conversation.
    message_ids: Vec<ID>,
}

#[derive(SimpleObject)]
struct MoveToThreadPayload {
    /// As they are now; empty when they can't be read yet.
    messages: Vec<MessageObject>,
    position: String,
}

#[derive(InputObject)]
struct MarkThreadReadInput {
    client_id: ID,
    /// The message that the thread begins at.
    thread_id: ID,
    /// Number of the last message read there.
    number: Long,
}

#[derive(SimpleObject)]
struct MarkThreadReadPayload {
    thread: Option<ThreadObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct ThreadMutation;

#[Object]
impl ThreadMutation {
    /// Moves messages that were sent to the conversation into a thread, all or none, or back; they
    /// keep their ids, their numbers and what they were given. In groups it is for those who manage
    /// them.
    #[graphql(complexity = "100 + 10 * child_complexity")]
    async fn move_to_thread(
        &self,
        context: &Context<'_>,
        input: MoveToThreadInput,
    ) -> Result<MoveToThreadPayload> {
        let scope = scope(context);
        if !(1..=MOVED_MAX).contains(&input.message_ids.len()) {
            return Err(rejected(ThreadRejection::CountInvalid));
        }
        let viewer = scope.viewer()?.account;
        let limit = (scope.limits.per_account / MOVE_WEIGHT).max(1);
        scope.take(&format!("moves/{viewer}"), limit).await?;
        let message_ids: Vec<MessageId> =
            input.message_ids.iter().map(id).collect::<Result<_>>()?;
        let command = MoveToThread {
            conversation_id: id(&input.conversation_id)?,
            thread_id: input.thread_id.as_ref().map(id).transpose()?,
            message_ids: message_ids.clone(),
        };
        let outcome = scope.submit(&input.client_id, command).await?;
        let mut messages = Vec::new();
        for id in message_ids.into_iter().filter(|_| outcome.readable) {
            messages.extend(MessageObject::find(context, id).await?);
        }
        Ok(MoveToThreadPayload { messages, position: outcome.position })
    }

    /// Marks a thread as read up to a message; an older number changes nothing, and the
    /// conversation's own read number stays.
    async fn mark_thread_read(
        &self,
        context: &Context<'_>,
        input: MarkThreadReadInput,
    ) -> Result<MarkThreadReadPayload> {
        let scope = scope(context);
        let (viewer, thread_id) = (scope.viewer()?.account, id::<MessageId>(&input.thread_id)?);
        let thread = scope.reader.fetch::<Thread>(viewer, thread_id.to_string()).await;
        let thread = thread.map_err(outage)?.ok_or_else(|| rejected(ThreadRejection::NotFound))?;
        let conversation_id = thread.conversation_id;
        let command = MarkThreadRead { conversation_id, thread_id, number: input.number };
        let outcome = scope.submit(&input.client_id, command).await?;
        let thread = match outcome.readable {
            true => ThreadObject::find(context, thread_id).await?,
            false => None,
        };
        Ok(MarkThreadReadPayload { thread, position: outcome.position })
    }
}
