//! Claims on names: one stream a name, so that two accounts never have the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AccountId, AccountRejection, Name, NameClaimed, NameConfirmed, NameId, NameReleased,
    NameReserved, NameState, RESERVED_MS,
};
use crate::Event;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};

/// Reserves a username for an account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClaimName {
    pub name_id: NameId,
    pub account_id: AccountId,
}

impl Command for ClaimName {
    const NAME: &'static str = "ClaimName";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Name>;
    type Rejection = AccountRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Name(self.name_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Name> {
        Slot::new(self.name_id.to_string(), StreamId::Name(self.name_id))
    }

    fn decide(
        self,
        name: &Slot<Name>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AccountRejection> {
        match name.get() {
            Some(it) if !it.is_free_for(self.account_id, context.now) => {
                Err(AccountRejection::UsernameTaken)
            }
            Some(it) if it.state == NameState::Confirmed => Ok(Vec::new()),
            // A claim of one's own is made anew, so that whoever settles the one before does not
            // free this one.
            Some(_) | None => {
                let claimed = NameClaimed { name_id: self.name_id, account_id: self.account_id };
                Ok(vec![claimed.into()])
            }
        }
    }
}

/// Settles a claim: the account exists.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfirmName {
    pub name_id: NameId,
    pub account_id: AccountId,
}

/// Gives a claim back: the account's stream has recorded that it never will exist.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleaseName {
    pub name_id: NameId,
    pub account_id: AccountId,
    /// When the claim was made; one that was made since stays.
    pub claimed_at: Timestamp,
}

/// Whether the claim is this account's and still open.
fn open_claim(name: &Slot<Name>, account: AccountId) -> bool {
    name.get().is_some_and(|it| it.account_id == account && it.state == NameState::Claimed)
}

impl Command for ConfirmName {
    const NAME: &'static str = "ConfirmName";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Name>;
    type Rejection = AccountRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Name(self.name_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Name> {
        Slot::new(self.name_id.to_string(), StreamId::Name(self.name_id))
    }

    fn decide(self, name: &Slot<Name>, _: &Context<'_>) -> Result<Vec<Event>, AccountRejection> {
        let confirmed = NameConfirmed { name_id: self.name_id, account_id: self.account_id };
        let open = open_claim(name, self.account_id);
        Ok(open.then(|| confirmed.into()).into_iter().collect())
    }
}

impl Command for ReleaseName {
    const NAME: &'static str = "ReleaseName";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Name>;
    type Rejection = AccountRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Name(self.name_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Name> {
        Slot::new(self.name_id.to_string(), StreamId::Name(self.name_id))
    }

    fn decide(self, name: &Slot<Name>, _: &Context<'_>) -> Result<Vec<Event>, AccountRejection> {
        let released = NameReleased { name_id: self.name_id, account_id: self.account_id };
        let same = name.get().is_some_and(|it| it.claimed_at == self.claimed_at);
        let open = same && open_claim(name, self.account_id);
        Ok(open.then(|| released.into()).into_iter().collect())
    }
}

/// Keeps a name from others for a while: its account has taken another.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReserveName {
    pub name_id: NameId,
    pub account_id: AccountId,
}

impl Command for ReserveName {
    const NAME: &'static str = "ReserveName";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Name>;
    type Rejection = AccountRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Name(self.name_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Name> {
        Slot::new(self.name_id.to_string(), StreamId::Name(self.name_id))
    }

    fn decide(
        self,
        name: &Slot<Name>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AccountRejection> {
        let held = name.get().is_some_and(|it| {
            let has = matches!(it.state, NameState::Claimed | NameState::Confirmed);
            has && it.account_id == self.account_id
        });
        let until = Timestamp(context.now.0 + RESERVED_MS);
        let (name_id, account_id) = (self.name_id, self.account_id);
        let reserved = NameReserved { name_id, account_id, until };
        Ok(held.then(|| reserved.into()).into_iter().collect())
    }
}

/// Gives up a name that the account has held: an address that was removed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FreeName {
    pub name_id: NameId,
    pub account_id: AccountId,
}

impl Command for FreeName {
    const NAME: &'static str = "FreeName";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Name>;
    type Rejection = AccountRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Name(self.name_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Name> {
        Slot::new(self.name_id.to_string(), StreamId::Name(self.name_id))
    }

    fn decide(self, name: &Slot<Name>, _: &Context<'_>) -> Result<Vec<Event>, AccountRejection> {
        let held = name
            .get()
            .is_some_and(|it| it.account_id == self.account_id && it.state != NameState::Released);
        let released = NameReleased { name_id: self.name_id, account_id: self.account_id };
        Ok(held.then(|| released.into()).into_iter().collect())
    }
}
