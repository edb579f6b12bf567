//! What a request may ask for, checked before anything is carried out.

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use serde::{Deserialize, Serialize};

/// Deepest nesting of fields.
pub(crate) const DEPTH_MAX: usize = 12;
/// Most costly query; a page costs its fields once an entry, divided by four.
pub(crate) const COMPLEXITY_MAX: usize = 2_500;
/// Most aliases in one document.
pub(crate) const ALIASES_MAX: usize = 15;
/// Most directives on one field.
pub(crate) const DIRECTIVES_MAX: usize = 5;
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
