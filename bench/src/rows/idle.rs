//! M1, M2: what connections cost that are only there.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::client::ACCOUNTS;
use crate::clock;
use crate::contender::{Floor, FloorDialect, PARLANCE, SHARED};
use crate::floor::Mode;
use crate::graphql_ws::GraphqlWs;
use crate::parlance::Parlance;
use crate::report::{Gate, Row};
use crate::rounds::Bench;
use crate::stage::Stage;

/// After connecting, until what was only needed for it is given back.
const CALM: Duration = Duration::from_secs(3);

/// M1: the server is fresh for each round, so that no freed memory hides what is used.
pub(crate) async fn memory(bench: &Bench) -> Result<Row> {
    let online = bench.pick(5_000, 500);
    let mut row = Row::new("M1", &format!("resident memory of {online} idle subscribed"));
    let folder = bench.folder("M1")?;
    let mut parlance = match &bench.server {
        Some(program) => {
            let mut parlance = Parlance::start(program, &folder.join("parlance")).await?;
            parlance.client.register(ACCOUNTS).await?;
            Some(parlance)
        }
        None => None,
    };
    let rounds = bench
        .play(&mut row, async || {
            let floor = floor_kib(&Floor::start(Mode::Shared, &folder).await?, online).await?;
            let ours = match &mut parlance {
                Some(parlance) => {
                    parlance.restart().await?;
                    Some(parlance_kib(parlance, online).await?)
                }
                None => None,
            };
            Ok((floor, ours))
        })
        .await?;
    let floor: Vec<f64> = rounds.iter().map(|(floor, _)| *floor).collect();
    let ours: Vec<f64> = rounds.iter().filter_map(|(_, ours)| *ours).collect();
    row.measure(SHARED, &[("KiB/connection", floor)]);
    row.measure(PARLANCE, &[("KiB/connection", ours)]);
    if let Some(kib) = row.median(PARLANCE, "KiB/connection") {
        row.gates.push(Gate::at_most("KiB per idle connection", kib, 16.0, Some(6.0)));
    }
    Ok(row)
}

async fn floor_kib(floor: &Floor, online: usize) -> Result<f64> {
    let mut stage = Stage::new(Rc::new(FloorDialect), floor.processes());
    let before = stage.processes.resident_kib()?;
    for _ in 0..online {
        let line = floor.line(Some("idle")).await?;
        stage.attach(line, None);
    }
    grown(&stage, before).await
}

async fn parlance_kib(parlance: &Parlance, online: usize) -> Result<f64> {
    let before = parlance.client.processes().resident_kib()?;
    let stage = idle(parlance, online).await?;
    grown(&stage, before).await
}

/// KiB that each line of the stage has added.
async fn grown(stage: &Stage, before: u64) -> Result<f64> {
    tokio::time::sleep(CALM).await;
    all_open(stage)?;
    let after = stage.processes.resident_kib()?;
    Ok(after.saturating_sub(before) as f64 / stage.lines.len() as f64)
}

/// Connections that hear whatever comes, which is nothing.
async fn idle(parlance: &Parlance, online: usize) -> Result<Stage> {
    let mut stage = Stage::new(Rc::new(GraphqlWs), parlance.client.processes());
    for number in 0..online {
        let person = &parlance.client.people[number % parlance.client.people.len()];
        stage.attach(parlance.client.subscribed(person).await?, None);
    }
    Ok(stage)
}

fn all_open(stage: &Stage) -> Result<()> {
    let ledger = stage.ledger.borrow();
    let faults = ledger.faults();
    ensure!(faults.total() == 0, "an idle connection is not left in peace: {faults:?}");
    Ok(())
}

/// M2: two rounds of pings of 25 seconds fit into the window.
pub(crate) async fn pings(bench: &Bench) -> Result<Row> {
    let online = bench.pick(5_000, 500);
    let window = Duration::from_secs(bench.pick(50, 26));
    let title = format!("CPU of {online} idle subscribed over {} s", window.as_secs());
    let mut row = Row::new("M2", &title);
    let folder = bench.folder("M2")?;
    let mut parlance = Parlance::start(bench.program()?, &folder.join("parlance")).await?;
    parlance.client.register(ACCOUNTS).await?;
    let stage = idle(&parlance, online).await?;
    tokio::time::sleep(CALM).await;
    let rounds = bench
        .play(&mut row, async || {
            let (cpu, start) = (stage.processes.cpu()?, clock::now());
            let pings = stage.ledger.borrow().pings();
            tokio::time::sleep(window).await;
            all_open(&stage)?;
            let spent = (stage.processes.cpu()? - cpu).as_secs_f64() * 1_000.0;
            let pings = stage.ledger.borrow().pings() - pings;
            Ok((spent / start.elapsed().as_secs_f64(), pings as f64 / online as f64))
        })
        .await?;
    let (cpu, pings): (Vec<f64>, Vec<f64>) = rounds.into_iter().unzip();
    row.measure(PARLANCE, &[("CPU ms/s", cpu), ("pings/connection", pings)]);
    let spent = row.median(PARLANCE, "CPU ms/s").unwrap_or(f64::NAN);
    row.gates.push(Gate::at_most("CPU ms per second", spent, 40.0, Some(12.0)));
    if row.median(PARLANCE, "pings/connection") == Some(0.0) {
        row.void = Some("the server sent no pings".to_owned());
    }
    Ok(row)
}
