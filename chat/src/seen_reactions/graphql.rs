//! Seen reactions as whoever has seen them sees that.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{MarkReactionsSeen, unseen};
use crate::conversations::{ConversationId, ConversationObject};
use crate::kernel::graphql::{id, outage, scope};
use crate::kernel::time::Long;

/// How many reactions to their messages the viewer has not seen; nothing for applications.
pub(crate) async fn unseen_reaction_count(
    context: &Context<'_>,
    conversation: ConversationId,
) -> Result<Option<i32>> {
    let scope = scope(context);
    let viewer = scope.viewer()?;
    if viewer.scopes.is_some() {
        return Ok(None);
    }
    let count = unseen(&scope.reader, viewer.account, conversation).await.map_err(outage)?;
    Ok(Some(i32::try_from(count).unwrap_or(i32::MAX)))
}

/// What the viewer has seen of the reactions to their messages in a conversation.
pub struct SeenReactionsObject(ConversationId);

impl SeenReactionsObject {
    /// The viewer's; nothing for applications.
    pub async fn find(context: &Context<'_>, conversation: ConversationId) -> Result<Option<Self>> {
        let viewer = scope(context).viewer()?;
        Ok(viewer.scopes.is_none().then_some(Self(conversation)))
    }
}

/// What the viewer has seen of the reactions to their messages in a conversation.
#[Object(name = "SeenReactions")]
impl SeenReactionsObject {
    async fn conversation_id(&self) -> ID {
        self.0.into()
    }

    /// How many they have not seen, of the newest 1,000.
    #[graphql(complexity = 50)]
    async fn unseen_count(&self, context: &Context<'_>) -> Result<i32> {
        Ok(unseen_reaction_count(context, self.0).await?.unwrap_or(0))
    }
}

#[derive(InputObject)]
struct MarkReactionsSeenInput {
    client_id: ID,
    conversation_id: ID,
    /// `seq` of the last event of the conversation that is seen.
    seq: Long,
}

#[derive(SimpleObject)]
struct MarkReactionsSeenPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct SeenReactionMutation;

#[Object]
impl SeenReactionMutation {
    /// Marks as seen what the viewer's messages were given up to a `seq` of the conversation; an
    /// older one changes nothing.
    async fn mark_reactions_seen(
        &self,
        context: &Context<'_>,
        input: MarkReactionsSeenInput,
    ) -> Result<MarkReactionsSeenPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = MarkReactionsSeen { conversation_id, seq: input.seq };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let conversation = ConversationObject::readable(context, &outcome, conversation_id).await?;
        Ok(MarkReactionsSeenPayload { conversation, position: outcome.position })
    }
}
