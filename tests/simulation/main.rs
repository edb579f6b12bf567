//! The whole system from one seed, up to its sockets: faults, named invariants, mutants.

#![expect(clippy::wildcard_enum_match_arm, reason = "an oracle looks at the events it counts")]

mod check;
mod counts;
mod documents;
mod heard;
mod kept;
mod log;
mod others;
mod people;
mod readers;
mod rebuilt;
mod removed;
mod scheduled;
mod sim;
mod tallies;
mod wire;
mod world;

use std::collections::BTreeMap;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use ports::clock::Stopwatch;
use sim::Mutant;
use world::{Outcome, run};

/// Threads, each with a runtime of its own.
const THREADS: usize = 2;

/// Seeds of one run, unless `SIM_SEEDS` says otherwise.
const SEEDS: u64 = 10_000;

/// Seeds that are run twice, to show that a seed is all that a run depends on.
const TWICE: u64 = 100;

/// Seeds from which on all that should have happened has happened.
const COVERED_FROM: u64 = 1_000;

/// What must have happened, or the simulation does not test what it seems to.
const COVERED: [&str; 47] = [
    "announcement lost",
    "announcement reordered",
    "announcement twice",
    "answer unavailable",
    "answer unknown",
    "append late",
    "append lost",
    "append refused",
    "append reordered",
    "append twice",
    "append unheard",
    "append without offset",
    "archived",
    "claim accepted",
    "claim lost",
    "clock jump",
    "compacted",
    "crash after append",
    "crash after read",
    "crash after wait",
    "crash after write",
    "crash at checkpoint",
    "crash at creation of keys",
    "crash at load",
    "crash at scan",
    "duplicate batch",
    "gap batch",
    "live frame",
    "marked unread",
    "message erased",
    "message removed",
    "message restored",
    "pause",
    "reaction counted",
    "reaction unseen",
    "replayed frame",
    "resumed after crash",
    "resumed from an older place",
    "scheduled cancelled",
    "scheduled sent",
    "sent elsewhere",
    "signed out",
    "slow consumer cut",
    "socket cut",
    "stale batch",
    "unread in a thread",
    "write in part",
];

fn main() -> ExitCode {
    let number = |name: &str| std::env::var_os(name)?.to_str()?.parse::<u64>().ok();
    if let Some(seed) = number("SIM_SEED") {
        let mutant = number("SIM_MUTANT").and_then(|it| Mutant::ALL.get(it as usize).copied());
        let outcome = run(seed, mutant.unwrap_or(Mutant::None), true);
        return if tell(seed, &outcome) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let seeds = number("SIM_SEEDS").unwrap_or(SEEDS);
    let table = std::env::var_os("SIM_TABLE").is_some();
    if let Some(first) = number("SIM_FIRST") {
        // Goes on where earlier runs ended: only the rule as it is, only new seeds.
        let sum = many(first..first + seeds, Mutant::None, 3);
        eprintln!("{seeds} seeds from {first}: {} violations", sum.failed.len());
        return if sum.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let good = honest(seeds) & repeatable(seeds.min(TWICE)) & mutants(seeds, table);
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// No seed breaks an invariant, and everything has happened that should be survived.
fn honest(seeds: u64) -> bool {
    let watch = Stopwatch::start();
    let sum = many(0..seeds, Mutant::None, 3);
    eprintln!("{seeds} seeds in {:.0} s, {} violations", watch.seconds(), sum.failed.len());
    for (name, count) in &sum.counts {
        eprintln!("  {name}: {count}");
    }
    let missing: Vec<_> = COVERED.iter().filter(|it| !sum.counts.contains_key(*it)).collect();
    let covered = seeds < COVERED_FROM || missing.is_empty();
    if !covered {
        eprintln!("never happened: {missing:?}");
    }
    sum.failed.is_empty() && covered
}

/// The same seed is the same run, to the last line of its trace.
fn repeatable(seeds: u64) -> bool {
    let hash = |seed| run(seed, Mutant::None, false).sim.trace_hash();
    let differs = (0..seeds).find(|it| hash(*it) != hash(*it));
    if let Some(seed) = differs {
        eprintln!("seed {seed} does not run the same way twice");
    }
    differs.is_none()
}

/// Every broken rule is noticed; with a table, it is counted in how many seeds.
fn mutants(seeds: u64, table: bool) -> bool {
    let mut all = true;
    for mutant in Mutant::ALL {
        let watch = Stopwatch::start();
        let mut caught = many(0..seeds, mutant, if table { usize::MAX } else { 1 }).failed;
        caught.sort_unstable();
        let first = caught.first();
        let (count, seconds) = (caught.len(), watch.seconds());
        eprintln!(
            "{mutant:?}: caught in {count} of {seeds} seeds, first {first:?}, {seconds:.0} s"
        );
        all &= first.is_some() || seeds < SEEDS;
    }
    all
}

/// What many runs came to.
#[derive(Default)]
struct Sum {
    failed: Vec<(u64, &'static str)>,
    counts: BTreeMap<&'static str, u64>,
}

/// Runs seeds until so many have failed.
fn many(seeds: Range<u64>, mutant: Mutant, failed_max: usize) -> Sum {
    let (next, sum) = (AtomicU64::new(seeds.start), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || sum.lock().expect("a lock").failed.len() >= failed_max {
                        return;
                    }
                    let outcome = run(seed, mutant, false);
                    let mut sum = sum.lock().expect("a lock");
                    for (name, count) in outcome.sim.counts() {
                        *sum.counts.entry(name).or_default() += count;
                    }
                    if let Err(violation) = &outcome.checked {
                        sum.failed.push((seed, violation.invariant));
                        if mutant == Mutant::None {
                            tell(seed, &outcome);
                        }
                    }
                }
            });
        }
    });
    sum.into_inner().expect("a lock")
}

fn tell(seed: u64, outcome: &Outcome) -> bool {
    let Err(violation) = &outcome.checked else { return true };
    eprintln!("seed {seed} breaks {}: {}", violation.invariant, violation.seen);
    eprintln!("{:?}", outcome.sim.config);
    outcome.sim.trace().iter().for_each(|it| eprintln!("  {it}"));
    false
}
