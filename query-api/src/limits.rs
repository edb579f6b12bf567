//! What a request may ask for, checked before anything is carried out.

use std::collections::HashMap;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use serde::{Deserialize, Serialize};

/// Deepest nesting of fields.
pub(crate) const DEPTH_MAX: usize = 12;
/// Deepest nesting of what asks only of the schema itself: tools ask for types within types.
pub(crate) const SCHEMA_DEPTH_MAX: usize = 20;
/// Most costly query; a page costs its fields once an entry, divided by four.
pub(crate) const COMPLEXITY_MAX: usize = 2_500;
/// Most aliases in one document.
pub(crate) const ALIASES_MAX: usize = 15;
/// Most directives on one field.
pub(crate) const DIRECTIVES_MAX: usize = 5;
/// Most fields and fragments that a document comes to once its fragments are spread.
const SELECTIONS_MAX: usize = COMPLEXITY_MAX;
/// Deepest nesting that is looked at while fragments are spread.
const SPREADS_MAX: usize = 64;
/// Longest query text, in bytes.
pub(crate) const QUERY_BYTES_MAX: usize = 16 * 1_024;
/// Largest request body, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1_024;

/// Mutations that are tried once a request.
const ONCE: [&str; 10] = [
    "signIn",
    "completeSignIn",
    "signInWithPasskey",
    "register",
    "refresh",
    "confirm",
    "changePassword",
    "confirmTotp",
    "confirmAddress",
    "resetPassword",
];

/// Limits of one socket.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Socket {
    /// Messages from one socket in a second.
    pub per_socket: u32,
    /// Frames that wait for one socket; beyond that it is closed and resumes.
    pub queue_frames: usize,
    /// Bytes that wait for one socket; beyond that it is closed and resumes.
    pub queue_bytes: usize,
}

impl Default for Socket {
    fn default() -> Self {
        Self { per_socket: 100, queue_frames: 1_024, queue_bytes: 4 * 1_024 * 1_024 }
    }
}

/// Largest message from a socket, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 64 * 1_024;
/// Subscriptions of one socket.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 50;
/// Queries and mutations of one socket at the same time.
pub(crate) const OPERATIONS_MAX: usize = 200;
/// Time for a socket to send its first message, in milliseconds.
pub(crate) const INIT_MS_MAX: u64 = 10_000;
/// Time between two pings of the server, in milliseconds.
pub(crate) const PING_MS: u64 = 25_000;

/// What is too much about a document: code and message.
pub(crate) fn excess(document: &ExecutableDocument) -> Option<(&'static str, &'static str)> {
    let operations = document.operations.iter().map(|(_, it)| &it.node.selection_set.node);
    let fragments = document.fragments.values().map(|it| &it.node.selection_set.node);
    if !Expanded::of(document).fits() {
        return Some(("QUERY_TOO_COMPLEX", "query has more than 2,500 fields, fragments spread"));
    }
    let mut counted = Counted::default();
    operations.chain(fragments).for_each(|it| counted.walk(it, 0));
    if counted.too_deep {
        return Some(("QUERY_TOO_DEEP", "query is nested too deep"));
    }
    if counted.aliases > ALIASES_MAX {
        return Some(("TOO_MANY_ALIASES", "query has more than 15 aliases"));
    }
    if counted.once > 1 {
        return Some(("TOO_MANY_ALIASES", "signing in is tried once a request"));
    }
    None
}

/// Counts what a document comes to once its fragments are spread, each fragment looked at once: a
/// few that spread each other many times come to more than can be walked.
struct Expanded<'a> {
    document: &'a ExecutableDocument,
    /// Sizes of fragments; none while one is looked at, so that a circle is found.
    sizes: HashMap<&'a str, Option<usize>>,
}

impl<'a> Expanded<'a> {
    fn of(document: &'a ExecutableDocument) -> Self {
        Self { document, sizes: HashMap::new() }
    }

    fn fits(&mut self) -> bool {
        let document = self.document;
        let sets = document.operations.iter().map(|(_, it)| &it.node.selection_set.node);
        sets.map(|it| self.size(it, 0)).fold(0, usize::saturating_add) <= SELECTIONS_MAX
    }

    fn size(&mut self, set: &'a SelectionSet, depth: usize) -> usize {
        // What is deeper is refused as too deep.
        if depth > SPREADS_MAX {
            return usize::MAX;
        }
        let sizes = set.items.iter().map(|it| match &it.node {
            Selection::Field(it) => {
                self.size(&it.node.selection_set.node, depth + 1).saturating_add(1)
            }
            Selection::InlineFragment(it) => self.size(&it.node.selection_set.node, depth + 1),
            Selection::FragmentSpread(it) => {
                self.spread(it.node.fragment_name.node.as_str(), depth)
            }
        });
        sizes.fold(0, usize::saturating_add)
    }

    fn spread(&mut self, name: &'a str, depth: usize) -> usize {
        if let Some(known) = self.sizes.get(name) {
            // Validation tells of a circle; here it must only come to an end.
            return known.unwrap_or(0);
        }
        let Some(fragment) = self.document.fragments.get(name) else { return 1 };
        self.sizes.insert(name, None);
        let size = self.size(&fragment.node.selection_set.node, depth + 1).max(1);
        self.sizes.insert(name, Some(size));
        size
    }
}

#[derive(Default)]
struct Counted {
    aliases: usize,
    once: usize,
    too_deep: bool,
}

impl Counted {
    fn walk(&mut self, set: &SelectionSet, depth: usize) {
        if depth > DEPTH_MAX * 2 {
            self.too_deep = true;
            return;
        }
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    self.aliases += usize::from(field.alias.is_some());
                    self.once += usize::from(ONCE.contains(&field.name.node.as_str()));
                    self.walk(&field.selection_set.node, depth + 1);
                }
                Selection::InlineFragment(it) => self.walk(&it.node.selection_set.node, depth + 1),
                Selection::FragmentSpread(_) => (),
            }
        }
    }
}

/// Whether an operation asks of nothing but the schema.
pub(crate) fn asks_of_schema(document: &ExecutableDocument, name: Option<&str>) -> bool {
    let of_schema = |it: &Selection| match it {
        Selection::Field(it) => matches!(it.node.name.node.as_str(), "__schema" | "__type"),
        Selection::InlineFragment(_) | Selection::FragmentSpread(_) => false,
    };
    let operation = operation(document, name);
    operation.is_some_and(|it| it.selection_set.node.items.iter().all(|it| of_schema(&it.node)))
}

/// The operation of a document that a request names.
pub(crate) fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(it), _) => Some(&it.node),
        (DocumentOperations::Multiple(all), Some(name)) => all.get(name).map(|it| &it.node),
        (DocumentOperations::Multiple(all), None) if all.len() == 1 => {
            all.values().next().map(|it| &it.node)
        }
        (DocumentOperations::Multiple(_), None) => None,
    }
}
