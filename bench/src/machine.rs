//! The machine a result was measured on, in words.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// What a reader needs to judge the numbers; `folder` is where the servers keep their files.
pub(crate) fn describe(folder: &Path) -> Value {
    let cpu = read("/proc/cpuinfo");
    let model = field(&cpu, "model name").unwrap_or("unknown");
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let memory_kib = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|words| words.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0);
    json!({
        "cpu": model,
        "cores": cores,
        "memoryGib": (memory_kib as f64 / 1_048_576.0 * 10.0).round() / 10.0,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "fileSystem": file_system(folder).unwrap_or_else(|| "unknown".to_owned()),
        "loadBefore": read("/proc/loadavg").split(' ').next().unwrap_or_default(),
    })
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn file_system(folder: &Path) -> Option<String> {
    let output = Command::new("df").arg("--output=fstype").arg(folder).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().nth(1).map(|line| line.trim().to_owned())
}
