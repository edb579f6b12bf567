//! Documents that are built again from the log are those that nodes made between their failures.

use std::sync::Arc;

use crate::documents::DocumentStore;
use crate::others::Stores;
use crate::world::{Checked, Violation, World, broken};

async fn rebuilt(world: &World) -> Result<Arc<DocumentStore>, Violation> {
    let fresh = Stores { documents: Arc::default(), ..world.stores.clone() };
    let (node, _) = world.sim.enter();
    let ports = fresh.ports(node);
    let done = projectors::rebuild::rebuild(ports.event_log, ports.documents, Arc::new(|_| ()));
    match done.await {
        Ok(_) => Ok(fresh.documents),
        Err(error) => broken("rebuilt_is_live", error.to_string()),
    }
}

pub(crate) async fn rebuilt_is_live(world: &World) -> Checked {
    let (live, again) = (world.stores.documents.all(), rebuilt(world).await?.all());
    for (collection, shelf) in &live {
        if again.get(collection) != Some(shelf) {
            return broken("rebuilt_is_live", format!("{collection} differs"));
        }
    }
    Ok(())
}

/// Reads of other lengths make the same documents.
pub(crate) async fn delivery_does_not_matter(world: &World) -> Checked {
    let (one, other) = (rebuilt(world).await?, rebuilt(world).await?);
    match one.all() == other.all() {
        true => Ok(()),
        false => broken("delivery_does_not_matter", "two ways of reading differ"),
    }
}
