//! Log in, documents out: read → fold → save → announce, one task a partition.

mod consume;
mod erase;
mod fold;
pub mod rebuild;
mod state_hash;

pub use consume::{Progress, declare, start, start_by, start_shared};
pub use erase::{Erased, erase_again};
pub use fold::Folding;
pub use state_hash::state_hash;

/// The nodes that fold partitions.
pub const ROLE: &str = "projectors";
