//! Who may change the instance, and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    INVITATION_MS_MAX, Instance, Invitation, InvitationId, InvitationMade, InvitationRevoked,
    InvitationUse, InvitationUsed, RegistrationMode, Right, RoleGranted, RoleRevoked, STAFF_MAX,
    ServerRole, Settings, SettingsChanged, USES_MAX,
};
use crate::Event;
use crate::accounts::{Account, AccountId};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp, id};
use crate::sessions::Fresh;

crate::rejections! {
    /// Why the instance says no.
    InstanceRejection {
        Forbidden: Forbidden, "INSTANCE_FORBIDDEN",
            "your server role does not allow this", "Ask somebody with the right.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        FactorNeeded: Forbidden, "FACTORS_NEEDED",
            "this needs a second factor", "Give a code or a backup code too.";
        SetupDone: Conflict, "INSTANCE_SETUP_DONE",
            "the instance has an owner already", "Ask the owner for a role.";
        SetupInvalid: Forbidden, "INSTANCE_SETUP_INVALID",
            "setup link is not this instance's", "Open the link that the server prints at start.";
        LastOwner: Conflict, "INSTANCE_LAST_OWNER",
            "the last owner can't leave", "Make somebody else an owner first.";
        StaffFull: LimitExceeded, "INSTANCE_STAFF_FULL",
            "100 accounts have a server role already", "Take a role from somebody.";
        InvitationInvalid: Forbidden, "INSTANCE_INVITATION_INVALID",
            "invitation is not good, or not any more", "Ask for a new one.";
        InvitationOutOfRange: Invalid, "INSTANCE_INVITATION_OUT_OF_RANGE",
            "an invitation has 1 to 10,000 uses and lasts up to 366 days", "Choose within that.";
        RegistrationClosed: Forbidden, "INSTANCE_REGISTRATION_CLOSED",
            "nobody can register here", "Ask an administrator of this server.";
        InvitationNeeded: Forbidden, "INSTANCE_INVITATION_NEEDED",
            "registering here needs an invitation", "Ask for one.";
        ReasonInvalid: Invalid, "INSTANCE_REASON_INVALID",
            "reason is not 1 to 500 characters", "Say why, shortly.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// The instance, and whether whoever acts on it has proved themselves lately.
pub type Actor = (Slot<Instance>, Fresh);

pub(crate) fn instance_slot() -> Slot<Instance> {
    Slot::new(Instance::ID, StreamId::Instance)
}

pub(crate) fn actor(context: &Context<'_>) -> Actor {
    (instance_slot(), Fresh::of(context))
}

/// The role of somebody who holds a right and has just proved themselves.
pub(crate) fn allowed(
    (instance, fresh): &Actor,
    right: Right,
    context: &Context<'_>,
) -> Result<ServerRole, InstanceRejection> {
    let role = instance.get().and_then(|it| it.role(context.actor));
    let role = role.filter(|it| it.holds(right)).ok_or(InstanceRejection::Forbidden)?;
    let session = fresh.session(context).ok_or(InstanceRejection::NotFresh)?;
    let demanded = instance.get().is_some_and(|it| it.demands_factor(context.actor));
    let proved = session.factor || !demanded;
    proved.then_some(role).ok_or(InstanceRejection::FactorNeeded)
}

fn stream() -> Result<StreamId, InstanceRejection> {
    Ok(StreamId::Instance)
}

/// Makes whoever asks the first owner; the setup link was shown.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClaimSetup {}

impl Command for ClaimSetup {
    const NAME: &'static str = "ClaimSetup";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Instance>;
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        stream()
    }

    fn state(&self, _: &Context<'_>) -> Slot<Instance> {
        instance_slot()
    }

    fn decide(
        self,
        instance: &Slot<Instance>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, InstanceRejection> {
        let instance = instance.get().cloned().unwrap_or_default();
        let before = instance.role(context.actor);
        if before == Some(ServerRole::Owner) {
            return Ok(Vec::new());
        }
        if instance.owners() > 0 {
            return Err(InstanceRejection::SetupDone);
        }
        Ok(vec![granted(context.actor, ServerRole::Owner, before, context)])
    }
}

fn granted(
    account_id: AccountId,
    role: ServerRole,
    before: Option<ServerRole>,
    context: &Context<'_>,
) -> Event {
    RoleGranted { account_id, role, before, origin: Some(context.origin.clone()) }.into()
}

/// Gives an account a server role, in place of the one it has.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GrantRole {
    pub account_id: AccountId,
    pub role: ServerRole,
}

impl Command for GrantRole {
    const NAME: &'static str = "GrantRole";
    const SEALS: bool = false;
    type State = (Actor, Slot<Account>);
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        stream()
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (actor(context), Slot::of(self.account_id))
    }

    fn decide(
        self,
        (actor, account): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, InstanceRejection> {
        let own = allowed(actor, Right::GrantRoles, context)?;
        let usable = account.get().filter(|it| it.is_shown() && !it.suspended);
        usable.ok_or(InstanceRejection::NotFound)?;
        let instance = actor.0.get().ok_or(InstanceRejection::Forbidden)?;
        let before = instance.role(self.account_id);
        if before == Some(self.role) {
            return Ok(Vec::new());
        }
        if !own.covers(self.role) || before.is_some_and(|it| !own.covers(it)) {
            return Err(InstanceRejection::Forbidden);
        }
        if before == Some(ServerRole::Owner) && instance.owners() == 1 {
            return Err(InstanceRejection::LastOwner);
        }
        if before.is_none() && instance.staff.len() >= STAFF_MAX {
            return Err(InstanceRejection::StaffFull);
        }
        Ok(vec![granted(self.account_id, self.role, before, context)])
    }
}

/// Takes an account's server role; anyone may lay down their own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RevokeRole {
    pub account_id: AccountId,
}

