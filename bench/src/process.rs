//! Child processes that do not outlive us, their logs, and the limits they inherit.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::clock;
use crate::cpu;

const OPEN_FILES: &str = "65536";

/// A child that is killed when it is let go of.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it with its output going to the log, which is added to.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        Ok(Self { child, log: log.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails with the end of the log once the child has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the process ended with {status}: {}", log_end(&self.log));
        }
        Ok(())
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn terminate(&mut self, max: Duration) -> Result<()> {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().context("run kill")?;
        ensure!(sent.success(), "the process {pid} takes no signal");
        let start = clock::now();
        while self.child.try_wait()?.is_none() {
            ensure!(start.elapsed() < max, "the process {pid} does not end when asked");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits for the end, while lines that are open go on answering; the CPU time it took.
    pub(crate) async fn finish(mut self, max: Duration) -> Result<Duration> {
        let start = clock::now();
        loop {
            // Before it is waited for: only then does the table still know.
            if let Some(cpu) = cpu::cpu_if_ended(self.pid())? {
                let status = self.child.wait()?;
                ensure!(status.success(), "ended with {status}: {}", log_end(&self.log));
                return Ok(cpu);
            }
            ensure!(start.elapsed() < max, "not done after {max:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log.
pub(crate) fn log_end(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}

/// A loopback address that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

/// Waits until something listens there.
pub(crate) async fn listening(address: SocketAddr, running: &mut Running) -> Result<()> {
    let start = clock::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        running.check()?;
        ensure!(start.elapsed() < Duration::from_secs(20), "nothing listens on {address}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Lets this process and its children open as many sockets as the rows need.
pub(crate) fn raise_open_files() -> Result<()> {
    let pid = std::process::id().to_string();
    let hard = format!("--nofile={OPEN_FILES}:{OPEN_FILES}");
    for wanted in [hard.as_str(), "--nofile=12000:"] {
        let status = Command::new("prlimit")
            .args(["--pid", &pid, wanted])
            .stderr(Stdio::null())
            .status()
            .context("run prlimit")?;
        if status.success() {
            return Ok(());
        }
    }
    bail!("this process may not open 12,000 files; raise its limit (ulimit -n)")
}
