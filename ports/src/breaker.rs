//! Refuses at once what would only wait for a server that is away, so that those who ask don't
//! pile up behind it (Nygard, Release It!, "Circuit Breaker").

use std::sync::Mutex;
use std::time::Duration;

use crate::Error;
use crate::clock::Stopwatch;

/// Failures in a row until nobody asks any more.
const FAILURES_MAX: u32 = 5;

/// How long nobody asks; then one does, and the others follow if it is answered.
const REST: Duration = Duration::from_millis(500);

/// What has become of the last questions to one server.
pub(crate) struct Breaker {
    port: &'static str,
    rest: Duration,
    state: Mutex<State>,
}

enum State {
    /// Everybody asks; so many questions in a row have failed.
    Closed(u32),
    /// Nobody asks.
    Open(Stopwatch),
    /// One asks.
    Trying,
}

/// The leave to ask once; what becomes of it is to be told. Dropped in silence, it counts as a
/// failure only where it was the one question that all wait for.
pub(crate) struct Leave<'a> {
    breaker: &'a Breaker,
    told: bool,
}

impl Breaker {
    pub(crate) fn new(port: &'static str) -> Self {
        Self { port, rest: REST, state: Mutex::new(State::Closed(0)) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }

    /// Asks for leave to ask.
    ///
    /// # Errors
    /// `Unavailable` while the server is taken to be away.
    pub(crate) fn admit(&self) -> Result<Leave<'_>, Error> {
        let mut state = self.state();
        match &*state {
            State::Closed(_) => (),
            State::Open(since) if since.seconds() >= self.rest.as_secs_f64() => {
                *state = State::Trying;
            }
            State::Open(_) | State::Trying => {
                return Err(Error::unavailable(self.port, "the server was away a moment ago"));
            }
        }
        Ok(Leave { breaker: self, told: false })
    }
}

impl Leave<'_> {
    /// Tells whether the server was there, whatever it answered.
    pub(crate) fn tell(mut self, there: bool) {
        self.told = true;
        let mut state = self.breaker.state();
        let next = match (&*state, there) {
            (_, true) => State::Closed(0),
            (State::Closed(failures), false) if failures + 1 < FAILURES_MAX => {
                State::Closed(failures + 1)
            }
            (_, false) => State::Open(Stopwatch::start()),
        };
        let away = matches!(next, State::Open(_));
        *state = next;
        drop(state);
        let gauge = metrics::gauge!("parlance_port_away", "port" => self.breaker.port);
        gauge.set(if away { 1.0 } else { 0.0 });
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut state = self.breaker.state();
        if !self.told && matches!(*state, State::Trying) {
            *state = State::Open(Stopwatch::start());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker(rest: Duration) -> Breaker {
        Breaker { rest, ..Breaker::new("test") }
    }

    fn fail(breaker: &Breaker, times: u32) {
        (0..times).for_each(|_| breaker.admit().unwrap().tell(false));
    }

    #[test]
    fn so_many_failures_in_a_row_and_nobody_asks() {
        let breaker = breaker(Duration::MAX);
        fail(&breaker, FAILURES_MAX - 1);
        breaker.admit().unwrap().tell(true);
        fail(&breaker, FAILURES_MAX - 1);
        drop(breaker.admit().unwrap());
        fail(&breaker, 1);
        assert_eq!(breaker.admit().err().map(|it| it.kind), Some(crate::ErrorKind::Unavailable));
    }

    #[test]
    fn after_a_rest_one_asks_and_all_follow_when_it_is_answered() {
        let breaker = breaker(Duration::ZERO);
        fail(&breaker, FAILURES_MAX);
        let one = breaker.admit().unwrap();
        assert!(breaker.admit().is_err(), "the others wait for the one");
        one.tell(false);
        drop(breaker.admit().unwrap());
        breaker.admit().unwrap().tell(true);
        let all = [breaker.admit(), breaker.admit()];
        assert!(all.iter().all(Result::is_ok));
    }
}
