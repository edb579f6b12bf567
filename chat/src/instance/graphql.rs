//! Running the instance, as clients see it.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::documents::{Order, Scan};

use super::admit::claim_setup;
use super::objects::{InvitationObject, SettingsObject, Staff};
use super::{
    ChangeSettings, DeactivateAccount, GrantRole, Instance, InstanceRejection, Invitation,
    InvitationId, InvitePeople, RegistrationMode, ReinstateAccount, RevokeInvitation, RevokeRole,
    Right, ServerRole, SuspendAccount,
};
use crate::accounts::{Account, AccountId, AccountObject};
use crate::kernel::document::Document;
use crate::kernel::graphql::{Outcome, Page, Scope, id, outage, rejected, scope, uuid};

pub(super) async fn instance(scope: &Scope) -> Result<Arc<Instance>> {
    let found = scope.reader.load::<Instance>(Instance::ID.to_owned()).await.map_err(outage)?;
    Ok(found.unwrap_or_default())
}

/// Refuses whoever does not hold a right.
///
/// # Errors
/// `INSTANCE_FORBIDDEN`.
pub(crate) async fn demand(context: &Context<'_>, right: Right) -> Result<()> {
    let scope = scope(context);
    let viewer = scope.viewer()?.account;
    let role = instance(scope).await?.role(viewer);
    let holds = role.is_some_and(|it| it.holds(right));
    holds.then_some(()).ok_or_else(|| rejected(InstanceRejection::Forbidden))
}

/// Reads of this room.
#[derive(Default)]
pub struct InstanceQuery;

#[Object]
impl InstanceQuery {
    /// What holds for everybody; told to anyone, since it says whether one may register.
    async fn settings(&self, context: &Context<'_>) -> Result<SettingsObject> {
        Ok(SettingsObject(instance(scope(context)).await?.settings))
    }

    /// The viewer's server role.
    async fn viewer_server_role(&self, context: &Context<'_>) -> Result<Option<ServerRole>> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        Ok(instance(scope).await?.role(viewer))
    }

    /// Who runs the instance, at most 100; for those with a server role.
    async fn staff(&self, context: &Context<'_>) -> Result<Vec<Staff>> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let instance = instance(scope).await?;
        instance.role(viewer).ok_or_else(|| rejected(InstanceRejection::Forbidden))?;
        staff(context, &instance).await
    }

    /// Invitations, newest first; for those who may invite people.
    async fn invitations(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, InvitationObject>> {
        demand(context, Right::InvitePeople).await?;
        let page = Page::new(first, None, after, None)?;
        let name = Invitation::COLLECTION.name;
        let limit = page.limit + 1;
        let mut scan = Scan::prefix(name, Some("made"), "made/", Order::Descending, limit);
        if let Some(after) = &page.after {
            scan.to = format!("made/{after:.80}");
        }
        let mut found = scope(context).reader.scan::<Invitation>(scan).await.map_err(outage)?;
        let more = found.len() > page.limit;
        found.truncate(page.limit);
        let mut connection = Connection::new(page.after.is_some(), more);
        let edges = found.into_iter();
        let edges = edges.map(|(_, it)| Edge::new(it.id.to_string(), InvitationObject(it)));
        connection.edges.extend(edges);
        Ok(connection)
    }
}

#[derive(InputObject)]
struct ClaimSetupInput {
    client_id: ID,
    token: String,
}

#[derive(InputObject)]
struct GrantRoleInput {
    client_id: ID,
    account_id: ID,
    role: ServerRole,
}

#[derive(InputObject)]
struct RevokeRoleInput {
    client_id: ID,
    account_id: ID,
}

#[derive(InputObject)]
struct ChangeSettingsInput {
    client_id: ID,
    registration: Option<RegistrationMode>,
    staff_second_factor: Option<bool>,
    second_factor: Option<bool>,
}

#[derive(InputObject)]
struct InvitePeopleInput {
    client_id: ID,
    /// Accounts that it lets in, 1 to 10,000.
    #[graphql(default = 1)]
    uses: u32,
    /// How long it is good, up to 366 days; a week unless asked otherwise.
    #[graphql(default = 604_800)]
    good_for_seconds: u32,
}

#[derive(InputObject)]
struct RevokeInvitationInput {
    client_id: ID,
    invitation_id: ID,
}

#[derive(InputObject)]
struct SuspendAccountInput {
    client_id: ID,
    account_id: ID,
    /// For the audit log, 1 to 500 characters.
    reason: String,
}

#[derive(InputObject)]
struct ReinstateAccountInput {
    client_id: ID,
    account_id: ID,
}

#[derive(InputObject)]
struct DeactivateAccountInput {
    client_id: ID,
}

/// Who runs the instance after a change.
#[derive(SimpleObject)]
struct StaffPayload {
    staff: Vec<Staff>,
    position: String,
}

#[derive(SimpleObject)]
struct ChangeSettingsPayload {
    settings: Option<SettingsObject>,
    position: String,
}

#[derive(SimpleObject)]
struct InvitationPayload {
    invitation: Option<InvitationObject>,
    position: String,
}

#[derive(SimpleObject)]
struct AccountStatePayload {
    suspended: Option<bool>,
    position: String,
}

#[derive(SimpleObject)]
struct DeactivateAccountPayload {
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct InstanceMutation;

async fn staff(context: &Context<'_>, instance: &Instance) -> Result<Vec<Staff>> {
    let mut staff = Vec::with_capacity(instance.staff.len());
    for (account, role) in &instance.staff {
        let account = AccountObject::find(context, *account).await?;
        staff.push(Staff { account, role: *role });
    }
    Ok(staff)
}

async fn staff_after(context: &Context<'_>, outcome: Outcome) -> Result<StaffPayload> {
    let instance = instance(scope(context)).await?;
    Ok(StaffPayload { staff: staff(context, &instance).await?, position: outcome.position })
}

async fn invitation_after(
    context: &Context<'_>,
    invitation: InvitationId,
    outcome: Outcome,
) -> Result<InvitationPayload> {
    let found = scope(context).reader.load::<Invitation>(invitation.to_string()).await;
    let invitation = found.map_err(outage)?.map(InvitationObject);
    Ok(InvitationPayload { invitation, position: outcome.position })
}

async fn state_after(
    context: &Context<'_>,
    account: AccountId,
    outcome: Outcome,
) -> Result<AccountStatePayload> {
    let found = scope(context).reader.load::<Account>(account.to_string()).await;
    let suspended = found.map_err(outage)?.map(|it| it.suspended);
    Ok(AccountStatePayload { suspended, position: outcome.position })
}

#[Object]
impl InstanceMutation {
    /// Makes the viewer the first owner; the token is that of the setup link.
    async fn claim_setup(
        &self,
        context: &Context<'_>,
        input: ClaimSetupInput,
    ) -> Result<StaffPayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        scope.take(&format!("setup/{}", scope.address()), scope.limits.sign_in).await?;
        let client_id = uuid(&input.client_id)?;
        let accepted = claim_setup(scope, viewer, client_id, &input.token).await?;
        staff_after(context, scope.outcome(accepted).await?).await
    }

