//! The rows: what is measured and against what bound, by the ids that the goals have.

mod cluster;
mod contests;
mod growth;
mod idle;
mod kept;
mod log;
mod pages;
mod reactions;
mod storm;
mod threads;
mod unread;

use anyhow::{Result, bail};

use crate::report::Row;
use crate::rounds::Bench;

pub(crate) const IDS: [&str; 20] = [
    "F1", "F2", "D1", "L1", "L2", "M1", "M2", "S1", "S2", "S3", "U1", "H1", "H2", "R1", "R2", "C1",
    "P1", "T1", "E1", "K1",
];

/// Rows that floors and peer take part in.
pub(crate) const SHARED_IDS: [&str; 6] = ["F1", "F2", "D1", "L1", "L2", "M1"];

/// Measures one id; a failure is a void row.
pub(crate) async fn run(bench: &Bench, id: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Err(error) = measure(bench, id, &mut rows).await {
        let mut row = Row::new(id, "could not be measured");
        row.void = Some(format!("{error:#}"));
        rows.push(row);
    }
    // A million messages take room; what matters of the logs is in the rows.
    let _ = bench.clear();
    rows
}

async fn measure(bench: &Bench, id: &str, rows: &mut Vec<Row>) -> Result<()> {
    match id {
        "F1" => contests::fan_out(bench, rows).await,
        "F2" => contests::burst(bench, rows).await,
        "D1" => contests::direct(bench, rows).await,
        "L1" => contests::direct_latency(bench, rows).await,
        "L2" => contests::group_latency(bench, rows).await,
        "M1" => rows.push(idle::memory(bench).await?),
        "M2" => rows.push(idle::pings(bench).await?),
        "S1" => rows.push(growth::members(bench).await?),
        "S2" => rows.push(growth::storage(bench).await?),
        "S3" => rows.push(growth::online(bench).await?),
        "U1" => rows.push(unread::unread(bench).await?),
        "H1" => rows.push(pages::history(bench).await?),
        "H2" => rows.push(pages::chat_list(bench).await?),
        "P1" => rows.push(kept::beside(bench).await?),
        "T1" => rows.push(threads::beside(bench).await?),
        "R1" => rows.push(log::rebuild(bench).await?),
        "R2" => rows.push(log::restart(bench).await?),
        "C1" => rows.push(storm::storm(bench).await?),
        "E1" => rows.push(reactions::storm(bench).await?),
        "K1" => cluster::beside(bench, rows).await?,
        unknown => bail!("there is no row {unknown}"),
    }
    Ok(())
}
