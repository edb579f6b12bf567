//! Providers as everybody sees them, identities as their owner does, and signing in by one.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::ceremony::{Answer, Begun, begin, finish, provider, read_ticket, ticket};
use super::holder::{holder, take_claim};
use super::{
    CEREMONY_MS, Identities, Identity, IdentityProof, IdentityRejection, LinkIdentity, Newcomer,
    TICKET_MS, UnlinkIdentity, factor_challenge,
};
use crate::accounts::register::{Proof, Registration, register};
use crate::accounts::{AccountId, ConfirmName, FreeName, RegisterPayload};
use crate::kernel::graphql::{Scope, failed, outage, rejected, scope, uuid};
use crate::kernel::{Failure, Timestamp, id as ids};
use crate::recovery::{Notice, notice};
use crate::sessions::{ClientInput, Proven, SignInPayload, second_factor, sign_in_at};

/// A server of others that tells who somebody is.
#[derive(SimpleObject)]
struct SignInProvider {
    /// To be given to `startSignInWith` and `startLinkingIdentity`.
    id: String,
    /// To be shown.
    label: String,
    /// Whether accounts may be registered by it, where the server lets people register at all.
    registers: bool,
}

/// What a provider says of the viewer, which signs in to the account.
#[derive(SimpleObject)]
struct IdentityObject {
    provider: String,
    /// What the provider calls the viewer; null where it does not say, and once erased.
    label: Option<String>,
    linked_at: Timestamp,
    /// When it last signed in; null before it has.
    used_at: Option<Timestamp>,
}

async fn identities(scope: &Scope, account: AccountId) -> Result<Vec<Identity>> {
    let found = scope.reader.load::<Identities>(account.to_string()).await.map_err(outage)?;
    Ok(found.map(|it| it.held.clone()).unwrap_or_default())
}

async fn shown(scope: &Scope, account: AccountId) -> Result<Vec<IdentityObject>> {
    let mut all = Vec::new();
    for Identity { provider_id, label, linked_at, used_at, .. } in
        identities(scope, account).await?
    {
        let label = match label {
            Some(it) => scope.reader.open(&it).await.map_err(outage)?,
            None => None,
        };
        all.push(IdentityObject { provider: provider_id, label, linked_at, used_at });
    }
    Ok(all)
}

/// Reads of this room.
#[derive(Default)]
pub struct IdentityQuery;

#[Object]
impl IdentityQuery {
    /// The servers of others by which people sign in here, at most 20.
    async fn sign_in_providers(&self, context: &Context<'_>) -> Vec<SignInProvider> {
        let all = scope(context).identity_providers.iter().map(|it| it.settings());
        let shown = all.map(|it| SignInProvider {
            id: it.id.clone(),
            label: it.label.clone(),
            registers: it.registers,
        });
        shown.collect()
    }

    /// The identities that sign in to the viewer's account, oldest first, at most 20.
    async fn identities(&self, context: &Context<'_>) -> Result<Vec<IdentityObject>> {
        let scope = scope(context);
        shown(scope, scope.viewer()?.account).await
    }
}

#[derive(InputObject)]
struct StartInput {
    /// A provider's id.
    provider: String,
}

#[derive(SimpleObject)]
struct StartPayload {
    /// Where the person is to be sent; they come back to `/signed-in` of this server.
    url: String,
    /// Stays with whoever has begun: only with it is the answer good.
    ceremony: String,
    /// Until when it is good.
    until: Timestamp,
}

fn started(scope: &Scope, it: Begun) -> StartPayload {
    let until = Timestamp(scope.clock.now_ms() + CEREMONY_MS);
    StartPayload { url: it.url, ceremony: it.ceremony, until }
}

/// What a person came back with.
#[derive(InputObject)]
struct AnswerInput {
    /// As it was begun; good once.
    ceremony: String,
    code: String,
    state: String,
    /// Who answers, where the answer says so.
    iss: Option<String>,
}

impl From<AnswerInput> for Answer {
    fn from(it: AnswerInput) -> Self {
        Self { ceremony: it.ceremony, code: it.code, state: it.state, issuer: it.iss }
    }
}

#[derive(InputObject)]
struct FinishSignInWithInput {
    answer: AnswerInput,
    #[graphql(flatten)]
    client: ClientInput,
}

