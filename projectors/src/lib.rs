//! Log in, documents and public topics out: read → fold → save → announce, one task a partition.

mod acting;
mod consume;
mod deliver;
mod erase;
mod fold;
mod media;
mod pack;
mod previews;
mod progress;
mod publish;
pub mod rebuild;
mod share;
mod state_hash;
mod sweep;
mod timers;
mod trails;
mod vouch;

pub use acting::Acting;
pub use consume::{declare, start, start_by, start_shared};
pub use erase::{Erased, erase_again};
pub use fold::Folding;
pub use pack::Packing;
pub use progress::Progress;
pub use state_hash::state_hash;
pub use vouch::{Vouching, kept, newest, signer};

/// The nodes that fold partitions.
pub const ROLE: &str = "projectors";
