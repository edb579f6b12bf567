//! Passkeys as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{CEREMONY_MS, PasskeyEvent, PasskeyId, SPENT_MAX};
use crate::audience::Audience;
use crate::kernel::{Document, Personal, Recorded, Timestamp};

/// The passkeys of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Passkeys {
    /// At most [`super::PASSKEYS_MAX`], the oldest first.
    pub held: Vec<Passkey>,
    /// Ceremonies that have ended lately, at most [`SPENT_MAX`].
    pub spent: Vec<Spent>,
}

/// A passkey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passkey {
    pub id: PasskeyId,
    pub name: Personal<String>,
    pub credential: Personal<String>,
    pub counter: u64,
    pub added_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// A ceremony that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub ceremony: String,
    pub at: Timestamp,
}

impl Spent {
    /// Whether the ceremony could still be shown again, by the clock of any node.
    fn matters(&self, now: Timestamp) -> bool {
        now.0 - self.at.0 < 2 * CEREMONY_MS
    }
}

impl Passkeys {
    /// The passkey with this id.
    pub fn find(&self, id: PasskeyId) -> Option<&Passkey> {
        self.held.iter().find(|it| it.id == id)
    }

    /// Whether a ceremony has not ended yet, and may.
    pub fn are_open_to(&self, ceremony: &str, now: Timestamp) -> bool {
        let lately = self.spent.iter().filter(|it| it.matters(now)).count();
        lately < SPENT_MAX && self.spent.iter().all(|it| it.ceremony != ceremony)
    }
}

impl Document for Passkeys {
    const COLLECTION: Collection = Collection { name: "passkeys", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let event = PasskeyEvent::of(&event.event);
        event.map(|it| it.account_id().to_string()).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = PasskeyEvent::of(&event.event) else { return };
        let passkeys = document.get_or_insert_default();
        match event_ {
            PasskeyEvent::PasskeyAdded(it) => passkeys.held.push(Passkey {
                id: it.passkey_id,
                name: it.name.clone(),
                credential: it.credential.clone(),
                counter: 0,
                added_at: event.occurred_at,
                used_at: None,
            }),
            PasskeyEvent::PasskeyUsed(it) => {
                let found = passkeys.held.iter_mut().find(|held| held.id == it.passkey_id);
                if let Some(passkey) = found {
                    passkey.counter = passkey.counter.max(it.counter.0);
                    passkey.used_at = Some(event.occurred_at);
                }
                passkeys.spent.retain(|it| it.matters(event.occurred_at));
                let (ceremony, at) = (it.ceremony_id.clone(), event.occurred_at);
                passkeys.spent.push(Spent { ceremony, at });
            }
            PasskeyEvent::PasskeyRemoved(it) => {
                passkeys.held.retain(|held| held.id != it.passkey_id);
            }
        }
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}
