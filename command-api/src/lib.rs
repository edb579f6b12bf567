//! HTTP in, events out: load → decide → append → answer with the place in the log.
//!
//! One task owns each partition and decides its commands in order. It serves only after its own
//! claim is folded and answers only after its own record is; see `docs/adr/0001`.

mod decide;
mod follow;
pub mod http;
mod load;
mod openapi;

mod owner;
mod recent;
mod router;
mod shelf;

pub use openapi::document as openapi;
pub use router::Router;
