//! Addresses as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{AddressEvent, AddressId};
use crate::accounts::NameId;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::outbox::Channel;

/// The addresses of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Addresses {
    /// At most [`super::ADDRESSES_MAX`].
    pub confirmed: Vec<Confirmed>,
    /// The last that was proposed, until it is proved.
    pub pending: Option<Pending>,
}

/// An address that was proved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmed {
    pub id: AddressId,
    pub channel: Channel,
    pub claim_id: NameId,
    pub address: Personal<String>,
    pub locale: String,
    pub since: Timestamp,
}

/// An address that is to be proved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    pub id: AddressId,
    pub channel: Channel,
    pub claim_id: NameId,
    pub address: Personal<String>,
    pub locale: String,
    pub code: Personal<String>,
    pub good_until: Timestamp,
    pub tries: u32,
}

impl Addresses {
    /// The mail address that was proved first.
    pub fn first_mail(&self) -> Option<&Confirmed> {
        self.confirmed.iter().find(|it| it.channel == Channel::Mail)
    }

    /// An address that was proved.
    pub fn confirmed(&self, id: AddressId) -> Option<&Confirmed> {
        self.confirmed.iter().find(|it| it.id == id)
    }
}

impl Document for Addresses {
    const COLLECTION: Collection = Collection { name: "addresses", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let event = AddressEvent::of(&event.event);
        event.map(|it| it.account_id().to_string()).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = AddressEvent::of(&event.event) else { return };
        let addresses = document.get_or_insert_default();
        match event_ {
            AddressEvent::AddressProposed(it) => {
                addresses.pending = Some(Pending {
                    id: it.address_id,
                    channel: it.channel,
                    claim_id: it.claim_id,
                    address: it.address.clone(),
                    locale: it.locale.clone(),
                    code: it.code.clone(),
                    good_until: it.good_until,
                    tries: 0,
                });
            }
            AddressEvent::AddressTried(_) => {
                if let Some(pending) = addresses.pending.as_mut() {
                    pending.tries += 1;
                }
            }
            AddressEvent::AddressConfirmed(_) => {
                let Some(pending) = addresses.pending.take() else { return };
                addresses.confirmed.retain(|it| it.claim_id != pending.claim_id);
                addresses.confirmed.push(Confirmed {
                    id: pending.id,
                    channel: pending.channel,
                    claim_id: pending.claim_id,
                    address: pending.address,
                    locale: pending.locale,
                    since: event.occurred_at,
                });
            }
            AddressEvent::AddressRemoved(it) => {
                addresses.confirmed.retain(|confirmed| confirmed.id != it.address_id);
            }
        }
    }
}
