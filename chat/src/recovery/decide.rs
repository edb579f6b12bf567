//! When a link is sent, and when a password is set anew.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RESET_MS;
use crate::Event;
use crate::accounts::{Account, Credential, PasswordChanged};
use crate::addresses::{AddressId, Addresses};
use crate::factors::{FactorProof, FactorRejection, Held};
use crate::kernel::{Command, Context, Personal, Slot, StreamId};
use crate::outbox::{Channel, Fields, Letter, Template, queued};
use crate::sessions::{EndCause, OpenSessions, ending};

crate::rejections! {
    /// Why recovery says no.
    RecoveryRejection {
        LinkInvalid: Forbidden, "RECOVERY_LINK_INVALID",
            "link is not good, or not any more", "Ask for a new one.";
        FactorNeeded: Forbidden, "FACTORS_NEEDED",
            "this needs a second factor", "Give a code or a backup code too.";
        CodeInvalid: Forbidden, "FACTORS_CODE_INVALID",
            "code is wrong or was used before", "Wait for the next code.";
        NotRecovered: Forbidden, "LOST_FACTORS_NOT_DUE",
            "no recovery has come due", "Ask for one, or wait until it takes effect.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

impl From<FactorRejection> for RecoveryRejection {
    fn from(rejection: FactorRejection) -> Self {
        match rejection {
            FactorRejection::Needed => Self::FactorNeeded,
            FactorRejection::NotRecovered => Self::NotRecovered,
            FactorRejection::CodeInvalid
            | FactorRejection::PasskeyInvalid
            | FactorRejection::MailTwice
            | FactorRejection::TooManyTries
            | FactorRejection::SetUpFirst
            | FactorRejection::NothingPending
            | FactorRejection::Demanded
            | FactorRejection::NotFresh
            | FactorRejection::NotFound => Self::CodeInvalid,
        }
    }
}

/// A message by mail that tells a person what concerns their password.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Notice {
    pub to: String,
    pub locale: String,
    /// What is filled in: `name`, `server`, and `link` where there is one.
    pub fields: Fields,
}

impl Notice {
    pub(crate) fn queued(self, template: Template, context: &Context<'_>) -> Event {
        let Self { to, locale, fields } = self;
        let good_for_ms = RESET_MS;
        let channel = Channel::Mail;
        queued(Letter { channel, template, locale, to, fields, good_for_ms }, context)
    }
}

/// Sends a link that sets the password anew to an address that was proved.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RequestReset {
    pub address_id: AddressId,
    pub notice: Notice,
}

impl Command for RequestReset {
    const NAME: &'static str = "RequestReset";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Slot<Addresses>, Slot<Account>);
    type Rejection = RecoveryRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, RecoveryRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Slot::of(context.actor), Slot::of(context.actor))
    }

    fn decide(
        self,
        (addresses, account): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, RecoveryRejection> {
        let proved = addresses.get().is_some_and(|it| it.confirmed(self.address_id).is_some());
        let usable = account.get().is_some_and(|it| !it.suspended);
        let sent = || vec![self.notice.queued(Template::PasswordReset, context)];
        (proved && usable).then(sent).ok_or(RecoveryRejection::NotFound)
    }
}

/// Sets a forgotten password anew; the link was shown, and the second factor where one is asked
/// for. Every session ends.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResetPassword {
    /// Argon2id in PHC form.
    pub password: String,
    /// Generation of the credential that the link was made for: it is good once.
    pub credential: u64,
    pub factor: Option<FactorProof>,
    /// Tells the person that it was done.
    pub notice: Option<Notice>,
}

impl Command for ResetPassword {
    const NAME: &'static str = "ResetPassword";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Slot<Credential>, Slot<OpenSessions>, Held);
    type Rejection = RecoveryRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, RecoveryRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Slot::of(context.actor), Slot::of(context.actor), Held::of(context.actor))
    }

    fn decide(
        self,
        (credential, sessions, held): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, RecoveryRejection> {
        if credential.get().is_none_or(|it| it.generation != self.credential) {
            return Err(RecoveryRejection::LinkInvalid);
        }
        let taken = held.taken(self.factor, context)?;
        let changed = PasswordChanged {
            account_id: context.actor,
            password: Personal::new(self.password),
            origin: Some(context.origin.clone()),
        };
        let open = sessions.get().map(|it| it.others(None)).unwrap_or_default();
        let ended = ending(context.actor, open, EndCause::PasswordReset, context);
        let told = self.notice.map(|it| it.queued(Template::PasswordChanged, context));
        Ok(taken.events.into_iter().chain([changed.into()]).chain(ended).chain(told).collect())
    }

    /// Without the hash, whose salt differs each time.
    fn body(&self) -> Vec<u8> {
        self.credential.to_be_bytes().to_vec()
    }
}