impl Command for RevokeRole {
    const NAME: &'static str = "RevokeRole";
    const SEALS: bool = false;
    type State = Actor;
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        stream()
    }

    fn state(&self, context: &Context<'_>) -> Actor {
        actor(context)
    }

    fn decide(self, actor: &Actor, context: &Context<'_>) -> Result<Vec<Event>, InstanceRejection> {
        let instance = actor.0.get().ok_or(InstanceRejection::Forbidden)?;
        let before = instance.role(self.account_id);
        if self.account_id != context.actor {
            let own = allowed(actor, Right::GrantRoles, context)?;
            if before.is_some_and(|it| !own.covers(it)) {
                return Err(InstanceRejection::Forbidden);
            }
        }
        let Some(before) = before else { return Ok(Vec::new()) };
        if before == ServerRole::Owner && instance.owners() == 1 {
            return Err(InstanceRejection::LastOwner);
        }
        let origin = Some(context.origin.clone());
        Ok(vec![RoleRevoked { account_id: self.account_id, before, origin }.into()])
    }
}

/// Changes what holds for everybody; what is absent stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeSettings {
    #[serde(default)]
    pub registration: Option<RegistrationMode>,
    #[serde(default)]
    pub staff_second_factor: Option<bool>,
    #[serde(default)]
    pub second_factor: Option<bool>,
}

impl Command for ChangeSettings {
    const NAME: &'static str = "ChangeSettings";
    const SEALS: bool = false;
    type State = Actor;
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        stream()
    }

    fn state(&self, context: &Context<'_>) -> Actor {
        actor(context)
    }

    fn decide(self, actor: &Actor, context: &Context<'_>) -> Result<Vec<Event>, InstanceRejection> {
        allowed(actor, Right::ChangeSettings, context)?;
        let before = actor.0.get().map(|it| it.settings).unwrap_or_default();
        let after = Settings {
            registration: self.registration.unwrap_or(before.registration),
            staff_second_factor: self.staff_second_factor.unwrap_or(before.staff_second_factor),
            second_factor: self.second_factor.unwrap_or(before.second_factor),
        };
        let origin = Some(context.origin.clone());
        let changed = SettingsChanged { before, after, origin };
        Ok((before != after).then(|| changed.into()).into_iter().collect())
    }
}

/// Makes an invitation to register; its id derives from the command's.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InvitePeople {
    /// Accounts that it lets in.
    pub uses: u32,
    /// How long it is good, in milliseconds.
    pub good_for_ms: i64,
}

impl InvitePeople {
    /// The id of the invitation that a command makes.
    pub fn id(actor: AccountId, client_id: uuid::Uuid) -> InvitationId {
        InvitationId(id::derive(client_id, &[b"invitation", actor.0.as_bytes()]))
    }
}

impl Command for InvitePeople {
    const NAME: &'static str = "InvitePeople";
    const SEALS: bool = false;
    type State = Actor;
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        stream()
    }

    fn state(&self, context: &Context<'_>) -> Actor {
        actor(context)
    }

    fn decide(self, actor: &Actor, context: &Context<'_>) -> Result<Vec<Event>, InstanceRejection> {
        allowed(actor, Right::InvitePeople, context)?;
        let in_range = (1..=USES_MAX).contains(&self.uses)
            && (1..=INVITATION_MS_MAX).contains(&self.good_for_ms);
        if !in_range {
            return Err(InstanceRejection::InvitationOutOfRange);
        }
        let made = InvitationMade {
            invitation_id: Self::id(context.actor, context.client_id),
            uses: Long(u64::from(self.uses)),
            expires_at: Timestamp(context.now.0 + self.good_for_ms),
            origin: Some(context.origin.clone()),
        };
        Ok(vec![made.into()])
    }
}

fn invitation_slot(id: InvitationId) -> Slot<Invitation> {
    Slot::new(id.to_string(), StreamId::Instance)
}

/// Counts one account against an invitation before it is created; again for the same changes
/// nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UseInvitation {
    pub invitation_id: InvitationId,
}

impl Command for UseInvitation {
    const NAME: &'static str = "UseInvitation";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = (Slot<Invitation>, Slot<InvitationUse>);
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        stream()
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let used = InvitationUse::id(self.invitation_id, context.actor);
        (invitation_slot(self.invitation_id), Slot::new(used, StreamId::Instance))
    }

    fn decide(
        self,
        (invitation, used): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, InstanceRejection> {
        if used.get().is_some() {
            return Ok(Vec::new());
        }
        let good = invitation.get().is_some_and(|it| it.is_good(context.now));
        let (invitation_id, account_id) = (self.invitation_id, context.actor);
        let used = InvitationUsed { invitation_id, account_id };
        good.then(|| vec![used.into()]).ok_or(InstanceRejection::InvitationInvalid)
    }
}

/// Ends an invitation.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RevokeInvitation {
    pub invitation_id: InvitationId,
}

impl Command for RevokeInvitation {
    const NAME: &'static str = "RevokeInvitation";
    const SEALS: bool = false;
    type State = (Actor, Slot<Invitation>);
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        stream()
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (actor(context), invitation_slot(self.invitation_id))
    }

    fn decide(
        self,
        (actor, invitation): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, InstanceRejection> {
        allowed(actor, Right::InvitePeople, context)?;
        let invitation = invitation.get().ok_or(InstanceRejection::NotFound)?;
        let origin = Some(context.origin.clone());
        let revoked = InvitationRevoked { invitation_id: invitation.id, origin };
        Ok((!invitation.revoked).then(|| revoked.into()).into_iter().collect())
    }
}
