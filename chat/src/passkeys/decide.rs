//! When a passkey is added, taken and removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    NAME_CHARS_MAX, PASSKEYS_MAX, PasskeyAdded, PasskeyId, PasskeyRemoved, PasskeyUsed, Passkeys,
};
use crate::Event;
use crate::accounts::Credential;
use crate::factors::Factors;
use crate::identities::{Identities, is_last_way};
use crate::instance::{Instance, instance_slot};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId};
use crate::outbox::Template;
use crate::recovery::Notice;
use crate::sessions::Fresh;

crate::rejections! {
    /// Why passkeys say no.
    PasskeyRejection {
        Invalid: Forbidden, "PASSKEYS_INVALID",
            "that passkey proves nothing here, or not any more", "Begin again.";
        NoHost: Conflict, "PASSKEYS_NO_HOST",
            "this server has no name that passkeys could belong to",
            "Its operator sets public_url to an address with a name.";
        NameInvalid: Invalid, "PASSKEYS_NAME_INVALID",
            "a passkey's name has 1 to 64 characters", "Shorten it.";
        TooMany: LimitExceeded, "PASSKEYS_TOO_MANY",
            "an account has at most 20 passkeys", "Remove one first.";
        Demanded: Conflict, "FACTORS_DEMANDED",
            "this server demands a second factor", "Add another one first.";
        LastWay: Conflict, "SESSIONS_LAST_WAY",
            "nothing else would be left to sign in with", "Add another way to sign in first.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// What a device has proved, found before it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PasskeyProof {
    pub passkey_id: PasskeyId,
    /// Digest of the ceremony.
    pub ceremony: String,
    pub counter: u32,
}

/// Takes a proof, once.
///
/// # Errors
/// `Invalid` when the passkey is gone or the ceremony was used.
pub(crate) fn taken(
    passkeys: Option<&Passkeys>,
    proof: PasskeyProof,
    context: &Context<'_>,
) -> Result<Event, PasskeyRejection> {
    let passkeys = passkeys.filter(|it| it.are_open_to(&proof.ceremony, context.now));
    let passkey = passkeys.and_then(|it| it.find(proof.passkey_id));
    let counter = u64::from(proof.counter);
    let used = passkey.map(|passkey| PasskeyUsed {
        account_id: context.actor,
        passkey_id: passkey.id,
        ceremony_id: proof.ceremony,
        counter: Long(counter),
        regressed: passkey.counter > 0 && counter <= passkey.counter,
        origin: Some(context.origin.clone()),
    });
    used.map(Event::from).ok_or(PasskeyRejection::Invalid)
}

/// Adds a passkey that a device has just made for the person who asks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddPasskey {
    pub passkey_id: PasskeyId,
    pub name: String,
    /// In JSON.
    pub credential: String,
    /// Tells the person that it was done.
    #[serde(default)]
    pub notice: Option<Notice>,
}

impl Command for AddPasskey {
    const NAME: &'static str = "AddPasskey";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Fresh, Slot<Passkeys>);
    type Rejection = PasskeyRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, PasskeyRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Fresh::of(context), Slot::of(context.actor))
    }

    fn decide(
        self,
        (fresh, passkeys): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PasskeyRejection> {
        fresh.session(context).ok_or(PasskeyRejection::NotFresh)?;
        if !(1..=NAME_CHARS_MAX).contains(&self.name.chars().count()) {
            return Err(PasskeyRejection::NameInvalid);
        }
        let held = passkeys.get().map(|it| it.held.as_slice()).unwrap_or_default();
        if held.iter().any(|it| it.id == self.passkey_id) {
            return Ok(Vec::new());
        }
        if held.len() >= PASSKEYS_MAX {
            return Err(PasskeyRejection::TooMany);
        }
        let added = PasskeyAdded {
            account_id: context.actor,
            passkey_id: self.passkey_id,
            name: Personal::new(self.name),
            credential: Personal::new(self.credential),
            origin: Some(context.origin.clone()),
        };
        let told = self.notice.map(|it| it.queued(Template::FactorAdded, context));
        Ok(std::iter::once(added.into()).chain(told).collect())
    }

    /// Without what is told of it, which may change meanwhile.
    fn body(&self) -> Vec<u8> {
        format!("{} {} {}", self.passkey_id, self.name, self.credential).into_bytes()
    }
}

/// Removes a passkey of the person who asks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemovePasskey {
    pub passkey_id: PasskeyId,
}

impl Command for RemovePasskey {
    const NAME: &'static str = "RemovePasskey";
    const SEALS: bool = false;
    type State = ((Fresh, Slot<Passkeys>, Slot<Instance>), (Slot<Credential>, Slot<Identities>));
    type Rejection = PasskeyRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, PasskeyRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let own = context.actor;
        let asked = (Fresh::of(context), Slot::of(own), instance_slot());
        (asked, (Slot::of(own), Slot::of(own)))
    }

    fn decide(
        self,
        ((fresh, passkeys, instance), (credential, identities)): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PasskeyRejection> {
        fresh.session(context).ok_or(PasskeyRejection::NotFresh)?;
        let held = passkeys.get().map(|it| it.held.as_slice()).unwrap_or_default();
        if !held.iter().any(|it| it.id == self.passkey_id) {
            return Err(PasskeyRejection::NotFound);
        }
        let other = fresh.factors.get().is_some_and(Factors::are_asked_for) || held.len() > 1;
        if !other && instance.get().is_some_and(|it| it.demands_factor(context.actor)) {
            return Err(PasskeyRejection::Demanded);
        }
        if is_last_way(credential.get(), passkeys.get(), identities.get()) {
            return Err(PasskeyRejection::LastWay);
        }
        let (account_id, passkey_id) = (context.actor, self.passkey_id);
        let origin = Some(context.origin.clone());
        Ok(vec![PasskeyRemoved { account_id, passkey_id, origin }.into()])
    }
}
