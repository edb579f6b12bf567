//! Repeats what failed for a moment. All that is done here may be done twice.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use mongodb::error::{ErrorKind as DriverErrorKind, WriteFailure};

use super::PORT;
use crate::breaker::Breaker;
use crate::clock::Stopwatch;
use crate::entropy::{Entropy, System};
use crate::{Error, ErrorKind};

/// Attempts of one call after the first at most.
const PAUSES_MAX: usize = 5;

/// The least pause after the first failure; each one after it is twice as long.
const PAUSE: Duration = Duration::from_millis(50);

/// How long one attempt may take; the driver by itself waits for ever on a server that hangs.
const ATTEMPT_MAX: Duration = Duration::from_secs(20);

/// Seconds after which a failed call is not tried again.
const PATIENCE_S: f64 = 15.0;

/// A document of that id is there already.
pub(super) const DUPLICATE_KEY: i32 = 11_000;

/// Codes of a server that is about to stop or to step down, that lost another one, or that was
/// disturbed at this very moment.
const PASSING: [i32; 24] = [
    6, 7, 43, 50, 64, 89, 91, 112, 133, 134, 175, 189, 202, 215, 246, 262, 276, 9_001, 10_107,
    11_600, 11_602, 13_435, 13_436, 46_841,
];

/// Why an attempt failed.
#[derive(Debug)]
pub(super) struct Failure {
    verdict: Verdict,
    /// Whether the server did not answer.
    away: bool,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing happened, and trying again would change nothing.
    Refused,
    /// It may have happened, and may do so when tried again.
    Passing,
    /// What was read is not what this adapter writes.
    Damaged,
}

impl Failure {
    /// What the server told with a code.
    pub(super) fn told(code: i32, text: &str) -> Self {
        let passing = PASSING.contains(&code);
        let verdict = if passing { Verdict::Passing } else { Verdict::Refused };
        Self { verdict, away: false, cause: format!("{text} (code {code})").into() }
    }

    pub(super) fn passing(text: &'static str) -> Self {
        Self { verdict: Verdict::Passing, away: true, cause: text.into() }
    }

    pub(super) fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { verdict: Verdict::Damaged, away: false, cause: cause.into() }
    }
}

impl From<mongodb::error::Error> for Failure {
    fn from(error: mongodb::error::Error) -> Self {
        let kind = &*error.kind;
        let lost = matches!(
            kind,
            DriverErrorKind::Io(_)
                | DriverErrorKind::ConnectionPoolCleared { .. }
                | DriverErrorKind::InvalidResponse { .. }
        );
        let verdict = if lost || code(kind).is_some_and(|it| PASSING.contains(&it)) {
            Verdict::Passing
        } else if matches!(kind, DriverErrorKind::Bson(_)) {
            Verdict::Damaged
        } else {
            Verdict::Refused
        };
        let away = lost || matches!(kind, DriverErrorKind::ServerSelection { .. });
        Self { verdict, away, cause: error.into() }
    }
}

fn code(kind: &DriverErrorKind) -> Option<i32> {
    if let DriverErrorKind::Command(it) = kind {
        return Some(it.code);
    }
    let DriverErrorKind::Write(it) = kind else { return None };
    match it {
        WriteFailure::WriteError(it) => Some(it.code),
        WriteFailure::WriteConcernError(it) => Some(it.code),
        _ => None,
    }
}

/// Whether a document of that id is there already.
pub(super) fn is_duplicate(error: &mongodb::error::Error) -> bool {
    code(&error.kind) == Some(DUPLICATE_KEY)
}

/// One call, of one or several commands.
pub(super) struct Call<'a> {
    breaker: &'a Breaker,
    writes: bool,
    attempt_max: Duration,
    /// Whether something may have been changed by now.
    sent: AtomicBool,
}

impl<'a> Call<'a> {
    pub(super) fn reading(breaker: &'a Breaker) -> Self {
        let sent = AtomicBool::new(false);
        Self { breaker, writes: false, attempt_max: ATTEMPT_MAX, sent }
    }

    pub(super) fn writing(breaker: &'a Breaker) -> Self {
        Self { writes: true, ..Self::reading(breaker) }
    }

