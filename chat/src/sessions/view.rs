//! Sessions as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{ABSOLUTE_MS, EndCause, FRESH_MS, IDLE_MS, SessionEvent, SessionId};
use crate::accounts::AccountId;
use crate::applications::{ApplicationId, Scopes};
use crate::audience::Audience;
use crate::factors::{FactorEvent, Factors};
use crate::kernel::{Document, Personal, Recorded, StreamId, Timestamp};
use crate::passkeys::PasskeyEvent;

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub account_id: AccountId,
    pub device: Personal<String>,
    pub app: Option<Personal<String>>,
    pub platform: Option<Personal<String>>,
    pub place: Option<Personal<String>>,
    pub opened_at: Timestamp,
    pub refreshed_at: Timestamp,
    /// When the person last proved themselves in it; never, where it was allowed elsewhere.
    pub confirmed_at: Option<Timestamp>,
    /// Generation of the refresh token that is good now.
    pub generation: u64,
    /// Whether a second factor was proved in it.
    pub factor: bool,
    /// Whether it can only set up a second factor.
    pub limited: bool,
    /// The application that it is for, and what it reaches.
    pub application: Option<(ApplicationId, Scopes)>,
    pub ended: bool,
}

impl Session {
    /// Whether it has ended or has run out.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let idle = now.0 - self.refreshed_at.0 > IDLE_MS;
        self.ended || idle || now.0 - self.opened_at.0 > ABSOLUTE_MS
    }

    /// Whether it is this person's and they have proved themselves in it lately, by the second
    /// factor too where one is asked for by now.
    pub fn is_fresh(&self, account: AccountId, now: Timestamp, factors: Option<&Factors>) -> bool {
        let own = self.account_id == account && !self.ended;
        let whole = self.factor || !factors.is_some_and(Factors::are_asked_for);
        own && whole && self.confirmed_at.is_some_and(|it| now.0 - it.0 <= FRESH_MS)
    }
}

/// The session in which a second factor was set up by this event.
fn set_up_in(event: &Recorded) -> Option<SessionId> {
    if let Some(PasskeyEvent::PasskeyAdded(it)) = PasskeyEvent::of(&event.event) {
        return it.origin.as_ref()?.session_id;
    }
    match FactorEvent::of(&event.event)? {
        FactorEvent::TotpConfirmed(it) => it.origin.as_ref()?.session_id,
        FactorEvent::TotpEnrolled(_)
        | FactorEvent::TotpUsed(_)
        | FactorEvent::TotpRemoved(_)
        | FactorEvent::BackupCodesMade(_)
        | FactorEvent::BackupCodeUsed(_)
        | FactorEvent::FactorTried(_)
        | FactorEvent::CodeFactorEnabled(_)
        | FactorEvent::CodeFactorDisabled(_)
        | FactorEvent::FactorCodeSent(_)
        | FactorEvent::FactorCodeUsed(_) => None,
    }
}

impl Document for Session {
    const COLLECTION: Collection = Collection { name: "sessions", indexes: &["by_account"] };

    fn ids(event: &Recorded) -> Vec<String> {
        if let Some(session) = set_up_in(event) {
            return vec![session.to_string()];
        }
        let Some(event) = SessionEvent::of(&event.event) else { return Vec::new() };
        let id = match event {
            SessionEvent::SessionOpened(it) => it.session_id,
            SessionEvent::SessionRefreshed(it) => it.session_id,
            SessionEvent::SessionConfirmed(it) => it.session_id,
            SessionEvent::SessionEnded(it) => it.session_id,
            SessionEvent::SessionsEnded(it) => {
                return it.session_ids.iter().map(ToString::to_string).collect();
            }
        };
        vec![id.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(session) = document.as_mut().filter(|_| set_up_in(event).is_some()) {
            (session.factor, session.limited) = (true, false);
        }
        let Some(event_) = SessionEvent::of(&event.event) else { return };
        match (document.as_mut(), event_) {
            (_, SessionEvent::SessionOpened(it)) => {
                *document = Some(Self {
                    id: it.session_id,
                    account_id: it.account_id,
                    device: it.device.clone(),
                    app: it.app.clone(),
                    platform: it.platform.clone(),
                    place: it.place.clone(),
                    opened_at: event.occurred_at,
                    refreshed_at: event.occurred_at,
                    confirmed_at: (!it.allowed && !it.by_mail).then_some(event.occurred_at),
                    generation: 0,
                    factor: it.factor,
                    limited: it.limited,
                    application: it
                        .application_id
                        .map(|id| (id, it.access.iter().copied().collect())),
                    ended: false,
                });
            }
            (Some(session), SessionEvent::SessionRefreshed(it)) => {
                session.generation = it.generation.0;
                session.refreshed_at = event.occurred_at;
            }
            (Some(session), SessionEvent::SessionConfirmed(it)) => {
                session.confirmed_at = Some(event.occurred_at);
                session.factor |= it.factor;
                session.limited &= !it.factor;
            }
            (Some(session), SessionEvent::SessionEnded(_) | SessionEvent::SessionsEnded(_)) => {
                session.ended = true;
            }
            (
                None,
                SessionEvent::SessionRefreshed(_)
                | SessionEvent::SessionConfirmed(_)
                | SessionEvent::SessionEnded(_)
                | SessionEvent::SessionsEnded(_),
            ) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        vec![(!self.ended).then(|| format!("{}/{}", self.account_id, self.id))]
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}

/// The sessions that an account has open, at most [`super::SESSIONS_MAX`], the one that was used
/// the longest ago first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenSessions {
    pub open: Vec<OpenOne>,
    /// When the person last signed out everywhere, or was signed out.
    pub left_at: Option<Timestamp>,
}

/// A session that is open.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OpenOne {
    pub id: SessionId,
    pub used_at: Timestamp,
}

impl OpenSessions {
    /// All that are open but one.
    pub fn others(&self, kept: Option<SessionId>) -> Vec<SessionId> {
        self.open.iter().map(|it| it.id).filter(|it| Some(*it) != kept).collect()
    }
}

impl Document for OpenSessions {
    const COLLECTION: Collection = Collection { name: "open_sessions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match (SessionEvent::of(&event.event), event.stream) {
            (Some(SessionEvent::SessionConfirmed(_)) | None, _) => Vec::new(),
            (Some(_), StreamId::Account(account)) => vec![account.to_string()],
            (Some(_), _) => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = SessionEvent::of(&event.event) else { return };
        let Self { open, left_at } = document.get_or_insert_default();
        let used_at = event.occurred_at;
        match event_ {
            SessionEvent::SessionOpened(it) => open.push(OpenOne { id: it.session_id, used_at }),
            SessionEvent::SessionRefreshed(it) => {
                if let Some(at) = open.iter().position(|open| open.id == it.session_id) {
                    let used = open.remove(at);
                    open.push(OpenOne { used_at, ..used });
                }
            }
            SessionEvent::SessionEnded(it) => open.retain(|open| open.id != it.session_id),
            SessionEvent::SessionsEnded(it) => {
                open.retain(|open| !it.session_ids.contains(&open.id));
                if !matches!(it.cause, EndCause::Expired | EndCause::TooMany) {
                    *left_at = Some(used_at);
                }
            }
            SessionEvent::SessionConfirmed(_) => (),
        }
    }
}
