//! Activity as its owner sees it.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Object, Result};
use ports::documents::{Order, Scan};

use super::{Activity, ActivityKind};
use crate::kernel::Timestamp;
use crate::kernel::document::{Document, padded};
use crate::kernel::graphql::{Page, invalid, outage, rejected, scope};
use crate::sessions::SessionObject;

/// One thing that happened to the viewer's security.
struct ActivityObject(Arc<Activity>);

#[Object(name = "Activity")]
impl ActivityObject {
    async fn kind(&self) -> ActivityKind {
        self.0.kind
    }

    async fn occurred_at(&self) -> Timestamp {
        self.0.occurred_at
    }

    /// The session that it came from, or that it was about; null when staff did it.
    async fn session(&self, context: &Context<'_>) -> Result<Option<SessionObject>> {
        match self.0.session_id.filter(|_| !self.0.by_staff) {
            Some(session) => SessionObject::find(context, session).await,
            None => Ok(None),
        }
    }

    /// Whether those who run the server did it.
    async fn by_staff(&self) -> bool {
        self.0.by_staff
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct ActivityQuery;

#[Object]
impl ActivityQuery {
    /// What happened to the viewer's security, newest first.
    async fn activity(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<String, ActivityObject>> {
        let scope = scope(context);
        let page = Page::new(first, None, after, None)?;
        let prefix = Activity::prefix(scope.viewer()?.account);
        let (name, limit) = (Activity::COLLECTION.name, page.limit + 1);
        let mut scan = Scan::prefix(name, None, &prefix, Order::Descending, limit);
        if let Some(after) = &page.after {
            let seq: u64 =
                after.parse().map_err(|_| rejected(invalid("cursor is not one of this list")))?;
            scan.to = format!("{prefix}{}", padded(seq));
        }
        let mut found = scope.reader.scan::<Activity>(scan).await.map_err(outage)?;
        let more = found.len() > page.limit;
        found.truncate(page.limit);
        let mut connection = Connection::new(page.after.is_some(), more);
        let edges = found.into_iter();
        let edges = edges.map(|(_, it)| Edge::new(it.seq.to_string(), ActivityObject(it)));
        connection.edges.extend(edges);
        Ok(connection)
    }
}
