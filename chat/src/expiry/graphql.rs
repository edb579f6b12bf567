//! How long messages are there, as clients set it.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::SetExpiry;
use crate::conversations::ConversationObject;
use crate::kernel::graphql::{id, scope};

#[derive(InputObject)]
struct SetExpiryInput {
    client_id: ID,
    conversation_id: ID,
    /// Seconds, 60 to 31,536,000; null for messages that stay.
    expires_in: Option<u32>,
}

#[derive(SimpleObject)]
struct SetExpiryPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct ExpiryMutation;

#[Object]
impl ExpiryMutation {
    /// Says how long what is sent to a conversation from here on is there: for the owner and admins
    /// of a group, for both of a direct conversation.
    async fn set_expiry(
        &self,
        context: &Context<'_>,
        input: SetExpiryInput,
    ) -> Result<SetExpiryPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = SetExpiry { conversation_id, expires_in: input.expires_in };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let conversation = ConversationObject::readable(context, &outcome, conversation_id).await?;
        Ok(SetExpiryPayload { conversation, position: outcome.position })
    }
}
