//! When an application is registered, removed and allowed to act for somebody.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{
    APPLICATIONS_MAX, Application, ApplicationAllowed, ApplicationId, ApplicationRegistered,
    ApplicationRemoved, Applications, BY_ITSELF_MAX, NAME_CHARS_MAX, REDIRECT_BYTES_MAX,
    REDIRECTS_MAX, Scopes,
};
use crate::Event;
use crate::instance::{Actor, InstanceRejection, Right, actor, allowed};
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::sessions::Fresh;

crate::rejections! {
    /// Why applications say no.
    ApplicationRejection {
        Forbidden: Forbidden, "INSTANCE_FORBIDDEN",
            "your server role does not allow this", "Ask somebody with the right.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        FactorNeeded: Forbidden, "FACTORS_NEEDED",
            "this needs a second factor", "Give a code or a backup code too.";
        NameInvalid: Invalid, "APPLICATIONS_NAME_INVALID",
            "an application's name has 1 to 64 characters, none of them control", "Choose another.";
        RedirectInvalid: Invalid, "APPLICATIONS_REDIRECT_INVALID",
            "1 to 10 addresses of https, of a program's own scheme, or of http on this machine",
            "Name where people are sent back to, without # or a password.";
        TooMany: LimitExceeded, "APPLICATIONS_TOO_MANY",
            "a server has at most 1,000 applications", "Remove one first.";
        RequestInvalid: Invalid, "APPLICATIONS_REQUEST_INVALID",
            "that request for access is not good", "Go back to the application and begin again.";
        ScopeMissing: Forbidden, "APPLICATIONS_SCOPE_MISSING",
            "the application was not allowed this", "It must ask for another scope.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

impl From<InstanceRejection> for ApplicationRejection {
    fn from(rejection: InstanceRejection) -> Self {
        match rejection {
            InstanceRejection::NotFresh => Self::NotFresh,
            InstanceRejection::FactorNeeded => Self::FactorNeeded,
            InstanceRejection::Forbidden
            | InstanceRejection::SetupDone
            | InstanceRejection::SetupInvalid
            | InstanceRejection::LastOwner
            | InstanceRejection::StaffFull
            | InstanceRejection::InvitationInvalid
            | InstanceRejection::InvitationOutOfRange
            | InstanceRejection::RegistrationClosed
            | InstanceRejection::InvitationNeeded
            | InstanceRejection::ReasonInvalid
            | InstanceRejection::NotFound => Self::Forbidden,
        }
    }
}

/// Whether a character shows nothing, or turns others around: it could make one name look like
/// another where people consent.
fn is_unseen(it: char) -> bool {
    let formats = ['\u{ad}', '\u{61c}', '\u{feff}'];
    let ranges = ['\u{200b}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2060}'..='\u{206f}'];
    it.is_control() || formats.contains(&it) || ranges.iter().any(|range| range.contains(&it))
}

/// Whether people may be sent there with a code: over TLS, to a program on their own machine, or
/// by a scheme that is a program's own (RFC 8252).
fn may_be_sent_to(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let plain = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let reachable = match url.scheme() {
        "https" => true,
        "http" => is_local(&url),
        own => own.contains('.'),
    };
    plain && reachable && address.len() <= REDIRECT_BYTES_MAX
}

/// Whether an address is of this very machine.
pub(super) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(it)) => it.is_loopback(),
        Some(Host::Ipv6(it)) => it.is_loopback(),
        None => false,
    }
}

/// Registers an application.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RegisterApplication {
    pub application_id: ApplicationId,
    pub name: String,
    pub redirect_uris: Vec<String>,
    pub secret_digest: Option<String>,
    /// Whether it registers itself, which the operator has opened.
    pub by_itself: bool,
}

fn list() -> Slot<Applications> {
    Slot::new(Applications::ID, StreamId::Instance)
}

impl Command for RegisterApplication {
    const NAME: &'static str = "RegisterApplication";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = (Actor, Slot<Applications>);
    type Rejection = ApplicationRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ApplicationRejection> {
        Ok(StreamId::Instance)
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (actor(context), list())
    }

    fn decide(
        self,
        (staff, known): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ApplicationRejection> {
        if !self.by_itself {
            allowed(staff, Right::ChangeSettings, context)?;
        }
        let length = self.name.chars().count();
        if !(1..=NAME_CHARS_MAX).contains(&length) || self.name.chars().any(is_unseen) {
            return Err(ApplicationRejection::NameInvalid);
        }
        let few = (1..=REDIRECTS_MAX).contains(&self.redirect_uris.len());
        if !few || !self.redirect_uris.iter().all(|it| may_be_sent_to(it)) {
            return Err(ApplicationRejection::RedirectInvalid);
        }
        let most = if self.by_itself { BY_ITSELF_MAX } else { APPLICATIONS_MAX };
        if known.get().is_some_and(|it| it.ids.len() >= most) {
            return Err(ApplicationRejection::TooMany);
        }
        let registered = ApplicationRegistered {
            application_id: self.application_id,
            application_name: self.name,
            redirect_uris: self.redirect_uris,
            secret_digest: self.secret_digest,
            origin: Some(context.origin.clone()),
        };
        Ok(vec![registered.into()])
    }

    /// Without the secret, which is drawn anew each time.
    fn body(&self) -> Vec<u8> {
        let told = (self.application_id, &self.name, &self.redirect_uris);
        serde_json::to_vec(&told).expect("it is plain data")
    }
}

/// Removes an application; what people have allowed it is void.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveApplication {
    pub application_id: ApplicationId,
}

impl Command for RemoveApplication {
    const NAME: &'static str = "RemoveApplication";
    const SEALS: bool = false;
    type State = (Actor, Slot<Applications>);
    type Rejection = ApplicationRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ApplicationRejection> {
        Ok(StreamId::Instance)
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (actor(context), list())
    }

    fn decide(
        self,
        (staff, known): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ApplicationRejection> {
        allowed(staff, Right::ChangeSettings, context)?;
        let known = known.get().is_some_and(|it| it.ids.contains(&self.application_id));
        let (application_id, origin) = (self.application_id, Some(context.origin.clone()));
        let removed = ApplicationRemoved { application_id, origin };
        known.then(|| vec![removed.into()]).ok_or(ApplicationRejection::NotFound)
    }
}

/// Allows an application to act for the person who asks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AllowApplication {
    pub application_id: ApplicationId,
    pub scopes: Scopes,
}

impl Command for AllowApplication {
    const NAME: &'static str = "AllowApplication";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = (Slot<Application>, Fresh);
    type Rejection = ApplicationRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ApplicationRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let application = Slot::new(self.application_id.to_string(), StreamId::Instance);
        (application, Fresh::of(context))
    }

    fn decide(
        self,
        (application, fresh): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ApplicationRejection> {
        // What is allowed lasts longer than an access token that was stolen.
        fresh.session(context).ok_or(ApplicationRejection::NotFresh)?;
        let known = application.get().is_some_and(|it| !it.removed);
        let allowed = ApplicationAllowed {
            account_id: context.actor,
            application_id: self.application_id,
            access: self.scopes.list(),
            origin: Some(context.origin.clone()),
        };
        known.then(|| vec![allowed.into()]).ok_or(ApplicationRejection::NotFound)
    }
}
