//! Turns the wall clock of one day's file into moments that do not repeat.

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

/// The zone whose wall clock the log shows, from the database inside the program.
pub(super) fn british() -> TimeZone {
    TimeZoneDatabase::bundled().get("Europe/London").expect("the bundled database knows London")
}

/// The clock of one file; times are asked in the order of its lines.
pub(super) struct Clock {
    date: Date,
    zone: TimeZone,
    before_ms: Option<i64>,
    /// Times that were read as the second pass of the repeated hour.
    pub(super) repeated: u64,
    /// Times smaller than the one before, and no repeated hour explains it.
    pub(super) backward: u64,
}

impl Clock {
    pub(super) fn new(date: Date, zone: TimeZone) -> Self {
        Self { date, zone, before_ms: None, repeated: 0, backward: 0 }
    }

    pub(super) fn at_ms(&mut self, time: Time) -> i64 {
        let local = self.zone.to_ambiguous_timestamp(self.date.to_datetime(time));
        let twice = matches!(local.offset(), AmbiguousOffset::Fold { .. });
        // The compatible reading is the earlier of two, and in the hour that clocks jump over
        // it is what a clock that has not jumped yet means.
        let first = local.compatible().expect("a day of a log is in range");
        let mut at_ms = first.as_millisecond();
        if twice && self.before_ms.is_some_and(|before| at_ms < before) {
            let second = local.later().expect("a day of a log is in range");
            at_ms = second.as_millisecond();
            self.repeated += 1;
        }
        if self.before_ms.is_some_and(|before| at_ms < before) {
            self.backward += 1;
        }
        self.before_ms = Some(at_ms);
        at_ms
    }
}
