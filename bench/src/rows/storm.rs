//! C1: all connections break, some messages pass by, and all come back at once to catch up.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::clock;
use crate::contender::PARLANCE;
use crate::graphql_ws::{self, GraphqlWs};
use crate::parlance::Parlance;
use crate::report::{Gate, Row};
use crate::rounds::Bench;
use crate::stage::{Route, Stage};

/// Messages that everyone missed.
const MISSED: usize = 5;
/// Connections being opened at the same time: fewer than a listening socket keeps waiting.
const AT_ONCE: usize = 256;
const CATCH_UP_MAX: Duration = Duration::from_secs(60);

pub(crate) async fn storm(bench: &Bench) -> Result<Row> {
    let online = bench.pick(5_000, 500);
    let title = format!("{online} reconnect at once and catch up with {MISSED} messages");
    let mut row = Row::new("C1", &title);
    let folder = bench.folder("C1")?;
    let mut parlance = Parlance::start(bench.program()?, &folder.join("parlance")).await?;
    let group = parlance.client.group().await?;
    let mut stage = Stage::new(Rc::new(GraphqlWs), parlance.client.processes());
    for number in 0..online {
        let person = &parlance.client.people[number % parlance.client.people.len()];
        stage.attach(parlance.client.subscribed(person).await?, None);
    }
    let rounds = bench
        .play(&mut row, async || {
            stage.lines.clear();
            // What the end of a connection costs is not what its return costs.
            tokio::time::sleep(Duration::from_secs(2)).await;
            let (next, cpu_ms, wall) = reconnect(&mut parlance, &group, online).await?;
            stage = next;
            Ok((cpu_ms, wall))
        })
        .await?;
    let (cpu_ms, wall) = rounds.into_iter().unzip();
    row.measure(PARLANCE, &[("CPU ms/reconnect", cpu_ms), ("seconds until all caught up", wall)]);
    let cost = row.median(PARLANCE, "CPU ms/reconnect").unwrap_or(f64::NAN);
    row.gates.push(Gate::at_most("CPU ms per reconnect", cost, 0.7, Some(0.3)));
    Ok(row)
}

/// The stage after the storm, CPU of each reconnect in ms, and how long all took in seconds.
async fn reconnect(
    parlance: &mut Parlance,
    group: &str,
    online: usize,
) -> Result<(Stage, f64, f64)> {
    let mut stage = Stage::new(Rc::new(GraphqlWs), parlance.client.processes());
    let circle = stage.ledger.borrow_mut().add_circle();
    let first = parlance.client.people.first().context("there are people")?.clone();
    let sender = graphql_ws::connect(parlance.client.address, &first.access_token).await?;
    let line = stage.attach(sender, None);
    let lines: Vec<usize> =
        (0..online).map(|_| stage.ledger.borrow_mut().add_line(Some(circle))).collect();
    let mut positions = Vec::new();
    for person in parlance.client.people.clone() {
        positions.push(Rc::new((parlance.client.position(&person).await?, person)));
    }
    let route = Route { line, conversation: group.to_owned(), circle };
    for _ in 0..MISSED {
        stage.send(&route, clock::now());
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(stage.ledger.borrow().unanswered() == 0, "the messages are not accepted");

    let (cpu, start) = (stage.processes.cpu()?, clock::now());
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut opening = JoinSet::new();
    for line in lines {
        let place = Rc::clone(&positions[line % positions.len()]);
        let (gate, address) = (Arc::clone(&gate), parlance.client.address);
        opening.spawn_local(async move {
            let _permit = gate.acquire().await?;
            let (position, person) = &*place;
            let mut dialogue = graphql_ws::connect(address, &person.access_token).await?;
            graphql_ws::subscribe(&mut dialogue, Some(position)).await?;
            anyhow::Ok((dialogue, line))
        });
    }
    while let Some(opened) = opening.join_next().await {
        let (dialogue, line) = opened.context("no task panics")??;
        stage.attach_as(dialogue, line);
    }
    let caught_up = stage.drain(CATCH_UP_MAX).await;
    let wall = start.elapsed().as_secs_f64();
    let (_, _, faults) = stage.ledger.borrow_mut().end(true);
    ensure!(caught_up && faults.total() == 0, "not all caught up: {faults:?}");
    let spent = (stage.processes.cpu()? - cpu).as_secs_f64() * 1_000.0;
    stage.ledger.borrow_mut().begin();
    Ok((stage, spent / online as f64, wall))
}
