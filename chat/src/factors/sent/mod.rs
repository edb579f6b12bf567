//! Codes that are sent to a proved address: asked for, sent, and given up.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{codes_made, demand};
use super::{
    CODE_MS, CodeFactorDisabled, CodeFactorEnabled, FactorCodeSent, FactorRejection, Factors,
    RESEND_MS, is_asked_for,
};
use crate::Event;
use crate::accounts::NameId;
use crate::addresses::{AddressId, Addresses};
use crate::instance::{Instance, instance_slot};
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::outbox::{Channel, Fields, Letter, Template, queued};
use crate::passkeys::Passkeys;
use crate::recovery::Notice;
use crate::sessions::Fresh;

/// Asks for codes to an address from here on, in place of another one of its channel.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EnableCodeFactor {
    pub address_id: AddressId,
    /// Keyed digests of the backup codes that are handed out with the first factor.
    pub digests: Vec<String>,
    /// Tells the person that it was done.
    #[serde(default)]
    pub notice: Option<Notice>,
}

impl Command for EnableCodeFactor {
    const NAME: &'static str = "EnableCodeFactor";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Fresh, Slot<Addresses>);
    type Rejection = FactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Fresh::of(context), Slot::of(context.actor))
    }

    fn decide(
        self,
        (fresh, addresses): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, FactorRejection> {
        demand(fresh, context)?;
        let found = addresses.get().and_then(|it| it.confirmed(self.address_id));
        let found = found.ok_or(FactorRejection::NotFound)?;
        if fresh.factors.get().is_some_and(|it| it.rest_on(found.claim_id)) {
            return Ok(Vec::new());
        }
        let enabled = CodeFactorEnabled {
            account_id: context.actor,
            channel: found.channel,
            claim_id: found.claim_id,
            origin: Some(context.origin.clone()),
        };
        let codes_left = fresh.factors.get().map_or(0, Factors::codes_left);
        let made = (codes_left == 0).then(|| codes_made(self.digests, context));
        let told = self.notice.map(|it| it.queued(Template::FactorAdded, context));
        Ok(std::iter::once(enabled.into()).chain(made).chain(told).collect())
    }

    /// Without the digests, whose codes are drawn anew each time, and without what is told of it.
    fn body(&self) -> Vec<u8> {
        self.address_id.to_string().into_bytes()
    }
}

/// Asks for codes by a channel no more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DisableCodeFactor {
    pub channel: Channel,
}

impl Command for DisableCodeFactor {
    const NAME: &'static str = "DisableCodeFactor";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
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
        let Some(factors) = fresh.factors.get().filter(|it| it.by(self.channel).is_some()) else {
            return Ok(Vec::new());
        };
        let demanded = instance.get().is_some_and(|it| it.demands_factor(context.actor));
        let others = factors.totp.is_some() || factors.sent.len() > 1;
        if demanded && !others && !is_asked_for(None, passkeys.get(), true) {
            return Err(FactorRejection::Demanded);
        }
        let (account_id, channel) = (context.actor, self.channel);
        let origin = Some(context.origin.clone());
        Ok(vec![CodeFactorDisabled { account_id, channel, origin }.into()])
    }
}

/// Sends a code, in place of those before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendFactorCode {
    pub channel: Channel,
    /// The claim on the address that it goes to.
    pub claim_id: NameId,
    /// What is remembered of the code.
    pub digest: String,
    pub to: String,
    pub locale: String,
    /// What is filled in: `code`, `name` and `server`.
    pub fields: Fields,
}

impl Command for SendFactorCode {
    const NAME: &'static str = "SendFactorCode";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Slot<Factors>, Slot<Addresses>);
    type Rejection = FactorRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, FactorRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Slot::of(context.actor), Slot::of(context.actor))
    }

    fn decide(
        self,
        (factors, addresses): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, FactorRejection> {
        let (channel, claim_id) = (self.channel, self.claim_id);
        let asked = factors.get().and_then(|it| it.by(channel));
        let known = addresses.get().map(|it| it.confirmed.as_slice()).unwrap_or_default();
        let proved = known.iter().any(|it| it.claim_id == claim_id);
        if !proved || asked.is_none_or(|it| it.claim_id != claim_id) {
            return Err(FactorRejection::NotFound);
        }
        let open = asked.and_then(|it| it.open.as_ref());
        if open.is_some_and(|it| context.now.0 < it.good_until.0 - CODE_MS + RESEND_MS) {
            // Whoever asks again and again keeps nobody from typing the code that is on its way.
            return Ok(Vec::new());
        }
        let sent = FactorCodeSent {
            account_id: context.actor,
            channel,
            digest: self.digest,
            good_until: Timestamp(context.now.0 + CODE_MS),
            origin: Some(context.origin.clone()),
        };
        let (template, good_for_ms) = (Template::FactorCode, CODE_MS);
        let (to, locale, fields) = (self.to, self.locale, self.fields);
        let letter = Letter { channel, template, locale, to, fields, good_for_ms };
        Ok(vec![sent.into(), queued(letter, context)])
    }

    /// Without the code, which is drawn anew each time.
    fn body(&self) -> Vec<u8> {
        vec![self.channel as u8]
    }
}
