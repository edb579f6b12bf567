//! Sessions as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{SessionEvent, SessionId};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::kernel::{Document, Personal, Recorded, Timestamp};

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub id: SessionId,
    pub account_id: AccountId,
    pub device: Personal<String>,
    pub opened_at: Timestamp,
    pub refreshed_at: Timestamp,
    /// Generation of the refresh token that is good now.
    pub generation: u64,
    pub ended: bool,
}

impl Document for Session {
    const COLLECTION: Collection = Collection { name: "sessions", indexes: &["by_account"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some(event) = SessionEvent::of(&event.event) else { return Vec::new() };
        let id = match event {
            SessionEvent::SessionOpened(it) => it.session_id,
            SessionEvent::SessionRefreshed(it) => it.session_id,
            SessionEvent::SessionEnded(it) => it.session_id,
        };
        vec![id.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = SessionEvent::of(&event.event) else { return };
        match (document.as_mut(), event_) {
            (_, SessionEvent::SessionOpened(it)) => {
                *document = Some(Self {
                    id: it.session_id,
                    account_id: it.account_id,
                    device: it.device.clone(),
                    opened_at: event.occurred_at,
                    refreshed_at: event.occurred_at,
                    generation: 0,
                    ended: false,
                });
            }
            (Some(session), SessionEvent::SessionRefreshed(it)) => {
                session.generation = it.generation.0;
                session.refreshed_at = event.occurred_at;
            }
            (Some(session), SessionEvent::SessionEnded(_)) => session.ended = true,
            (None, SessionEvent::SessionRefreshed(_) | SessionEvent::SessionEnded(_)) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        vec![(!self.ended).then(|| format!("{}/{}", self.account_id, self.id))]
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}
