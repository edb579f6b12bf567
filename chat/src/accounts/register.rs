//! The saga of registering: claim the name, create the account, confirm the name.

use std::sync::Arc;

use async_graphql::Result;
use uuid::Uuid;

use super::{
    AbandonClaim, Account, AccountId, AccountRejection, CLAIM_MS_MAX, ClaimName, ConfirmName,
    CreateAccount, Name, NameId, NameState, ReleaseName, ReserveName, decide, names, password,
};
use crate::identities::{Identities, NewIdentity, take_claim};
use crate::instance::{admit, claim_setup};
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
    let username = names::username(&registration.username).map_err(rejected)?;
    let display_name = decide::display_name(&registration.display_name).map_err(rejected)?;
    let known = [username.as_str(), display_name.as_str()];
    if let Proof::Password(password) = &registration.proof {
        password::admit(scope, password, &known).await?;
    }
    let account_id = AccountId(id::derive(registration.client_id, &[b"account"]));
    let (name_id, look_id) = names::streams(&scope.reader.keyring.secret("names"), &username);
    let saga = Saga { scope, client_id: registration.client_id, account_id };

    let account = scope.reader.load::<Account>(account_id.to_string()).await.map_err(outage)?;
    if let Some(profile) = account.as_ref().and_then(|it| it.profile.as_ref()) {
        let mismatch = || failed(Failure::IdempotencyMismatch);
        let proved = proves(scope, account_id, &registration.proof).await?;
        let credential = proved.filter(|_| profile.name_id == name_id);
        let credential = credential.ok_or_else(mismatch)?;
        saga.confirm(look_id).await?;
        saga.confirm(name_id).await?;
        saga.set_up(registration.setup.as_deref()).await?;
        return Ok((account_id, credential));
    }
    match registration.setup {
        Some(_) => names::admit_first(&username).map_err(rejected)?,
        None => names::admit(&username).map_err(rejected)?,
    }
    let Registration { client_id, invitation, setup, .. } = &registration;
    let (invitation, setup) = (invitation.as_deref(), setup.as_deref());
    admit(scope, account_id, *client_id, invitation, setup).await?;
    saga.claim(look_id).await?;
    saga.claim(name_id).await?;
    let setup = registration.setup;
    let (password, identity) = match registration.proof {
        Proof::Password(it) => (Some(password::hash(it, Arc::clone(&scope.entropy)).await), None),
        Proof::Identity(it) => {
            take_claim(scope, account_id, it.claim_id).await?;
            (None, Some(it))
        }
    };
    let claims = [look_id, name_id].into_iter().chain(identity.as_ref().map(|it| it.claim_id));
    let claims: Vec<_> = claims.collect();
    let look = Some(look_id);
    let create = CreateAccount {
        account_id,
        name_id,
        look_id: look,
        username,
        display_name,
        password,
        identity,
    };
    saga.step(create, "create").await?;
    for claim in claims {
        saga.confirm(claim).await?;
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

/// Steps of an account over its own stream and those of its names; each is done once, however
/// often the same call is made.
pub(super) struct Saga<'a> {
    pub(super) scope: &'a Scope,
    pub(super) client_id: Uuid,
    pub(super) account_id: AccountId,
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

    pub(super) async fn step(&self, command: impl Command, step: &str) -> Result<Accepted> {
        self.submit(self.account_id, command, step).await.map_err(failed)
    }

    /// Makes the first owner of whoever has the setup link.
    async fn set_up(&self, token: Option<&str>) -> Result<()> {
        let Some(token) = token else { return Ok(()) };
        claim_setup(self.scope, self.account_id, self.client_id, token).await.map(drop)
    }

    /// Settles the claim on a name that is the account's own.
    pub(super) async fn confirm(&self, name_id: NameId) -> Result<()> {
        let confirm = ConfirmName { name_id, account_id: self.account_id };
        self.step(confirm, "confirm").await.map(drop)
    }

    /// A command that decides for itself what there is to do, each time anew: an outcome that is
    /// remembered says nothing of who holds a name now.
    async fn anew(&self, actor: AccountId, command: impl Command) -> Result<Accepted, Failure> {
        // It has the time of the caller's own, which may not lie ahead.
        let client_id = id::derive(self.client_id, &[&self.scope.entropy.bytes::<16>()]);
        self.scope.submit_for(actor, client_id, command).await
    }

    /// Claims a name; a claim that somebody left open long ago is settled first.
    pub(super) async fn claim(&self, name_id: NameId) -> Result<()> {
        let claim = ClaimName { name_id, account_id: self.account_id };
        let Err(failure) = self.anew(self.account_id, claim.clone()).await else {
            return Ok(());
        };
        let taken = Failure::Rejected(AccountRejection::UsernameTaken.into());
        if failure != taken || !self.settle(name_id).await? {
            return Err(failed(failure));
        }
        self.anew(self.account_id, claim).await.map(drop).map_err(failed)
    }

    /// Frees a name when the account it is claimed for can be kept from ever having it; one that
    /// its account has given up is reserved, if that was missed.
    async fn settle(&self, name_id: NameId) -> Result<bool> {
        let reader = &self.scope.reader;
        let name = reader.load::<Name>(name_id.to_string()).await.map_err(outage)?;
        let now = self.scope.clock.now_ms();
        let Some(name) = name.filter(|it| now - it.claimed_at.0 > CLAIM_MS_MAX) else {
            return Ok(false);
        };
        let holder = name.account_id;
        let free = match name.state {
            NameState::Claimed => true,
            NameState::Confirmed => false,
            NameState::Released | NameState::Reserved => return Ok(false),
        };
        let settled = match self.anew(holder, AbandonClaim { account_id: holder, name_id }).await {
            Ok(_) if free => {
                let claimed_at = name.claimed_at;
                let release = ReleaseName { name_id, account_id: holder, claimed_at };
                self.anew(holder, release).await.map(|_| true)
            }
            Ok(_) => {
                let reserve = ReserveName { name_id, account_id: holder };
                self.anew(holder, reserve).await.map(|_| false)
            }
            Err(Failure::Rejected(_)) => {
                let confirm = ConfirmName { name_id, account_id: holder };
                self.anew(holder, confirm).await.map(|_| false)
            }
            Err(failure) => Err(failure),
        };
        settled.map_err(failed)
    }
}
