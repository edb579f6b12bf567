//! What a person says of another, as it is remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::ContactEvent;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded, StreamId, Timestamp};

/// What one person says of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// Who says it.
    pub account_id: AccountId,
    /// Of whom.
    pub other_id: AccountId,
    /// Since when they are a contact.
    pub contact_since: Option<Timestamp>,
    /// Since when they are blocked.
    pub blocked_since: Option<Timestamp>,
}

impl Contact {
    /// Id of what a person says of another.
    pub fn id(account: AccountId, other: AccountId) -> String {
        format!("{account}/{other}")
    }

    fn key(&self, since: Option<Timestamp>) -> Option<String> {
        let since = padded(u64::try_from(since?.0).unwrap_or(0));
        Some(format!("{}/{since}/{}", self.account_id, self.other_id))
    }
}

impl Document for Contact {
    const COLLECTION: Collection =
        Collection { name: "contacts", indexes: &["by_contact", "by_blocked"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let pair = ContactEvent::of(&event.event).map(ContactEvent::pair);
        pair.map(|(account, other)| Self::id(account, other)).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = ContactEvent::of(&event.event) else { return };
        let (account_id, other_id) = event_.pair();
        let contact = document.get_or_insert(Self {
            account_id,
            other_id,
            contact_since: None,
            blocked_since: None,
        });
        match event_ {
            ContactEvent::ContactAdded(_) => contact.contact_since = Some(event.occurred_at),
            ContactEvent::ContactRemoved(_) => contact.contact_since = None,
            ContactEvent::AccountBlocked(_) => {
                contact.contact_since = None;
                contact.blocked_since = Some(event.occurred_at);
            }
            ContactEvent::AccountUnblocked(_) => contact.blocked_since = None,
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        vec![self.key(self.contact_since), self.key(self.blocked_since)]
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}

/// How many people one person has said something of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ContactCounts {
    pub contacts: u32,
    pub blocked: u32,
}

impl Document for ContactCounts {
    const COLLECTION: Collection = Collection { name: "contact_counts", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match (ContactEvent::of(&event.event), event.stream) {
            (Some(_), StreamId::Account(account)) => vec![account.to_string()],
            (_, _) => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event) = ContactEvent::of(&event.event) else { return };
        let counts = document.get_or_insert_default();
        match event {
            ContactEvent::ContactAdded(_) => counts.contacts += 1,
            ContactEvent::ContactRemoved(_) => {
                counts.contacts = counts.contacts.saturating_sub(1);
            }
            ContactEvent::AccountBlocked(_) => counts.blocked += 1,
            ContactEvent::AccountUnblocked(_) => counts.blocked = counts.blocked.saturating_sub(1),
        }
    }
}
