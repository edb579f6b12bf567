//! The saga of registering: claim the name, create the account, confirm the name.

use std::sync::Arc;

use async_graphql::Result;
use uuid::Uuid;

use super::{
    AbandonRegistration, Account, AccountId, AccountRejection, CLAIM_MS_MAX, ClaimName,
    ConfirmName, CreateAccount, Name, NameId, NameState, ReleaseName, decide, password,
};
use crate::identities::{Identities, NewIdentity, take_claim};
use crate::instance::{admit, claim_setup};
use crate::kernel::command::name_id;
use crate::kernel::graphql::{Scope, failed, outage, rejected};
use crate::kernel::{Accepted, Command, Failure, id};

/// What a person gives to register.
pub struct Registration {
    pub client_id: Uuid,
    pub username: String,
    pub display_name: String,
    pub proof: Proof,
    /// Code of an invitation.
    pub invitation: Option<String>,
    /// Token of the setup link.
    pub setup: Option<String>,
}

/// What will sign in to the account.
pub enum Proof {
    Password(String),
    /// What a provider has told, which a ticket has carried here.
    Identity(NewIdentity),
}

/// Registers, or repeats a registration when what it is proved by tells that it is the same person.
///
/// # Errors
/// Rejections of the room, or the failure of a step, after which the same call goes on.
pub async fn register(scope: &Scope, registration: Registration) -> Result<(AccountId, u64)> {
    let username = decide::username(&registration.username).map_err(rejected)?;
    let display_name = decide::display_name(&registration.display_name).map_err(rejected)?;
    let known = [username.as_str(), display_name.as_str()];
    if let Proof::Password(password) = &registration.proof {
        password::admit(scope, password, &known).await?;
    }
    let account_id = AccountId(id::derive(registration.client_id, &[b"account"]));
    let name_id = name_id(&scope.reader.keyring.secret("names"), &username);
    let saga = Saga { scope, client_id: registration.client_id, account_id, name_id };

    let account = scope.reader.load::<Account>(account_id.to_string()).await.map_err(outage)?;
    if let Some(profile) = account.as_ref().and_then(|it| it.profile.as_ref()) {
        let mismatch = || failed(Failure::IdempotencyMismatch);
        let proved = proves(scope, account_id, &registration.proof).await?;
        let credential = proved.filter(|_| profile.name_id == name_id);
        let credential = credential.ok_or_else(mismatch)?;
        saga.step(ConfirmName { name_id, account_id }, "confirm").await?;
        saga.set_up(registration.setup.as_deref()).await?;
        return Ok((account_id, credential));
    }
    let Registration { client_id, invitation, setup, .. } = &registration;
    let (invitation, setup) = (invitation.as_deref(), setup.as_deref());
    admit(scope, account_id, *client_id, invitation, setup).await?;
    saga.claim().await?;
    let setup = registration.setup;
    let (password, identity) = match registration.proof {
        Proof::Password(it) => (Some(password::hash(it, Arc::clone(&scope.entropy)).await), None),
        Proof::Identity(it) => {
            take_claim(scope, account_id, it.claim_id).await?;
            (None, Some(it))
        }
    };
    let claim_id = identity.as_ref().map(|it| it.claim_id);
    let create = CreateAccount { account_id, name_id, username, display_name, password, identity };
    saga.step(create, "create").await?;
    saga.step(ConfirmName { name_id, account_id }, "confirm").await?;
    if let Some(name_id) = claim_id {
        saga.step(ConfirmName { name_id, account_id }, "confirm identity").await?;
    }
    saga.set_up(setup.as_deref()).await?;
    Ok((account_id, 0))
}

/// Whether an account that exists is proved by what would have registered it: the generation of
/// its credential.
async fn proves(scope: &Scope, account: AccountId, proof: &Proof) -> Result<Option<u64>> {
    let reader = &scope.reader;
    match proof {
        Proof::Password(it) => {
            password::prove(reader, Some(account), it.clone()).await.map_err(outage)
        }
        Proof::Identity(it) => {
            let known = reader.load::<Identities>(account.to_string()).await.map_err(outage)?;
            Ok(known.and_then(|known| known.find(it.claim_id).map(|_| 0)))
        }
    }
}

struct Saga<'a> {
    scope: &'a Scope,
    client_id: Uuid,
    account_id: AccountId,
    name_id: NameId,
}

impl Saga<'_> {
    async fn submit(
        &self,
        actor: AccountId,
        command: impl Command,
        step: &str,
    ) -> Result<Accepted, Failure> {
        let client_id = id::derive(self.client_id, &[step.as_bytes(), actor.0.as_bytes()]);
        self.scope.submit_for(actor, client_id, command).await
    }

    async fn step(&self, command: impl Command, step: &str) -> Result<Accepted> {
        self.submit(self.account_id, command, step).await.map_err(failed)
    }

    /// Makes the first owner of whoever has the setup link.
    async fn set_up(&self, token: Option<&str>) -> Result<()> {
        let Some(token) = token else { return Ok(()) };
        claim_setup(self.scope, self.account_id, self.client_id, token).await.map(drop)
    }

    /// Claims the name; a claim that somebody left open long ago is settled first.
    async fn claim(&self) -> Result<()> {
        let claim = ClaimName { name_id: self.name_id, account_id: self.account_id };
        let Err(failure) = self.submit(self.account_id, claim.clone(), "claim").await else {
            return Ok(());
        };
        let taken = Failure::Rejected(AccountRejection::UsernameTaken.into());
        if failure != taken || !self.settle().await? {
            return Err(failed(failure));
        }
        self.step(claim, "claim again").await.map(drop)
    }

    /// Frees the name when the account it is claimed for can be kept from ever existing.
    async fn settle(&self) -> Result<bool> {
        let reader = &self.scope.reader;
        let name = reader.load::<Name>(self.name_id.to_string()).await.map_err(outage)?;
        let now = self.scope.clock.now_ms();
        let Some(name) = name
            .filter(|it| it.state == NameState::Claimed && now - it.claimed_at.0 > CLAIM_MS_MAX)
        else {
            return Ok(false);
        };
        let holder = name.account_id;
        let abandon = AbandonRegistration { account_id: holder };
        let abandoned = self.submit(holder, abandon, "abandon").await;
        let settled = match abandoned {
            Ok(_) => {
                let release = ReleaseName { name_id: self.name_id, account_id: holder };
                self.submit(holder, release, "release").await.map(|_| true)
            }
            Err(Failure::Rejected(_)) => {
                let confirm = ConfirmName { name_id: self.name_id, account_id: holder };
                self.submit(holder, confirm, "settle").await.map(|_| false)
            }
            Err(failure) => Err(failure),
        };
        settled.map_err(failed)
    }
}
