//! What one can do who has lost every second factor.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    Alert, CancelFactorRecovery, LostFactor, LostFactorRejection, RequestFactorRecovery, USABLE_MS,
};
use crate::accounts::AccountId;
use crate::addresses::{addresses, fields};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Scope, failed, outage, rejected, scope, uuid};
use crate::sessions::{Challenge, Proven, Purpose, proven_but_factor};

/// A recovery that waits.
#[derive(SimpleObject)]
pub struct FactorRecovery {
    requested_at: Timestamp,
    /// From when on it can be completed; until then nothing changes.
    takes_effect_at: Timestamp,
}

impl FactorRecovery {
    /// Of an account, if there is one.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn of(scope: &Scope, account: AccountId) -> Result<Option<Self>> {
        let found = scope.reader.load::<LostFactor>(account.to_string()).await.map_err(outage)?;
        let now = Timestamp(scope.clock.now_ms());
        let waiting = found.as_ref().and_then(|it| it.waiting(now));
        Ok(waiting.map(|it| Self { requested_at: it.since, takes_effect_at: it.due_at }))
    }

    /// From when on it can be completed.
    pub fn due_at(&self) -> Timestamp {
        self.takes_effect_at
    }
}

#[derive(InputObject)]
struct RequestFactorRecoveryInput {
    client_id: ID,
    /// As `signIn` or `signInWithLink` gave it, or what a link to a new password holds.
    challenge: String,
}

#[derive(SimpleObject)]
struct RequestFactorRecoveryPayload {
    /// The recovery that waits; null where it can't be read yet.
    recovery: Option<FactorRecovery>,
    position: String,
}

#[derive(InputObject)]
struct CancelFactorRecoveryInput {
    client_id: ID,
    /// What the link holds; not needed by who has signed in.
    token: Option<String>,
}

#[derive(SimpleObject)]
struct CancelFactorRecoveryPayload {
    position: String,
}

/// How a time is told in a message.
fn written(time: Timestamp) -> String {
    let text = time.rfc3339();
    let minutes = text.get(..16).unwrap_or(&text).replace('T', " ");
    format!("{minutes} UTC")
}

/// Every proved address of an account, to be told something.
///
/// # Errors
/// When documents or keys can't be reached.
pub(crate) async fn alerts(
    scope: &Scope,
    account: AccountId,
    more: &[(&str, String)],
) -> Result<Vec<Alert>> {
    let known = addresses(scope, account).await?;
    let fields = fields(scope, account, more).await?;
    let mut alerts = Vec::new();
    for it in &known.confirmed {
        let Some(to) = scope.reader.open(&it.address).await.map_err(outage)? else { continue };
        let (channel, locale) = (it.channel, it.locale.clone());
        alerts.push(Alert { channel, to, locale, fields: fields.clone() });
    }
    Ok(alerts)
}

/// Changes of this room.
#[derive(Default)]
pub struct LostFactorMutation;

#[Object]
impl LostFactorMutation {
    /// Asks that every second factor be removed, which they can be once the delay has passed. All
    /// sessions see it, and every proved address is told how to cancel it.
    async fn request_factor_recovery(
        &self,
        context: &Context<'_>,
        input: RequestFactorRecoveryInput,
    ) -> Result<RequestFactorRecoveryPayload> {
        let scope = scope(context);
        let client_id = uuid(&input.client_id)?;
        let limit = scope.limits.sign_in;
        scope.take(&format!("lost-factors/{}", scope.address()), limit).await?;
        let now = scope.clock.now_ms();
        let invalid = || rejected(LostFactorRejection::ChallengeInvalid);
        let proven = proven_but_factor(scope, &input.challenge).ok_or_else(invalid)?;
        let Proven { account, credential, identity, .. } = proven;
        let delay_ms = scope.ways.factor_recovery_ms;
        let due_at = Timestamp(now + delay_ms);
        // A signed number in the log.
        let nonce = u64::from_be_bytes(scope.entropy.bytes()) >> 1;
        let until_ms = due_at.0 + USABLE_MS;
        let cancels = Challenge { account, credential: nonce, until_ms };
        let token = scope.tokens.challenge(Purpose::CancelRecovery, &cancels);
        let link = format!("{}#{token}", scope.tokens.link("keep-factor"));
        let more = [("time", written(due_at)), ("link", link)];
        let alerts = alerts(scope, account, &more).await?;
        let command = RequestFactorRecovery { credential, identity, nonce, delay_ms, alerts };
        let accepted = scope.submit_for(account, client_id, command).await.map_err(failed)?;
        let outcome = scope.outcome(accepted).await?;
        let recovery = FactorRecovery::of(scope, account).await?;
        Ok(RequestFactorRecoveryPayload { recovery, position: outcome.position })
    }

    /// Cancels the recovery that waits; from any session of the account, or by the link.
    async fn cancel_factor_recovery(
        &self,
        context: &Context<'_>,
        input: CancelFactorRecoveryInput,
    ) -> Result<CancelFactorRecoveryPayload> {
        let scope = scope(context);
        let client_id = uuid(&input.client_id)?;
        scope.take(&format!("keep-factor/{}", scope.address()), scope.limits.sign_in).await?;
        let (account, nonce) = match &input.token {
            Some(token) => {
                let now = scope.clock.now_ms();
                let link = scope.tokens.read_challenge(Purpose::CancelRecovery, token, now);
                let link = link.ok_or_else(|| rejected(LostFactorRejection::LinkInvalid))?;
                (link.account, Some(link.credential))
            }
            None => (scope.viewer_at_door()?.account, None),
        };
        let command = CancelFactorRecovery { nonce };
        let accepted = scope.submit_for(account, client_id, command).await.map_err(failed)?;
        let outcome = scope.outcome(accepted).await?;
        Ok(CancelFactorRecoveryPayload { position: outcome.position })
    }
}
