//! Accounts that may not be used for now: suspended by staff, or left by their owners.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{Actor, actor, allowed};
use super::{InstanceRejection, REASON_CHARS_MAX, Right, ServerRole};
use crate::Event;
use crate::accounts::{
    Account, AccountDeactivated, AccountId, AccountReinstated, AccountSuspended,
};
use crate::kernel::{Command, Context, Personal, Slot, StreamId};
use crate::sessions::{EndCause, OpenSessions, ending};

/// An account that whoever asks may suspend or reinstate.
fn target<'a>(
    actor: &Actor,
    account: &'a Slot<Account>,
    context: &Context<'_>,
) -> Result<&'a Account, InstanceRejection> {
    let own = allowed(actor, Right::SuspendAccounts, context)?;
    let account = account.get().filter(|it| it.profile.is_some());
    let account = account.ok_or(InstanceRejection::NotFound)?;
    let theirs = actor.0.get().and_then(|it| it.role(account.id));
    let above = theirs.is_none_or(|it| own.covers(it) && !it.covers(own));
    above.then_some(account).ok_or(InstanceRejection::Forbidden)
}

/// Keeps an account from being used: all its sessions end, and it can't sign in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SuspendAccount {
    pub account_id: AccountId,
    /// For the audit log.
    pub reason: String,
}

impl Command for SuspendAccount {
    const NAME: &'static str = "SuspendAccount";
    const SEALS: bool = true;
    type State = (Actor, Slot<Account>, Slot<OpenSessions>);
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        Ok(StreamId::Account(self.account_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (actor(context), Slot::of(self.account_id), Slot::of(self.account_id))
    }

    fn decide(
        self,
        (actor, account, sessions): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, InstanceRejection> {
        let account = target(actor, account, context)?;
        let reason = self.reason.trim();
        if !(1..=REASON_CHARS_MAX).contains(&reason.chars().count()) {
            return Err(InstanceRejection::ReasonInvalid);
        }
        if account.suspended {
            return Ok(Vec::new());
        }
        let suspended = AccountSuspended {
            account_id: self.account_id,
            reason: Personal::new(reason.to_owned()),
            origin: Some(context.origin.clone()),
        };
        let open = sessions.get().map(|it| it.others(None)).unwrap_or_default();
        let ended = ending(self.account_id, open, EndCause::Suspended, context);
        Ok(std::iter::once(suspended.into()).chain(ended).collect())
    }
}

/// Lets a suspended account be used again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReinstateAccount {
    pub account_id: AccountId,
}

impl Command for ReinstateAccount {
    const NAME: &'static str = "ReinstateAccount";
    const SEALS: bool = false;
    type State = (Actor, Slot<Account>);
    type Rejection = InstanceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        Ok(StreamId::Account(self.account_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (actor(context), Slot::of(self.account_id))
    }

    fn decide(
        self,
        (actor, account): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, InstanceRejection> {
        let account = target(actor, account, context)?;
        let origin = Some(context.origin.clone());
        let reinstated = AccountReinstated { account_id: account.id, origin };
        Ok(account.suspended.then(|| reinstated.into()).into_iter().collect())
    }
}

/// Leaves for now: all sessions end and others see the account no more; signing in brings it back.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeactivateAccount {}

impl Command for DeactivateAccount {
    const NAME: &'static str = "DeactivateAccount";
    const SEALS: bool = false;
    type State = (Actor, Slot<Account>, Slot<OpenSessions>);
    type Rejection = InstanceRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, InstanceRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (actor(context), Slot::of(context.actor), Slot::of(context.actor))
    }

    fn decide(
        self,
        ((instance, fresh), account, sessions): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, InstanceRejection> {
        fresh.session(context).ok_or(InstanceRejection::NotFresh)?;
        let owns = instance.get().filter(|it| it.role(context.actor) == Some(ServerRole::Owner));
        if owns.is_some_and(|it| it.owners() == 1) {
            return Err(InstanceRejection::LastOwner);
        }
        let account = account.get().ok_or(InstanceRejection::NotFound)?;
        if account.deactivated {
            return Ok(Vec::new());
        }
        let origin = Some(context.origin.clone());
        let deactivated = AccountDeactivated { account_id: context.actor, origin };
        let open = sessions.get().map(|it| it.others(None)).unwrap_or_default();
        let ended = ending(context.actor, open, EndCause::Deactivated, context);
        Ok(std::iter::once(deactivated.into()).chain(ended).collect())
    }
}
