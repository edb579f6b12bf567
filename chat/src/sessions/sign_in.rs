//! Opening a session, whatever way somebody has proved themselves.

use async_graphql::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DEVICE_CHARS_MAX, OpenSession, Refresh, Session, SessionId, SessionRejection};
use crate::accounts::{AccountId, Name, NameState, username};
use crate::addresses::holder;
use crate::factors::FactorProof;
use crate::identities::IdentityProof;
use crate::kernel::command::name_id;
use crate::kernel::graphql::{Outcome, Scope, failed, outage};
use crate::kernel::{Accepted, id as ids};

/// What signs in: how the person calls the device, what the program says of itself, and where it
/// is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Client {
    #[serde(default)]
    pub device: String,
    #[serde(default)]
    pub app: Option<String>,
    #[serde(default)]
    pub platform: Option<String>,
    /// City and country of its address, which nobody but the server says.
    #[serde(default)]
    pub place: Option<String>,
}

impl Client {
    /// What a client says of itself.
    ///
    /// # Errors
    /// `DeviceInvalid` when a name is too long.
    pub fn new(
        device: String,
        app: Option<String>,
        platform: Option<String>,
    ) -> std::result::Result<Self, SessionRejection> {
        let client = Self { device, app, platform, place: None };
        client.check().map(|()| client)
    }

    /// The same, and where it is.
    #[must_use]
    pub fn at(self, place: Option<String>) -> Self {
        Self { place, ..self }
    }

    /// Checks the names.
    ///
    /// # Errors
    /// `DeviceInvalid` when one is too long.
    pub(super) fn check(&self) -> std::result::Result<(), SessionRejection> {
        let names = [Some(&self.device), self.app.as_ref(), self.platform.as_ref()];
        let fit = names.iter().flatten().all(|it| it.chars().count() <= DEVICE_CHARS_MAX);
        fit.then_some(()).ok_or(SessionRejection::DeviceInvalid)
    }
}

/// The tokens of a session that was opened.
pub struct SignedIn {
    pub access_token: String,
    pub refresh_token: String,
    pub outcome: Outcome,
}

/// What an account has proved of itself.
pub struct Proven {
    pub account: AccountId,
    /// Generation of the credential that was proved; none where a passkey proved both factors, or a
    /// provider told who it is.
    pub credential: Option<u64>,
    pub identity: Option<IdentityProof>,
    /// Whether a link by mail stands for the password.
    pub by_mail: bool,
    pub factor: Option<FactorProof>,
}

impl Proven {
    /// Whether a code by mail may prove nothing more: a mailbox was shown, or an identity, which
    /// may be the mailbox of the same provider.
    pub(crate) fn shows_mailbox(&self) -> bool {
        self.by_mail || self.identity.is_some()
    }
}

/// Opens a session for an account that has proved itself.
///
/// # Errors
/// When a name is refused or the command fails, among it for want of a second factor.
pub async fn sign_in_at(scope: &Scope, proven: Proven, client: Client) -> Result<SignedIn> {
    let Proven { account, credential, identity, by_mail, factor } = proven;
    let now = scope.clock.now_ms();
    let session = SessionId(ids::fresh(now, scope.entropy.as_ref()));
    let (session_id, client) = (session, client.at(scope.place()));
    let allowed = None;
    let command =
        OpenSession { session_id, client, credential, identity, by_mail, factor, allowed };
    let accepted = scope.submit_for(account, session.0, command).await.map_err(failed)?;
    opened(scope, account, session, accepted).await
}

/// The first tokens of a session that was opened.
///
/// # Errors
/// When the documents can't be reached.
pub async fn opened(
    scope: &Scope,
    account: AccountId,
    session: SessionId,
    accepted: Accepted,
) -> Result<SignedIn> {
    let now = scope.clock.now_ms();
    let outcome = scope.outcome(accepted).await?;
    let opened = scope.reader.load::<Session>(session.to_string()).await.map_err(outage)?;
    let tokens = &scope.tokens;
    // Until it is known what the session may do, its token does no more than the least.
    let access_token = match opened.is_none_or(|it| it.limited) {
        true => tokens.limited(account, session, now),
        false => tokens.access(account, session, now),
    };
    let refresh_token = tokens.refresh(&Refresh { account, session, generation: 0 });
    Ok(SignedIn { access_token, refresh_token, outcome })
}

/// The account of a confirmed name or of a proved mail address; nobody for a name that is none.
pub(super) async fn named(scope: &Scope, name: &str) -> Result<Option<AccountId>> {
    let reader = &scope.reader;
    if name.contains('@') {
        return holder(scope, name).await;
    }
    let Ok(name) = username(name) else { return Ok(None) };
    let id = name_id(&reader.keyring.secret("names"), &name);
    let name = reader.load::<Name>(id.to_string()).await.map_err(outage)?;
    Ok(name.filter(|it| it.state == NameState::Confirmed).map(|it| it.account_id))
}
