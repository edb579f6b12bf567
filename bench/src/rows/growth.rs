//! S1, S2, S3: what a message costs as its group grows, in members and in members online.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::contender::{Contender, PARLANCE};
use crate::drive::{self, Load};
use crate::parlance::{self, Parlance};
use crate::report::{Gate, Row, log_log_slope, median};
use crate::rounds::{Bench, Contest, sound};
use crate::stage::{Outcome, Shape, Stage};

const ONLINE: usize = 100;

fn member_counts(bench: &Bench) -> Vec<usize> {
    bench.pick(vec![1_000, 14_000, 200_000], vec![1_000, 5_000])
}

/// A server whose group has so many members, 200 of whom may sign in.
async fn grouped(program: &Path, folder: &Path, members: usize) -> Result<Parlance> {
    let folder = folder.join(format!("members-{members}"));
    let seeded = parlance::seed(program, &folder, "--members", members).await?;
    Parlance::start_seeded(program, &folder, &seeded).await
}

/// S1: the same load in groups of different sizes, with as many online in each.
pub(crate) async fn members(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("S1", &format!("CPU of a message as members grow, {ONLINE} online"));
    let folder = bench.folder("S1")?;
    let counts = member_counts(bench);
    let mut stages = Vec::new();
    for members in &counts {
        let parlance = grouped(bench.program()?, &folder, *members).await?;
        let mut contender = Contender::Parlance(Box::new(parlance));
        let stage = contender.stage(Shape::Group { online: ONLINE }).await?;
        stages.push((contender, stage));
    }
    let contest = closed(bench, 4);
    let rounds = bench
        .play(&mut row, async || {
            let mut costs = Vec::new();
            for (_, stage) in &stages {
                let outcome = sound(contest.round(stage).await?, PARLANCE)?;
                costs.push(outcome.cpu_us_per_message());
            }
            Ok(costs)
        })
        .await?;
    let mut points = Vec::new();
    for (index, members) in counts.iter().enumerate() {
        let costs: Vec<f64> = rounds.iter().map(|costs| costs[index]).collect();
        points.push((*members as f64, median(&costs)));
        row.measure(&format!("{members} members"), &[("CPU µs/message", costs)]);
    }
    let slope = log_log_slope(&points);
    row.gates.push(Gate::at_most("log-log slope over members", slope, 0.05, Some(0.02)));
    Ok(row)
}

/// S2: a slow and steady load, so that no two messages share an operation.
pub(crate) async fn storage(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("S2", "storage operations of a message");
    let folder = bench.folder("S2")?;
    let counts = member_counts(bench);
    let mut servers = Vec::new();
    for members in &counts {
        let mut parlance = grouped(bench.program()?, &folder, *members).await?;
        let stage = parlance.client.stage(Shape::Group { online: ONLINE }).await?;
        stage.settle().await?;
        servers.push((parlance, stage));
    }
    let span = Duration::from_secs(bench.pick(10, 3));
    let rounds = bench
        .play(&mut row, async || {
            let mut costs = Vec::new();
            for (parlance, stage) in &mut servers {
                costs.push(operations(parlance, stage, span).await?);
            }
            Ok(costs)
        })
        .await?;
    let mut totals = Vec::new();
    for (index, members) in counts.iter().enumerate() {
        let figure = |part: fn(&Operations) -> f64| -> Vec<f64> {
            rounds.iter().map(|costs| part(&costs[index])).collect()
        };
        let total = figure(|it| it.appends + it.writes + it.queries);
        totals.push(median(&total));
        let figures = [
            ("log appends", figure(|it| it.appends)),
            ("document writes", figure(|it| it.writes)),
            ("document queries", figure(|it| it.queries)),
            ("together", total),
        ];
        row.measure(&format!("{members} members"), &figures);
    }
    let (first, last) = (totals[0], totals[totals.len() - 1]);
    row.gates.push(Gate::at_most("operations in the largest group", last, 6.0, Some(4.0)));
    row.gates.push(Gate::at_most("of those in the smallest, times", last / first, 1.02, None));
    Ok(row)
}

