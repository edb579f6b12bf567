//! Locations: a place sent as a message, once, or kept up to date for a while.
//!
//! A place is content of its message and goes with it. A live location is followed as it moves:
//! each move is told to the members who listen now and forgotten, at most one in [`TOLD_EVERY_MS`],
//! and none in groups too large to hear of typing. Now and then one becomes an event, sealed under
//! the leaf of the message: when the last is [`CHECKPOINT_MS`] old and it is [`MOVED_M`] away. So
//! an hour adds at most a dozen events, and who comes later sees where it was minutes ago.
//!
//! It ends when its author stops it, and by its time, which is compared with the clock; what was
//! recorded last stays until the message is deleted.
//!
//! Limits: [`ACCURACY_M_MAX`], [`LIVE_MS_MIN`], [`LIVE_MS_MAX`].

mod decide;
mod end;
mod events;
mod graphql;
mod live;
mod objects;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{LocationRejection, Point, SendLocation};
pub use end::EndLiveLocation;
pub(crate) use end::{end, timings};
pub use events::{LiveLocationMoved, LiveLocationStarted, LiveLocationStopped, LocationEvent};
pub use graphql::LocationMutation;
pub use live::{MoveLiveLocation, ShareLiveLocation, StopLiveLocation};
pub use objects::{LiveLocationObject, LocationObject, MoveObject};
pub use view::LiveLocation;

/// Widest circle that a place may be known to lie in, in metres.
pub const ACCURACY_M_MAX: f64 = 100_000.0;
/// Shortest time for which a location is shared.
pub const LIVE_MS_MIN: u64 = 15 * 60 * 1_000;
/// Longest time for which a location is shared.
pub const LIVE_MS_MAX: u64 = 90 * 24 * 3_600 * 1_000;
/// Shortest time between two events that say where a live location is.
pub const CHECKPOINT_MS: i64 = 5 * 60 * 1_000;
/// Shortest time between two tellings of where a live location is.
pub const TOLD_EVERY_MS: u64 = 1_000;
/// How far a live location has moved before that is recorded, in metres.
pub const MOVED_M: f64 = 10.0;
