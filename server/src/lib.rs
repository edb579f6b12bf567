//! The composition root: all roles in one process, on the ports that the configuration names.

mod app;
mod browser;
mod checkpoints;
pub mod config;
mod forwarded;
mod health;
pub mod irc;
pub mod keys;
mod node;
mod providers;
mod registry;
pub mod tls;
mod token;

pub use app::App;
pub use node::Roles;
