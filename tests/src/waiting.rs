//! What comes about on its own, a moment after it was asked for.

use std::time::Duration;

use ports::clock::Stopwatch;

/// Longer than anything takes, in real time.
pub const TOO_LONG: Duration = Duration::from_secs(20);

/// How long nobody looks after a look.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until something is so; `matter` says what is not.
#[track_caller]
pub fn until(matter: &str, mut so: impl FnMut() -> bool) {
    found(matter, || so().then_some(()));
}

/// Looks until there is something to be seen.
#[track_caller]
pub fn found<T>(matter: &str, mut look: impl FnMut() -> Option<T>) -> T {
    within(TOO_LONG, || look().ok_or_else(|| matter.to_owned()))
}

/// Looks until there is something to be seen, or says what is the matter after the longest time
/// that it may take.
#[track_caller]
pub fn within<T>(longest: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let started = Stopwatch::start();
    loop {
        match look() {
            Ok(found) => return found,
            Err(matter) => assert!(started.seconds() < longest.as_secs_f64(), "{matter}"),
        }
        std::thread::sleep(PAUSE);
    }
}
