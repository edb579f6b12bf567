//! What one can do who has forgotten the password.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{Notice, RESET_MS, RecoveryRejection, RequestReset, ResetPassword};
use crate::accounts::{AccountId, Credential, password};
use crate::addresses::{Named, addresses, fields, name, send_to_holder};
use crate::factors::{FactorProof, ShownInput};
use crate::kernel::graphql::{Scope, failed, outage, rejected, scope, uuid};
use crate::lost_factors::alerts;
use crate::sessions::{Challenge, Purpose};

#[derive(InputObject)]
struct RequestPasswordResetInput {
    client_id: ID,
    /// A mail address that the account has proved.
    email: String,
}

#[derive(SimpleObject)]
struct RequestPasswordResetPayload {
    /// Always: whether there is such an account is not told.
    ok: bool,
}

#[derive(InputObject)]
struct ResetPasswordInput {
    client_id: ID,
    /// What the link holds.
    token: String,
    new_password: String,
    /// Whether every second factor is lost and a recovery has come due, which this completes.
    #[graphql(default = false)]
    recover: bool,
    #[graphql(flatten)]
    shown: ShownInput,
}

#[derive(SimpleObject)]
struct ResetPasswordPayload {
    position: String,
}

/// Tells an account at the first mail address that it has proved.
///
/// # Errors
/// When documents or keys can't be reached.
pub async fn notice(scope: &Scope, account: AccountId) -> Result<Option<Notice>> {
    let all = addresses(scope, account).await?;
    let Some(found) = all.first_mail() else { return Ok(None) };
    let to = scope.reader.open(&found.address).await.map_err(outage)?;
    let fields = fields(scope, account, &[]).await?;
    Ok(to.map(|to| Notice { to, locale: found.locale.clone(), fields }))
}

/// Changes of this room.
#[derive(Default)]
pub struct RecoveryMutation;

#[Object]
impl RecoveryMutation {
    /// Sends a link that sets a forgotten password anew, if an account has proved the address. The
    /// answer is the same, and comes as fast, whether it has.
    async fn request_password_reset(
        &self,
        context: &Context<'_>,
        input: RequestPasswordResetInput,
    ) -> Result<RequestPasswordResetPayload> {
        let client_id = uuid(&input.client_id)?;
        let named = ("resets", input.email.as_str());
        send_to_holder(context, named, async move |scope, named| {
            request_reset(&scope, named, client_id).await
        })
        .await?;
        Ok(RequestPasswordResetPayload { ok: true })
    }

    /// Sets a forgotten password anew and ends every session of the account.
    async fn reset_password(
        &self,
        context: &Context<'_>,
        input: ResetPasswordInput,
    ) -> Result<ResetPasswordPayload> {
        let scope = scope(context);
        let client_id = uuid(&input.client_id)?;
        scope.take(&format!("reset/{}", scope.address()), scope.limits.sign_in).await?;
        let now = scope.clock.now_ms();
        let link = scope.tokens.read_challenge(Purpose::PasswordReset, &input.token, now);
        let invalid = || rejected(RecoveryRejection::LinkInvalid);
        let Challenge { account, credential, .. } = link.ok_or_else(invalid)?;
        let name = name(scope, account).await?;
        password::admit(scope, &input.new_password, &[&name]).await?;
        let factor = match input.recover {
            true => Some(FactorProof::Lost { alerts: alerts(scope, account, &[]).await? }),
            false => input.shown.prove_beside_mail(scope, account).await?,
        };
        let hash = password::hash(input.new_password, Arc::clone(&scope.entropy)).await;
        let notice = notice(scope, account).await?;
        let command = ResetPassword { password: hash, credential, factor, notice };
        let done = scope.submit_for(account, client_id, command).await.map_err(failed)?;
        let outcome = scope.outcome(done).await?;
        Ok(ResetPasswordPayload { position: outcome.position })
    }
}

async fn request_reset(scope: &Scope, named: Named, client_id: uuid::Uuid) -> Result<()> {
    let Named { account, address_id, address, locale } = named;
    let credential = scope.reader.load::<Credential>(account.to_string()).await.map_err(outage)?;
    let Some(credential) = credential.map(|it| it.generation) else { return Ok(()) };
    let until_ms = scope.clock.now_ms() + RESET_MS;
    let challenge = Challenge { account, credential, until_ms };
    let token = scope.tokens.challenge(Purpose::PasswordReset, &challenge);
    let link = format!("{}#{token}", scope.tokens.link("reset"));
    let fields = fields(scope, account, &[("link", link)]).await?;
    let notice = Notice { to: address, locale, fields };
    let command = RequestReset { address_id, notice };
    scope.submit_for(account, client_id, command).await.map(drop).map_err(failed)
}
