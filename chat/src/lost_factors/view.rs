//! What is remembered of lost factors.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{LostFactorEvent, REQUESTS_MAX, REQUESTS_MS, USABLE_MS};
use crate::accounts::AccountEvent;
use crate::factors::FactorEvent;
use crate::kernel::{Document, Recorded, Timestamp};
use crate::passkeys::PasskeyEvent;

/// What one account has said of lost factors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LostFactor {
    /// The recovery that was neither completed nor cancelled.
    pub waiting: Option<Waiting>,
    /// When recoveries were asked for, at most [`REQUESTS_MAX`].
    pub asked: Vec<Timestamp>,
}

/// A recovery that waits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    pub nonce: u64,
    pub since: Timestamp,
    pub due_at: Timestamp,
}

impl LostFactor {
    /// The recovery that waits, unless it was waited too long.
    pub fn waiting(&self, now: Timestamp) -> Option<&Waiting> {
        self.waiting.as_ref().filter(|it| now.0 < it.due_at.0 + USABLE_MS)
    }

    /// The recovery that can be completed.
    pub fn due(&self, now: Timestamp) -> Option<&Waiting> {
        self.waiting(now).filter(|it| it.due_at.0 <= now.0)
    }

    /// Whether no more may be asked for now.
    pub fn asked_too_often(&self, now: Timestamp) -> bool {
        self.asked.iter().filter(|it| now.0 - it.0 < REQUESTS_MS).count() >= REQUESTS_MAX
    }
}

/// Whether an event of another room voids what waits.
fn voids(event: &Recorded) -> Option<String> {
    if let Some(AccountEvent::PasswordChanged(it)) = AccountEvent::of(&event.event) {
        return Some(it.account_id.to_string());
    }
    if let Some(PasskeyEvent::PasskeyAdded(it)) = PasskeyEvent::of(&event.event) {
        return Some(it.account_id.to_string());
    }
    match FactorEvent::of(&event.event) {
        Some(FactorEvent::TotpConfirmed(it)) => Some(it.account_id.to_string()),
        Some(FactorEvent::CodeFactorEnabled(it)) => Some(it.account_id.to_string()),
        Some(_) | None => None,
    }
}

impl Document for LostFactor {
    const COLLECTION: Collection = Collection { name: "lost_factors", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let own = LostFactorEvent::of(&event.event).map(|it| it.account_id().to_string());
        own.or_else(|| voids(event)).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(lost) = document.as_mut().filter(|_| voids(event).is_some()) {
            lost.waiting = None;
        }
        let Some(event_) = LostFactorEvent::of(&event.event) else { return };
        let lost = document.get_or_insert_default();
        match event_ {
            LostFactorEvent::FactorRecoveryRequested(it) => {
                let since = event.occurred_at;
                lost.waiting = Some(Waiting { nonce: it.nonce.0, since, due_at: it.due_at });
                if lost.asked.len() >= REQUESTS_MAX {
                    lost.asked.remove(0);
                }
                lost.asked.push(since);
            }
            LostFactorEvent::FactorRecoveryCancelled(_)
            | LostFactorEvent::FactorRecoveryCompleted(_) => lost.waiting = None,
        }
    }
}
