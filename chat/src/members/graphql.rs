//! Members as clients see them.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};

use ports::documents::Order;

use super::{AddMembers, ChangeRole, JoinGroup, LeaveConversation, Member, RemoveMember, Role};
use crate::accounts::{Account, AccountId, AccountObject};
use crate::conversations::{ConversationId, ConversationObject};
use crate::kernel::graphql::{Outcome, Page, id, outage, scope};
use crate::kernel::pages::{self, Shelf};
use crate::kernel::{Effect, Timestamp};
use crate::timeline::Timeline;

/// A membership.
pub struct MemberObject(Arc<Member>);

impl MemberObject {
    /// A person's membership, now or before; the caller has checked the audience.
    pub async fn find(
        context: &Context<'_>,
        (conversation, account): (ConversationId, AccountId),
    ) -> Result<Option<Self>> {
        let scope = scope(context);
        if scope.ended_at.is_some() && scope.viewer()?.account != account {
            // What others are now lies after the viewer's time in the conversation.
            return Ok(None);
        }
        let id = Member::id(conversation, account);
        let member = scope.reader.load::<Member>(id).await.map_err(outage)?;
        ConversationObject::note_shown(context, conversation).await?;
        Ok(member.map(Self))
    }
}

/// A person in a conversation.
#[Object(name = "Member")]
impl MemberObject {
    async fn conversation_id(&self) -> ID {
        self.0.conversation_id.into()
    }

    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.0.account_id).await
    }

    async fn role(&self) -> Role {
        self.0.role
    }

    /// False once the person has left.
    async fn active(&self) -> bool {
        self.0.active
    }

    async fn joined_at(&self) -> Timestamp {
        self.0.joined_at
    }
}

/// A page of a conversation's members: owner, admins, then by the time they joined.
///
/// # Errors
/// When the page is malformed or the documents can't be reached.
pub async fn members(
    context: &Context<'_>,
    conversation: ConversationId,
    page: Page,
) -> Result<Connection<String, MemberObject>> {
    let prefix = format!("{conversation}/");
    let (index, prefix, order) = ("by_conversation", prefix.as_str(), Order::Ascending);
    let shelf = Shelf { index, prefix, cursor: 80, order };
    let connection = pages::behind(context, shelf, page, MemberObject).await?;
    ConversationObject::note_shown(context, conversation).await?;
    Ok(connection)
}

/// Reads of this room; members are read through their conversation.
#[derive(Default)]
pub struct MemberQuery;

#[Object]
impl MemberQuery {
    /// The viewer's membership of a conversation; null for a stranger.
    async fn viewer_membership(
        &self,
        context: &Context<'_>,
        conversation_id: ID,
    ) -> Result<Option<MemberObject>> {
        let viewer = scope(context).viewer()?;
        let conversation = id(&conversation_id)?;
        let found = MemberObject::find(context, (conversation, viewer.account)).await?;
        Ok(found.filter(|it| it.0.active))
    }
}

#[derive(InputObject)]
struct AddMembersInput {
    client_id: ID,
    conversation_id: ID,
    account_ids: Vec<ID>,
}

/// Why an account was not added.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum AddFailure {
    NotFound,
    AlreadyMember,
    /// They don't want to be added to groups by the viewer.
    Refused,
}

#[derive(SimpleObject)]
struct NotAdded {
    account_id: ID,
    code: AddFailure,
}

#[derive(SimpleObject)]
struct AddMembersPayload {
    added: Vec<ID>,
    failed: Vec<NotAdded>,
    position: String,
}

#[derive(InputObject)]
struct MemberInput {
    client_id: ID,
    conversation_id: ID,
    account_id: ID,
}

#[derive(InputObject)]
struct ChangeRoleInput {
    client_id: ID,
    conversation_id: ID,
    account_id: ID,
    role: Role,
}

#[derive(InputObject)]
struct MembershipInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(SimpleObject)]
struct MemberPayload {
    member: Option<MemberObject>,
    position: String,
}

