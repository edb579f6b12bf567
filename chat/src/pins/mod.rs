//! Pins: the messages that a conversation keeps in sight, the one that was pinned last first.
//!
//! Each is one fact, so pinning what is pinned and taking down what is not changes nothing, and
//! whatever order several people and devices do it in, everyone ends with the same list. It is one
//! small document a conversation. A deleted message is not pinned any more, even when it is
//! restored; one that somebody has
//! hidden is left out of their list. To bring a message to the front it is taken down and pinned
//! again.
//!
//! Admins and the owner pin in groups, either person in a direct conversation unless one has
//! blocked the other, oneself in the saved messages. `silent` is told to those who listen: it asks
//! clients to draw no attention.
//!
//! Limits: [`PINS_MAX`].

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{PinMessage, PinRejection, UnpinAll, UnpinMessage};
pub use events::{AllUnpinned, MessagePinned, MessageUnpinned, PinEvent};
pub use graphql::{PinMutation, PinObject};
pub(crate) use graphql::{is_pinned, pinned_messages};
pub use view::{Pin, Pins};

/// Most messages that one conversation has pinned.
pub const PINS_MAX: usize = 100;
