//! Pages of documents that an index keeps in the order of their `seq` behind a prefix.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, OutputType, Result};

use ports::documents::{Order, Scan};

use super::document::Document;
use super::graphql::{Page, outage, scope};

/// A page of what lies behind a prefix; what is behind it in a key is the cursor.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn behind<D: Document, O: OutputType>(
    context: &Context<'_>,
    index: &'static str,
    prefix: &str,
    page: Page,
    show: impl Fn(Arc<D>) -> O,
) -> Result<Connection<String, O>> {
    let order = if page.backward { Order::Descending } else { Order::Ascending };
    let name = D::COLLECTION.name;
    let mut scan = Scan::prefix(name, Some(index), prefix, order, page.limit + 1);
    if let Some(after) = &page.after {
        scan.from = format!("{prefix}{after:.16} ");
    }
    if let Some(before) = &page.before {
        scan.to = format!("{prefix}{before:.16}");
    }
    let mut found = scope(context).reader.scan::<D>(scan).await.map_err(outage)?;
    let more = found.len() > page.limit;
    found.truncate(page.limit);
    if page.backward {
        found.reverse();
    }
    let (previous, next) = match page.backward {
        true => (more, page.before.is_some()),
        false => (page.after.is_some(), more),
    };
    let mut connection = Connection::new(previous, next);
    let edges = found.into_iter().map(|(key, it)| {
        let cursor = key.get(prefix.len()..).unwrap_or_default().to_owned();
        Edge::new(cursor, show(it))
    });
    connection.edges.extend(edges);
    Ok(connection)
}
