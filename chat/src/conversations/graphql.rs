//! What clients ask of conversations, and what they do with them.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::chats::chats;
use super::{
    ConversationId, ConversationObject, CreateGroup, OpenDirect, RenameGroup, direct_id,
    page_complexity,
};
use crate::accounts::AccountId;
use crate::kernel::StreamId;
use crate::kernel::graphql::{Outcome, Page, id, scope};

/// Reads of this room.
#[derive(Default)]
pub struct ConversationQuery;

#[Object]
impl ConversationQuery {
    /// A conversation that the viewer is a member of.
    async fn conversation(
        &self,
        context: &Context<'_>,
        id: ID,
    ) -> Result<Option<ConversationObject>> {
        ConversationObject::find(context, crate::kernel::graphql::id(&id)?).await
    }

    /// The viewer's conversations, those that are pinned first, then the most recently active;
    /// archived ones apart.
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn conversations(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
        #[graphql(default)] archived: bool,
    ) -> Result<Connection<String, ConversationObject>> {
        chats(context, archived, Page::new(first, last, after, before)?).await
    }
}

#[derive(InputObject)]
struct CreateGroupInput {
    client_id: ID,
    title: String,
    #[graphql(default)]
    member_ids: Vec<ID>,
    /// Whether anyone who knows the id may join.
    #[graphql(default)]
    open: bool,
}

#[derive(InputObject)]
struct OpenDirectInput {
    client_id: ID,
    /// The other person, or the viewer for the saved messages.
    account_id: ID,
}

#[derive(InputObject)]
struct RenameGroupInput {
    client_id: ID,
    conversation_id: ID,
    title: String,
}

#[derive(SimpleObject)]
struct ConversationPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct ConversationMutation;

#[Object]
impl ConversationMutation {
    /// Creates a group with its first members, at most 500.
    async fn create_group(
        &self,
        context: &Context<'_>,
        input: CreateGroupInput,
    ) -> Result<ConversationPayload> {
        let member_ids: Vec<AccountId> = input.member_ids.iter().map(id).collect::<Result<_>>()?;
        let command = CreateGroup { title: input.title, member_ids, open: input.open };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let StreamId::Conversation(created) = outcome.accepted.stream else {
            unreachable!("a group is a conversation");
        };
        payload(context, outcome, created).await
    }

    /// Opens the direct conversation with somebody, or with oneself the saved messages.
    async fn open_direct(
        &self,
        context: &Context<'_>,
        input: OpenDirectInput,
    ) -> Result<ConversationPayload> {
        let scope = scope(context);
        let account_id = id(&input.account_id)?;
        let direct = direct_id(scope.viewer()?.account, account_id);
        let outcome = scope.submit(&input.client_id, OpenDirect { account_id }).await?;
        payload(context, outcome, direct).await
    }

    /// Gives a group another title.
    async fn rename_group(
        &self,
        context: &Context<'_>,
        input: RenameGroupInput,
    ) -> Result<ConversationPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = RenameGroup { conversation_id, title: input.title };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, conversation_id).await
    }
}

async fn payload(
    context: &Context<'_>,
    outcome: Outcome,
    conversation: ConversationId,
) -> Result<ConversationPayload> {
    let conversation = ConversationObject::readable(context, &outcome, conversation).await?;
    Ok(ConversationPayload { conversation, position: outcome.position })
}
