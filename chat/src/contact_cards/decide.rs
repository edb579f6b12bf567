//! Who may send a contact card, and what is on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EMAILS_MAX, NAME_CHARS_MAX, PHONES_MAX};
use crate::Event;
use crate::accounts::{Account, AccountId};
use crate::addresses::{mail, phone};
use crate::conversations::ConversationId;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::messages::{Addressed, Body, Content, MessageId, Said, Sending, Unsent};

crate::rejections! {
    /// Why contact cards say no.
    ContactCardRejection {
        NameInvalid: Invalid, "CONTACT_CARDS_NAME_INVALID",
            "name is not 1 to 128 characters on one line", "Shorten the name or give one.";
        Empty: Invalid, "CONTACT_CARDS_EMPTY",
            "the card tells no way to reach anybody",
            "Give a phone number, a mail address or an account.";
        TooMany: Invalid, "CONTACT_CARDS_TOO_MANY",
            "over 10 phone numbers or over 10 mail addresses", "Leave some out.";
        AddressInvalid: Invalid, "CONTACT_CARDS_ADDRESS_INVALID",
            "that is no mail address, or no phone number with + and country code",
            "Check the addresses.";
        AccountNotFound: NotFound, "CONTACT_CARDS_ACCOUNT_NOT_FOUND",
            "the account does not exist", "Check the id.";
    }
}

/// Somebody's name and how they are reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub name: String,
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
}

/// Sends a contact card.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendContact {
    pub conversation_id: ConversationId,
    /// At most 128 characters.
    pub name: String,
    /// At most 10, with + and country code.
    #[serde(default)]
    pub phones: Vec<String>,
    /// At most 10.
    #[serde(default)]
    pub emails: Vec<String>,
    /// The account of the person, if they have one here.
    #[serde(default)]
    pub account_id: Option<AccountId>,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// The message that begins the thread it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<MessageId>,
    /// When it was sent, for history from elsewhere; not in the future.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
}

/// Each once, in their order.
fn distinct(all: Vec<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::with_capacity(all.len());
    for it in all {
        if !found.contains(&it) {
            found.push(it);
        }
    }
    found
}

impl SendContact {
    fn addressed(&self) -> Addressed {
        let Self { conversation_id, reply_to, thread_id, sent_at, .. } = *self;
        Addressed { reply_to, thread_id, sent_at, ..Addressed::to(conversation_id) }
    }

    /// The id of the message that this command sends.
    pub fn message_id(&self, context: &Context<'_>) -> MessageId {
        self.addressed().message_id(context)
    }

    fn card(&self, account: Option<&Slot<Account>>) -> Result<Card, ContactCardRejection> {
        let name = self.name.trim();
        let readable = !name.chars().any(char::is_control);
        if !readable || !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
            return Err(ContactCardRejection::NameInvalid);
        }
        if self.phones.len() > PHONES_MAX || self.emails.len() > EMAILS_MAX {
            return Err(ContactCardRejection::TooMany);
        }
        let phones: Result<_, _> = self.phones.iter().map(|it| phone(it)).collect();
        let emails: Result<_, _> = self.emails.iter().map(|it| mail(it)).collect();
        let (Ok(phones), Ok(emails)) = (phones, emails) else {
            return Err(ContactCardRejection::AddressInvalid);
        };
        if account.is_some_and(|it| !it.get().is_some_and(Account::is_shown)) {
            return Err(ContactCardRejection::AccountNotFound);
        }
        let (phones, emails) = (distinct(phones), distinct(emails));
        if phones.is_empty() && emails.is_empty() && account.is_none() {
            return Err(ContactCardRejection::Empty);
        }
        Ok(Card { name: name.to_owned(), phones, emails, account_id: self.account_id })
    }

    fn said(&self, account: Option<&Slot<Account>>) -> Result<Said, ContactCardRejection> {
        let card = self.card(account)?;
        let text = card.name.clone();
        Ok((Body::holding(Content::Contact(card), text), Vec::new()))
    }
}

impl Command for SendContact {
    const NAME: &'static str = "SendContact";
    const SEALS: bool = true;
    type State = (Sending, Option<Slot<Account>>);
    type Rejection = Unsent<ContactCardRejection>;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, Self::Rejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Sending::new(self.addressed(), context), self.account_id.map(Slot::of))
    }

    fn decide(
        self,
        (sending, account): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Self::Rejection> {
        let said = || self.said(account.as_ref()).map_err(Unsent::Content);
        let sent = sending.sent(context, said)?;
        let mut events = sending.read(context);
        events.push(sent.into());
        Ok(events)
    }
}
