//! An end to what takes too long, for work whose outcome is known without it.

use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Seconds of processor that a picture may take. A page takes less than one.
const SECONDS_MAX: i64 = 8;

/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

/// Does something, or ends the process with what it has said before.
pub(super) fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let (working, end) = mpsc::channel::<()>();
    let spent = || clock_gettime(ClockId::ProcessCPUTime).tv_sec;
    let most = spent() + SECONDS_MAX;
    let watch = move || {
        while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            if spent() >= most {
                process::exit(0);
            }
        }
    };
    // Without a watch there are the limits of the process.
    let watching = thread::Builder::new().spawn(watch);
    let made = work();
    drop(working);
    if let Ok(it) = watching {
        // It panics nowhere.
        let _ = it.join();
    }
    made
}
