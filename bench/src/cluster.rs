//! Parlance as a cluster: nodes in processes of their own behind nginx, on real servers. Whatever
//! any of them costs is counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::client::Client;
use crate::cpu::Processes;
use crate::parlance::{self, Seeded};
use crate::process;
use crate::quota::Quota;
use crate::stage::{Shape, Stage};

/// How many nodes of each role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nodes {
    pub(crate) commands: usize,
    pub(crate) projectors: usize,
    pub(crate) queries: usize,
}

/// A cluster that ends when it is let go of.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) name: &'static str,
    program: PathBuf,
    stand: Child,
    told: Told,
    pub(crate) client: Client,
    /// The role whose nodes have only a share of a core once all lines are open, and the share.
    pub(crate) limited: Option<(&'static str, f64)>,
    quotas: Vec<Quota>,
}

/// What the stand says of itself.
#[derive(Debug, Deserialize)]
struct Told {
    /// Absent where there is no node.
    address: Option<SocketAddr>,
    folder: PathBuf,
    options: BTreeMap<String, String>,
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    role: String,
    pid: u32,
}

impl Cluster {
    /// Starts every server and node of it; the tables of its servers are empty.
    pub(crate) async fn start(
        name: &'static str,
        stand: &Path,
        program: &Path,
        nodes: Nodes,
        log: &Path,
    ) -> Result<Self> {
        let mut command = Command::new(stand);
        command.env("TEST_PROGRAM", program).arg("--fastest");
        command.args(["--commands", &nodes.commands.to_string()]);
        command.args(["--projectors", &nodes.projectors.to_string()]);
        command.args(["--queries", &nodes.queries.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::options().create(true).append(true).open(log)?);
        let named = || format!("start {}: `make stand` builds it", stand.display());
        let mut stand = command.spawn().with_context(named)?;
        let mut out = BufReader::new(stand.stdout.take().context("its output is piped")?);
        // Other servers' lines go on answering meanwhile.
        let said = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            out.read_line(&mut line).map(|_| line)
        });
        let said = said.await.context("no task panics")??;
        let told: Told = serde_json::from_str(&said)
            .with_context(|| format!("the stand did not start: {}", process::log_end(log)))?;
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let client = Client::new(told.address.unwrap_or(nowhere), stand.id());
        let program = program.to_owned();
        Ok(Self { name, program, stand, told, client, limited: None, quotas: Vec::new() })
    }

    pub(crate) fn processes(&self) -> Processes {
        self.client.processes()
    }

    pub(crate) async fn stage(&mut self, shape: Shape) -> Result<Stage> {
        let stage = self.client.stage(shape).await?;
        if let Some((role, share)) = self.limited {
            for node in self.told.nodes.iter().filter(|it| it.role == role) {
                self.quotas.push(Quota::new(node.pid, share)?);
            }
        }
        Ok(stage)
    }

    /// Fills it by the server's own command.
    pub(crate) async fn seed(&self, what: &str, count: usize) -> Result<Seeded> {
        parlance::seed_by(self.command(), &self.told.folder, &[(what, count)]).await
    }

    /// Rebuilds every collection; the CPU time of the program, and of all with the servers.
    pub(crate) async fn rebuild(&self) -> Result<[Duration; 2]> {
        let before = self.processes().cpu()?;
        let own = parlance::rebuild_by(self.command(), &self.told.folder).await?;
        Ok([own, own + self.processes().cpu()? - before])
    }

    /// The program, told where everything is.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(&self.told.options);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It ends all it has started once its input ends; there is nobody left to tell how.
        drop(self.stand.stdin.take());
        let _ = self.stand.wait();
    }
}
