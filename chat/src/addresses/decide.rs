//! When an address is proposed, proved and removed.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ADDRESSES_MAX, AddressConfirmed, AddressId, AddressProposed, AddressRemoved, AddressTried,
    Addresses, CODE_MS, MAIL_CHARS_MAX, Pending, TRIES_MAX,
};
use crate::Event;
use crate::accounts::{AccountId, NameId};
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp, id};
use crate::outbox::{Channel, Fields, Letter, Template, queued};
use crate::sessions::Fresh;

crate::rejections! {
    /// Why addresses say no.
    AddressRejection {
        Invalid: Invalid, "ADDRESSES_INVALID",
            "that is no mail address and no phone number with + and country code",
            "Check the address.";
        TooMany: LimitExceeded, "ADDRESSES_TOO_MANY",
            "an account has at most 5 addresses", "Remove one.";
        Taken: Conflict, "ADDRESSES_TAKEN",
            "address belongs to another account", "Use another address, or sign in with it.";
        CodeInvalid: Forbidden, "ADDRESSES_CODE_INVALID",
            "code is wrong or too old", "Propose the address again for a new code.";
        IsFactor: Conflict, "ADDRESSES_IS_FACTOR",
            "codes to that address are a second factor", "Give `disableCodeFactor` first.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

/// A mail address in the form in which it is unique.
///
/// # Errors
/// `Invalid` when it is none.
pub fn mail(text: &str) -> Result<String, AddressRejection> {
    let address = email_address::EmailAddress::from_str(text.trim());
    let address = address.map_err(|_| AddressRejection::Invalid)?;
    let plain = address.display_part().is_empty() && address.as_str().is_ascii();
    let fits = address.as_str().len() <= MAIL_CHARS_MAX;
    let address = address.as_str().to_ascii_lowercase();
    (plain && fits).then_some(address).ok_or(AddressRejection::Invalid)
}

/// A phone number in the form of E.164.
///
/// # Errors
/// `Invalid` when it is none.
pub fn phone(text: &str) -> Result<String, AddressRejection> {
    let number: String = text.chars().filter(|it| !" -()./".contains(*it)).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    let fits = (8..=15).contains(&digits.len()) && !digits.starts_with('0');
    let fits = fits && digits.bytes().all(|it| it.is_ascii_digit());
    fits.then_some(number).ok_or(AddressRejection::Invalid)
}

/// The addresses of whoever asks, and whether they have proved themselves lately.
type Own = (Slot<Addresses>, Fresh);

fn own(context: &Context<'_>) -> Own {
    (Slot::of(context.actor), Fresh::of(context))
}

fn demand(fresh: &Fresh, context: &Context<'_>) -> Result<(), AddressRejection> {
    fresh.session(context).map(drop).ok_or(AddressRejection::NotFresh)
}

/// Says that an address is the person's, and sends a code there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProposeAddress {
    pub channel: Channel,
    /// In the form in which it is unique.
    pub address: String,
    pub claim_id: NameId,
    pub code: String,
    pub locale: String,
    /// What the message greets the person by, and names this server by.
    pub name: String,
    pub server: String,
}

impl ProposeAddress {
    /// The id of the address that a command proposes.
    pub fn id(actor: AccountId, client_id: uuid::Uuid) -> AddressId {
        AddressId(id::derive(client_id, &[b"address", actor.0.as_bytes()]))
    }
}

impl Command for ProposeAddress {
    const NAME: &'static str = "ProposeAddress";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = Own;
    type Rejection = AddressRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, AddressRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Own {
        own(context)
    }

    fn decide(
        self,
        (addresses, fresh): &Own,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AddressRejection> {
        demand(fresh, context)?;
        let confirmed = addresses.get().map_or(&[][..], |it| &it.confirmed);
        let others = confirmed.iter().filter(|it| it.claim_id != self.claim_id).count();
        if others >= ADDRESSES_MAX {
            return Err(AddressRejection::TooMany);
        }
        let fields = [("code", self.code.clone()), ("name", self.name), ("server", self.server)];
        let fields: Fields = fields.into_iter().map(|(key, it)| (key.to_owned(), it)).collect();
        let letter = Letter {
            channel: self.channel,
            template: Template::AddressCode,
            locale: self.locale.clone(),
            to: self.address.clone(),
            fields,
            good_for_ms: CODE_MS,
        };
        let proposed = AddressProposed {
            account_id: context.actor,
            address_id: Self::id(context.actor, context.client_id),
            channel: self.channel,
            claim_id: self.claim_id,
            address: Personal::new(self.address),
            code: Personal::new(self.code),
            locale: self.locale,
            good_until: Timestamp(context.now.0 + CODE_MS),
            origin: Some(context.origin.clone()),
        };
        Ok(vec![proposed.into(), queued(letter, context)])
    }

    /// Without the code, which is drawn anew each time.
    fn body(&self) -> Vec<u8> {
        self.address.clone().into_bytes()
    }
}

/// The proposal that a code may be shown for.
fn open<'a>(
    addresses: &'a Slot<Addresses>,
    address_id: AddressId,
    context: &Context<'_>,
) -> Result<&'a Pending, AddressRejection> {
    let pending = addresses.get().and_then(|it| it.pending.as_ref());
    let pending = pending.filter(|it| it.id == address_id && context.now.0 < it.good_until.0);
    pending.ok_or(AddressRejection::CodeInvalid)
}

