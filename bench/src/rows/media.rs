//! W1: what the media worker makes of a file in a second of CPU, by kind, beside the command lines
//! that make the same.

use anyhow::Result;

use crate::report::Row;
use crate::rounds::Bench;
use crate::worker::{Bank, Cost, WORKS, missing};

/// What the worker takes for a kind, and others if they are there.
type Pair = (Cost, Option<Cost>);

pub(crate) async fn throughput(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("W1", "media worker: files in a second of CPU, beside command lines");
    let bank = Bank::open(&bench.folder("W1")?, bench.program()?).await?;
    let works: Vec<_> = WORKS.iter().filter(|it| !bench.quick || it.times > 1).collect();
    let lacking: Vec<_> = works.iter().map(|it| missing(it)).collect();
    let rounds: Vec<Vec<Pair>> = bench
        .play_busy(&mut row, async || {
            let mut pairs = Vec::new();
            for (work, lacking) in works.iter().zip(&lacking) {
                let others = match lacking {
                    None => Some(bank.by_others(work).await?),
                    Some(_) => None,
                };
                pairs.push((bank.by_worker(work).await?, others));
            }
            Ok(pairs)
        })
        .await?;
    for (at, work) in works.iter().enumerate() {
        let of = |pair: &Pair| -> Option<f64> {
            Some(pair.0.cpu.as_secs_f64() / pair.1?.cpu.as_secs_f64())
        };
        let mut own = figures(rounds.iter().map(|it| it[at].0));
        own.push(("CPU, times the other", rounds.iter().filter_map(|it| of(&it[at])).collect()));
        row.measure(&format!("{}, worker", work.name), &own);
        let others = figures(rounds.iter().filter_map(|it| it[at].1));
        row.measure(&format!("{}, {}", work.name, work.other), &others);
        if let Some(program) = lacking[at] {
            row.note(format!("NOT INSTALLED: {program}, beside {}", work.name));
        }
    }
    row.note("one file a process; a worker is two processes, which put up their walls each time");
    row.note("a command line writes the same sizes and formats, but no thumbhash");
    Ok(row)
}

fn figures(costs: impl Iterator<Item = Cost> + Clone) -> Vec<(&'static str, Vec<f64>)> {
    let cpu = costs.clone().map(|it| it.cpu.as_secs_f64());
    vec![
        ("files/CPU-s", cpu.clone().map(|it| 1.0 / it).collect()),
        ("CPU ms/file", cpu.map(|it| it * 1e3).collect()),
        ("wall ms/file", costs.map(|it| it.wall.as_secs_f64() * 1e3).collect()),
    ]
}