    /// Gives an account a server role, in place of the one it has.
    async fn grant_role(
        &self,
        context: &Context<'_>,
        input: GrantRoleInput,
    ) -> Result<StaffPayload> {
        let command = GrantRole { account_id: id(&input.account_id)?, role: input.role };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        staff_after(context, outcome).await
    }

    /// Takes an account's server role; anyone may lay down their own.
    async fn revoke_role(
        &self,
        context: &Context<'_>,
        input: RevokeRoleInput,
    ) -> Result<StaffPayload> {
        let command = RevokeRole { account_id: id(&input.account_id)? };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        staff_after(context, outcome).await
    }

    /// Changes what holds for everybody; what is absent stays.
    async fn change_settings(
        &self,
        context: &Context<'_>,
        input: ChangeSettingsInput,
    ) -> Result<ChangeSettingsPayload> {
        let scope = scope(context);
        let command = ChangeSettings {
            registration: input.registration,
            staff_second_factor: input.staff_second_factor,
            second_factor: input.second_factor,
        };
        let outcome = scope.submit(&input.client_id, command).await?;
        let settings = match outcome.readable {
            true => Some(SettingsObject(instance(scope).await?.settings)),
            false => None,
        };
        Ok(ChangeSettingsPayload { settings, position: outcome.position })
    }

    /// Makes an invitation to register.
    async fn invite_people(
        &self,
        context: &Context<'_>,
        input: InvitePeopleInput,
    ) -> Result<InvitationPayload> {
        let scope = scope(context);
        let good_for_ms = i64::from(input.good_for_seconds) * 1_000;
        let command = InvitePeople { uses: input.uses, good_for_ms };
        let outcome = scope.submit(&input.client_id, command).await?;
        let made = InvitePeople::id(scope.viewer()?.account, uuid(&input.client_id)?);
        invitation_after(context, made, outcome).await
    }

    /// Ends an invitation.
    async fn revoke_invitation(
        &self,
        context: &Context<'_>,
        input: RevokeInvitationInput,
    ) -> Result<InvitationPayload> {
        let invitation_id = id(&input.invitation_id)?;
        let command = RevokeInvitation { invitation_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        invitation_after(context, invitation_id, outcome).await
    }

    /// Keeps an account from being used: its sessions end, and it can't sign in.
    async fn suspend_account(
        &self,
        context: &Context<'_>,
        input: SuspendAccountInput,
    ) -> Result<AccountStatePayload> {
        let account_id = id(&input.account_id)?;
        let command = SuspendAccount { account_id, reason: input.reason };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        state_after(context, account_id, outcome).await
    }

    /// Lets a suspended account be used again.
    async fn reinstate_account(
        &self,
        context: &Context<'_>,
        input: ReinstateAccountInput,
    ) -> Result<AccountStatePayload> {
        let account_id = id(&input.account_id)?;
        let command = ReinstateAccount { account_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        state_after(context, account_id, outcome).await
    }

    /// Leaves for now: the viewer's sessions end and others see the account no more, until its
    /// owner signs in again.
    async fn deactivate_account(
        &self,
        context: &Context<'_>,
        input: DeactivateAccountInput,
    ) -> Result<DeactivateAccountPayload> {
        let outcome = scope(context).submit(&input.client_id, DeactivateAccount {}).await?;
        Ok(DeactivateAccountPayload { position: outcome.position })
    }
}
