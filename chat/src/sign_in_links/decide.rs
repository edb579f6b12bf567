//! When a link is sent, and when it is taken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LINK_MS, SignInLink, SignInLinkSent, SignInLinkUsed};
use crate::Event;
use crate::accounts::Account;
use crate::addresses::{AddressId, Addresses};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::outbox::{Channel, Fields, Letter, Template, queued};

crate::rejections! {
    /// Why sign-in links say no.
    SignInLinkRejection {
        Off: Forbidden, "SIGN_IN_LINKS_OFF",
            "nobody signs in by links here", "Sign in with the password.";
        LinkInvalid: Unauthenticated, "SIGN_IN_LINKS_INVALID",
            "link is not good, or not any more", "Ask for a new one.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// Sends a link to an address that was proved, in place of those before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RequestSignInLink {
    pub address_id: AddressId,
    /// What tells it from others.
    pub nonce: u64,
    pub to: String,
    pub locale: String,
    /// What is filled in: `name`, `server` and `link`.
    pub fields: Fields,
}

impl Command for RequestSignInLink {
    const NAME: &'static str = "RequestSignInLink";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Slot<Addresses>, Slot<Account>);
    type Rejection = SignInLinkRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SignInLinkRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Slot::of(context.actor), Slot::of(context.actor))
    }

    fn decide(
        self,
        (addresses, account): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, SignInLinkRejection> {
        let proved = addresses.get().is_some_and(|it| it.confirmed(self.address_id).is_some());
        let usable = account.get().is_some_and(|it| !it.suspended);
        if !proved || !usable {
            return Err(SignInLinkRejection::NotFound);
        }
        let sent = SignInLinkSent {
            account_id: context.actor,
            nonce: Long(self.nonce),
            good_until: Timestamp(context.now.0 + LINK_MS),
            origin: Some(context.origin.clone()),
        };
        let letter = Letter {
            channel: Channel::Mail,
            template: Template::SignInLink,
            locale: self.locale,
            to: self.to,
            fields: self.fields,
            good_for_ms: LINK_MS,
        };
        Ok(vec![sent.into(), queued(letter, context)])
    }

    /// Without the link, which is drawn anew each time.
    fn body(&self) -> Vec<u8> {
        self.address_id.to_string().into_bytes()
    }
}

/// Takes a link, once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UseSignInLink {
    pub nonce: u64,
}

impl Command for UseSignInLink {
    const NAME: &'static str = "UseSignInLink";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<SignInLink>;
    type Rejection = SignInLinkRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SignInLinkRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<SignInLink> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        link: &Slot<SignInLink>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, SignInLinkRejection> {
        let open = link.get().and_then(|it| it.open);
        let good = open.is_some_and(|it| it.nonce == self.nonce && context.now.0 < it.good_until.0);
        let (account_id, origin) = (context.actor, Some(context.origin.clone()));
        let used = SignInLinkUsed { account_id, origin };
        good.then(|| vec![used.into()]).ok_or(SignInLinkRejection::LinkInvalid)
    }
}
