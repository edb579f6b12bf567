//! The verbs of the product and their nouns: decide, project, react; event, command, document.
//!
//! *decide* turns a command and a few documents into events or a rejection; *project* folds an
//! event into a document; both are plain functions, so they can reach no outside system.

pub mod codec;
mod coded;
pub mod command;
#[cfg(test)]
pub(crate) mod counts;
pub mod document;
pub mod door;
pub mod ephemeral;
pub mod event;
#[cfg(test)]
mod folds;
pub mod graphql;
pub mod id;
pub mod keyring;
mod limits;
pub mod numbers;
pub mod origin;
pub(crate) mod pages;
pub mod personal;
pub mod public;
pub(crate) mod qr;
pub mod reader;
pub mod rejection;
pub mod schemas;
pub mod sealed;
#[cfg(test)]
pub mod testing;
pub mod time;
pub mod viewer;
mod ways;

pub use command::{AnyCommand, Command, Context, Need, Slot, State};
pub use document::{AnyDocument, Document, Projection};
pub use door::{Accepted, Door, Failure, Progress};
pub use event::{CommandRef, Effect, EventKind, Recorded, StreamId};
pub use keyring::Keyring;
pub use origin::{Caller, Origin};
pub use personal::Personal;
pub use reader::Reader;
pub use rejection::{Reject, Rejection, RejectionKind};
pub use time::Timestamp;
