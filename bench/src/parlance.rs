//! Parlance in a process of its own, driven through its public doors only.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::client::{Client, Person};
use crate::clock;
use crate::process::{self, Running};

const READY_MAX: Duration = Duration::from_secs(120);
const END_MAX: Duration = Duration::from_secs(30);
const SEED_MAX: Duration = Duration::from_secs(1_800);

/// Limits that guard a public server would only stop the load.
const LIMITS: [(&str, &str); 4] = [
    ("PARLANCE_RATE_PER_ACCOUNT", "1000000"),
    ("PARLANCE_RATE_PER_IP", "1000000"),
    ("PARLANCE_RATE_REGISTER", "1000000"),
    ("PARLANCE_RATE_PER_SOCKET", "1000000"),
];

/// What a seeded folder holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seeded {
    pub(crate) conversation_id: String,
    pub(crate) accounts: Vec<Person>,
    /// The message that its thread begins at, if it was asked for one.
    #[serde(default)]
    pub(crate) thread_id: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Parlance {
    program: PathBuf,
    folder: PathBuf,
    options: &'static [(&'static str, &'static str)],
    pub(crate) running: Running,
    pub(crate) client: Client,
}

impl Parlance {
    /// Starts it on that folder and waits until it is ready.
    pub(crate) async fn start(program: &Path, folder: &Path) -> Result<Self> {
        Self::start_with(program, folder, &[]).await
    }

    /// The same with options in its environment.
    pub(crate) async fn start_with(
        program: &Path,
        folder: &Path,
        options: &'static [(&'static str, &'static str)],
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let address = process::free_address()?;
        let running = spawn(program, folder, address, options)?;
        let client = Client::new(address, running.pid());
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let mut parlance = Self { program, folder, options, running, client };
        parlance.ready().await?;
        Ok(parlance)
    }

    /// Starts it on a seeded folder.
    pub(crate) async fn start_seeded(
        program: &Path,
        folder: &Path,
        seeded: &Seeded,
    ) -> Result<Self> {
        let mut parlance = Self::start(program, folder).await?;
        parlance.client.people.clone_from(&seeded.accounts);
        parlance.client.group = Some(seeded.conversation_id.clone());
        Ok(parlance)
    }

    /// Starts it anew on the same folder and address after it has ended; not yet ready.
    pub(crate) fn respawn(&mut self) -> Result<()> {
        self.running = spawn(&self.program, &self.folder, self.client.address, self.options)?;
        self.client.follow(self.running.pid());
        Ok(())
    }

    /// Ends it as asked and starts it anew: what remains in memory is what serving needs.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.running.terminate(END_MAX).await?;
        self.respawn()?;
        self.ready().await
    }

    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.running.terminate(END_MAX).await
    }

    pub(crate) async fn ready(&mut self) -> Result<()> {
        let start = clock::now();
        loop {
            if self.client.http.get("/readyz").await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            self.running.check()?;
            ensure!(start.elapsed() < READY_MAX, "not ready after {READY_MAX:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn spawn(
    program: &Path,
    folder: &Path,
    address: SocketAddr,
    options: &[(&str, &str)],
) -> Result<Running> {
    let mut command = Command::new(program);
    command.args(["serve", "--listen", &address.to_string(), "--data-dir"]).arg(folder);
    command.envs(LIMITS).envs(options.iter().copied());
    Running::start(&mut command, &folder.with_extension("log"))
}

/// Fills a new folder by the server's own command, such as `--messages 1000`.
pub(crate) async fn seed(
    program: &Path,
    folder: &Path,
    what: &str,
    count: usize,
) -> Result<Seeded> {
    fs::create_dir_all(folder)?;
    seed_by(Command::new(program), folder, &[(what, count)]).await
}

/// The same with a group whose members may all sign in.
pub(crate) async fn seed_signed_in(
    program: &Path,
    folder: &Path,
    members: usize,
) -> Result<Seeded> {
    fs::create_dir_all(folder)?;
    let what = [("--members", members), ("--signed-in", members)];
    seed_by(Command::new(program), folder, &what).await
}

/// The same by a command that may have been told where else an instance is.
pub(crate) async fn seed_by(
    mut command: Command,
    folder: &Path,
    what: &[(&str, usize)],
) -> Result<Seeded> {
    let log = folder.with_extension("seed");
    command.args(["bench", "seed", "--data-dir"]).arg(folder);
    for (option, count) in what {
        command.arg(option).arg(count.to_string());
    }
    command.envs(LIMITS);
    let named = || format!("parlance seed {what:?}");
    Running::start(&mut command, &log)?.finish(SEED_MAX).await.with_context(named)?;
    let output = fs::read_to_string(&log)?;
    let mut seeded = output.lines().rev().filter_map(|line| serde_json::from_str(line).ok());
    seeded.next().with_context(|| format!("{} prints no accounts", named()))
}

/// Rebuilds every collection; the CPU time it took.
pub(crate) async fn rebuild(program: &Path, folder: &Path) -> Result<Duration> {
    rebuild_by(Command::new(program), folder).await
}

/// The same by a command that may have been told where else an instance is.
pub(crate) async fn rebuild_by(mut command: Command, folder: &Path) -> Result<Duration> {
    command.args(["rebuild", "--all", "--data-dir"]).arg(folder);
    let running = Running::start(&mut command, &folder.with_extension("rebuild"))?;
    running.finish(SEED_MAX).await.context("parlance rebuild --all")
}
