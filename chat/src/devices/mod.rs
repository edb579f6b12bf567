//! Devices without a keyboard: one shows a short code, and its owner allows it in another session
//! (RFC 8628). A device of our own that signs in by a QR code does the same, without an
//! application.
//!
//! A code stands for a request for [`CODE_MS`] and is answered once, in a stream of its own, by
//! whoever has signed in and types it. What the device holds meanwhile is sealed. It may ask every
//! [`INTERVAL_S`] seconds. The answer names the session that is opened when the device comes for
//! it, so it gets one however often it asks. Whoever lets a device in must have just proved
//! themselves; in what it opens nobody has, so nothing sensitive is done there before `confirm`.

mod codes;
mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use codes::{Come, come, request};
pub use codes::{DeviceState, fresh_code, written};
pub use decide::{AnswerDevice, DeviceRejection, RequestDevice};
pub use events::{DeviceAllowed, DeviceDenied, DeviceEvent, DeviceRequested};
pub use graphql::{DeviceMutation, DeviceQuery};
pub use view::{DeviceAnswer, DeviceCode};

/// How long a code may be answered.
pub const CODE_MS: i64 = 10 * 60 * 1_000;
/// How many seconds a device waits before it asks again.
pub const INTERVAL_S: u32 = 5;
/// How often a device may ask in a minute before it is told to slow down.
pub const POLLS_MAX: u32 = 20;
/// Letters of a code: none that make words or are taken for another.
pub const CODE_LETTERS: usize = 8;