#[derive(SimpleObject)]
struct JoinGroupPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Adds accounts to a group, at most 500 at a time.
    async fn add_members(
        &self,
        context: &Context<'_>,
        input: AddMembersInput,
    ) -> Result<AddMembersPayload> {
        let scope = scope(context);
        let asked: Vec<AccountId> = input.account_ids.iter().map(id).collect::<Result<_>>()?;
        let conversation_id = id(&input.conversation_id)?;
        let command = AddMembers { conversation_id, account_ids: asked.clone() };
        let outcome = scope.submit(&input.client_id, command).await?;
        let added = added(context, &outcome).await?;
        let mut failed = Vec::new();
        for account in asked.into_iter().filter(|it| !added.contains(it)) {
            let found = scope.reader.load::<Account>(account.to_string()).await.map_err(outage)?;
            let member = Member::id(conversation_id, account);
            let member = scope.reader.load::<Member>(member).await.map_err(outage)?;
            let code = match (found.is_some_and(|it| it.is_shown()), member) {
                (false, _) => AddFailure::NotFound,
                (true, Some(it)) if it.active => AddFailure::AlreadyMember,
                (true, Some(_) | None) => AddFailure::Refused,
            };
            failed.push(NotAdded { account_id: account.into(), code });
        }
        let added = added.into_iter().map(ID::from).collect();
        Ok(AddMembersPayload { added, failed, position: outcome.position })
    }

    /// Removes a member with a lower role.
    async fn remove_member(
        &self,
        context: &Context<'_>,
        input: MemberInput,
    ) -> Result<MemberPayload> {
        let (conversation_id, account_id) = (id(&input.conversation_id)?, id(&input.account_id)?);
        let command = RemoveMember { conversation_id, account_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, conversation_id, account_id).await
    }

    /// Makes a member an admin, or an admin a member.
    async fn change_role(
        &self,
        context: &Context<'_>,
        input: ChangeRoleInput,
    ) -> Result<MemberPayload> {
        let (conversation_id, account_id) = (id(&input.conversation_id)?, id(&input.account_id)?);
        let command = ChangeRole { conversation_id, account_id, role: input.role };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, conversation_id, account_id).await
    }

    /// Leaves a group; the owner leaves last.
    async fn leave_conversation(
        &self,
        context: &Context<'_>,
        input: MembershipInput,
    ) -> Result<MemberPayload> {
        let scope = scope(context);
        let conversation_id = id(&input.conversation_id)?;
        let account_id = scope.viewer()?.account;
        let outcome = scope.submit(&input.client_id, LeaveConversation { conversation_id }).await?;
        payload(context, outcome, conversation_id, account_id).await
    }

    /// Joins an open group.
    async fn join_group(
        &self,
        context: &Context<'_>,
        input: MembershipInput,
    ) -> Result<JoinGroupPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = JoinGroup { conversation_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let conversation = ConversationObject::readable(context, &outcome, conversation_id).await?;
        Ok(JoinGroupPayload { conversation, position: outcome.position })
    }
}

async fn payload(
    context: &Context<'_>,
    outcome: Outcome,
    conversation: ConversationId,
    account: AccountId,
) -> Result<MemberPayload> {
    let member = match outcome.readable {
        true => MemberObject::find(context, (conversation, account)).await?,
        false => None,
    };
    Ok(MemberPayload { member, position: outcome.position })
}

/// Whom the command added, now or when it was first given.
async fn added(context: &Context<'_>, outcome: &Outcome) -> Result<Vec<AccountId>> {
    let accepted = &outcome.accepted;
    if accepted.first_seq == 0 || !outcome.readable {
        return Ok(Vec::new());
    }
    let id = Timeline::id(accepted.partition, accepted.ordinal);
    let event = scope(context).reader.load::<Timeline>(id).await.map_err(outage)?;
    match event.map(|it| it.effect.clone()) {
        Some(Effect::Joined(accounts)) => Ok(accounts),
        _ => Ok(Vec::new()),
    }
}
