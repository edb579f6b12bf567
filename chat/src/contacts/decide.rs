//! When somebody becomes a contact, and when they are blocked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AccountBlocked, AccountUnblocked, BLOCKED_MAX, CONTACTS_MAX, Contact, ContactAdded,
    ContactCounts, ContactRemoved,
};
use crate::Event;
use crate::accounts::{Account, AccountId};
use crate::conversations::{Conversation, ConversationId, Kind};
use crate::kernel::command::Fetch;
use crate::kernel::{Command, Context, Slot, State, StreamId};

crate::rejections! {
    /// Why contacts say no.
    ContactRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Oneself: Invalid, "CONTACTS_ONESELF",
            "that is your own account", "Name somebody else.";
        TooMany: LimitExceeded, "CONTACTS_TOO_MANY",
            "there are 5,000 contacts already", "Remove some first.";
        TooManyBlocked: LimitExceeded, "CONTACTS_TOO_MANY_BLOCKED",
            "1,000 accounts are blocked already", "Unblock some first.";
        Blocked: Conflict, "CONTACTS_BLOCKED",
            "you have blocked this person", "Unblock them first.";
    }
}

/// What the actor says of somebody, how much they say of others, and who that is.
type Known = (Slot<Contact>, Slot<ContactCounts>, Slot<Account>);

fn known(other: AccountId, context: &Context<'_>) -> Known {
    (said(context.actor, other), Slot::of(context.actor), Slot::of(other))
}

/// Asks for what a person says of another.
pub(crate) fn said(account: AccountId, other: AccountId) -> Slot<Contact> {
    Slot::new(Contact::id(account, other), StreamId::Account(account))
}

fn is_contact(contact: &Slot<Contact>) -> bool {
    contact.get().is_some_and(|it| it.contact_since.is_some())
}

fn is_blocked(contact: &Slot<Contact>) -> bool {
    contact.get().is_some_and(|it| it.blocked_since.is_some())
}

fn counts(slot: &Slot<ContactCounts>) -> ContactCounts {
    slot.get().cloned().unwrap_or_default()
}

/// A conversation, and in a direct one what both people say of each other.
pub struct Talk {
    actor: AccountId,
    pub conversation: Slot<Conversation>,
    said: Vec<Slot<Contact>>,
}

impl Talk {
    /// A conversation that the actor wants to say something in.
    pub fn new(id: ConversationId, actor: AccountId) -> Self {
        let conversation = Slot::new(id.to_string(), StreamId::Conversation(id));
        Self { actor, conversation, said: Vec::new() }
    }

    /// Who of a direct conversation wants nothing of the other; the actor comes first.
    pub fn blocked_by(&self) -> Option<AccountId> {
        let blocked = self.said.iter().filter_map(Slot::get).find(|it| it.blocked_since.is_some());
        blocked.map(|it| it.account_id)
    }
}

impl State for Talk {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.conversation.fill(fetch);
        let direct = self.conversation.get().filter(|it| it.kind == Kind::Direct);
        let pair = direct.map_or(&[][..], |it| it.pair.as_slice());
        let other = pair.iter().find(|it| **it != self.actor);
        let said = other.map(|it| vec![said(self.actor, *it), said(*it, self.actor)]);
        self.said = said.unwrap_or_default();
        self.said.fill(fetch);
    }
}

/// Counts somebody among the contacts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddContact {
    pub account_id: AccountId,
}

impl Command for AddContact {
    const NAME: &'static str = "AddContact";
    const SEALS: bool = false;
    type State = (Known, Slot<Contact>);
    type Rejection = ContactRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ContactRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (known(self.account_id, context), said(self.account_id, context.actor))
    }

    fn decide(
        self,
        ((contact, so_far, account), theirs): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ContactRejection> {
        admit(self.account_id, account, context)?;
        if is_blocked(theirs) {
            // As if there were nobody, which is what finding them says.
            return Err(ContactRejection::NotFound);
        }
        if is_contact(contact) {
            return Ok(Vec::new());
        }
        if is_blocked(contact) {
            return Err(ContactRejection::Blocked);
        }
        if counts(so_far).contacts >= CONTACTS_MAX {
            return Err(ContactRejection::TooMany);
        }
        let added = ContactAdded { account_id: context.actor, contact_id: self.account_id };
        Ok(vec![added.into()])
    }
}

/// Refuses what is nobody, or oneself.
fn admit(
    other: AccountId,
    account: &Slot<Account>,
    context: &Context<'_>,
) -> Result<(), ContactRejection> {
    if other == context.actor {
        return Err(ContactRejection::Oneself);
    }
    let shown = account.get().is_some_and(Account::is_shown);
    shown.then_some(()).ok_or(ContactRejection::NotFound)
}

/// Takes somebody off the contacts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveContact {
    pub account_id: AccountId,
}

impl Command for RemoveContact {
    const NAME: &'static str = "RemoveContact";
    const SEALS: bool = false;
    type State = Slot<Contact>;
    type Rejection = ContactRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ContactRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Contact> {
        said(context.actor, self.account_id)
    }

    fn decide(
        self,
        contact: &Slot<Contact>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ContactRejection> {
        let removed = ContactRemoved { account_id: context.actor, contact_id: self.account_id };
        Ok(is_contact(contact).then(|| removed.into()).into_iter().collect())
    }
}

/// Wants nothing of somebody any more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BlockAccount {
    pub account_id: AccountId,
}

impl Command for BlockAccount {
    const NAME: &'static str = "BlockAccount";
    const SEALS: bool = false;
    type State = Known;
    type Rejection = ContactRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ContactRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Known {
        known(self.account_id, context)
    }

    fn decide(
        self,
        (contact, so_far, account): &Known,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ContactRejection> {
        admit(self.account_id, account, context)?;
        if is_blocked(contact) {
            return Ok(Vec::new());
        }
        if counts(so_far).blocked >= BLOCKED_MAX {
            return Err(ContactRejection::TooManyBlocked);
        }
        let (account_id, other) = (context.actor, self.account_id);
        let mut events = Vec::new();
        if is_contact(contact) {
            events.push(ContactRemoved { account_id, contact_id: other }.into());
        }
        let origin = Some(context.origin.clone());
        events.push(AccountBlocked { account_id, blocked_id: other, origin }.into());
        Ok(events)
    }
}

/// Lets somebody reach the actor again.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnblockAccount {
    pub account_id: AccountId,
}

impl Command for UnblockAccount {
    const NAME: &'static str = "UnblockAccount";
    const SEALS: bool = false;
    type State = Slot<Contact>;
    type Rejection = ContactRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ContactRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Contact> {
        said(context.actor, self.account_id)
    }

    fn decide(
        self,
        contact: &Slot<Contact>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ContactRejection> {
        let (account_id, blocked_id) = (context.actor, self.account_id);
        let origin = Some(context.origin.clone());
        let unblocked = AccountUnblocked { account_id, blocked_id, origin };
        Ok(is_blocked(contact).then(|| unblocked.into()).into_iter().collect())
    }
}
