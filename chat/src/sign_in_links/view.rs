//! The link that signs in, as it is remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::SignInLinkEvent;
use crate::accounts::AccountEvent;
use crate::addresses::AddressEvent;
use crate::kernel::{Document, Recorded, Timestamp};

/// The link of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SignInLink {
    /// The one that was sent last, until it is used or void.
    pub open: Option<OpenLink>,
}

/// A link that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OpenLink {
    pub nonce: u64,
    pub good_until: Timestamp,
}

/// The account whose link an event of another room voids.
fn voids(event: &Recorded) -> Option<String> {
    if let Some(AccountEvent::PasswordChanged(it)) = AccountEvent::of(&event.event) {
        return Some(it.account_id.to_string());
    }
    match AddressEvent::of(&event.event)? {
        AddressEvent::AddressConfirmed(it) => Some(it.account_id.to_string()),
        AddressEvent::AddressRemoved(it) => Some(it.account_id.to_string()),
        AddressEvent::AddressProposed(_) | AddressEvent::AddressTried(_) => None,
    }
}

impl Document for SignInLink {
    const COLLECTION: Collection = Collection { name: "sign_in_links", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let own = SignInLinkEvent::of(&event.event).map(|it| match it {
            SignInLinkEvent::SignInLinkSent(it) => it.account_id.to_string(),
            SignInLinkEvent::SignInLinkUsed(it) => it.account_id.to_string(),
        });
        own.or_else(|| voids(event)).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(link) = document.as_mut().filter(|_| voids(event).is_some()) {
            link.open = None;
        }
        match SignInLinkEvent::of(&event.event) {
            Some(SignInLinkEvent::SignInLinkSent(it)) => {
                let open = OpenLink { nonce: it.nonce.0, good_until: it.good_until };
                document.get_or_insert_default().open = Some(open);
            }
            Some(SignInLinkEvent::SignInLinkUsed(_)) => {
                document.get_or_insert_default().open = None;
            }
            None => (),
        }
    }
}
