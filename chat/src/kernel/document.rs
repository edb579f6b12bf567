//! Documents: what is remembered of the log, for decisions and for readers alike.
//!
//! One type serves both (ADR 0003): `project` folds an event into it, the owner of a partition
//! decides from it, clients read it. Each is small and bounded; none holds a list that grows.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use ports::documents::{Collection, Key};

use super::Recorded;
use crate::audience::Audience;

/// A document folded from the log.
pub trait Document: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Where it is stored and how it is found.
    const COLLECTION: Collection;

    /// Ids of the documents that the event changes: at most as many as the event names.
    fn ids(event: &Recorded) -> Vec<String>;

    /// Folds the event into the document with this id; `None` is absent.
    fn project(document: &mut Option<Self>, id: &str, event: &Recorded);

    /// Whether the event makes its documents anew, so that none needs to be read for it.
    fn begins(_event: &Recorded) -> bool {
        false
    }

    /// Its keys in the declared indexes, in their order.
    fn index_keys(&self) -> Vec<Option<String>> {
        Vec::new()
    }

    /// Who may read it; nobody unless the room says otherwise.
    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}

/// A document of any type.
pub trait AnyDocument: Any + Send + Sync {
    /// The document as JSON.
    fn json(&self) -> Bytes;
    /// Its keys in the declared indexes.
    fn index_keys(&self) -> Vec<Option<String>>;
}

thread_local! {
    /// Where this thread writes JSON before its length is known; grown once, not for each document.
    static JSON: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl<D: Document> AnyDocument for D {
    fn json(&self) -> Bytes {
        JSON.with_borrow_mut(|buffer| {
            buffer.clear();
            serde_json::to_writer(&mut *buffer, self).expect("a document is plain data");
            Bytes::copy_from_slice(buffer)
        })
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        Document::index_keys(self)
    }
}

/// A document whose type is found again by its collection.
pub type Shared = Arc<dyn AnyDocument>;

/// Gives a shared document its type back.
pub fn typed<D: Document>(shared: &Shared) -> Arc<D> {
    let any: Arc<dyn Any + Send + Sync> = Arc::clone(shared) as _;
    any.downcast().expect("a collection holds documents of one type")
}

fn own<D: Document>(shared: Shared) -> D {
    let any: Arc<dyn Any + Send + Sync> = shared;
    Arc::unwrap_or_clone(any.downcast().expect("a collection holds documents of one type"))
}

/// A type of document, for those who fold and load without knowing it.
#[derive(Clone, Copy)]
pub struct Projection {
    pub collection: Collection,
    pub ids: fn(&Recorded) -> Vec<String>,
    pub begins: fn(&Recorded) -> bool,
    pub project: fn(Option<Shared>, &str, &Recorded) -> Option<Shared>,
    pub parse: fn(&[u8]) -> Option<Shared>,
}

impl Projection {
    /// The projection of a document type.
    pub const fn of<D: Document>() -> Self {
        Self {
            collection: D::COLLECTION,
            ids: D::ids,
            begins: D::begins,
            project: |shared, id, event| {
                let mut document = shared.map(own::<D>);
                D::project(&mut document, id, event);
                document.map(|it| Arc::new(it) as Shared)
            },
            parse: |bytes| serde_json::from_slice::<D>(bytes).ok().map(|it| Arc::new(it) as Shared),
        }
    }

    /// The projection that a collection belongs to.
    pub fn by_collection(name: &str) -> Option<&'static Self> {
        crate::PROJECTIONS.iter().find(|it| it.collection.name == name)
    }
}

/// Names a document of a type.
pub fn key<D: Document>(id: impl Into<String>) -> Key {
    Key { collection: D::COLLECTION.name, id: id.into() }
}

/// A number as it stands in keys: 16 hexadecimal digits, so that text sorts like numbers.
pub fn padded(number: u64) -> String {
    let digit = |place: u32| char::from_digit((number >> (4 * place)) as u32 & 15, 16);
    (0..16).rev().filter_map(digit).collect()
}
