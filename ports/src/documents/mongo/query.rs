//! What is asked of the server: documents by their ids, or a range of one index.

use mongodb::bson::{Document, RawDocument, doc};
use mongodb::options::{FindOptions, Hint};

use super::bulk::{BODY, ID, ORDINAL, field};
use super::repeat::Failure;
use crate::documents::{Body, Found, Order, Scan, Stored};

/// The index that every collection has.
const BY_ID: &str = "_id_";

/// A question whose answer lies in one index.
pub(super) struct Query {
    pub(super) collection: &'static str,
    /// The field that the documents are found and ordered by.
    field: String,
    filter: Document,
    sort: Option<Document>,
    limit: usize,
    /// The index of a range by its name: where it is absent the question is refused, not answered
    /// by a look at everything. Ids are looked up in their own index anyway.
    hint: Option<&'static str>,
}

impl Query {
    /// Documents by their ids.
    pub(super) fn ids(collection: &'static str, ids: &[&str]) -> Self {
        let filter = doc! { "_id": { "$in": ids } };
        Self {
            collection,
            field: ID.as_str().to_owned(),
            filter,
            sort: None,
            limit: ids.len(),
            hint: None,
        }
    }

    /// Documents in a range, ordered by key and then by id.
    pub(super) fn range(scan: &Scan) -> Self {
        let Scan { collection, index, from, to, order, limit } = scan;
        let field = index.map_or_else(|| ID.as_str().to_owned(), field);
        let direction = match order {
            Order::Ascending => 1,
            Order::Descending => -1,
        };
        let mut sort = doc! { &field: direction };
        sort.insert("_id", direction);
        let filter = doc! { &field: { "$gte": from, "$lt": to } };
        Self {
            collection,
            field,
            filter,
            sort: Some(sort),
            limit: *limit,
            hint: index.or(Some(BY_ID)),
        }
    }

    pub(super) fn filter(&self) -> Document {
        self.filter.clone()
    }

    pub(super) fn options(&self) -> FindOptions {
        // One more than there can be, so that the first answer is the last and the cursor closes.
        let batch = u32::try_from(self.limit + 1).unwrap_or(u32::MAX);
        FindOptions::builder()
            .sort(self.sort.clone())
            .limit(i64::try_from(self.limit).ok())
            .batch_size(batch)
            .hint(self.hint.map(|it| Hint::Name(it.to_owned())))
            .build()
    }

    /// The same as a command, to be explained.
    pub(super) fn command(&self) -> Document {
        let mut command = doc! { "find": self.collection, "filter": self.filter() };
        command.extend(self.sort.clone().map(|it| ("sort".to_owned(), it.into())));
        command.extend(self.hint.map(|it| ("hint".to_owned(), it.into())));
        command
    }

    /// Reads a document that was found.
    pub(super) fn read(&self, document: &RawDocument) -> Result<Found, Failure> {
        let damaged = |it: mongodb::bson::error::Error| Failure::damaged(it);
        let ordinal = document.get_i64(ORDINAL.as_str()).map_err(damaged)?;
        let ordinal = u64::try_from(ordinal).map_err(Failure::damaged)?;
        let body = match document.get(BODY.as_str()).map_err(damaged)? {
            Some(_) => Some(document.get_binary(BODY.as_str()).map_err(damaged)?),
            None => None,
        };
        let body = body.map(|it| Body::from(it.bytes.to_vec()));
        Ok(Found {
            id: document.get_str(ID.as_str()).map_err(damaged)?.to_owned(),
            index_key: document.get_str(&self.field).map_err(damaged)?.to_owned(),
            stored: Stored { ordinal, body },
        })
    }
}
