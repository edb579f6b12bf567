//! The whole system in one process from one seed: faults of every kind, named invariants, mutants.

mod check;
mod documents;
mod full;
mod log;
mod others;
mod people;
mod sim;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

use ports::clock::Stopwatch;
use sim::Mutant;
use world::{Outcome, run};

/// Threads, each with a runtime of its own.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let number = |name: &str| std::env::var_os(name)?.to_str()?.parse::<u64>().ok();
    let full = std::env::var_os("SIM_FULL").is_some();
    if let Some(seed) = number("SIM_SEED") {
        let mutant = number("SIM_MUTANT").and_then(|it| Mutant::ALL.get(it as usize).copied());
        let outcome = run(seed, full, mutant.unwrap_or(Mutant::None), true);
        return if tell(seed, &outcome) { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let seeds = number("SIM_SEEDS").unwrap_or(200);
    let watch = Stopwatch::start();
    let honest = many(seeds, full, Mutant::None, 3);
    eprintln!("{seeds} seeds in {:.0} s, {} violations", watch.seconds(), honest.failed.len());
    for (name, count) in &honest.counts {
        eprintln!("  {name}: {count}");
    }
    if std::env::var_os("SIM_MUTANTS").is_some() {
        for mutant in Mutant::ALL {
            let watch = Stopwatch::start();
            let caught = many(seeds, full, mutant, 1);
            eprintln!("{mutant:?}: {:?} in {:.0} s", caught.failed, watch.seconds());
        }
    }
    if honest.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What many runs came to.
#[derive(Default)]
struct Sum {
    failed: Vec<(u64, &'static str)>,
    counts: BTreeMap<&'static str, u64>,
}

/// Runs seeds until so many have failed.
fn many(seeds: u64, full: bool, mutant: Mutant, failed_max: usize) -> Sum {
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || sum.lock().expect("a lock").failed.len() >= failed_max {
                        return;
                    }
                    let outcome = run(seed, full, mutant, false);
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
