//! When a recovery is asked for, cancelled and completed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    FactorRecoveryCancelled, FactorRecoveryCompleted, FactorRecoveryRequested, LostFactor, TOLD_MS,
};
use crate::Event;
use crate::accounts::{Account, Credential};
use crate::factors::{CodeFactorDisabled, Factors, Held, TotpRemoved};
use crate::identities::{self, Identities, IdentityProof};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::outbox::{Channel, Fields, Letter, Template, all_queued};
use crate::passkeys::{PasskeyRemoved, Passkeys};
use crate::sessions::OpenSessions;

crate::rejections! {
    /// Why lost factors say no.
    LostFactorRejection {
        NothingLost: Conflict, "LOST_FACTORS_NOTHING_LOST",
            "no second factor is asked for", "Sign in with the password.";
        TooMany: LimitExceeded, "LOST_FACTORS_TOO_MANY",
            "a recovery was asked for three times in a day", "Wait a day.";
        NobodyTold: Forbidden, "LOST_FACTORS_NOBODY_TOLD",
            "nobody could be told: no address was proved, and no session is open",
            "Use a backup code.";
        LinkInvalid: Forbidden, "LOST_FACTORS_LINK_INVALID",
            "link is not good, or not any more", "Cancel it in a session.";
        ChallengeInvalid: Unauthenticated, "SESSIONS_CHALLENGE_INVALID",
            "challenge is not good, or not any more", "Sign in with the password again.";
        Suspended: Forbidden, "SESSIONS_SUSPENDED",
            "account is suspended", "Ask an administrator of this server.";
    }
}

/// Whom to tell, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Alert {
    pub channel: Channel,
    pub to: String,
    pub locale: String,
    /// What is filled in: `name`, `server`, and where it can still be cancelled `time` and `link`.
    pub fields: Fields,
}

fn told(
    alerts: Vec<Alert>,
    (template, good_for_ms): (Template, i64),
    context: &Context<'_>,
) -> Vec<Event> {
    let letters = alerts.into_iter().map(|it| {
        let Alert { channel, to, locale, fields } = it;
        Letter { channel, template, locale, to, fields, good_for_ms }
    });
    all_queued(letters.collect(), context)
}

/// Tells that a recovery was completed.
pub(crate) fn completed_alerts(alerts: Vec<Alert>, context: &Context<'_>) -> Vec<Event> {
    told(alerts, (Template::FactorRecovered, TOLD_MS), context)
}

/// The end of a recovery that has come due; nothing where none has.
pub(crate) fn completed(
    lost: Option<&LostFactor>,
    factors: Option<&Factors>,
    passkeys: Option<&Passkeys>,
    context: &Context<'_>,
) -> Option<Vec<Event>> {
    lost?.due(context.now)?;
    let (account_id, origin) = (context.actor, Some(context.origin.clone()));
    let completed = FactorRecoveryCompleted { account_id, origin: origin.clone() };
    let mut events: Vec<Event> = vec![completed.into()];
    if let Some(factors) = factors {
        let totp = factors.totp.as_ref().map(|it| it.id);
        let removed =
            totp.map(|factor_id| TotpRemoved { account_id, factor_id, origin: origin.clone() });
        events.extend(removed.map(Event::from));
        events.extend(factors.sent.iter().map(|it| {
            let channel = it.channel;
            Event::from(CodeFactorDisabled { account_id, channel, origin: origin.clone() })
        }));
    }
    let held = passkeys.map(|it| it.held.as_slice()).unwrap_or_default();
    events.extend(held.iter().map(|it| {
        let passkey_id = it.id;
        Event::from(PasskeyRemoved { account_id, passkey_id, origin: origin.clone() })
    }));
    Some(events)
}

/// The end of a recovery that waits, for whatever shows that it must not be; nothing where none
/// does.
pub(crate) fn cancelled(lost: &LostFactor, context: &Context<'_>) -> Option<Event> {
    lost.waiting(context.now)?;
    let (account_id, origin) = (context.actor, Some(context.origin.clone()));
    Some(FactorRecoveryCancelled { account_id, origin }.into())
}

/// Says that every second factor is lost; the password was proved, a link by mail or an identity.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RequestFactorRecovery {
    /// Generation of the credential that was proved.
    pub credential: Option<u64>,
    /// What a provider has proved instead; it is not used up.
    #[serde(default)]
    pub identity: Option<IdentityProof>,
    /// What the link that cancels it holds.
    pub nonce: u64,
    pub delay_ms: i64,
    pub alerts: Vec<Alert>,
}

impl Command for RequestFactorRecovery {
    const NAME: &'static str = "RequestFactorRecovery";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = ((Slot<Account>, Slot<OpenSessions>), (Slot<Credential>, Slot<Identities>), Held);
    type Rejection = LostFactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, LostFactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let own = context.actor;
        ((Slot::of(own), Slot::of(own)), (Slot::of(own), Slot::of(own)), Held::of(own))
    }

    fn decide(
        self,
        ((account, sessions), (credential, identities), held): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, LostFactorRejection> {
        let by_password = credential.get().is_some_and(|it| Some(it.generation) == self.credential);
        let identity = self.identity.map(|it| identities::taken(identities.get(), it, context));
        if !by_password && identity.is_none_or(|it| it.is_err()) {
            return Err(LostFactorRejection::ChallengeInvalid);
        }
        if account.get().is_none_or(|it| it.suspended) {
            return Err(LostFactorRejection::Suspended);
        }
        if !held.asks(context) {
            return Err(LostFactorRejection::NothingLost);
        }
        if held.lost().is_some_and(|it| it.waiting(context.now).is_some()) {
            return Ok(Vec::new());
        }
        if held.lost().is_some_and(|it| it.asked_too_often(context.now)) {
            return Err(LostFactorRejection::TooMany);
        }
        if self.alerts.is_empty() && sessions.get().is_none_or(|it| it.open.is_empty()) {
            return Err(LostFactorRejection::NobodyTold);
        }
        let requested = FactorRecoveryRequested {
            account_id: context.actor,
            nonce: Long(self.nonce),
            due_at: Timestamp(context.now.0 + self.delay_ms),
            origin: Some(context.origin.clone()),
        };
        let told = told(self.alerts, (Template::FactorRecovery, self.delay_ms), context);
        Ok(std::iter::once(requested.into()).chain(told).collect())
    }

    /// Without the link, which is drawn anew each time.
    fn body(&self) -> Vec<u8> {
        self.credential.unwrap_or_default().to_be_bytes().to_vec()
    }
}

/// Cancels the recovery that waits: from a session of the account, or by the link.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CancelFactorRecovery {
    /// What the link holds; none from a session.
    pub nonce: Option<u64>,
}

impl Command for CancelFactorRecovery {
    const NAME: &'static str = "CancelFactorRecovery";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<LostFactor>;
    type Rejection = LostFactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, LostFactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<LostFactor> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        lost: &Slot<LostFactor>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, LostFactorRejection> {
        let waiting = lost.get().and_then(|it| it.waiting(context.now).map(|_| it));
        let meant = waiting.filter(|it| {
            let nonce = it.waiting.map(|it| it.nonce);
            self.nonce.is_none() || self.nonce == nonce
        });
        if self.nonce.is_some() && meant.is_none() {
            return Err(LostFactorRejection::LinkInvalid);
        }
        Ok(meant.and_then(|it| cancelled(it, context)).into_iter().collect())
    }
}