/// Counts a try before the code is looked at, so that no more are looked at than the limit.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TryAddress {
    pub address_id: AddressId,
}

impl Command for TryAddress {
    const NAME: &'static str = "TryAddress";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Addresses>;
    type Rejection = AddressRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, AddressRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Addresses> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        addresses: &Slot<Addresses>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AddressRejection> {
        let pending = open(addresses, self.address_id, context)?;
        let (account_id, address_id) = (context.actor, self.address_id);
        let tried = AddressTried { account_id, address_id };
        let left = pending.tries < TRIES_MAX;
        left.then(|| vec![tried.into()]).ok_or(AddressRejection::CodeInvalid)
    }
}

/// Takes an address as the person's: its code was shown and its claim is theirs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfirmAddress {
    pub address_id: AddressId,
}

impl Command for ConfirmAddress {
    const NAME: &'static str = "ConfirmAddress";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Addresses>;
    type Rejection = AddressRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, AddressRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Addresses> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        addresses: &Slot<Addresses>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AddressRejection> {
        if addresses.get().is_some_and(|it| it.confirmed(self.address_id).is_some()) {
            return Ok(Vec::new());
        }
        open(addresses, self.address_id, context)?;
        let (account_id, origin) = (context.actor, Some(context.origin.clone()));
        let address_id = self.address_id;
        Ok(vec![AddressConfirmed { account_id, address_id, origin }.into()])
    }
}

/// Gives an address up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveAddress {
    pub address_id: AddressId,
}

impl Command for RemoveAddress {
    const NAME: &'static str = "RemoveAddress";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Own;
    type Rejection = AddressRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, AddressRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Own {
        own(context)
    }

    fn decide(
        self,
        (addresses, fresh): &Own,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AddressRejection> {
        demand(fresh, context)?;
        let confirmed = addresses.get().and_then(|it| it.confirmed(self.address_id));
        let confirmed = confirmed.ok_or(AddressRejection::NotFound)?;
        // Nobody is locked out, or left with less, by giving an address up.
        if fresh.factors.get().is_some_and(|it| it.rest_on(confirmed.claim_id)) {
            return Err(AddressRejection::IsFactor);
        }
        let removed = AddressRemoved {
            account_id: context.actor,
            address_id: self.address_id,
            claim_id: confirmed.claim_id,
            origin: Some(context.origin.clone()),
        };
        Ok(vec![removed.into()])
    }
}
