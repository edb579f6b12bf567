//! Rounds: every contender once in each, a probe beside them, disturbed rounds played again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::cluster::{Cluster, Nodes};
use crate::contender::{Contender, Floor};
use crate::drive::{self, Load};
use crate::floor::Mode;
use crate::parlance::Parlance;
use crate::probe::{P99_MAX_MS, Probe};
use crate::report::Row;
use crate::stage::{Outcome, Shape, Stage};
use crate::xmpp::Ejabberd;

/// What the command line asked for.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) rounds: usize,
    /// Absent when only floors and peer are measured.
    pub(crate) server: Option<PathBuf>,
    /// What starts a cluster.
    pub(crate) stand: PathBuf,
    pub(crate) peer: bool,
    pub(crate) quick: bool,
    /// A folder of this run alone, removed in the end.
    pub(crate) scratch: PathBuf,
}

impl Bench {
    /// The first in earnest, the second for a quick look.
    pub(crate) fn pick<T>(&self, earnest: T, quick: T) -> T {
        if self.quick { quick } else { earnest }
    }

    /// The program to measure; rows that measure nothing else need it.
    pub(crate) fn program(&self) -> Result<&Path> {
        self.server.as_deref().context("this row measures Parlance alone, and there is none")
    }

    /// A cluster of these nodes.
    pub(crate) async fn cluster(
        &self,
        name: &'static str,
        nodes: Nodes,
        folder: &Path,
    ) -> Result<Cluster> {
        let log = folder.join(format!("{name}.log"));
        Cluster::start(name, &self.stand, self.program()?, nodes, &log).await
    }

    /// An empty folder for a row.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.scratch.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Removes what the rows so far have left.
    pub(crate) fn clear(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.scratch)?;
        Ok(std::fs::create_dir_all(&self.scratch)?)
    }

    /// Floors of these modes, Parlance, and the peer where it is installed and wanted.
    pub(crate) async fn contenders(
        &self,
        row: &mut Row,
        folder: &Path,
        modes: &[Mode],
        peer: bool,
    ) -> Result<Vec<Contender>> {
        let mut contenders = Vec::new();
        for mode in modes {
            contenders.push(Contender::Floor(Floor::start(*mode, folder).await?));
        }
        if let Some(program) = &self.server {
            let parlance = Parlance::start(program, &folder.join("parlance")).await?;
            contenders.push(Contender::Parlance(Box::new(parlance)));
        }
        if peer && self.peer {
            match Ejabberd::start(folder)? {
                Some(ejabberd) => contenders.push(Contender::Ejabberd(ejabberd)),
                None => row.note("PEER NOT INSTALLED: ejabberd, erlang-p1-pgsql, postgresql"),
            }
        } else if peer {
            row.note("PEER LEFT OUT, as asked");
        }
        Ok(contenders)
    }

    /// Plays rounds until enough count, each with a probe; what `play` gives is kept by round.
    pub(crate) async fn play<T>(
        &self,
        row: &mut Row,
        play: impl AsyncFnMut() -> Result<T>,
    ) -> Result<Vec<T>> {
        self.play_with(row, When::Beside, play).await
    }

    /// The same for rounds that keep the disk busy themselves and count CPU only: the probe tells
    /// before each whether the machine is disturbed.
    pub(crate) async fn play_busy<T>(
        &self,
        row: &mut Row,
        play: impl AsyncFnMut() -> Result<T>,
    ) -> Result<Vec<T>> {
        row.note("the probe runs before each round, since the round itself keeps the disk busy");
        self.play_with(row, When::Before, play).await
    }

    async fn play_with<T>(
        &self,
        row: &mut Row,
        when: When,
        mut play: impl AsyncFnMut() -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut kept = Vec::new();
        for _ in 0..2 * self.rounds {
            let probe = Probe::start(&self.scratch)?;
            let (outcome, p99_ms) = match when {
                When::Beside => (play().await, probe.p99_ms()),
                When::Before => {
                    tokio::time::sleep(BEFORE).await;
                    let p99_ms = probe.p99_ms();
                    (play().await, p99_ms)
                }
            };
            let outcome = outcome?;
            if p99_ms > P99_MAX_MS {
                row.void_rounds += 1;
                continue;
            }
            kept.push(outcome);
            if kept.len() == self.rounds {
                break;
            }
        }
        row.rounds = kept.len();
        let voided = row.void_rounds;
        ensure!(kept.len() == self.rounds, "the machine is disturbed: {voided} rounds are void");
        Ok(kept)
    }

    /// Plays the contest: outcomes by contender, then by round.
    pub(crate) async fn contest(
        &self,
        row: &mut Row,
        contenders: &mut [Contender],
        contest: Contest,
    ) -> Result<Vec<(&'static str, Vec<Outcome>)>> {
        let mut stages: Vec<(&'static str, Stage)> = Vec::new();
        for contender in contenders {
            stages.push((contender.name(), contender.stage(contest.shape).await?));
        }
        let rounds = self
            .play(row, async || {
                let mut outcomes = Vec::new();
                for (name, stage) in &stages {
                    let outcome = contest.round(stage).await;
                    outcomes.push(sound(outcome.with_context(|| (*name).to_owned())?, name)?);
                }
                Ok(outcomes)
            })
            .await?;
        let mut by_contender: Vec<(&'static str, Vec<Outcome>)> =
            stages.iter().map(|(name, _)| (*name, Vec::new())).collect();
        for outcomes in rounds {
            for ((_, kept), outcome) in by_contender.iter_mut().zip(outcomes) {
                kept.push(outcome);
            }
        }
        Ok(by_contender)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Also when interrupted; what cannot be removed hurts nobody.
        let _ = std::fs::remove_dir_all(&self.scratch);
    }
}

/// When the probe runs.
#[derive(Debug, Clone, Copy)]
enum When {
    Beside,
    Before,
}

/// How long a probe runs before a round; what earlier rounds wrote is on the disk by then.
const BEFORE: Duration = Duration::from_secs(5);

/// Who hears whom, under what load, for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contest {
    pub(crate) shape: Shape,
    pub(crate) load: Load,
    pub(crate) warm: Duration,
    pub(crate) measured: Duration,
}

impl Contest {
    pub(crate) async fn round(&self, stage: &Stage) -> Result<Outcome> {
        drive::round(stage, self.load, self.warm, self.measured).await
    }
}

/// The outcome, unless anything was lost, doubled or refused.
pub(crate) fn sound(outcome: Outcome, name: &str) -> Result<Outcome> {
    let faults = &outcome.faults;
    ensure!(faults.total() == 0, "{name}: {faults:?}");
    ensure!(outcome.messages > 0, "{name}: no message got through");
    Ok(outcome)
}

/// One figure of every outcome.
pub(crate) fn each(outcomes: &[Outcome], figure: impl Fn(&Outcome) -> f64) -> Vec<f64> {
    outcomes.iter().map(figure).collect()
}
