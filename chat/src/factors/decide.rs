//! When a second factor is set up, taken and removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    BACKUP_CODES, BackupCodesMade, FactorId, FactorTried, Factors, TotpConfirmed, TotpEnrolled,
    TotpRemoved, is_asked_for,
};
use crate::Event;
use crate::instance::{Instance, instance_slot};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId};
use crate::outbox::Template;
use crate::passkeys::Passkeys;
use crate::recovery::Notice;
use crate::sessions::Fresh;

crate::rejections! {
    /// Why second factors say no.
    FactorRejection {
        Needed: Forbidden, "FACTORS_NEEDED",
            "this needs a second factor", "Give a code or a backup code too.";
        CodeInvalid: Forbidden, "FACTORS_CODE_INVALID",
            "code is wrong or was used before", "Wait for the next code.";
        PasskeyInvalid: Forbidden, "PASSKEYS_INVALID",
            "that passkey proves nothing here, or not any more", "Begin again.";
        TooManyTries: LimitExceeded, "FACTORS_TOO_MANY_TRIES",
            "too many codes were tried", "Wait ten minutes, or longer if it goes on.";
        SetUpFirst: Forbidden, "FACTORS_SET_UP_FIRST",
            "this server demands a second factor", "Set one up: enrolTotp, then confirmTotp.";
        NothingPending: Conflict, "FACTORS_NOTHING_PENDING",
            "no secret waits for its first code", "Give `enrolTotp` first.";
        Demanded: Conflict, "FACTORS_DEMANDED",
            "this server demands a second factor", "Replace it instead: enrolTotp, confirmTotp.";
        MailTwice: Forbidden, "FACTORS_MAIL_TWICE",
            "a code by mail proves nothing beside a link by mail or a provider",
            "Show another second factor, or recover from its loss.";
        NotRecovered: Forbidden, "LOST_FACTORS_NOT_DUE",
            "no recovery has come due", "Ask for one, or wait until it takes effect.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// Counts a try before the code is looked at, so that no more are looked at than the limit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TryFactor {
    /// Whether the first code of a secret is tried.
    #[serde(default)]
    pub enrolling: bool,
}

impl Command for TryFactor {
    const NAME: &'static str = "TryFactor";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Fresh;
    type Rejection = FactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Fresh {
        Fresh::of(context)
    }

    fn decide(self, fresh: &Fresh, context: &Context<'_>) -> Result<Vec<Event>, FactorRejection> {
        let factors = fresh.factors.get();
        if self.enrolling {
            // A session that may set up nothing spends none of the tries either.
            demand(fresh, context)?;
            let pending = factors.and_then(|it| it.pending.as_ref());
            pending.ok_or(FactorRejection::NothingPending)?;
        }
        if factors.and_then(|it| it.wait_ms(context.now)).is_some() {
            return Err(FactorRejection::TooManyTries);
        }
        let origin = Some(context.origin.clone());
        Ok(vec![FactorTried { account_id: context.actor, origin }.into()])
    }
}

pub(super) fn demand(fresh: &Fresh, context: &Context<'_>) -> Result<(), FactorRejection> {
    fresh.session(context).map(drop).ok_or(FactorRejection::NotFresh)
}

/// Hands out a secret for one-time passwords, in place of one that waits for its first code or of
/// the one in use once the new one is proved.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EnrolTotp {
    pub factor_id: FactorId,
    /// In base32.
    pub secret: String,
}

impl Command for EnrolTotp {
    const NAME: &'static str = "EnrolTotp";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = Fresh;
    type Rejection = FactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Fresh {
        Fresh::of(context)
    }

    fn decide(self, fresh: &Fresh, context: &Context<'_>) -> Result<Vec<Event>, FactorRejection> {
        demand(fresh, context)?;
        let enrolled = TotpEnrolled {
            account_id: context.actor,
            factor_id: self.factor_id,
            secret: Personal::new(self.secret),
            origin: Some(context.origin.clone()),
        };
        Ok(vec![enrolled.into()])
    }

    /// Without the secret, which is drawn anew each time.
    fn body(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// Asks for one-time passwords from here on: a code has proved the secret.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfirmTotp {
    pub factor_id: FactorId,
    pub step: u64,
    /// Keyed digests of the backup codes that are handed out with it.
    pub digests: Vec<String>,
    /// Tells the person that it was done.
    #[serde(default)]
    pub notice: Option<Notice>,
}

impl Command for ConfirmTotp {
    const NAME: &'static str = "ConfirmTotp";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = Fresh;
    type Rejection = FactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Fresh {
        Fresh::of(context)
    }

    fn decide(self, fresh: &Fresh, context: &Context<'_>) -> Result<Vec<Event>, FactorRejection> {
        demand(fresh, context)?;
        let pending = fresh.factors.get().and_then(|it| it.pending.as_ref());
        pending.filter(|it| it.id == self.factor_id).ok_or(FactorRejection::NothingPending)?;
        let (account_id, origin) = (context.actor, Some(context.origin.clone()));
        let factor_id = self.factor_id;
        let step = Long(self.step);
        let confirmed = TotpConfirmed { account_id, factor_id, step, origin };
        let told = self.notice.map(|it| it.queued(Template::FactorAdded, context));
        let made = codes_made(self.digests, context);
        Ok([confirmed.into(), made].into_iter().chain(told).collect())
    }

    /// Without the digests, whose codes are drawn anew each time.
    fn body(&self) -> Vec<u8> {
        self.factor_id.to_string().into_bytes()
    }
}

pub(super) fn codes_made(digests: Vec<String>, context: &Context<'_>) -> Event {
    debug_assert_eq!(digests.len(), BACKUP_CODES);
    let origin = Some(context.origin.clone());
    BackupCodesMade { account_id: context.actor, digests, origin }.into()
}

/// Makes new backup codes in place of those before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MakeBackupCodes {
    pub digests: Vec<String>,
}

impl Command for MakeBackupCodes {
    const NAME: &'static str = "MakeBackupCodes";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Fresh;
    type Rejection = FactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Fresh {
        Fresh::of(context)
    }

    fn decide(self, fresh: &Fresh, context: &Context<'_>) -> Result<Vec<Event>, FactorRejection> {
        demand(fresh, context)?;
        let asked_for = fresh.factors.get().is_some_and(Factors::are_asked_for);
        asked_for.then(|| vec![codes_made(self.digests, context)]).ok_or(FactorRejection::NotFound)
    }

    /// Without the digests, whose codes are drawn anew each time.
    fn body(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// Asks for one-time passwords no more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveTotp {}

impl Command for RemoveTotp {
    const NAME: &'static str = "RemoveTotp";
    const SEALS: bool = false;
    type State = (Fresh, Slot<Passkeys>, Slot<Instance>);
    type Rejection = FactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Fresh::of(context), Slot::of(context.actor), instance_slot())
    }

    fn decide(
        self,
        (fresh, passkeys, instance): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, FactorRejection> {
        demand(fresh, context)?;
        let Some(totp) = fresh.factors.get().and_then(|it| it.totp.as_ref()) else {
            return Ok(Vec::new());
        };
        let demanded = instance.get().is_some_and(|it| it.demands_factor(context.actor));
        let codes = fresh.factors.get().is_some_and(|it| !it.sent.is_empty());
        if demanded && !codes && !is_asked_for(None, passkeys.get(), true) {
            return Err(FactorRejection::Demanded);
        }
        let (account_id, factor_id) = (context.actor, totp.id);
        let origin = Some(context.origin.clone());
        Ok(vec![TotpRemoved { account_id, factor_id, origin }.into()])
    }
}