/// Somebody who has no account here.
#[derive(SimpleObject)]
struct NewcomerObject {
    /// To be given to `registerWith`; null where nobody registers by that provider.
    ticket: Option<String>,
    /// What the provider calls them, where that could be a username here.
    username: Option<String>,
    display_name: Option<String>,
    until: Timestamp,
}

#[derive(SimpleObject)]
struct FinishSignInWithPayload {
    /// Null where no account is linked.
    sign_in: Option<SignInPayload>,
    /// Null where one is.
    newcomer: Option<NewcomerObject>,
    position: String,
}

#[derive(InputObject)]
struct RegisterWithInput {
    client_id: ID,
    ticket: String,
    username: String,
    display_name: String,
    /// Code of an invitation, where registering needs one.
    invitation: Option<String>,
    #[graphql(flatten)]
    client: ClientInput,
}

#[derive(InputObject)]
struct LinkIdentityInput {
    client_id: ID,
    answer: AnswerInput,
}

#[derive(InputObject)]
struct UnlinkIdentityInput {
    client_id: ID,
    /// A provider's id.
    provider: String,
}

#[derive(SimpleObject)]
struct IdentitiesPayload {
    identities: Vec<IdentityObject>,
    position: String,
}

fn registers(scope: &Scope, id: &str) -> Result<bool> {
    Ok(provider(scope, id)?.settings().registers)
}

/// What tells the viewer by mail that something was done with an identity.
async fn told(scope: &Scope, account: AccountId, provider_id: &str) -> Result<Option<Notice>> {
    let known = provider(scope, provider_id).ok();
    let label = known.map_or(provider_id, |it| it.settings().label.as_str()).to_owned();
    let mut notice = notice(scope, account).await?;
    if let Some(notice) = &mut notice {
        notice.fields.insert("provider".to_owned(), label);
    }
    Ok(notice)
}

/// Signs in to the account that an identity is linked to, or asks for its second factor.
async fn enter(
    scope: &Scope,
    account: AccountId,
    proof: IdentityProof,
    client: ClientInput,
) -> Result<SignInPayload> {
    let limit = scope.limits.sign_in;
    scope.take(&format!("sign-in/{}/{account}", scope.address()), limit).await?;
    let client = client.read()?;
    let challenge = || factor_challenge(scope, account, &proof);
    if let Some(asked) = second_factor(scope, account, true, challenge).await? {
        return Ok(asked);
    }
    let proven =
        Proven { account, credential: None, identity: Some(proof), by_mail: false, factor: None };
    Ok(sign_in_at(scope, proven, client).await?.into())
}

/// Counts one question that somebody has us ask elsewhere.
async fn take(scope: &Scope, what: &str) -> Result<()> {
    let limit = scope.limits.sign_in.saturating_mul(6);
    scope.take(&format!("{what}/{}", scope.address()), limit).await
}

/// Changes of this room.
#[derive(Default)]
pub struct IdentityMutation;

#[Object]
impl IdentityMutation {
    /// Begins to sign in by a provider.
    async fn start_sign_in_with(
        &self,
        context: &Context<'_>,
        input: StartInput,
    ) -> Result<StartPayload> {
        let scope = scope(context);
        take(scope, "identities").await?;
        Ok(started(scope, begin(scope, &input.provider, None).await?))
    }

    /// Signs in by what a provider has answered, or tells that no account is linked to it.
    async fn finish_sign_in_with(
        &self,
        context: &Context<'_>,
        input: FinishSignInWithInput,
    ) -> Result<FinishSignInWithPayload> {
        let scope = scope(context);
        take(scope, "sign-in").await?;
        let found = finish(scope, input.answer.into(), None).await?;
        let position = || scope.progress.position().to_string();
        let Some(account) = holder(scope, found.identity.claim_id).await? else {
            let open = registers(scope, &found.identity.provider_id)?;
            let ticket = open.then(|| ticket(scope, &found));
            let Newcomer { username, display_name, .. } = found;
            let until = Timestamp(scope.clock.now_ms() + TICKET_MS);
            let newcomer = Some(NewcomerObject { ticket, username, display_name, until });
            return Ok(FinishSignInWithPayload { sign_in: None, newcomer, position: position() });
        };
        let (claim_id, ceremony) = (found.identity.claim_id, found.identity.ceremony);
        let proof = IdentityProof { claim_id, ceremony };
        let sign_in = Some(enter(scope, account, proof, input.client).await?);
        Ok(FinishSignInWithPayload { sign_in, newcomer: None, position: position() })
    }

