//! The chat list: one person's conversations, those that are pinned first, then the most recently
//! active.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Result};

use ports::Error;
use ports::documents::{Order, Scan};

use super::{Conversation, ConversationObject};
use crate::accounts::AccountId;
use crate::chat_list::ChatList;
use crate::kernel::Reader;
use crate::kernel::document::{Document, padded};
use crate::kernel::graphql::{Page, outage, scope};
use crate::members::Member;
use crate::receipts::Unread;

/// Conversations of one person at most.
pub const CONVERSATIONS_MAX: usize = 10_000;

/// A page of those of the viewer's conversations that are archived, or that are not; unread counts
/// are read together where they are asked for. Applications do not hear how the viewer keeps them.
pub(super) async fn chats(
    context: &Context<'_>,
    archived: bool,
    page: Page,
) -> Result<Connection<String, ConversationObject>> {
    let scope = scope(context);
    let viewer = scope.viewer()?;
    let list = match viewer.scopes {
        Some(_) => ChatList::default(),
        None => ChatList::load(&scope.reader, viewer.account).await.map_err(outage)?,
    };
    let mut all = heads(&scope.reader, viewer.account).await.map_err(outage)?;
    all.retain(|it| list.is_archived(it) == archived);
    let mut all: Vec<_> = all.into_iter().map(|it| (cursor(&list, &it), it)).collect();
    all.sort_by(|(left, _), (right, _)| right.cmp(left));
    let mut connection = slice(all, &page);
    let asked = context.look_ahead();
    let nodes = [asked.field("edges").field("node"), asked.field("nodes")];
    let counts = ["unreadCount", "mentionCount", "viewerReadNumber"];
    if nodes.iter().any(|node| counts.iter().any(|it| node.field(it).exists())) {
        let ids: Vec<_> = connection.edges.iter().map(|it| it.node.head.id).collect();
        let unread = Unread::load_many(&scope.reader, viewer.account, &ids).await;
        for (edge, unread) in connection.edges.iter_mut().zip(unread.map_err(outage)?) {
            edge.node.unread = Some(unread);
        }
    }
    Ok(connection)
}

/// One person's conversations, the most recently active first.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn heads(
    reader: &Reader,
    account: AccountId,
) -> Result<Vec<Arc<Conversation>>, Error> {
    let prefix = format!("{account}/");
    let name = Member::COLLECTION.name;
    let order = Order::Ascending;
    let scan = Scan::prefix(name, Some("by_account"), &prefix, order, CONVERSATIONS_MAX);
    let memberships = reader.scan::<Member>(scan).await?;
    let ids = memberships.iter().map(|(_, it)| it.conversation_id.to_string());
    let heads = reader.load_many::<Conversation>(ids).await?;
    let mut heads: Vec<_> = heads.into_iter().flatten().collect();
    heads.sort_by_key(|it| std::cmp::Reverse((it.active_at, it.id)));
    Ok(heads)
}

/// Where a conversation stands in a list of falling cursors.
fn cursor(list: &ChatList, it: &Conversation) -> String {
    if let Some(rank) = list.rank(it.id) {
        // It sorts after every digit that a time begins with.
        return format!("p{}/{}", padded(u64::MAX - rank as u64), it.id);
    }
    let active_at = u64::try_from(it.active_at.0).unwrap_or(0);
    format!("{}/{}", padded(active_at), it.id)
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
