//! What is tested: three command nodes, two projectors and three query nodes as processes, behind
//! nginx, on three brokers, a Redis and a server for documents.

use tests::servers::mongo::Mongo;
use tests::{Place, Plan, Stand};

use crate::hosts::{AT_FAR, BROKERS, FAR, NEAR};

/// The node that can be cut off.
pub(crate) const FAR_NODE: usize = 2;

/// Starts everything on a fresh instance.
pub(crate) fn start() -> Stand {
    let near = |role| Place { role, host: NEAR, at: &[] };
    let mut nodes = vec![near("command-api"), near("command-api")];
    nodes.push(Place { role: "command-api", host: FAR, at: AT_FAR });
    nodes.extend([near("projectors"); 2]);
    nodes.extend([near("query-api"); 3]);
    Stand::start(&Plan {
        host: NEAR,
        brokers: (BROKERS, 3),
        documents: Mongo::fastest,
        partitions: 16,
        ports: Some(7_000),
        nodes,
    })
}
