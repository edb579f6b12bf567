//! The policy of edits as clients see it.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::Error;

use super::{EditPolicy, SetEditPolicy};
use crate::accounts::AccountId;
use crate::conversations::{ConversationId, ConversationObject};
use crate::kernel::Reader;
use crate::kernel::graphql::{id, outage, scope};
use crate::members::Member;
use crate::messages::Message;

/// For how long messages are edited in a conversation, and who sees what they said before.
#[derive(SimpleObject)]
#[graphql(name = "EditPolicy")]
pub struct EditPolicyObject {
    /// Minutes after a message was accepted; 0 is never, null without end.
    minutes: Option<u32>,
    /// Whether all members see earlier versions, not just the author and who manages the group.
    history_visible: bool,
}

async fn load(context: &Context<'_>, conversation: ConversationId) -> Result<EditPolicy> {
    let scope = scope(context);
    let found = scope.reader.load::<EditPolicy>(conversation.to_string()).await;
    let policy = found.map_err(outage)?.map(|it| *it).unwrap_or_default();
    scope.shows(policy.seq);
    Ok(policy)
}

/// A conversation's policy of edits.
pub(crate) async fn policy_of(
    context: &Context<'_>,
    conversation: ConversationId,
) -> Result<EditPolicyObject> {
    let EditPolicy { minutes, history_visible, .. } = load(context, conversation).await?;
    Ok(EditPolicyObject { minutes, history_visible })
}

/// Whether the viewer sees what a message that they may read said before.
pub(crate) async fn shows_versions(context: &Context<'_>, message: &Message) -> Result<bool> {
    if load(context, message.conversation_id).await?.history_visible {
        return Ok(true);
    }
    let viewer = scope(context).viewer()?.account;
    is_trusted(&scope(context).reader, message, viewer).await.map_err(outage)
}

/// The same of somebody who is not asking.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn may_see_versions(
    reader: &Reader,
    message: &Message,
    viewer: AccountId,
) -> Result<bool, Error> {
    let policy = reader.load::<EditPolicy>(message.conversation_id.to_string()).await?;
    let all = policy.map_or_else(EditPolicy::default, |it| *it).history_visible;
    Ok(all || is_trusted(reader, message, viewer).await?)
}

/// Whether somebody sees earlier versions whatever the policy says.
async fn is_trusted(reader: &Reader, message: &Message, viewer: AccountId) -> Result<bool, Error> {
    if viewer == message.author_id {
        return Ok(true);
    }
    let member = Member::id(message.conversation_id, viewer);
    let member = reader.load::<Member>(member).await?;
    Ok(member.is_some_and(|it| it.active && it.role.manages()))
}

#[derive(InputObject)]
struct SetEditPolicyInput {
    client_id: ID,
    conversation_id: ID,
    /// At most 525,600; 0 is never, null without end.
    minutes: Option<u32>,
    /// Whether all members see earlier versions.
    history_visible: bool,
}

#[derive(SimpleObject)]
struct SetEditPolicyPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct EditPolicyMutation;

#[Object]
impl EditPolicyMutation {
    /// Says for how long messages are edited, also those from before, and who sees what they said;
    /// in a group for its owner and admins.
    async fn set_edit_policy(
        &self,
        context: &Context<'_>,
        input: SetEditPolicyInput,
    ) -> Result<SetEditPolicyPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let SetEditPolicyInput { minutes, history_visible, .. } = input;
        let command = SetEditPolicy { conversation_id, minutes, history_visible };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let conversation = ConversationObject::readable(context, &outcome, conversation_id).await?;
        Ok(SetEditPolicyPayload { conversation, position: outcome.position })
    }
}
