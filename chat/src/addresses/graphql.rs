//! Addresses as their owner sees them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use ports::entropy::Entropy;
use ports::keys::crypto;

use super::{
    AddressId, AddressRejection, Addresses, ConfirmAddress, Confirmed, ProposeAddress,
    RemoveAddress, TryAddress, mail, phone,
};
use crate::accounts::{
    Account, AccountId, AccountRejection, ClaimName, ConfirmName, FreeName, Name, NameId, NameState,
};
use crate::kernel::command::name_id;
use crate::kernel::graphql::{Scope, failed, id, outage, rejected, scope, uuid};
use crate::kernel::{Failure, Timestamp, id as ids};
use crate::outbox::{Channel, Fields, spoken};

/// The stream of the claim on an address: no username holds a colon.
pub(crate) fn claim(scope: &Scope, channel: Channel, address: &str) -> NameId {
    let kind = match channel {
        Channel::Mail => "mail",
        Channel::Sms => "phone",
    };
    name_id(&scope.reader.keyring.secret("names"), &format!("{kind}:{address}"))
}

/// The account that has proved an address.
///
/// # Errors
/// When the documents can't be reached.
pub async fn holder(scope: &Scope, text: &str) -> Result<Option<AccountId>> {
    let channel = if mail(text).is_ok() { Channel::Mail } else { Channel::Sms };
    held(scope, channel, text).await
}

/// The account that has proved an address of one kind.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn held(scope: &Scope, channel: Channel, text: &str) -> Result<Option<AccountId>> {
    let address = match channel {
        Channel::Mail => mail(text),
        Channel::Sms => phone(text),
    };
    let Ok(address) = address else { return Ok(None) };
    let claim_id = claim(scope, channel, &address);
    let name = scope.reader.load::<Name>(claim_id.to_string()).await.map_err(outage)?;
    let name = name.filter(|it| it.state == NameState::Confirmed);
    match name.map(|it| it.account_id) {
        Some(account) if holds(scope, account, claim_id).await? => Ok(Some(account)),
        Some(_) | None => Ok(None),
    }
}

pub(crate) async fn addresses(scope: &Scope, account: AccountId) -> Result<Arc<Addresses>> {
    let found = scope.reader.load::<Addresses>(account.to_string()).await.map_err(outage)?;
    Ok(found.unwrap_or_default())
}

/// An address that the viewer has proved.
struct AddressObject(Confirmed);

#[Object(name = "Address")]
impl AddressObject {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// The mail address; null for a phone number.
    async fn email(&self, context: &Context<'_>) -> Result<Option<String>> {
        self.of(context, Channel::Mail).await
    }

    /// The phone number; null for a mail address.
    async fn phone(&self, context: &Context<'_>) -> Result<Option<String>> {
        self.of(context, Channel::Sms).await
    }

    /// Since when it counts as proved.
    async fn since(&self) -> Timestamp {
        self.0.since
    }
}