    /// One that takes as long as there are documents.
    pub(super) fn without_haste(breaker: &'a Breaker) -> Self {
        Self { attempt_max: Duration::MAX, ..Self::writing(breaker) }
    }

    /// Attempts a command until it succeeds, is refused, or has failed often enough.
    pub(super) async fn repeat<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let started = Stopwatch::start();
        let mut pauses = pauses();
        loop {
            let leave = self.breaker.admit().map_err(|it| match self.sent.load(Relaxed) {
                true => Error::unknown(PORT, it),
                false => it,
            })?;
            let done = tokio::time::timeout(self.attempt_max, attempt()).await;
            let done = done.unwrap_or_else(|_| Err(Failure::passing("no answer came in time")));
            let failure = match done {
                Ok(done) => {
                    leave.tell(true);
                    self.sent.fetch_or(self.writes, Relaxed);
                    return Ok(done);
                }
                Err(failure) => failure,
            };
            leave.tell(!failure.away);
            let passing = failure.verdict == Verdict::Passing;
            self.sent.fetch_or(self.writes && passing, Relaxed);
            let pause = pauses.next().filter(|_| passing && started.seconds() <= PATIENCE_S);
            let Some(pause) = pause else { return Err(self.error(failure)) };
            metrics::counter!("parlance_document_retries_total").increment(1);
            tokio::time::sleep(pause).await;
        }
    }

    fn error(&self, failure: Failure) -> Error {
        let kind = match failure.verdict {
            Verdict::Damaged => ErrorKind::Corrupt,
            Verdict::Refused | Verdict::Passing if self.sent.load(Relaxed) => ErrorKind::Unknown,
            Verdict::Refused | Verdict::Passing => ErrorKind::Unavailable,
        };
        Error::new(kind, PORT, failure.cause)
    }
}

/// The pauses between attempts, spread so that those who failed together part.
fn pauses() -> impl Iterator<Item = Duration> {
    let seed = u64::from_be_bytes((&System as &dyn Entropy).bytes());
    let growing = ExponentialBuilder::new().with_min_delay(PAUSE).with_max_times(PAUSES_MAX);
    growing.with_jitter().with_jitter_seed(seed).build()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    async fn attempts(call: &Call<'_>, code: i32) -> (u32, ErrorKind) {
        let attempts = AtomicU32::new(0);
        let failed: Result<(), Error> = call
            .repeat(|| {
                attempts.fetch_add(1, Relaxed);
                async { Err(Failure::told(code, "no")) }
            })
            .await;
        (attempts.into_inner(), failed.unwrap_err().kind)
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_tried_again_and_what_is_refused_is_not() {
        let breaker = Breaker::new(PORT);
        assert_eq!(attempts(&Call::reading(&breaker), 13).await, (1, ErrorKind::Unavailable));
        assert_eq!(attempts(&Call::writing(&breaker), 13).await, (1, ErrorKind::Unavailable));
        let (again, kind) = attempts(&Call::reading(&breaker), 10_107).await;
        assert_eq!((again, kind), (6, ErrorKind::Unavailable));
        let (again, kind) = attempts(&Call::writing(&breaker), 10_107).await;
        assert_eq!((again, kind), (6, ErrorKind::Unknown));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_away_is_not_asked_again_and_again() {
        let breaker = Breaker::new(PORT);
        let attempts = AtomicU32::new(0);
        for _ in 0..3 {
            let failed: Result<(), Error> = Call::reading(&breaker)
                .repeat(|| {
                    attempts.fetch_add(1, Relaxed);
                    async { Err(Failure::passing("no answer")) }
                })
                .await;
            assert_eq!(failed.unwrap_err().kind, ErrorKind::Unavailable);
        }
        assert_eq!(attempts.into_inner(), 5);
    }

    #[tokio::test]
    async fn a_refusal_after_a_success_does_not_say_that_nothing_happened() {
        let breaker = Breaker::new(PORT);
        let call = Call::writing(&breaker);
        call.repeat(|| async { Ok(()) }).await.unwrap();
        assert_eq!(attempts(&call, 13).await, (1, ErrorKind::Unknown));
    }
}
