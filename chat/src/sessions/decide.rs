//! When a session opens, goes on and ends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Client, EndCause, EndReason, GRACE_MS, IDLE_MS, OpenSessions, SESSIONS_MAX, Session,
    SessionEnded, SessionId, SessionOpened, SessionRefreshed, SessionsEnded,
};
use crate::Event;
use crate::accounts::{Account, AccountId, AccountReactivated, Credential};
use crate::applications::{ApplicationId, Scopes};
use crate::factors::{FactorProof, FactorRejection, Held, Taken};
use crate::identities::{self, Identities, IdentityProof};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp};

crate::rejections! {
    /// Why sessions say no.
    SessionRejection {
        SignInFailed: Unauthenticated, "SESSIONS_SIGN_IN_FAILED",
            "username or password is wrong", "Check both.";
        DeviceInvalid: Invalid, "SESSIONS_DEVICE_INVALID",
            "name of device, app or platform is over 64 characters", "Shorten it.";
        Ended: Unauthenticated, "SESSIONS_ENDED",
            "session has ended", "Sign in again.";
        Compromised: Unauthenticated, "SESSIONS_COMPROMISED",
            "refresh token was used twice, the session is ended", "Sign in again.";
        Suspended: Forbidden, "SESSIONS_SUSPENDED",
            "account is suspended", "Ask an administrator of this server.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        ConfirmFailed: Forbidden, "SESSIONS_CONFIRM_FAILED",
            "that does not prove who you are", "Check the password or code.";
        FactorNeeded: Forbidden, "FACTORS_NEEDED",
            "this needs a second factor", "Give a code or a backup code too.";
        CodeInvalid: Forbidden, "FACTORS_CODE_INVALID",
            "code is wrong or was used before", "Wait for the next code.";
        PasskeyInvalid: Forbidden, "PASSKEYS_INVALID",
            "that passkey proves nothing here, or not any more", "Begin again.";
        IdentityInvalid: Forbidden, "IDENTITIES_INVALID",
            "what came back from there proves nothing here, or not any more", "Begin again.";
        NotRecovered: Forbidden, "LOST_FACTORS_NOT_DUE",
            "no recovery has come due", "Ask for one, or wait until it takes effect.";
        ChallengeInvalid: Unauthenticated, "SESSIONS_CHALLENGE_INVALID",
            "challenge is not good, or not any more", "Sign in with the password again.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

impl From<FactorRejection> for SessionRejection {
    fn from(rejection: FactorRejection) -> Self {
        match rejection {
            FactorRejection::Needed => Self::FactorNeeded,
            FactorRejection::PasskeyInvalid => Self::PasskeyInvalid,
            FactorRejection::NotRecovered => Self::NotRecovered,
            FactorRejection::CodeInvalid
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

/// Opens a session for an account that was proved.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OpenSession {
    pub session_id: SessionId,
    pub client: Client,
    /// Generation of the credential that was proved: a password that was changed meanwhile opens
    /// nothing. None where a passkey proved both factors, or a provider told who it is.
    pub credential: Option<u64>,
    /// What a provider has proved instead.
    #[serde(default)]
    pub identity: Option<IdentityProof>,
    /// Whether a link by mail stood for the password.
    #[serde(default)]
    pub by_mail: bool,
    /// What was proved of the second factor, where one is asked for.
    pub factor: Option<FactorProof>,
    /// How the person has allowed it in another session; then no second factor is asked for again.
    pub allowed: Option<Allowed>,
}

/// How a session was allowed in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Allowed {
    /// Signing out everywhere after it takes it back.
    pub at: Timestamp,
    /// The application that it is for, and what it reaches.
    pub application: Option<(ApplicationId, Scopes)>,
}

impl Command for OpenSession {
    const NAME: &'static str = "OpenSession";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = ((Slot<OpenSessions>, Slot<Account>, Slot<Credential>), (Held, Slot<Identities>));
    type Rejection = SessionRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SessionRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let own = context.actor;
        ((Slot::of(own), Slot::of(own), Slot::of(own)), (Held::of(own), Slot::of(own)))
    }

    fn decide(
        self,
        ((sessions, account, credential), (held, identities)): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, SessionRejection> {
        self.client.check()?;
        let account = account.get().and_then(|it| it.profile.as_ref().map(|_| it));
        let account = account.ok_or(SessionRejection::SignInFailed)?;
        let told = self.identity.map(|it| identities::taken(identities.get(), it, context));
        let told = told.transpose().map_err(|_| SessionRejection::IdentityInvalid)?;
        if told.is_none() && !is_proved(credential.get(), self.credential, self.factor.as_ref()) {
            return Err(SessionRejection::SignInFailed);
        }
        if account.suspended {
            return Err(SessionRejection::Suspended);
        }
        let taken = match self.allowed {
            Some(_) => Taken { events: Vec::new(), factor: false, recovered: false },
            None => held.taken(self.factor, context)?,
        };
        let Taken { mut events, factor, recovered } = taken;
        let application = self.allowed.and_then(|it| it.application);
        events.splice(..0, told);
        let left = sessions.get().and_then(|it| it.left_at);
        if let Some(allowed) = self.allowed
            && (account.deactivated || left.is_some_and(|it| allowed.at.0 <= it.0))
        {
            // Whoever has left since then comes back by signing in.
            return Err(SessionRejection::SignInFailed);
        }
        if account.deactivated {
            let (account_id, origin) = (context.actor, Some(context.origin.clone()));
            events.push(AccountReactivated { account_id, origin }.into());
        }
        if let Some(open) = sessions.get() {
            events.extend(match recovered {
                true => ending(context.actor, open.others(None), EndCause::FactorReset, context)
                    .into_iter()
                    .collect(),
                false => make_room(open, context),
            });
        }
        let personal = |it: Option<String>| it.map(Personal::new);
        let opened = SessionOpened {
            session_id: self.session_id,
            account_id: context.actor,
            device: Personal::new(self.client.device),
            app: personal(self.client.app),
            platform: personal(self.client.platform),
            place: personal(self.client.place),
            factor,
            limited: held.demands(context) && !factor && self.allowed.is_none(),
            application_id: application.map(|it| it.0),
            access: application.map(|it| it.1.list()).unwrap_or_default(),
            allowed: self.allowed.is_some(),
            by_mail: self.by_mail && !factor,
            origin: Some(context.origin.clone()),
        };
        events.push(opened.into());
        Ok(events)
    }
}

/// Whether somebody has proved themselves: by the password of now, or by a passkey alone.
pub(super) fn is_proved(
    now: Option<&Credential>,
    shown: Option<u64>,
    factor: Option<&FactorProof>,
) -> bool {
    match shown {
        Some(generation) => now.is_some_and(|it| it.generation == generation),
        None => matches!(factor, Some(FactorProof::Passkey(_))),
    }
}

/// Ends what has run out, and as many more as one new session needs to have room.
fn make_room(open: &OpenSessions, context: &Context<'_>) -> Vec<Event> {
    let idle = |it: &&super::view::OpenOne| context.now.0 - it.used_at.0 > IDLE_MS;
    let expired: Vec<SessionId> = open.open.iter().filter(idle).map(|it| it.id).collect();
    let left = open.open.iter().filter(|it| !idle(it)).map(|it| it.id);
    let over = (open.open.len() - expired.len() + 1).saturating_sub(SESSIONS_MAX);
    let crowded: Vec<SessionId> = left.take(over).collect();
    let ended = [(expired, EndCause::Expired), (crowded, EndCause::TooMany)];
    ended
        .into_iter()
        .filter_map(|(ids, cause)| ending(context.actor, ids, cause, context))
        .collect()
}

/// The end of some sessions of an account; nothing when there are none.
pub(crate) fn ending(
    account_id: AccountId,
    session_ids: Vec<SessionId>,
    cause: EndCause,
    context: &Context<'_>,
) -> Option<Event> {
    let origin = Some(context.origin.clone());
    let ended = SessionsEnded { account_id, session_ids, cause, origin };
    (!ended.session_ids.is_empty()).then(|| ended.into())
}

pub(super) fn session_slot(session_id: SessionId, account_id: AccountId) -> Slot<Session> {
    Slot::new(session_id.to_string(), StreamId::Account(account_id))
}

/// Exchanges a refresh token.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RefreshSession {
    pub session_id: SessionId,
    /// Generation of the token that was shown.
    pub generation: u64,
}

impl Command for RefreshSession {
    const NAME: &'static str = "RefreshSession";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Session>;
    type Rejection = SessionRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SessionRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Session> {
        session_slot(self.session_id, context.actor)
    }

    fn decide(
        self,
        session: &Slot<Session>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, SessionRejection> {
        let session = session.get().filter(|it| it.account_id == context.actor);
        let session = session.ok_or(SessionRejection::Ended)?;
        let age = context.now.0 - session.refreshed_at.0;
        if session.is_over(context.now) {
            return Err(SessionRejection::Ended);
        }
        let refreshed = |generation| SessionRefreshed {
            session_id: self.session_id,
            generation: Long(generation),
        };
        if self.generation == session.generation {
            return Ok(vec![refreshed(session.generation + 1).into()]);
        }
        if self.generation + 1 == session.generation && age <= GRACE_MS {
            return Ok(Vec::new());
        }
        Ok(vec![ended(self.session_id, EndReason::TokenReused, context)])
    }
}

/// Ends a session of the person who asks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EndSession {
    pub session_id: SessionId,
}

impl Command for EndSession {
    const NAME: &'static str = "EndSession";
    const SEALS: bool = false;
    type State = Slot<Session>;
    type Rejection = SessionRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SessionRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Session> {
        session_slot(self.session_id, context.actor)
    }

    fn decide(
        self,
        session: &Slot<Session>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, SessionRejection> {
        let session = session.get().filter(|it| it.account_id == context.actor);
        let session = session.ok_or(SessionRejection::NotFound)?;
        if session.ended {
            return Ok(Vec::new());
        }
        Ok(vec![ended(self.session_id, EndReason::SignedOut, context)])
    }
}

fn ended(session_id: SessionId, reason: EndReason, context: &Context<'_>) -> Event {
    let origin = Some(context.origin.clone());
    SessionEnded { session_id, reason, origin }.into()
}

/// Ends all sessions of the person who asks, or all but the one they ask from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EndSessions {
    pub keep_current: bool,
}

impl Command for EndSessions {
    const NAME: &'static str = "EndSessions";
    const SEALS: bool = false;
    type State = Slot<OpenSessions>;
    type Rejection = SessionRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SessionRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<OpenSessions> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        sessions: &Slot<OpenSessions>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, SessionRejection> {
        let kept = context.origin.session_id.filter(|_| self.keep_current);
        let session_ids = sessions.get().map(|it| it.others(kept)).unwrap_or_default();
        let (account_id, origin) = (context.actor, Some(context.origin.clone()));
        // Also where none is open: what was allowed until now, and opens one yet, is taken back.
        let cause = EndCause::SignedOut;
        Ok(vec![SessionsEnded { account_id, session_ids, cause, origin }.into()])
    }
}
