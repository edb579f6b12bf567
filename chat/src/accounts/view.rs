//! Names, accounts and credentials as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{AccountEvent, AccountId, NameId};
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
        let Some(event) = AccountEvent::of(&event.event) else { return Vec::new() };
        match event {
            AccountEvent::NameClaimed(it) => vec![it.name_id.to_string()],
            AccountEvent::NameConfirmed(it) => vec![it.name_id.to_string()],
            AccountEvent::NameReleased(it) => vec![it.name_id.to_string()],
            AccountEvent::AccountRegistered(_)
            | AccountEvent::RegistrationAbandoned(_)
            | AccountEvent::ProfileUpdated(_)
            | AccountEvent::PasswordChanged(_)
            | AccountEvent::AccountSuspended(_)
            | AccountEvent::AccountReinstated(_)
            | AccountEvent::AccountDeactivated(_)
            | AccountEvent::AccountReactivated(_) => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = AccountEvent::of(&event.event) else { return };
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
            (None | Some(_), _) => (),
        }
    }
}

/// An account as others see it; it may also be one that will never exist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    /// Absent when the registration was abandoned.
    pub profile: Option<Profile>,
    /// Kept from being used by an administrator.
    pub suspended: bool,
    /// Left by its owner, who may come back.
    pub deactivated: bool,
}

impl Account {
    fn new(id: AccountId, profile: Option<Profile>) -> Self {
        Self { id, profile, suspended: false, deactivated: false }
    }

    /// Whether others may find it and write to it.
    pub fn is_shown(&self) -> bool {
        self.profile.is_some() && !self.deactivated
    }
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
        let Some(event) = AccountEvent::of(&event.event) else { return Vec::new() };
        let id = match event {
            AccountEvent::AccountRegistered(it) => it.account_id,
            AccountEvent::RegistrationAbandoned(it) => it.account_id,
            AccountEvent::ProfileUpdated(it) => it.account_id,
            AccountEvent::AccountSuspended(it) => it.account_id,
            AccountEvent::AccountReinstated(it) => it.account_id,
            AccountEvent::AccountDeactivated(it) => it.account_id,
            AccountEvent::AccountReactivated(it) => it.account_id,
            AccountEvent::NameClaimed(_)
            | AccountEvent::NameConfirmed(_)
            | AccountEvent::NameReleased(_)
            | AccountEvent::PasswordChanged(_) => return Vec::new(),
        };
        vec![id.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = AccountEvent::of(&event.event) else { return };
        match (document.as_mut(), event_) {
            (_, AccountEvent::AccountRegistered(it)) => {
                let profile = Profile {
                    name_id: it.name_id,
                    username: it.username.clone(),
                    display_name: it.display_name.clone(),
                    bio: None,
                    registered_at: event.occurred_at,
                };
                *document = Some(Self::new(it.account_id, Some(profile)));
            }
            (_, AccountEvent::RegistrationAbandoned(it)) => {
                *document = Some(Self::new(it.account_id, None));
            }
            (Some(account), AccountEvent::ProfileUpdated(it)) => {
                let Some(profile) = account.profile.as_mut() else { return };
                if let Some(display_name) = &it.display_name {
                    profile.display_name = display_name.clone();
                }
                if let Some(bio) = &it.bio {
                    profile.bio = Some(bio.clone());
                }
            }
            (Some(account), AccountEvent::AccountSuspended(_)) => account.suspended = true,
            (Some(account), AccountEvent::AccountReinstated(_)) => account.suspended = false,
            (Some(account), AccountEvent::AccountDeactivated(_)) => account.deactivated = true,
            (Some(account), AccountEvent::AccountReactivated(_)) => account.deactivated = false,
            (None | Some(_), _) => (),
        }
    }

    fn audience(&self) -> Audience {
        if self.profile.is_some() { Audience::SignedIn } else { Audience::Nobody }
    }
}

/// What an account signs in with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// Absent for an account that can't sign in by password.
    pub password: Option<Personal<String>>,
    /// Grows with each change: a proof names the generation that it proved.
    pub generation: u64,
}

impl Document for Credential {
    const COLLECTION: Collection = Collection { name: "credentials", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = match AccountEvent::of(&event.event) {
            Some(AccountEvent::AccountRegistered(it)) => it.account_id,
            Some(AccountEvent::PasswordChanged(it)) => it.account_id,
            Some(_) | None => return Vec::new(),
        };
        vec![id.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (document.as_mut(), AccountEvent::of(&event.event)) {
            (_, Some(AccountEvent::AccountRegistered(it))) => {
                *document = Some(Self { password: it.password.clone(), generation: 0 });
            }
            (Some(credential), Some(AccountEvent::PasswordChanged(it))) => {
                credential.password = Some(it.password.clone());
                credential.generation += 1;
            }
            (None | Some(_), _) => (),
        }
    }
}
