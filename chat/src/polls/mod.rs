//! Polls: a message that asks members a question, and counts what they answer.
//!
//! What is asked is content of the message, sealed with it; how it is asked is an event beside it.
//! A ballot is a set of options, replaced or taken back where the poll allows it, so that a poll
//! counts people and never twice. Counts are kept in one small document; who has chosen what are
//! documents of their own, which members read page by page if the poll is public.
//!
//! Of an anonymous poll nobody but the voter is told what was chosen, and frames don't tell who
//! voted; the log knows, as it must to count once. Where results are hidden nobody, the author
//! included, is told any count before the poll is closed. A quiz shows what was correct to who has
//! answered, and takes one answer for good.
//!
//! A poll closes by its author's or an admin's word, or by its time: a ballot is compared with the
//! clock when it is decided, so nothing has to run for it to be closed.
//!
//! Limits: [`OPTIONS_MIN`], [`OPTIONS_MAX`], [`OPTION_CHARS_MAX`], [`QUESTION_CHARS_MAX`],
//! [`EXPLANATION_CHARS_MAX`], [`OPEN_MS_MAX`].

#[cfg(test)]
mod asked;
#[cfg(test)]
mod counted;
mod decide;
mod end;
mod events;
mod graphql;
mod objects;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{ClosePoll, PollRejection, PollRules, Question, SendPoll, VotePoll};
pub use end::EndPoll;
pub(crate) use end::{end, timings};
pub use events::{PollClosed, PollEvent, PollOpened, VoteCast};
pub use graphql::{PollMutation, PollQuery};
pub use objects::PollObject;
pub use view::{Ballot, Poll, Voter};

/// Fewest options of a poll.
pub const OPTIONS_MIN: usize = 2;
/// Most options of a poll.
pub const OPTIONS_MAX: usize = 12;
/// Most characters of an option.
pub const OPTION_CHARS_MAX: usize = 100;
/// Most characters of a question.
pub const QUESTION_CHARS_MAX: usize = 255;
/// Most characters of what explains a quiz.
pub const EXPLANATION_CHARS_MAX: usize = 200;
/// How far ahead a poll's time to close lies at most.
pub const OPEN_MS_MAX: i64 = 366 * 24 * 3_600 * 1_000;
