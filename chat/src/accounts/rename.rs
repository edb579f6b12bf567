//! Another username, over three streams: the account says which it wants, the name and its look are
//! claimed, the account takes it, and the one before stays reserved for a while.
//!
//! A wish that somebody left open is given up in the account's stream before its claims are freed,
//! so that a slow change never takes a name that has gone to others.

#[cfg(test)]
mod tests;

use async_graphql::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::claims::ReserveName;
use super::register::Saga;
use super::{
    Account, AccountId, AccountRejection, NameId, RENAMED_MS, RENAMES_MAX, RegistrationAbandoned,
    UsernameChangeAbandoned, UsernameChangeBegun, UsernameChanged, names,
};
use crate::Event;
use crate::kernel::graphql::{Outcome, Scope, outage, rejected};
use crate::kernel::{Command, Context, Personal, Slot, StreamId};

/// Says which username the actor wants.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BeginRename {
    pub wish_id: String,
    pub username: String,
    pub name_id: NameId,
    pub look_id: NameId,
}

impl Command for BeginRename {
    const NAME: &'static str = "BeginRename";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = Slot<Account>;
    type Rejection = AccountRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Account> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        account: &Slot<Account>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AccountRejection> {
        let username = names::username(&self.username)?;
        names::admit(&username)?;
        let account = account.get().ok_or(AccountRejection::NotFound)?;
        let profile = account.profile.as_ref().ok_or(AccountRejection::NotFound)?;
        if profile.name_id == self.name_id {
            return Err(AccountRejection::UsernameSame);
        }
        let lately = account.former.iter().filter(|it| context.now.0 - it.until.0 < RENAMED_MS);
        if lately.count() >= RENAMES_MAX {
            return Err(AccountRejection::UsernameChangedOften);
        }
        let begun = UsernameChangeBegun {
            account_id: context.actor,
            wish_id: self.wish_id,
            name_id: self.name_id,
            look_id: self.look_id,
            username: Personal::new(username),
        };
        Ok(vec![begun.into()])
    }
}

/// Takes the username whose claims the account holds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FinishRename {
    pub wish_id: String,
}

impl Command for FinishRename {
    const NAME: &'static str = "FinishRename";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Account>;
    type Rejection = AccountRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Account> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        account: &Slot<Account>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AccountRejection> {
        let wanted = account.get().and_then(|it| it.renaming.as_ref());
        let wanted = wanted.filter(|it| it.wish_id == self.wish_id);
        let wanted = wanted.ok_or(AccountRejection::Abandoned)?;
        let changed = UsernameChanged {
            account_id: context.actor,
            name_id: wanted.name_id,
            look_id: wanted.look_id,
            origin: Some(context.origin.clone()),
        };
        Ok(vec![changed.into()])
    }
}

/// Records that a claim will never be made good, so that it can be given to others: the account
/// will never be created, or not take that name.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AbandonClaim {
    pub account_id: AccountId,
    pub name_id: NameId,
}

impl Command for AbandonClaim {
    const NAME: &'static str = "AbandonClaim";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Account>;
    type Rejection = AccountRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Account(self.account_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Account> {
        Slot::of(self.account_id)
    }

    fn decide(
        self,
        account: &Slot<Account>,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, AccountRejection> {
        let account_id = self.account_id;
        let Some(account) = account.get() else {
            return Ok(vec![RegistrationAbandoned { account_id }.into()]);
        };
        if account.profile.as_ref().is_some_and(|it| it.holds(self.name_id)) {
            return Err(AccountRejection::UsernameTaken);
        }
        let wanted = account.renaming.as_ref();
        let wanted = wanted.filter(|it| it.name_id == self.name_id || it.look_id == self.name_id);
        let abandoned =
            wanted.map(|it| UsernameChangeAbandoned { account_id, name_id: it.name_id }.into());
        Ok(abandoned.into_iter().collect())
    }
}

/// Gives the viewer another username, or goes on with that where the same call has stopped.
///
/// # Errors
/// Rejections of the room, or the failure of a step.
pub(super) async fn rename(scope: &Scope, client_id: Uuid, text: &str) -> Result<Outcome> {
    let account_id = scope.viewer()?.account;
    let username = names::username(text).map_err(rejected)?;
    let (name_id, look_id) = names::streams(&scope.reader.keyring.secret("names"), &username);
    let saga = Saga { scope, client_id, account_id };
    let wish_id = client_id.to_string();
    let begin = BeginRename { wish_id: wish_id.clone(), username, name_id, look_id };
    saga.step(begin, "begin").await?;
    saga.claim(look_id).await?;
    saga.claim(name_id).await?;
    let changed = saga.step(FinishRename { wish_id }, "finish").await?;
    for id in [look_id, name_id] {
        saga.confirm(id).await?;
    }
    let outcome = scope.outcome(changed).await?;
    let account = scope.reader.load::<Account>(account_id.to_string()).await.map_err(outage)?;
    // Where this is not reached, whoever wants the name before has it reserved first.
    for id in account.map_or_else(Vec::new, |it| it.before(name_id)) {
        saga.step(ReserveName { name_id: id, account_id }, &format!("reserve {id}")).await?;
    }
    Ok(outcome)
}
