//! Contacts as their owner sees them.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::documents::{Order, Scan};

use super::{AddContact, BlockAccount, Contact, RemoveContact, UnblockAccount};
use crate::accounts::{AccountId, AccountObject};
use crate::kernel::document::Document;
use crate::kernel::graphql::{Outcome, Page, id, outage, scope};
use crate::kernel::{Command, Timestamp};
use crate::privacy::has_blocked;

/// What the viewer says of somebody.
pub struct ContactObject(Arc<Contact>);

impl ContactObject {
    /// What a person says of another; the caller has checked that it is theirs.
    pub async fn find(
        context: &Context<'_>,
        (account, other): (AccountId, AccountId),
    ) -> Result<Option<Self>> {
        let reader = &scope(context).reader;
        let found = reader.load::<Contact>(Contact::id(account, other)).await.map_err(outage)?;
        Ok(found.map(Self))
    }
}

/// What the viewer says of somebody.
#[Object(name = "Contact")]
impl ContactObject {
    /// Null as well when the person has blocked the viewer.
    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        let reader = &scope(context).reader;
        match has_blocked(reader, self.0.other_id, self.0.account_id).await.map_err(outage)? {
            true => Ok(None),
            false => AccountObject::find(context, self.0.other_id).await,
        }
    }

    /// Since when they are a contact; null when they are none.
    async fn contact_since(&self) -> Option<Timestamp> {
        self.0.contact_since
    }

    /// Since when they are blocked; null when they are not.
    async fn blocked_since(&self) -> Option<Timestamp> {
        self.0.blocked_since
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct ContactQuery;

#[Object]
impl ContactQuery {
    /// The viewer's contacts, newest first.
    async fn contacts(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, ContactObject>> {
        list(context, "by_contact", Page::new(first, None, after, None)?).await
    }

    /// Whom the viewer has blocked, newest first.
    async fn blocked(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, ContactObject>> {
        list(context, "by_blocked", Page::new(first, None, after, None)?).await
    }
}

async fn list(
    context: &Context<'_>,
    index: &'static str,
    page: Page,
) -> Result<Connection<String, ContactObject>> {
    let scope = scope(context);
    let prefix = format!("{}/", scope.viewer()?.account);
    let (name, limit) = (Contact::COLLECTION.name, page.limit + 1);
    let mut scan = Scan::prefix(name, Some(index), &prefix, Order::Descending, limit);
    if let Some(after) = &page.after {
        scan.to = format!("{prefix}{after:.80}");
    }
    let mut found = scope.reader.scan::<Contact>(scan).await.map_err(outage)?;
    let more = found.len() > page.limit;
    found.truncate(page.limit);
    let mut connection = Connection::new(page.after.is_some(), more);
    connection.edges.extend(
        found
            .into_iter()
            .map(|(key, it)| Edge::new(key[prefix.len()..].to_owned(), ContactObject(it))),
    );
    Ok(connection)
}

#[derive(InputObject)]
struct ContactInput {
    client_id: ID,
    account_id: ID,
}

#[derive(SimpleObject)]
struct ContactPayload {
    contact: Option<ContactObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct ContactMutation;

#[Object]
impl ContactMutation {
    /// Counts somebody among the viewer's contacts.
    async fn add_contact(
        &self,
        context: &Context<'_>,
        input: ContactInput,
    ) -> Result<ContactPayload> {
        say(context, &input, |account_id| AddContact { account_id }).await
    }

    /// Takes somebody off the viewer's contacts.
    async fn remove_contact(
        &self,
        context: &Context<'_>,
        input: ContactInput,
    ) -> Result<ContactPayload> {
        say(context, &input, |account_id| RemoveContact { account_id }).await
    }

    /// Wants nothing of somebody any more: they can't write to the viewer, add the viewer to groups
    /// or find the viewer, and see nothing of the viewer but what is posted in shared groups.
    async fn block_account(
        &self,
        context: &Context<'_>,
        input: ContactInput,
    ) -> Result<ContactPayload> {
        say(context, &input, |account_id| BlockAccount { account_id }).await
    }

    /// Lets somebody reach the viewer again.
    async fn unblock_account(
        &self,
        context: &Context<'_>,
        input: ContactInput,
    ) -> Result<ContactPayload> {
        say(context, &input, |account_id| UnblockAccount { account_id }).await
    }
}

async fn say<C: Command>(
    context: &Context<'_>,
    input: &ContactInput,
    command: impl FnOnce(AccountId) -> C,
) -> Result<ContactPayload> {
    let scope = scope(context);
    let account_id: AccountId = id(&input.account_id)?;
    let outcome: Outcome = scope.submit(&input.client_id, command(account_id)).await?;
    let pair = (scope.viewer()?.account, account_id);
    let contact = match outcome.readable {
        true => ContactObject::find(context, pair).await?,
        false => None,
    };
    Ok(ContactPayload { contact, position: outcome.position })
}
