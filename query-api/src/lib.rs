//! GraphQL over documents: queries, mutations that are forwarded, and the feed of updates.

// Merged roots nest a future for each room.
#![recursion_limit = "512"]

mod admitted;
mod coalesce;
pub mod export;
mod feed;
pub mod files;
mod frame;
pub mod http;
mod hub;
mod limits;
mod listen;
pub mod oauth;
mod operation;
mod outbox;
mod replayed;
mod round;
mod schema;
mod seats;
mod selection;
mod socket;
mod subscribe;
mod viewer;
mod withhold;

/// The role, and its name among the nodes.
pub const ROLE: &str = "query-api";

pub use hub::Hub;
pub use limits::Socket as SocketLimits;
pub use schema::{Api, Parts, sdl};
