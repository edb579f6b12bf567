//! When a session opens, goes on and ends.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    DEVICE_CHARS_MAX, EndReason, GRACE_MS, IDLE_MS, Session, SessionEnded, SessionId,
    SessionOpened, SessionRefreshed,
};
use crate::Event;
use crate::accounts::AccountId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId};

crate::rejections! {
    /// Why sessions say no.
    SessionRejection {
        SignInFailed: Unauthenticated, "SESSIONS_SIGN_IN_FAILED",
            "username or password is wrong", "Check both.";
        DeviceInvalid: Invalid, "SESSIONS_DEVICE_INVALID",
            "device name is over 64 characters", "Shorten the device's name.";
        Ended: Unauthenticated, "SESSIONS_ENDED",
            "session has ended", "Sign in again.";
        Compromised: Unauthenticated, "SESSIONS_COMPROMISED",
            "refresh token was used twice, the session is ended", "Sign in again.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// Checks what a device is called.
///
/// # Errors
/// `DeviceInvalid` when the name is too long.
pub fn device(name: &str) -> Result<(), SessionRejection> {
    let fits = name.chars().count() <= DEVICE_CHARS_MAX;
    fits.then_some(()).ok_or(SessionRejection::DeviceInvalid)
}

/// Opens a session for an account whose password was proved.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OpenSession {
    pub session_id: SessionId,
    pub device: String,
}

impl Command for OpenSession {
    const NAME: &'static str = "OpenSession";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = ();
    type Rejection = SessionRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SessionRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, _: &Context<'_>) {}

    fn decide(self, (): &(), context: &Context<'_>) -> Result<Vec<Event>, SessionRejection> {
        device(&self.device)?;
        let opened = SessionOpened {
            session_id: self.session_id,
            account_id: context.actor,
            device: Personal::new(self.device),
        };
        Ok(vec![opened.into()])
    }
}

fn session_slot(session_id: SessionId, account_id: AccountId) -> Slot<Session> {
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
        if session.ended || age > IDLE_MS {
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
        let reason = EndReason::TokenReused;
        Ok(vec![SessionEnded { session_id: self.session_id, reason }.into()])
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
        let reason = EndReason::SignedOut;
        Ok(vec![SessionEnded { session_id: self.session_id, reason }.into()])
    }
}
