//! Benchmarks: starts servers, drives them through their public doors, holds them to the goals.

mod client;
mod clock;
mod cluster;
mod contender;
mod cpu;
mod dialect;
mod drive;
mod floor;
mod graphql_ws;
mod http;
mod ledger;
mod line;
mod machine;
mod outlet;
mod parlance;
mod probe;
mod process;
mod quota;
mod report;
mod rounds;
mod rows;
mod stage;
mod tus;
mod worker;
mod ws;
mod xmpp;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use rounds::Bench;

/// Measures Parlance beside the floors and ejabberd; exits with 1 where a gate is missed.
///
/// Example: parlance-bench F1 L1 --rounds 5
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    /// Rows to measure, all by default.
    ids: Vec<String>,
    /// Rounds that must count in each row.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The server's executable.
    #[arg(long, default_value = "target/release/parlance")]
    server: PathBuf,
    /// The program that starts a cluster with that executable.
    #[arg(long, default_value = "target/debug/stand")]
    stand: PathBuf,
    /// Where the results go.
    #[arg(long, default_value = "bench/results")]
    out: PathBuf,
    /// Where servers keep their files meanwhile; on the disk to be measured.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
    /// One short round on small groups and logs: shows that all works, measures little.
    #[arg(long)]
    quick: bool,
    /// Measures the floors and the peer only, against no gate.
    #[arg(long)]
    without_server: bool,
    /// Leaves the peer out.
    #[arg(long)]
    without_peer: bool,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Runs a floor until it is killed; the rows start it themselves.
    Floor(floor::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether all gates are met.
fn run(arguments: Arguments) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    if let Some(Task::Floor(options)) = arguments.task {
        local.block_on(&runtime, floor::serve(options))?;
        return Ok(true);
    }
    process::raise_open_files()?;
    // Interrupted or not, servers that were started are let go of, which ends them.
    local.block_on(&runtime, async {
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            measured = Box::pin(measure(arguments)) => measured,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = terminated.recv() => bail!("terminated"),
        }
    })
}

async fn measure(arguments: Arguments) -> Result<bool> {
    let ids = chosen(&arguments)?;
    let server = if arguments.without_server {
        None
    } else {
        let found = arguments.server.canonicalize();
        let named = || format!("no server at {}", arguments.server.display());
        Some(found.with_context(named)?)
    };
    // A folder of our own, since it is removed in the end.
    let scratch = arguments.scratch.join(format!("run-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let bench = Bench {
        rounds: if arguments.quick { 1 } else { arguments.rounds.max(1) },
        server,
        stand: arguments.stand,
        peer: !arguments.without_peer,
        quick: arguments.quick,
        scratch: scratch.canonicalize()?,
    };
    let machine = machine::describe(&bench.scratch);
    report::say(&machine.to_string());
    let mut measured = Vec::new();
    for id in &ids {
        for row in rows::run(&bench, id).await {
            report::say(&format!("\n{}\n{}", row.table(), serde_json::to_string(&row)?));
            measured.push(row);
        }
    }
    let mut stem = clock::today();
    if !arguments.ids.is_empty() {
        stem = format!("{stem}-{}", ids.join("-"));
    }
    stem += if bench.quick { "-quick" } else { "" };
    stem += if bench.server.is_none() { "-floors" } else { "" };
    report::write(&arguments.out, &stem, &machine, &measured)?;
    let failed: Vec<&str> =
        measured.iter().filter(|row| row.failed()).map(|row| row.id.as_str()).collect();
    report::say(&match failed.as_slice() {
        [] if bench.server.is_none() => "\nno gate without a server".to_owned(),
        [] => "\nall gates are met".to_owned(),
        missed => format!("\ngates are missed in {}", missed.join(", ")),
    });
    Ok(failed.is_empty())
}

fn chosen(arguments: &Arguments) -> Result<Vec<String>> {
    let known: &[&str] = if arguments.without_server { &rows::SHARED_IDS } else { &rows::IDS };
    if arguments.ids.is_empty() {
        return Ok(known.iter().map(|id| (*id).to_owned()).collect());
    }
    let ids: Vec<String> = arguments.ids.iter().map(|id| id.to_uppercase()).collect();
    for id in &ids {
        ensure!(known.contains(&id.as_str()), "{id} is none of {}", known.join(", "));
    }
    Ok(ids)
}