impl AddressObject {
    async fn of(&self, context: &Context<'_>, channel: Channel) -> Result<Option<String>> {
        match self.0.channel == channel {
            true => scope(context).reader.open(&self.0.address).await.map_err(outage),
            false => Ok(None),
        }
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct AddressQuery;

#[Object]
impl AddressQuery {
    /// The addresses that the viewer has proved, at most 5.
    async fn addresses(&self, context: &Context<'_>) -> Result<Vec<AddressObject>> {
        let scope = scope(context);
        let all = addresses(scope, scope.viewer()?.account).await?;
        Ok(all.confirmed.iter().cloned().map(AddressObject).collect())
    }
}

#[derive(InputObject)]
struct ProposeAddressInput {
    client_id: ID,
    /// A mail address; give this or a phone number.
    email: Option<String>,
    /// A phone number with + and country code.
    phone: Option<String>,
    /// The language to write in (BCP 47).
    #[graphql(default = "en")]
    locale: String,
}

#[derive(SimpleObject)]
struct ProposeAddressPayload {
    /// To be given to `confirmAddress` with the code that was sent.
    address_id: ID,
    position: String,
}

#[derive(InputObject)]
struct ConfirmAddressInput {
    client_id: ID,
    address_id: ID,
    code: String,
}

#[derive(SimpleObject)]
struct AddressesPayload {
    addresses: Vec<AddressObject>,
    position: String,
}

#[derive(InputObject)]
struct RemoveAddressInput {
    client_id: ID,
    address_id: ID,
}

/// A code of six digits.
pub(crate) fn fresh_code(entropy: &dyn Entropy) -> String {
    let number = u64::from_be_bytes(entropy.bytes()) % 1_000_000;
    format!("{number:06}")
}

/// How the person is greeted.
pub(crate) async fn name(scope: &Scope, account: AccountId) -> Result<String> {
    let found = scope.reader.load::<Account>(account.to_string()).await.map_err(outage)?;
    let name = match found.as_ref().and_then(|it| it.profile.as_ref()) {
        Some(it) => scope.reader.open(&it.display_name).await.map_err(outage)?,
        None => None,
    };
    Ok(name.unwrap_or_default())
}

/// What is filled into every message to a person, and what else is into this one.
pub(crate) async fn fields(
    scope: &Scope,
    account: AccountId,
    more: &[(&str, String)],
) -> Result<Fields> {
    let (name, server) = (name(scope, account).await?, scope.tokens.host().to_owned());
    let fields = [("name", name), ("server", server)].into_iter().chain(more.iter().cloned());
    Ok(fields.map(|(key, it)| (key.to_owned(), it)).collect())
}

/// Claims an address; a claim that somebody left open is given back first: of those who have shown
/// its code, whoever gets to the end has it.
async fn take_claim(scope: &Scope, account: AccountId, claim_id: NameId) -> Result<()> {
    let fresh = || ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
    let claim = ClaimName { name_id: claim_id, account_id: account };
    let taken = Failure::Rejected(AccountRejection::UsernameTaken.into());
    let Err(failure) = scope.submit_for(account, fresh(), claim.clone()).await else {
        return Ok(());
    };
    if failure != taken {
        return Err(failed(failure));
    }
    let held = scope.reader.load::<Name>(claim_id.to_string()).await.map_err(outage)?;
    let held = held.ok_or_else(|| rejected(AddressRejection::Taken))?.account_id;
    if holds(scope, held, claim_id).await? {
        return Err(rejected(AddressRejection::Taken));
    }
    let free = FreeName { name_id: claim_id, account_id: held };
    scope.submit_for(held, fresh(), free).await.map_err(failed)?;
    scope.submit_for(account, fresh(), claim).await.map_err(failed).map(drop)
}

/// Whether an account has proved the address of a claim; it may have given it up without giving
/// the claim back.
async fn holds(scope: &Scope, account: AccountId, claim_id: NameId) -> Result<bool> {
    let known = addresses(scope, account).await?;
    Ok(known.confirmed.iter().any(|it| it.claim_id == claim_id))
}

/// Changes of this room.
#[derive(Default)]
pub struct AddressMutation;

#[Object]
impl AddressMutation {
    /// Sends a code to an address that the viewer says is theirs. The viewer must have proved
    /// themselves lately.
    async fn propose_address(
        &self,
        context: &Context<'_>,
        input: ProposeAddressInput,
    ) -> Result<ProposeAddressPayload> {
        let scope = scope(context);
        let account = scope.viewer()?.account;
        let (channel, address) = match (&input.email, &input.phone) {
            (Some(text), None) => (Channel::Mail, mail(text)),
            (None, Some(text)) => (Channel::Sms, phone(text)),
            _ => return Err(rejected(AddressRejection::Invalid)),
        };
        let address = address.map_err(rejected)?;
        let claim_id = claim(scope, channel, &address);
        // Codes cost their receiver attention and the operator money, whoever asks for them.
        let limit = scope.limits.codes;
        scope.take_hourly(&format!("codes/to/{claim_id}"), limit).await?;
        scope.take_hourly(&format!("codes/by/{account}"), limit.saturating_mul(2)).await?;
        let command = ProposeAddress {
            channel,
            address,
            claim_id,
            code: fresh_code(scope.entropy.as_ref()),
            locale: spoken(&input.locale).to_owned(),
            name: name(scope, account).await?,
            server: scope.tokens.host().to_owned(),
        };
        let outcome = scope.submit(&input.client_id, command).await?;
        let address_id = ProposeAddress::id(account, uuid(&input.client_id)?).into();
        Ok(ProposeAddressPayload { address_id, position: outcome.position })
    }

    /// Shows the code that was sent: the address is the viewer's from here on.
    async fn confirm_address(
        &self,
        context: &Context<'_>,
        input: ConfirmAddressInput,
    ) -> Result<AddressesPayload> {
        let scope = scope(context);
        let account = scope.viewer()?.account;
        let address_id: AddressId = id(&input.address_id)?;
        let fresh = || ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
        let known = addresses(scope, account).await?;
        if known.confirmed(address_id).is_none() {
            let tried = scope.submit_for(account, fresh(), TryAddress { address_id }).await;
            scope.outcome(tried.map_err(failed)?).await?;
            let invalid = || rejected(AddressRejection::CodeInvalid);
            let known = addresses(scope, account).await?;
            let pending = known.pending.as_ref().filter(|it| it.id == address_id);
            let pending = pending.ok_or_else(invalid)?;
            let code = scope.reader.open(&pending.code).await.map_err(outage)?;
            let code = code.unwrap_or_default();
            let shown = input.code.trim();
            if code.is_empty() || !crypto::equal(shown.as_bytes(), code.as_bytes()) {
                return Err(invalid());
            }
            take_claim(scope, account, pending.claim_id).await?;
        }
        let outcome = scope.submit(&input.client_id, ConfirmAddress { address_id }).await?;
        let known = addresses(scope, account).await?;
        if let Some(it) = known.confirmed(address_id) {
            let confirm = ConfirmName { name_id: it.claim_id, account_id: account };
            let confirmed = scope.submit_for(account, fresh(), confirm).await.map_err(failed)?;
            scope.outcome(confirmed).await?;
        }
        let addresses = known.confirmed.iter().cloned().map(AddressObject).collect();
        Ok(AddressesPayload { addresses, position: outcome.position })
    }

    /// Gives an address up. The viewer must have proved themselves lately.
    async fn remove_address(
        &self,
        context: &Context<'_>,
        input: RemoveAddressInput,
    ) -> Result<AddressesPayload> {
        let scope = scope(context);
        let account = scope.viewer()?.account;
        let address_id: AddressId = id(&input.address_id)?;
        let before = addresses(scope, account).await?;
        let command = RemoveAddress { address_id };
        let outcome = scope.submit(&input.client_id, command).await?;
        if let Some(it) = before.confirmed(address_id) {
            let free = FreeName { name_id: it.claim_id, account_id: account };
            let client_id = ids::derive(uuid(&input.client_id)?, &[b"free"]);
            scope.submit_for(account, client_id, free).await.map_err(failed)?;
        }
        let after = addresses(scope, account).await?;
        let addresses = after.confirmed.iter().cloned().map(AddressObject).collect();
        Ok(AddressesPayload { addresses, position: outcome.position })
    }
}
