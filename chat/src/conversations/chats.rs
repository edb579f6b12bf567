//! The chat list: the conversations of one person, in order.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Result};

use ports::documents::{Order, Scan};

use super::{Conversation, ConversationObject};
use crate::accounts::AccountId;
use crate::kernel::document::{Document, padded};
use crate::kernel::graphql::{Page, outage, scope};
use crate::members::Member;

/// Conversations of one person at most.
const CONVERSATIONS_MAX: usize = 10_000;

/// The viewer's conversations with the cursor that each has in the chat list.
pub(super) async fn heads(
    context: &Context<'_>,
    viewer: AccountId,
) -> Result<Vec<(String, Arc<Conversation>)>> {
    let reader = &scope(context).reader;
    let prefix = format!("{viewer}/");
    let name = Member::COLLECTION.name;
    let order = Order::Ascending;
    let scan = Scan::prefix(name, Some("by_account"), &prefix, order, CONVERSATIONS_MAX);
    let memberships = reader.scan::<Member>(scan).await.map_err(outage)?;
    let ids = memberships.iter().map(|(_, it)| it.conversation_id.to_string());
    let heads = reader.load_many::<Conversation>(ids).await.map_err(outage)?;
    let cursor = |it: &Arc<Conversation>| {
        let active_at = u64::try_from(it.active_at.0).unwrap_or(0);
        format!("{}/{}", padded(active_at), it.id)
    };
    Ok(heads.into_iter().flatten().map(|it| (cursor(&it), it)).collect())
}

/// A page of a list that is sorted by falling cursors.
pub(super) fn slice(
    all: Vec<(String, Arc<Conversation>)>,
    page: &Page,
) -> Connection<String, ConversationObject> {
    let inside = |cursor: &str| {
        page.after.as_deref().is_none_or(|it| cursor < it)
            && page.before.as_deref().is_none_or(|it| cursor > it)
    };
    let total = all.len();
    let mut kept: Vec<_> = all.into_iter().filter(|(cursor, _)| inside(cursor)).collect();
    let more = kept.len() > page.limit;
    let beyond = kept.len() < total;
    if page.backward {
        kept.drain(..kept.len().saturating_sub(page.limit));
    } else {
        kept.truncate(page.limit);
    }
    let (previous, next) = match page.backward {
        true => (more, beyond && page.before.is_some()),
        false => (beyond && page.after.is_some(), more),
    };
    let mut connection = Connection::new(previous, next);
    let edges = kept
        .into_iter()
        .map(|(cursor, it)| Edge::new(cursor, ConversationObject { head: it, unread: None }));
    connection.edges.extend(edges);
    connection
}
