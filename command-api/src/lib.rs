//! HTTP in, events out: load → decide → append → answer with the place in the log.
//!
//! One task owns each partition and decides its commands in order. It serves only after its own
//! claim is folded and answers only after its own record is; see `docs/adr/0001`. Where several
//! nodes have this role, each owns a share and the others' commands are forwarded (ADR 13).

mod cluster;
mod decide;
mod follow;
pub mod http;
mod leaves;
mod load;
mod openapi;

mod owner;
mod recent;
mod router;
mod shelf;
mod wire;

pub use cluster::{Commands, ROLE, peer_routes};
pub use openapi::document as openapi;
pub use router::Router;
