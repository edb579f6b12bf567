//! Forwarding as clients ask for it.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::decide::forwarded_id;
use super::{FORWARDED_MAX, ForwardMessages, ForwardRejection, Source};
use crate::kernel::graphql::{id, outage, rejected, scope, uuid};
use crate::messages::{Message, MessageObject, opened, visible};

/// How many times fewer than other commands one may forward.
const FORWARD_WEIGHT: u32 = 10;

#[derive(InputObject)]
struct ForwardMessagesInput {
    client_id: ID,
    /// Where they go.
    conversation_id: ID,
    /// The message that begins the thread they go to.
    thread_id: Option<ID>,
    /// 1 to 100, of any conversations that the viewer may read.
    message_ids: Vec<ID>,
    /// Whether they say who wrote them.
    #[graphql(default = true)]
    attributed: bool,
}

#[derive(SimpleObject)]
struct ForwardPayload {
    /// As they were forwarded, in their order; empty when they can't be read yet.
    messages: Vec<MessageObject>,
    position: String,
}

async fn source(context: &Context<'_>, message: &Message) -> Result<Source> {
    let body = opened(&scope(context).reader, message).await.map_err(outage)?;
    Ok(Source { conversation_id: message.conversation_id, message_id: message.id, body })
}

/// Changes of this room.
#[derive(Default)]
pub struct ForwardMutation;

#[Object]
impl ForwardMutation {
    /// Sends messages on, all or none, in their order; the same client id does so once.
    #[graphql(complexity = "100 + 10 * child_complexity")]
    async fn forward_messages(
        &self,
        context: &Context<'_>,
        input: ForwardMessagesInput,
    ) -> Result<ForwardPayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        if !(1..=FORWARDED_MAX).contains(&input.message_ids.len()) {
            return Err(rejected(ForwardRejection::CountInvalid));
        }
        let limit = (scope.limits.per_account / FORWARD_WEIGHT).max(1);
        scope.take(&format!("forwards/{viewer}"), limit).await?;
        let (to, client_id) = (id(&input.conversation_id)?, uuid(&input.client_id)?);
        let mut messages = Vec::with_capacity(input.message_ids.len());
        for it in &input.message_ids {
            messages.push(match visible(context, it).await {
                Ok(message) => source(context, &message).await?,
                Err(error) => {
                    // Whoever asks again may have lost sight of it since.
                    let first = forwarded_id(client_id, viewer, to, 0);
                    MessageObject::find(context, first).await?.ok_or(error)?;
                    Source { conversation_id: to, message_id: id(it)?, body: None }
                }
            });
        }
        let count = messages.len();
        let attributed = input.attributed;
        let thread_id = input.thread_id.as_ref().map(id).transpose()?;
        let command = ForwardMessages { conversation_id: to, thread_id, messages, attributed };
        let outcome = scope.submit(&input.client_id, command).await?;
        let mut messages = Vec::new();
        for nth in (0..count).filter(|_| outcome.readable) {
            let id = forwarded_id(client_id, viewer, to, nth);
            messages.extend(MessageObject::find(context, id).await?);
        }
        Ok(ForwardPayload { messages, position: outcome.position })
    }
}
