//! Passkeys as their owner sees them, and signing in with one.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::ceremony::{begin_making, begin_using, end_making};
use super::{
    AddPasskey, CEREMONY_MS, Ceremony, Passkey, PasskeyId, Passkeys, RemovePasskey, Signed, prove,
};
use crate::accounts::{AccountId, AccountObject};
use crate::factors::FactorProof;
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Scope, id, outage, scope};
use crate::recovery::notice;
use crate::sessions::{ClientInput, Proven, SignInPayload, sign_in_at};

/// A passkey of the viewer's.
struct PasskeyObject(Passkey);

#[Object(name = "Passkey")]
impl PasskeyObject {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What the person called it; null once erased.
    async fn name(&self, context: &Context<'_>) -> Result<Option<String>> {
        scope(context).reader.open(&self.0.name).await.map_err(outage)
    }

    async fn added_at(&self) -> Timestamp {
        self.0.added_at
    }

    /// When it last proved the viewer; null before it has.
    async fn used_at(&self) -> Option<Timestamp> {
        self.0.used_at
    }
}

async fn passkeys(scope: &Scope, account: AccountId) -> Result<Arc<Passkeys>> {
    let found = scope.reader.load::<Passkeys>(account.to_string()).await.map_err(outage)?;
    Ok(found.unwrap_or_default())
}

/// Reads of this room.
#[derive(Default)]
pub struct PasskeyQuery;

#[Object]
impl PasskeyQuery {
    /// The viewer's passkeys, oldest first, at most 20.
    async fn passkeys(&self, context: &Context<'_>) -> Result<Vec<PasskeyObject>> {
        let scope = scope(context);
        let found = passkeys(scope, scope.viewer_at_door()?.account).await?;
        Ok(found.held.iter().cloned().map(PasskeyObject).collect())
    }
}

/// How a device has used a passkey.
#[derive(InputObject)]
pub struct PasskeyInput {
    /// As `beginPasskey` gave it.
    ceremony: String,
    /// `AuthenticationResponseJSON` of WebAuthn, at most 16 KiB.
    response: String,
}

impl From<PasskeyInput> for Signed {
    fn from(it: PasskeyInput) -> Self {
        Self { ceremony: it.ceremony, response: it.response }
    }
}

#[derive(SimpleObject)]
struct BeginPasskeyPayload {
    /// To be given back with what the device answers; good once.
    ceremony: String,
    /// `PublicKeyCredentialCreationOptionsJSON` or `PublicKeyCredentialRequestOptionsJSON` of
    /// WebAuthn, for `navigator.credentials`.
    options: String,
    /// Until when the device may answer.
    until: Timestamp,
}

fn begun(scope: &Scope, it: Ceremony) -> BeginPasskeyPayload {
    let until = Timestamp(scope.clock.now_ms() + CEREMONY_MS);
    BeginPasskeyPayload { ceremony: it.token, options: it.options, until }
}

#[derive(InputObject)]
struct AddPasskeyInput {
    client_id: ID,
    /// 1 to 64 characters.
    name: String,
    /// As `beginPasskeyRegistration` gave it.
    ceremony: String,
    /// `RegistrationResponseJSON` of WebAuthn, at most 16 KiB.
    response: String,
}

#[derive(SimpleObject)]
struct AddPasskeyPayload {
    passkey: Option<PasskeyObject>,
    position: String,
}

#[derive(InputObject)]
struct RemovePasskeyInput {
    client_id: ID,
    passkey_id: ID,
}

#[derive(SimpleObject)]
struct RemovePasskeyPayload {
    position: String,
}

#[derive(InputObject)]
struct SignInWithPasskeyInput {
    passkey: PasskeyInput,
    #[graphql(flatten)]
    client: ClientInput,
}

/// Changes of this room.
#[derive(Default)]
pub struct PasskeyMutation;

#[Object]
impl PasskeyMutation {
    /// Begins to use a passkey: to sign in, as a second factor, or to confirm.
    async fn begin_passkey(&self, context: &Context<'_>) -> Result<BeginPasskeyPayload> {
        let scope = scope(context);
        let limit = scope.limits.sign_in.saturating_mul(6);
        scope.take(&format!("passkeys/{}", scope.address()), limit).await?;
        Ok(begun(scope, begin_using(scope)?))
    }

    /// Begins to make a passkey for the viewer.
    async fn begin_passkey_registration(
        &self,
        context: &Context<'_>,
    ) -> Result<BeginPasskeyPayload> {
        let scope = scope(context);
        let account = scope.viewer_at_door()?.account;
        scope.take_proof(account).await?;
        let name = AccountObject::label(context, account).await?;
        let known = passkeys(scope, account).await?;
        Ok(begun(scope, begin_making(scope, account, &name, &known).await?))
    }

    /// Adds the passkey that a device has made. The viewer must have proved themselves lately.
    async fn add_passkey(
        &self,
        context: &Context<'_>,
        input: AddPasskeyInput,
    ) -> Result<AddPasskeyPayload> {
        let scope = scope(context);
        let account = scope.viewer_at_door()?.account;
        let signed = Signed { ceremony: input.ceremony, response: input.response };
        let (passkey_id, credential) = end_making(scope, account, &signed)?;
        let notice = notice(scope, account).await?;
        let command = AddPasskey { passkey_id, name: input.name, credential, notice };
        let outcome = scope.submit_at_door(&input.client_id, command).await?;
        let found = passkeys(scope, account).await?;
        let passkey = found.find(passkey_id).cloned().map(PasskeyObject);
        Ok(AddPasskeyPayload { passkey, position: outcome.position })
    }

    /// Removes a passkey; it is good no more. The viewer must have proved themselves lately.
    async fn remove_passkey(
        &self,
        context: &Context<'_>,
        input: RemovePasskeyInput,
    ) -> Result<RemovePasskeyPayload> {
        let passkey_id: PasskeyId = id(&input.passkey_id)?;
        let outcome = scope(context).submit(&input.client_id, RemovePasskey { passkey_id }).await?;
        Ok(RemovePasskeyPayload { position: outcome.position })
    }

    /// Opens a session with a passkey alone: it is both factors.
    async fn sign_in_with_passkey(
        &self,
        context: &Context<'_>,
        input: SignInWithPasskeyInput,
    ) -> Result<SignInPayload> {
        let scope = scope(context);
        let limit = scope.limits.sign_in;
        scope.take(&format!("sign-in/{}", scope.address()), limit.saturating_mul(6)).await?;
        let client = input.client.read()?;
        let (account, proof) = prove(scope, &input.passkey.into()).await?;
        scope.take(&format!("sign-in/{}/{account}", scope.address()), limit).await?;
        let factor = Some(FactorProof::Passkey(proof));
        let proven = Proven { account, credential: None, identity: None, by_mail: false, factor };
        Ok(sign_in_at(scope, proven, client).await?.into())
    }
}
