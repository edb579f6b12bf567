//! Schedule: messages that are sent at a time.
//!
//! Until then one is its author's own: it stands in the author's stream, sealed, is seen on the
//! author's devices only, and can be changed, moved, cancelled or sent at once. When its time has
//! come its owner's partition closes it first, so that a change or a cancellation comes before that
//! or is refused; then it is sent like any other message, under an id that derives from its timer,
//! and what became of it is noted. A crash between any two of these steps repeats the second one,
//! which then changes nothing, so it is sent once.
//!
//! It may hold files, like one that is sent at once: they are kept for it until it is over, and by
//! its message from then on.
//!
//! One that could not be sent (its author has left, or is blocked or suspended) fails with the code
//! of the reason. It counts as one that waits, and can be moved, sent at once or cancelled.
//!
//! Limits: [`AHEAD_MS_MIN`], [`AHEAD_MS_MAX`], [`WAITING_MAX`].

mod decide;
mod events;
mod fire;
mod graphql;
#[cfg(test)]
mod held;
mod steps;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{
    CancelScheduled, ChangeScheduled, ScheduleMessage, ScheduleRejection, SendScheduledNow,
};
pub use events::{
    MessageScheduled, ScheduleEvent, ScheduledCancelled, ScheduledChanged, ScheduledFailed,
    ScheduledId, ScheduledReleased, ScheduledSending, ScheduledSent, destroy_text,
};
pub(crate) use fire::{begin, send};
pub use graphql::{ScheduleMutation, ScheduleQuery, ScheduledObject};
pub use steps::{
    BeginScheduled, ConfirmSending, FinishScheduled, NoteScheduledReleased, SendScheduled,
    SendScheduledFiles,
};
pub(crate) use view::timings;
pub use view::{Scheduled, ScheduledCount, ScheduledState};

/// Least time between now and when a message is to be sent.
pub const AHEAD_MS_MIN: i64 = 10_000;
/// Most time between now and then.
pub const AHEAD_MS_MAX: i64 = 365 * 24 * 3_600 * 1_000;
/// Messages of one author that wait in one conversation at most.
pub const WAITING_MAX: u64 = 100;
