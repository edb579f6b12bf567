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
    /// Until when nobody else gets it, where its account has taken another.
    pub reserved_until: Option<Timestamp>,
}

impl Name {
    /// Whether an account has it, or may claim it.
    pub fn is_free_for(&self, account: AccountId, now: Timestamp) -> bool {
        match self.state {
            NameState::Claimed | NameState::Confirmed => self.account_id == account,
            NameState::Released => true,
            NameState::Reserved => {
                self.account_id == account || self.reserved_until.is_none_or(|it| it <= now)
            }
        }
    }
}

/// How far a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameState {
    Claimed,
    Confirmed,
    Released,
    Reserved,
}

impl Document for Name {
    const COLLECTION: Collection = Collection { name: "names", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some(event) = AccountEvent::of(&event.event) else { return Vec::new() };
        match event {
            AccountEvent::NameClaimed(it) => vec![it.name_id.to_string()],
            AccountEvent::NameConfirmed(it) => vec![it.name_id.to_string()],
            AccountEvent::NameReleased(it) => vec![it.name_id.to_string()],
            AccountEvent::NameReserved(it) => vec![it.name_id.to_string()],
            AccountEvent::UsernameChangeBegun(_)
            | AccountEvent::UsernameChangeAbandoned(_)
            | AccountEvent::UsernameChanged(_)
            | AccountEvent::AccountRegistered(_)
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
                    reserved_until: None,
                });
            }
            (Some(name), AccountEvent::NameConfirmed(_)) => name.state = NameState::Confirmed,
            (Some(name), AccountEvent::NameReleased(_)) => name.state = NameState::Released,
            (Some(name), AccountEvent::NameReserved(it)) => {
                name.state = NameState::Reserved;
                name.reserved_until = Some(it.until);
            }
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
    /// The username that its owner wants instead.
    pub renaming: Option<Renaming>,
    /// The names before, at most [`super::RENAMES_MAX`], the last one first.
    pub former: Vec<Former>,
}

/// A username that somebody wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Renaming {
    pub wish_id: String,
    pub name_id: NameId,
    pub look_id: NameId,
    pub username: Personal<String>,
}

/// A name that an account had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Former {
    pub name_id: NameId,
    pub look_id: Option<NameId>,
    /// Which name came after it, and when.
    pub next_id: NameId,
    pub until: Timestamp,
}

impl Account {
    fn new(id: AccountId, profile: Option<Profile>) -> Self {
        let (renaming, former) = (None, Vec::new());
        Self { id, profile, suspended: false, deactivated: false, renaming, former }
    }

    fn rename(&mut self, at: Timestamp) {
        let (Some(wanted), Some(profile)) = (self.renaming.take(), self.profile.as_mut()) else {
            return;
        };
        let (name_id, look_id) = (profile.name_id, profile.look_id);
        self.former.insert(0, Former { name_id, look_id, next_id: wanted.name_id, until: at });
        self.former.truncate(super::RENAMES_MAX);
        profile.name_id = wanted.name_id;
        profile.look_id = Some(wanted.look_id);
        profile.username = wanted.username;
    }

    /// The claims of the name that it had before one that it has taken, but for those that it
    /// holds again.
    pub(super) fn before(&self, next: NameId) -> Vec<NameId> {
        let former = self.former.iter().find(|it| it.next_id == next);
        let claims = former.map(|it| std::iter::once(it.name_id).chain(it.look_id));
        let held = |it: &NameId| self.profile.as_ref().is_some_and(|profile| profile.holds(*it));
        claims.into_iter().flatten().filter(|it| !held(it)).collect()
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
    /// The claim on what the name looks like; absent for names of before there were any.
    pub look_id: Option<NameId>,
    pub username: Personal<String>,
    pub display_name: Personal<String>,
    pub bio: Option<Personal<String>>,
    pub registered_at: Timestamp,
}

impl Profile {
    /// Whether a claim on a name, or on a look, is that of the username.
    pub fn holds(&self, name: NameId) -> bool {
        self.name_id == name || self.look_id == Some(name)
    }
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
            AccountEvent::UsernameChangeBegun(it) => it.account_id,
            AccountEvent::UsernameChangeAbandoned(it) => it.account_id,
            AccountEvent::UsernameChanged(it) => it.account_id,
            AccountEvent::NameClaimed(_)
            | AccountEvent::NameConfirmed(_)
            | AccountEvent::NameReleased(_)
            | AccountEvent::NameReserved(_)
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
                    look_id: it.look_id,
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
            (Some(account), AccountEvent::UsernameChangeBegun(it)) => {
                account.renaming = Some(Renaming {
                    wish_id: it.wish_id.clone(),
                    name_id: it.name_id,
                    look_id: it.look_id,
                    username: it.username.clone(),
                });
            }
            (Some(account), AccountEvent::UsernameChangeAbandoned(_)) => account.renaming = None,
            (Some(account), AccountEvent::UsernameChanged(_)) => {
                account.rename(event.occurred_at);
            }
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
