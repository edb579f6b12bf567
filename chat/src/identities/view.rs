//! Identities as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{CEREMONY_MS, IdentityEvent, SPENT_MAX};
use crate::accounts::NameId;
use crate::audience::Audience;
use crate::kernel::{Document, Personal, Recorded, Timestamp};

/// The identities of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Identities {
    /// At most [`super::IDENTITIES_MAX`], the oldest first.
    pub held: Vec<Identity>,
    /// Ceremonies that have ended lately, at most [`SPENT_MAX`] and those of linking.
    pub spent: Vec<Spent>,
}

/// An identity that signs in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub claim_id: NameId,
    pub provider_id: String,
    pub label: Option<Personal<String>>,
    pub linked_at: Timestamp,
    pub used_at: Option<Timestamp>,
}

/// A ceremony that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub ceremony: String,
    pub at: Timestamp,
}

impl Spent {
    /// Whether what it led to could still be shown again, by the clock of any node.
    fn matters(&self, now: Timestamp) -> bool {
        now.0 - self.at.0 < 2 * CEREMONY_MS
    }
}

impl Identities {
    /// The identity of a claim.
    pub fn find(&self, claim_id: NameId) -> Option<&Identity> {
        self.held.iter().find(|it| it.claim_id == claim_id)
    }

    /// The identity at a provider.
    pub fn at(&self, provider_id: &str) -> Option<&Identity> {
        self.held.iter().find(|it| it.provider_id == provider_id)
    }

    /// Whether a ceremony has not ended yet, and may.
    pub fn are_open_to(&self, ceremony: &str, now: Timestamp) -> bool {
        let lately = self.spent.iter().filter(|it| it.matters(now)).count();
        lately < SPENT_MAX && self.spent.iter().all(|it| it.ceremony != ceremony)
    }

    fn spend(&mut self, ceremony: &str, at: Timestamp) {
        self.spent.retain(|it| it.matters(at));
        self.spent.push(Spent { ceremony: ceremony.to_owned(), at });
    }
}

impl Document for Identities {
    const COLLECTION: Collection = Collection { name: "identities", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let event = IdentityEvent::of(&event.event);
        event.map(|it| it.account_id().to_string()).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = IdentityEvent::of(&event.event) else { return };
        let identities = document.get_or_insert_default();
        match event_ {
            IdentityEvent::IdentityLinked(it) => {
                identities.held.push(Identity {
                    claim_id: it.claim_id,
                    provider_id: it.provider_id.clone(),
                    label: it.label.clone(),
                    linked_at: event.occurred_at,
                    used_at: None,
                });
                identities.spend(&it.ceremony_id, event.occurred_at);
            }
            IdentityEvent::IdentityUsed(it) => {
                let found = identities.held.iter_mut().find(|held| held.claim_id == it.claim_id);
                if let Some(identity) = found {
                    identity.used_at = Some(event.occurred_at);
                }
                identities.spend(&it.ceremony_id, event.occurred_at);
            }
            IdentityEvent::IdentityUnlinked(it) => {
                identities.held.retain(|held| held.claim_id != it.claim_id);
            }
        }
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}
