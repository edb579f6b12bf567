//! Log in, documents out: read → fold → save → announce, one task a partition.

mod consume;
mod fold;
pub mod rebuild;
mod state_hash;

pub use consume::{Progress, start, start_by};
pub use fold::Folding;
pub use state_hash::state_hash;
