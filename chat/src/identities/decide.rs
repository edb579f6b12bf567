//! When an identity is linked, taken and unlinked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{IDENTITIES_MAX, Identities, IdentityLinked, IdentityUnlinked, IdentityUsed};
use crate::Event;
use crate::accounts::{AccountId, Credential, NameId};
use crate::kernel::{Command, Context, Personal, Slot, StreamId};
use crate::outbox::Template;
use crate::passkeys::Passkeys;
use crate::recovery::Notice;
use crate::sessions::Fresh;

crate::rejections! {
    /// Why identities say no.
    IdentityRejection {
        Invalid: Forbidden, "IDENTITIES_INVALID",
            "what came back from there proves nothing here, or not any more", "Begin again.";
        NoProvider: NotFound, "IDENTITIES_NO_PROVIDER",
            "no such provider is known here", "Ask for signInProviders.";
        Taken: Conflict, "IDENTITIES_TAKEN",
            "that identity belongs to another account", "Sign in with it, or unlink it there.";
        AlreadyLinked: Conflict, "IDENTITIES_ALREADY_LINKED",
            "another identity at that provider is linked", "Unlink it first.";
        TooMany: LimitExceeded, "IDENTITIES_TOO_MANY",
            "an account has at most 20 identities", "Unlink one first.";
        RegistrationClosed: Forbidden, "IDENTITIES_REGISTRATION_CLOSED",
            "nobody registers by that provider", "Sign in another way and link it.";
        LastWay: Conflict, "SESSIONS_LAST_WAY",
            "nothing else would be left to sign in with", "Add another way to sign in first.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// What a provider has proved, found before it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct IdentityProof {
    pub claim_id: NameId,
    /// Digest of the ceremony.
    pub ceremony: String,
}

/// What a provider says of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewIdentity {
    pub claim_id: NameId,
    pub provider_id: String,
    pub issuer: String,
    pub subject: String,
    pub label: Option<String>,
    /// Digest of the ceremony.
    pub ceremony: String,
}

impl NewIdentity {
    /// That it signs in to an account.
    pub(crate) fn linked(self, account_id: AccountId, context: &Context<'_>) -> Event {
        let linked = IdentityLinked {
            account_id,
            claim_id: self.claim_id,
            provider_id: self.provider_id,
            issuer: Personal::new(self.issuer),
            subject: Personal::new(self.subject),
            label: self.label.map(Personal::new),
            ceremony_id: self.ceremony,
            origin: Some(context.origin.clone()),
        };
        linked.into()
    }
}

/// Takes a proof, once.
///
/// # Errors
/// `Invalid` when the identity is linked no more or the ceremony was used.
pub(crate) fn taken(
    identities: Option<&Identities>,
    proof: IdentityProof,
    context: &Context<'_>,
) -> Result<Event, IdentityRejection> {
    let open = identities.filter(|it| it.are_open_to(&proof.ceremony, context.now));
    let identity = open.and_then(|it| it.find(proof.claim_id));
    let used = identity.map(|identity| IdentityUsed {
        account_id: context.actor,
        claim_id: identity.claim_id,
        ceremony_id: proof.ceremony,
        origin: Some(context.origin.clone()),
    });
    used.map(Event::from).ok_or(IdentityRejection::Invalid)
}

/// Whether an account has no password and no other way in than one passkey or one identity.
pub(crate) fn is_last_way(
    credential: Option<&Credential>,
    passkeys: Option<&Passkeys>,
    identities: Option<&Identities>,
) -> bool {
    let password = credential.is_some_and(|it| it.password.is_some());
    let ways = passkeys.map_or(0, |it| it.held.len()) + identities.map_or(0, |it| it.held.len());
    !password && ways <= 1
}

/// Links an identity to the account of the person who asks, who holds the claim on it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LinkIdentity {
    pub identity: NewIdentity,
    /// Tells the person that it was done.
    pub notice: Option<Notice>,
}

impl Command for LinkIdentity {
    const NAME: &'static str = "LinkIdentity";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Fresh, Slot<Identities>);
    type Rejection = IdentityRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, IdentityRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Fresh::of(context), Slot::of(context.actor))
    }

    fn decide(
        self,
        (fresh, identities): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, IdentityRejection> {
        fresh.session(context).ok_or(IdentityRejection::NotFresh)?;
        if let Some(known) = identities.get() {
            if known.find(self.identity.claim_id).is_some() {
                return Ok(Vec::new());
            }
            if known.at(&self.identity.provider_id).is_some() {
                return Err(IdentityRejection::AlreadyLinked);
            }
            if known.held.len() >= IDENTITIES_MAX {
                return Err(IdentityRejection::TooMany);
            }
            if !known.are_open_to(&self.identity.ceremony, context.now) {
                return Err(IdentityRejection::Invalid);
            }
        }
        let told = self.notice.map(|it| it.queued(Template::IdentityLinked, context));
        let linked = self.identity.linked(context.actor, context);
        Ok(std::iter::once(linked).chain(told).collect())
    }

    /// Without what is told of it, which may change meanwhile.
    fn body(&self) -> Vec<u8> {
        self.identity.claim_id.to_string().into_bytes()
    }
}

/// Unlinks the identity at a provider.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnlinkIdentity {
    pub provider_id: String,
    /// Tells the person that it was done.
    pub notice: Option<Notice>,
}

impl Command for UnlinkIdentity {
    const NAME: &'static str = "UnlinkIdentity";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Fresh, Slot<Identities>, (Slot<Credential>, Slot<Passkeys>));
    type Rejection = IdentityRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, IdentityRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let own = context.actor;
        (Fresh::of(context), Slot::of(own), (Slot::of(own), Slot::of(own)))
    }

    fn decide(
        self,
        (fresh, identities, (credential, passkeys)): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, IdentityRejection> {
        fresh.session(context).ok_or(IdentityRejection::NotFresh)?;
        let identity = identities.get().and_then(|it| it.at(&self.provider_id));
        let identity = identity.ok_or(IdentityRejection::NotFound)?;
        if is_last_way(credential.get(), passkeys.get(), identities.get()) {
            return Err(IdentityRejection::LastWay);
        }
        let unlinked = IdentityUnlinked {
            account_id: context.actor,
            claim_id: identity.claim_id,
            origin: Some(context.origin.clone()),
        };
        let told = self.notice.map(|it| it.queued(Template::IdentityUnlinked, context));
        Ok(std::iter::once(unlinked.into()).chain(told).collect())
    }

    /// Without what is told of it, which may change meanwhile.
    fn body(&self) -> Vec<u8> {
        self.provider_id.clone().into_bytes()
    }
}
