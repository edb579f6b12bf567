//! When a second factor is set up, taken and removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    BACKUP_CODES, BackupCodeUsed, BackupCodesMade, FactorCodeUsed, FactorId, FactorTried, Factors,
    TotpConfirmed, TotpEnrolled, TotpRemoved, TotpUsed,
};
use crate::Event;
use crate::accounts::AccountId;
use crate::instance::{Instance, instance_slot};
use crate::kernel::command::Fetch;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, State, StreamId};
use crate::lost_factors::{self, Alert, LostFactor};
use crate::outbox::Channel;
use crate::passkeys::{self, PasskeyProof, Passkeys};
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
            "too many codes were tried", "Wait ten minutes.";
        SetUpFirst: Forbidden, "FACTORS_SET_UP_FIRST",
            "this server demands a second factor", "Set one up: enrolTotp, then confirmTotp.";
        NothingPending: Conflict, "FACTORS_NOTHING_PENDING",
            "no secret waits for its first code", "Give `enrolTotp` first.";
        Demanded: Conflict, "FACTORS_DEMANDED",
            "this server demands a second factor", "Replace it instead: enrolTotp, confirmTotp.";
        MailTwice: Forbidden, "FACTORS_MAIL_TWICE",
            "a code by mail proves nothing beside a link by mail",
            "Show another second factor, or recover from its loss.";
        NotRecovered: Forbidden, "LOST_FACTORS_NOT_DUE",
            "no recovery has come due", "Ask for one, or wait until it takes effect.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// What was proved of a second factor, found before it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FactorProof {
    /// The code of a time step.
    Totp { factor_id: FactorId, step: u64 },
    /// The backup code at an index.
    BackupCode {
        index: usize,
        /// Which code stood there.
        digest: String,
    },
    /// A passkey.
    Passkey(PasskeyProof),
    /// The code that was sent last by a channel.
    Sent { channel: Channel, digest: String },
    /// None, since they are lost: a recovery has come due. Whom to tell stands beside it.
    Lost { alerts: Vec<Alert> },
}

/// What a proof of a second factor is held against.
pub struct Held {
    factors: Slot<Factors>,
    passkeys: Slot<Passkeys>,
    instance: Slot<Instance>,
    lost: Slot<LostFactor>,
}

/// What came of a proof that was taken.
pub(crate) struct Taken {
    pub(crate) events: Vec<Event>,
    /// Whether a second factor was proved.
    pub(crate) factor: bool,
    /// Whether the second factors were given up as lost.
    pub(crate) recovered: bool,
}

impl State for Held {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.factors.fill(fetch);
        self.passkeys.fill(fetch);
        self.instance.fill(fetch);
        self.lost.fill(fetch);
    }
}

impl Held {
    /// Of an account.
    pub(crate) fn of(account: AccountId) -> Self {
        let (factors, passkeys) = (Slot::of(account), Slot::of(account));
        Self { factors, passkeys, instance: instance_slot(), lost: Slot::of(account) }
    }

    /// Whether the server demands a second factor of whoever asks.
    pub(crate) fn demands(&self, context: &Context<'_>) -> bool {
        self.instance.get().is_some_and(|it| it.demands_factor(context.actor))
    }

    /// Whether a second factor is asked for beside the password.
    pub(crate) fn asks(&self, context: &Context<'_>) -> bool {
        is_asked_for(self.factors.get(), self.passkeys.get(), self.demands(context))
    }

    /// What is known of a loss.
    pub(crate) fn lost(&self) -> Option<&LostFactor> {
        self.lost.get()
    }

    /// Takes a proof, once; nothing where none is asked for and none is given. Whoever shows a
    /// factor has not lost it: a recovery that waits is cancelled.
    ///
    /// # Errors
    /// `Needed` without a proof, `CodeInvalid` for one that was taken before.
    pub(crate) fn taken(
        &self,
        proof: Option<FactorProof>,
        context: &Context<'_>,
    ) -> Result<Taken, FactorRejection> {
        if let Some(FactorProof::Lost { alerts }) = proof {
            let (factors, passkeys) = (self.factors.get(), self.passkeys.get());
            let events = lost_factors::completed(self.lost(), factors, passkeys, context)
                .ok_or(FactorRejection::NotRecovered)?;
            let told = lost_factors::completed_alerts(alerts, context);
            let events = events.into_iter().chain(told).collect();
            return Ok(Taken { events, factor: false, recovered: true });
        }
        let used = self.used(proof, context)?;
        let factor = used.is_some();
        let kept = self.lost().filter(|_| factor);
        let cancelled = kept.and_then(|it| lost_factors::cancelled(it, context));
        let events = used.into_iter().chain(cancelled).collect();
        Ok(Taken { events, factor, recovered: false })
    }