    /// Creates an account without a password, which the identity of a ticket signs in to.
    async fn register_with(
        &self,
        context: &Context<'_>,
        input: RegisterWithInput,
    ) -> Result<RegisterPayload> {
        let scope = scope(context);
        scope.take(&format!("register/{}", scope.address()), scope.limits.register).await?;
        let client_id = uuid(&input.client_id)?;
        let client = input.client.read()?;
        let (identity, proof) = read_ticket(scope, &input.ticket)?;
        if !registers(scope, &identity.provider_id)? {
            return Err(rejected(IdentityRejection::RegistrationClosed));
        }
        let registration = Registration {
            client_id,
            username: input.username,
            display_name: input.display_name,
            proof: Proof::Identity(identity),
            invitation: input.invitation,
            setup: None,
        };
        let (account, _) = register(scope, registration).await?;
        let proven = Proven {
            account,
            credential: None,
            identity: Some(proof),
            by_mail: false,
            factor: None,
        };
        let signed_in = sign_in_at(scope, proven, client).await?;
        RegisterPayload::of(context, account, signed_in).await
    }

    /// Begins to link what a provider says of the viewer to their account.
    async fn start_linking_identity(
        &self,
        context: &Context<'_>,
        input: StartInput,
    ) -> Result<StartPayload> {
        let scope = scope(context);
        let account = scope.viewer()?.account;
        take(scope, "identities").await?;
        Ok(started(scope, begin(scope, &input.provider, Some(account)).await?))
    }

    /// Links what a provider has answered. The viewer must have proved themselves lately.
    async fn link_identity(
        &self,
        context: &Context<'_>,
        input: LinkIdentityInput,
    ) -> Result<IdentitiesPayload> {
        let scope = scope(context);
        let account = scope.viewer()?.account;
        take(scope, "sign-in").await?;
        let found = finish(scope, input.answer.into(), Some(account)).await?;
        let claim_id = found.identity.claim_id;
        let client_id = uuid(&input.client_id)?;
        take_claim(scope, account, claim_id).await?;
        let notice = told(scope, account, &found.identity.provider_id).await?;
        let command = LinkIdentity { identity: found.identity, notice };
        let linked = scope.submit_for(account, client_id, command).await;
        let fresh = ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
        if let Err(Failure::Rejected(_)) = linked
            && identities(scope, account).await?.iter().all(|it| it.claim_id != claim_id)
        {
            // What was refused holds no claim, unless it was linked before.
            let free = FreeName { name_id: claim_id, account_id: account };
            scope.submit_for(account, fresh, free).await.map_err(failed)?;
        }
        let outcome = scope.outcome(linked.map_err(failed)?).await?;
        let confirm = ConfirmName { name_id: claim_id, account_id: account };
        scope.submit_for(account, fresh, confirm).await.map_err(failed)?;
        let identities = shown(scope, account).await?;
        Ok(IdentitiesPayload { identities, position: outcome.position })
    }

    /// Unlinks the identity at a provider: it signs in no more. The viewer must have proved
    /// themselves lately, and have another way to sign in.
    async fn unlink_identity(
        &self,
        context: &Context<'_>,
        input: UnlinkIdentityInput,
    ) -> Result<IdentitiesPayload> {
        let scope = scope(context);
        let account = scope.viewer()?.account;
        let before = identities(scope, account).await?;
        let notice = told(scope, account, &input.provider).await?;
        let command = UnlinkIdentity { provider_id: input.provider.clone(), notice };
        let outcome = scope.submit(&input.client_id, command).await?;
        if let Some(it) = before.iter().find(|it| it.provider_id == input.provider) {
            let free = FreeName { name_id: it.claim_id, account_id: account };
            let client_id = ids::derive(uuid(&input.client_id)?, &[b"free"]);
            scope.submit_for(account, client_id, free).await.map_err(failed)?;
        }
        let identities = shown(scope, account).await?;
        Ok(IdentitiesPayload { identities, position: outcome.position })
    }
}
