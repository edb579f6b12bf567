//! What a proof of a second factor is held against, and taking it once, in every way to sign in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BackupCodeUsed, FactorCodeUsed, FactorId, FactorRejection, Factors, TotpUsed};
use crate::Event;
use crate::accounts::AccountId;
use crate::instance::{Instance, instance_slot};
use crate::kernel::command::Fetch;
use crate::kernel::time::Long;
use crate::kernel::{Context, Slot, State};
use crate::lost_factors::{self, Alert, LostFactor};
use crate::outbox::Channel;
use crate::passkeys::{self, PasskeyProof, Passkeys};

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
