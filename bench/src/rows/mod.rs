//! The rows: what is measured and against what bound, by the ids that the goals have.

mod cluster;
mod contests;
mod files;
mod growth;
mod idle;
mod kept;
mod log;
mod media;
mod pages;
mod previews;
mod reactions;
mod store;
mod storm;
mod threads;
mod unread;

use anyhow::{Result, bail};

use crate::ledger::Micros;
use crate::report::{Gate, Row};
use crate::rounds::Bench;
use crate::stage::percentile_ms;

pub(crate) const IDS: [&str; 25] = [
    "F1", "F2", "D1", "L1", "L2", "M1", "M2", "S1", "S2", "S3", "U1", "H1", "H2", "R1", "R2", "C1",
    "P1", "T1", "E1", "B1", "B2", "W1", "W2", "W3", "K1",
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
        "B1" => rows.push(files::copies(bench).await?),
        "B2" => rows.push(store::beside(bench).await?),
        "W1" => rows.push(media::throughput(bench).await?),
        "W2" => rows.push(previews::latency(bench).await?),
        "W3" => rows.push(previews::share(bench).await?),
        "K1" => cluster::beside(bench, rows).await?,
        unknown => bail!("there is no row {unknown}"),
    }
    Ok(())
}

/// Measures what is done in a short one and in a long one of something, turn by turn: no matter how
/// long it is, a thing costs the same.
fn by_length<const N: usize>(row: &mut Row, what: [&str; N], rounds: &[[[Micros; N]; 2]]) {
    for (at, what) in what.into_iter().enumerate() {
        let medians = |length: usize| -> Vec<f64> {
            rounds.iter().map(|it| percentile_ms(&it[length][at], 50.0)).collect()
        };
        row.measure(what, &[("p50 ms, short", medians(0)), ("p50 ms, long", medians(1))]);
        let median = |figure| row.median(what, figure).unwrap_or(f64::NAN);
        let ratio = median("p50 ms, long") / median("p50 ms, short");
        row.gates.push(Gate::at_most(&format!("{what}, times the short"), ratio, 1.3, None));
    }
}