    fn used(
        &self,
        proof: Option<FactorProof>,
        context: &Context<'_>,
    ) -> Result<Option<Event>, FactorRejection> {
        let factors = self.factors.get().filter(|it| it.are_asked_for());
        let passkeys = self.passkeys.get();
        let (account_id, origin) = (context.actor, Some(context.origin.clone()));
        match (factors, proof) {
            (_, Some(FactorProof::Passkey(proof))) => {
                let used = passkeys::taken(passkeys, proof, context);
                used.map(Some).map_err(|_| FactorRejection::PasskeyInvalid)
            }
            (None, None) => {
                let asked_for = is_asked_for(None, passkeys, self.demands(context));
                (!asked_for).then_some(None).ok_or(FactorRejection::Needed)
            }
            (Some(_), None) => Err(FactorRejection::Needed),
            (Some(factors), Some(FactorProof::Totp { factor_id, step })) => {
                let totp = factors.totp.as_ref();
                let fits = totp.is_some_and(|it| it.id == factor_id && step > it.last_step);
                let used = TotpUsed { account_id, factor_id, step: Long(step), origin };
                fits.then(|| Some(used.into())).ok_or(FactorRejection::CodeInvalid)
            }
            (Some(factors), Some(FactorProof::BackupCode { index, digest })) => {
                let unused = factors.codes.get(index).is_some_and(|it| *it == Some(digest));
                let index = i32::try_from(index).map_err(|_| FactorRejection::CodeInvalid)?;
                let used = BackupCodeUsed { account_id, index, origin };
                unused.then(|| Some(used.into())).ok_or(FactorRejection::CodeInvalid)
            }
            (Some(factors), Some(FactorProof::Sent { channel, digest })) => {
                let open = factors.by(channel).and_then(|it| it.open.as_ref());
                let fits =
                    open.is_some_and(|it| it.digest == digest && context.now.0 < it.good_until.0);
                let used = FactorCodeUsed { account_id, channel, origin };
                fits.then(|| Some(used.into())).ok_or(FactorRejection::CodeInvalid)
            }
            (Some(_), Some(FactorProof::Lost { .. })) | (None, Some(_)) => {
                Err(FactorRejection::CodeInvalid)
            }
        }
    }
}

/// Whether a second factor is asked for beside a password: codes of any kind that are set up, or
/// a passkey where the server demands one.
pub(crate) fn is_asked_for(
    factors: Option<&Factors>,
    passkeys: Option<&Passkeys>,
    demanded: bool,
) -> bool {
    let passkeys = passkeys.is_some_and(|it| !it.held.is_empty());
    factors.is_some_and(Factors::are_asked_for) || (demanded && passkeys)
}

/// Counts a try before the code is looked at, so that no more are looked at than the limit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TryFactor {}

impl Command for TryFactor {
    const NAME: &'static str = "TryFactor";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Factors>;
    type Rejection = FactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Factors> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        factors: &Slot<Factors>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, FactorRejection> {
        if factors.get().and_then(|it| it.wait_ms(context.now)).is_some() {
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
}

impl Command for ConfirmTotp {
    const NAME: &'static str = "ConfirmTotp";
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
        let pending = fresh.factors.get().and_then(|it| it.pending.as_ref());
        pending.filter(|it| it.id == self.factor_id).ok_or(FactorRejection::NothingPending)?;
        let (account_id, origin) = (context.actor, Some(context.origin.clone()));
        let factor_id = self.factor_id;
        let step = Long(self.step);
        let confirmed = TotpConfirmed { account_id, factor_id, step, origin };
        Ok(vec![confirmed.into(), codes_made(self.digests, context)])
    }

    /// Without the digests, whose codes are drawn anew each time.
    fn body(&self) -> Vec<u8> {
        self.factor_id.to_string().into_bytes()
    }
}

fn codes_made(digests: Vec<String>, context: &Context<'_>) -> Event {
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
