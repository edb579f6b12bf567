//! Names, accounts and credentials as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{AccountEvent, AccountId, NameId};
use crate::Event;
use crate::audience::Audience;
use crate::kernel::{Document, Personal, Recorded, Timestamp};

/// A username's claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Name {
    pub account_id: AccountId,
    pub state: NameState,
    pub claimed_at: Timestamp,
}

/// How far a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameState {
    Claimed,
    Confirmed,
    Released,
}

impl Document for Name {
    const COLLECTION: Collection = Collection { name: "names", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Event::AccountEvent(event) = &event.event else { return Vec::new() };
        match event {
            AccountEvent::NameClaimed(it) => vec![it.name_id.to_string()],
            AccountEvent::NameConfirmed(it) => vec![it.name_id.to_string()],
            AccountEvent::NameReleased(it) => vec![it.name_id.to_string()],
            AccountEvent::AccountRegistered(_)
            | AccountEvent::RegistrationAbandoned(_)
            | AccountEvent::ProfileUpdated(_) => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Event::AccountEvent(event_) = &event.event else { return };
        match (document.as_mut(), event_) {
            (_, AccountEvent::NameClaimed(it)) => {
                *document = Some(Self {
                    account_id: it.account_id,
                    state: NameState::Claimed,
                    claimed_at: event.occurred_at,
                });
            }
            (Some(name), AccountEvent::NameConfirmed(_)) => name.state = NameState::Confirmed,
            (Some(name), AccountEvent::NameReleased(_)) => name.state = NameState::Released,
            (None, AccountEvent::NameConfirmed(_) | AccountEvent::NameReleased(_))
            | (
                _,
                AccountEvent::AccountRegistered(_)
                | AccountEvent::RegistrationAbandoned(_)
                | AccountEvent::ProfileUpdated(_),
            ) => (),
        }
    }
}

/// An account as others see it; it may also be one that will never exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    /// Absent when the registration was abandoned.
    pub profile: Option<Profile>,
}

/// What a person shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub name_id: NameId,
    pub username: Personal<String>,
    pub display_name: Personal<String>,
    pub bio: Option<Personal<String>>,
    pub registered_at: Timestamp,
}

impl Document for Account {
    const COLLECTION: Collection = Collection { name: "accounts", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Event::AccountEvent(event) = &event.event else { return Vec::new() };
        match event {
            AccountEvent::AccountRegistered(it) => vec![it.account_id.to_string()],
            AccountEvent::RegistrationAbandoned(it) => vec![it.account_id.to_string()],
            AccountEvent::ProfileUpdated(it) => vec![it.account_id.to_string()],
            AccountEvent::NameClaimed(_)
            | AccountEvent::NameConfirmed(_)
            | AccountEvent::NameReleased(_) => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Event::AccountEvent(event_) = &event.event else { return };
        match event_ {
            AccountEvent::AccountRegistered(it) => {
                let profile = Profile {
                    name_id: it.name_id,
                    username: it.username.clone(),
                    display_name: it.display_name.clone(),
                    bio: None,
                    registered_at: event.occurred_at,
                };
                *document = Some(Self { id: it.account_id, profile: Some(profile) });
            }
            AccountEvent::RegistrationAbandoned(it) => {
                *document = Some(Self { id: it.account_id, profile: None });
            }
            AccountEvent::ProfileUpdated(it) => {
                let Some(profile) = document.as_mut().and_then(|it| it.profile.as_mut()) else {
                    return;
                };
                if let Some(display_name) = &it.display_name {
                    profile.display_name = display_name.clone();
                }
                if let Some(bio) = &it.bio {
                    profile.bio = Some(bio.clone());
                }
            }
            AccountEvent::NameClaimed(_)
            | AccountEvent::NameConfirmed(_)
            | AccountEvent::NameReleased(_) => (),
        }
    }

    fn audience(&self) -> Audience {
        if self.profile.is_some() { Audience::SignedIn } else { Audience::Nobody }
    }
}

/// What an account signs in with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    pub password: Personal<String>,
}

impl Document for Credential {
    const COLLECTION: Collection = Collection { name: "credentials", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Event::AccountEvent(AccountEvent::AccountRegistered(it)) = &event.event else {
            return Vec::new();
        };
        it.password.iter().map(|_| it.account_id.to_string()).collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Event::AccountEvent(AccountEvent::AccountRegistered(it)) = &event.event {
            *document = it.password.clone().map(|password| Self { password });
        }
    }
}
