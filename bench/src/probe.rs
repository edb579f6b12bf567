//! A small write and fdatasync every so often beside a round: tells a disturbed machine.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clock;
use crate::ledger::{Micros, micros};

/// A round whose probe is slower than this at the 99th percentile is void.
pub(crate) const P99_MAX_MS: f64 = 20.0;
const EVERY: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Micros>,
}

impl Probe {
    /// Starts to probe the file system of that folder.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let path = folder.join("probe");
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut times = micros();
            while !stopped.load(Ordering::Relaxed) {
                thread::sleep(EVERY);
                let start = clock::now();
                // In place, so that nothing but the device and the scheduler is measured.
                let synced = file.write_all_at(&[0; 64], 0).and_then(|()| file.sync_data());
                if synced.is_ok() {
                    times.saturating_record(start.elapsed().as_micros() as u64);
                }
            }
            times
        });
        Ok(Self { stop, thread })
    }

    /// Stops and gives the 99th percentile in milliseconds.
    pub(crate) fn p99_ms(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        let times = self.thread.join().expect("the probe does not panic");
        times.value_at_quantile(0.99) as f64 / 1_000.0
    }
}
