//! The chat list: one person's conversations, the most recently active first.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Result};

use ports::documents::{Order, Scan};

use super::{Conversation, ConversationObject};
use crate::accounts::AccountId;
use crate::kernel::document::{Document, padded};
use crate::kernel::graphql::{Page, outage, scope};
use crate::members::Member;
use crate::receipts::Unread;

/// Conversations of one person at most.
const CONVERSATIONS_MAX: usize = 10_000;

/// A page of the viewer's conversations; unread counts are read together where they are asked for.
pub(super) async fn chats(
    context: &Context<'_>,
    page: Page,
) -> Result<Connection<String, ConversationObject>> {
    let viewer = scope(context).viewer()?.account;
    let mut all = heads(context, viewer).await?;
    all.sort_by(|(left, _), (right, _)| right.cmp(left));
    let mut connection = slice(all, &page);
    let asked = context.look_ahead();
    let nodes = [asked.field("edges").field("node"), asked.field("nodes")];
    let counts = ["unreadCount", "mentionCount", "viewerReadNumber"];
    if nodes.iter().any(|node| counts.iter().any(|it| node.field(it).exists())) {
        let ids: Vec<_> = connection.edges.iter().map(|it| it.node.head.id).collect();
        let unread = Unread::load_many(&scope(context).reader, viewer, &ids).await;
        for (edge, unread) in connection.edges.iter_mut().zip(unread.map_err(outage)?) {
            edge.node.unread = Some(unread);
        }
    }
    Ok(connection)
}

/// The viewer's conversations with the cursor that each has in the chat list.
async fn heads(
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
fn slice(
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
