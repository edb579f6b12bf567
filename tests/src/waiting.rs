//! What comes about on its own, a moment after it was asked for.

use std::time::Duration;

use ports::clock::Stopwatch;

/// Longer than anything takes, in real time.
pub const TOO_LONG: Duration = Duration::from_secs(20);

/// How long nobody looks after a look.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until it is so.
///
/// # Panics
///
/// With what is the matter if it has not come about in [`TOO_LONG`].
pub fn until(matter: &str, mut so: impl FnMut() -> bool) {
    found(matter, || so().then_some(()));
}

/// Looks until there is something to be seen, as [`until`] does.
pub fn found<T>(matter: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Stopwatch::start();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.seconds() < TOO_LONG.as_secs_f64(), "{matter}");
        std::thread::sleep(PAUSE);
    }
}
