//! What an application may ask for somebody: only what its scopes name, by the fields at the root
//! of an operation.

use async_graphql::Response;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use chat::kernel::Rejection;
use chat::kernel::graphql::{Viewer, rejected};

use crate::limits::{DEPTH_MAX, operation};

/// Lets an operation pass, or says what is missing.
pub(crate) fn admit(
    document: &ExecutableDocument,
    name: Option<&str>,
    viewer: &Viewer,
) -> Result<(), Response> {
    let Some(operation) = operation(document, name).filter(|_| viewer.scopes.is_some()) else {
        return Ok(());
    };
    look(document, &operation.selection_set.node, viewer, 0).map_err(|it| {
        let error = rejected(it).into_server_error(Default::default());
        Response::from_errors(vec![error])
    })
}

fn look(
    document: &ExecutableDocument,
    set: &SelectionSet,
    viewer: &Viewer,
    depth: usize,
) -> Result<(), Rejection> {
    // A circle of fragments ends here; validation would tell of it.
    if depth > DEPTH_MAX {
        return viewer.may("");
    }
    for selection in &set.items {
        match &selection.node {
            Selection::Field(it) => viewer.may(it.node.name.node.as_str())?,
            Selection::InlineFragment(it) => {
                look(document, &it.node.selection_set.node, viewer, depth + 1)?;
            }
            Selection::FragmentSpread(it) => {
                // One that does not exist is told by validation.
                if let Some(it) = document.fragments.get(&it.node.fragment_name.node) {
                    look(document, &it.node.selection_set.node, viewer, depth + 1)?;
                }
            }
        }
    }
    Ok(())
}
