//! Pages of documents that an index keeps in an order behind a prefix.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, OutputType, Result};

use ports::documents::{Order, Scan};

use super::document::Document;
use super::graphql::{Page, outage, scope};

/// Where what is paged through lies; what is behind the prefix in a key is the cursor.
pub(crate) struct Shelf<'a> {
    pub(crate) index: &'static str,
    pub(crate) prefix: &'a str,
    /// Characters of a cursor: nobody asks with more.
    pub(crate) cursor: usize,
    /// The order of a page that goes forward.
    pub(crate) order: Order,
}

impl<'a> Shelf<'a> {
    /// In the order of a `seq`, the first first.
    pub(crate) fn by_seq(index: &'static str, prefix: &'a str) -> Self {
        Self { index, prefix, cursor: 16, order: Order::Ascending }
    }
}

/// A page of what lies on a shelf.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn behind<D: Document, O: OutputType>(
    context: &Context<'_>,
    shelf: Shelf<'_>,
    page: Page,
    show: impl Fn(Arc<D>) -> O,
) -> Result<Connection<String, O>> {
    let Shelf { index, prefix, cursor, order } = shelf;
    let rising = order == Order::Ascending;
    let order = match rising == page.backward {
        true => Order::Descending,
        false => Order::Ascending,
    };
    let name = D::COLLECTION.name;
    let mut scan = Scan::prefix(name, Some(index), prefix, order, page.limit + 1);
    let (above, below) = match rising {
        true => (&page.after, &page.before),
        false => (&page.before, &page.after),
    };
    if let Some(above) = above {
        // A space sorts before whatever continues a cursor.
        scan.from = format!("{prefix}{above:.cursor$} ");
    }
    if let Some(below) = below {
        scan.to = format!("{prefix}{below:.cursor$}");
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
