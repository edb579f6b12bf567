//! What processes cost, from the process table: CPU time and resident memory of whole trees.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The kernel reports CPU time in hundredths of a second on every architecture we run on.
const TICK: Duration = Duration::from_millis(10);

/// The processes of one server: these and all they start.
#[derive(Debug, Clone)]
pub(crate) struct Processes {
    roots: Vec<u32>,
}

struct Entry {
    pid: u32,
    parent: u32,
    state: char,
    /// Own time and that of children already gone, in ticks.
    ticks: u64,
    /// Only that of children already gone.
    gone: u64,
}

impl Processes {
    pub(crate) fn new(roots: Vec<u32>) -> Self {
        Self { roots }
    }

    /// CPU time used so far, user and system.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let ticks: u64 = self.tree()?.iter().map(|entry| entry.ticks).sum();
        Ok(TICK * u32::try_from(ticks).context("the processes are older than a year")?)
    }

    /// The same by what the processes are.
    pub(crate) fn cpu_by_name(&self) -> Result<BTreeMap<String, Duration>> {
        let mut by_name = BTreeMap::new();
        for entry in self.tree()? {
            *by_name.entry(name(entry.pid)).or_default() += TICK * entry.ticks as u32;
        }
        Ok(by_name)
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        self.tree()?.iter().map(|entry| resident_kib(entry.pid)).sum()
    }

    fn tree(&self) -> Result<Vec<Entry>> {
        let mut others = entries()?;
        let mut tree = Vec::new();
        let mut wanted = self.roots.clone();
        while let Some(pid) = wanted.pop() {
            if let Some(at) = others.iter().position(|entry| entry.pid == pid) {
                tree.push(others.swap_remove(at));
                wanted.extend(others.iter().filter(|it| it.parent == pid).map(|it| it.pid));
            }
        }
        anyhow::ensure!(!tree.is_empty(), "the server is gone");
        Ok(tree)
    }
}

/// CPU time of a child that has ended but is not yet waited for; none while it runs.
pub(crate) fn cpu_if_ended(pid: u32) -> Result<Option<Duration>> {
    let entry = entry(pid).context("the child is not in the process table")?;
    Ok((entry.state == 'Z').then(|| TICK * entry.ticks as u32))
}

/// CPU time of all that a process has started and has seen the end of.
pub(crate) fn cpu_of_gone(pid: u32) -> Result<Duration> {
    let entry = entry(pid).context("the process is not in the process table")?;
    Ok(TICK * entry.gone as u32)
}

/// Most resident memory that a process has had since this was last forgotten, in KiB.
pub(crate) fn peak_kib(pid: u32) -> Result<u64> {
    kib(pid, "VmHWM:")
}

/// Has the kernel forget it, as `proc(5)` says of `clear_refs`.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("forget the peak")
}

fn entries() -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for file in fs::read_dir("/proc").context("read /proc")? {
        if let Some(pid) = file?.file_name().to_str().and_then(|name| name.parse().ok()) {
            entries.extend(entry(pid));
        }
    }
    Ok(entries)
}

fn entry(pid: u32) -> Option<Entry> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may contain anything.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Entry {
        pid,
        parent: number(1)? as u32,
        state: fields.first()?.chars().next()?,
        ticks: (11..=14).filter_map(number).sum(),
        gone: (13..=14).filter_map(number).sum(),
    })
}

/// What a process is: its program, and of ours the role, which is its first argument.
fn name(pid: u32) -> String {
    let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let mut words = words.split('\0');
    let program = words.next().unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    match words.next() {
        Some(role) if program == "parlance" => role.to_owned(),
        // nginx says what a process of it is in the place of its arguments.
        _ => program.split(':').next().unwrap_or_default().to_owned(),
    }
}

fn resident_kib(pid: u32) -> Result<u64> {
    kib(pid, "VmRSS:")
}

fn kib(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with(name));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.map(str::parse).transpose()?.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{Processes, cpu_of_gone, forget_peak, peak_kib};

    #[test]
    fn this_process_uses_memory_and_its_children_count() {
        let own = Processes::new(vec![std::process::id()]);
        assert!(own.resident_kib().unwrap() > 0);
        assert!(own.cpu().unwrap().as_secs() < 3_600);
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        assert_eq!(own.tree().unwrap().len(), 2);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn what_children_cost_is_known_once_they_are_gone() {
        let own = std::process::id();
        let before = cpu_of_gone(own).unwrap();
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        assert!(std::process::Command::new("sh").args(["-c", script]).status().unwrap().success());
        assert!(cpu_of_gone(own).unwrap() > before);
    }

    #[test]
    fn a_peak_is_forgotten() {
        let own = std::process::id();
        drop(vec![1_u8; 64 << 20]);
        let peak = peak_kib(own).unwrap();
        forget_peak(own).unwrap();
        assert!(peak_kib(own).unwrap() <= peak);
    }
}
