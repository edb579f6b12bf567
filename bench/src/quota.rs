//! A share of a core that a process is kept to, by a control group of its own; it takes root.
//! See the kernel's `admin-guide/cgroup-v1/` and `cgroup-v2`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The kernel gives no share of less than a millisecond of it.
const PERIOD_US: u32 = 50_000;

/// A group of one process, removed when the process has ended.
#[derive(Debug)]
pub(crate) struct Quota {
    folder: PathBuf,
}

impl Quota {
    /// Keeps a process to a share of one core.
    pub(crate) fn new(pid: u32, share: f64) -> Result<Self> {
        let first = Path::new("/sys/fs/cgroup/cpu");
        let root = if first.exists() { first } else { Path::new("/sys/fs/cgroup") };
        let folder = root.join(format!("parlance-bench-{pid}"));
        let quota = Self { folder };
        fs::create_dir(&quota.folder).context("a control group takes root")?;
        let us = (f64::from(PERIOD_US) * share).round();
        if root == first {
            quota.write("cpu.cfs_period_us", &PERIOD_US.to_string())?;
            quota.write("cpu.cfs_quota_us", &us.to_string())?;
        } else {
            quota.write("cpu.max", &format!("{us} {PERIOD_US}"))?;
        }
        quota.write("cgroup.procs", &pid.to_string())?;
        Ok(quota)
    }

    fn write(&self, name: &str, value: &str) -> Result<()> {
        let file = self.folder.join(name);
        fs::write(&file, value).with_context(|| format!("{value} to {}", file.display()))
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // A group that is left empty costs nothing.
        let _ = fs::remove_dir(&self.folder);
    }
}
