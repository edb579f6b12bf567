//! The read side of a simulated node: GraphQL and the feed, as people see them.

use std::sync::Arc;

use chat::kernel::{Door, Keyring};
use ports::{Error, Ports};

use crate::world::{Checked, Running, World};

/// The routes of a node.
#[derive(Clone)]
pub(crate) struct Served {}

pub(crate) async fn serve(_: &Ports, _: &Arc<Keyring>, _: &Arc<dyn Door>) -> Result<Served, Error> {
    Ok(Served {})
}

pub(crate) async fn follow(_: &Arc<World>) {}

pub(crate) async fn check(_: &Arc<World>, _: &Running, _: &Served) -> Checked {
    Ok(())
}