/// Storage operations, of which the server counts three kinds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operations {
    pub(crate) appends: f64,
    pub(crate) writes: f64,
    pub(crate) queries: f64,
}

impl Operations {
    pub(crate) async fn so_far(parlance: &mut Parlance) -> Result<Self> {
        Ok(Self {
            appends: parlance.client.counter("parlance_log_appends_total").await?,
            writes: parlance.client.counter("parlance_document_writes_total").await?,
            queries: parlance.client.counter("parlance_document_queries_total").await?,
        })
    }

    /// What has been added since, for each of so many.
    pub(crate) fn since(self, earlier: Self, count: f64) -> Self {
        Self {
            appends: (self.appends - earlier.appends) / count,
            writes: (self.writes - earlier.writes) / count,
            queries: (self.queries - earlier.queries) / count,
        }
    }
}

/// Operations for each message at 20 messages a second.
async fn operations(parlance: &mut Parlance, stage: &Stage, span: Duration) -> Result<Operations> {
    let before = Operations::so_far(parlance).await?;
    let load = Load::Open { per_second: 20.0 };
    let outcome = drive::round(stage, load, Duration::ZERO, span).await?;
    let outcome = sound(outcome, PARLANCE)?;
    // Projections that nobody waits for may still be at work.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(Operations::so_far(parlance).await?.since(before, outcome.messages as f64))
}

/// S3: what one more recipient online costs, a message at a time and in bursts.
pub(crate) async fn online(bench: &Bench) -> Result<Row> {
    let (few, many) = (100, bench.pick(5_000, 1_000));
    let mut row = Row::new("S3", &format!("CPU of a recipient, {few} to {many} online"));
    let folder = bench.folder("S3")?;
    let mut stages = Vec::new();
    for online in [few, many] {
        let own = folder.join(format!("online-{online}"));
        let parlance = grouped(bench.program()?, &own, 200).await?;
        let mut contender = Contender::Parlance(Box::new(parlance));
        let stage = contender.stage(Shape::Group { online }).await.context("open all")?;
        stages.push((contender, stage));
    }
    let rounds = bench
        .play(&mut row, async || {
            let mut costs = Vec::new();
            for in_flight in [1, 16] {
                for (_, stage) in &stages {
                    let outcome = closed(bench, in_flight).round(stage).await?;
                    costs.push(sound(outcome, PARLANCE)?);
                }
            }
            Ok(costs)
        })
        .await?;
    let figure = |index: usize, part: fn(&Outcome) -> f64| -> Vec<f64> {
        rounds.iter().map(|costs| part(&costs[index])).collect()
    };
    let (message, delivery) = (Outcome::cpu_us_per_message, Outcome::cpu_us_per_delivery);
    for (index, online) in [few, many].into_iter().enumerate() {
        let figures = [
            ("CPU µs/message", figure(index, message)),
            ("CPU µs/delivery in bursts of 16", figure(index + 2, delivery)),
        ];
        row.measure(&format!("{online} online"), &figures);
    }
    let grown = median(&figure(1, message)) - median(&figure(0, message));
    let one_more = grown / (many - few) as f64;
    let in_bursts = median(&figure(3, delivery));
    row.gates.push(Gate::at_most("CPU µs of one more recipient", one_more, 12.0, None));
    row.gates.push(Gate::at_most("CPU µs, in bursts", in_bursts, 12.0, Some(3.0)));
    Ok(row)
}

/// So many messages under way, in a stage that is already set.
fn closed(bench: &Bench, in_flight: usize) -> Contest {
    Contest {
        shape: Shape::Group { online: ONLINE },
        load: Load::Closed { in_flight },
        warm: Duration::from_secs(1),
        measured: Duration::from_secs(bench.pick(4, 1)),
    }
}
