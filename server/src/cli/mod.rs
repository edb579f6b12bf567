//! The command line: what may be asked, and what it exits with.
//!
//! 0 it was done; 1 it was not; 2 the arguments are wrong; 3 what was verified is not in order.

mod bench;
mod form;
mod import;
mod keys;
mod maintain;
mod moving;
mod progress;
mod replay;
mod rotate;
mod serve;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use server::Roles;
use server::config::{Config, LogFormat};

/// A self-hosted chat platform on an event log.
#[derive(Parser)]
#[command(name = "parlance", version, about, max_term_width = 100)]
struct Arguments {
    /// File of options; see docs/config.md
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the embedded systems
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Asked,
}

#[derive(Subcommand)]
enum Asked {
    /// Serves everything: parlance serve --listen 127.0.0.1:8080
    Serve(serve::Serve),
    /// Owns partitions and carries out commands, as one of several: parlance command-api
    CommandApi(serve::Serve),
    /// Folds the log into documents, as one of several: parlance projectors
    Projectors(serve::Serve),
    /// Answers queries and feeds subscriptions, as one of several: parlance query-api
    QueryApi(serve::Serve),
    /// Keeps the keys of a cluster: parlance keys --listen 127.0.0.1:8090
    Keys(keys::Keys),
    /// Replaces the master key, also while it is served: parlance rotate-master-key
    RotateMasterKey(rotate::RotateMasterKey),
    /// Brings history in: parlance import irc logs/ --conversation '#channel'
    Import(import::Import),
    /// Moves the instance to other systems: parlance migrate --to new.toml
    Migrate(moving::Migrate),
    /// Copies log and blobs, or apart the keys: parlance backup --to /backups/log
    Backup(moving::Backup),
    /// Brings an instance back: parlance restore --from /backups/log --keys-from /safe/keys
    Restore(moving::Restore),
    /// Writes events to a file: parlance replay --format ndjson --out events.ndjson
    Replay(replay::Replay),
    /// Builds the documents again from the log: parlance rebuild --all
    Rebuild(maintain::Rebuild),
    /// Prints a hash of each collection: parlance state-hash --json
    StateHash(maintain::StateHash),
    /// Checks the log and names the first record that is wrong: parlance verify --checkpoints DIR
    Verify(verify::Verify),
    /// Prints signed checkpoints of the log, or their key: parlance checkpoints --key
    Checkpoints(verify::Checkpoints),
    /// Prints every option as it is in force: parlance config
    Config,
    /// Prepares data for benchmarks: parlance bench seed --messages 1000000
    Bench(bench::Bench),
}

/// What was verified is not in order.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct OutOfOrder(String);

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut config = match Config::read(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return complain(&error, 2),
    };
    if let Some(data_dir) = arguments.data_dir {
        config.data_dir = data_dir;
    }
    start_log(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.into(), 1),
    };
    let done = runtime.block_on(async {
        match arguments.command {
            Asked::Serve(it) => it.run(config, Roles::ALL).await,
            Asked::CommandApi(it) => it.run(config, Roles::COMMANDS).await,
            Asked::Projectors(it) => it.run(config, Roles::PROJECTIONS).await,
            Asked::QueryApi(it) => it.run(config, Roles::QUERIES).await,
            Asked::Keys(it) => it.run(config).await,
            Asked::RotateMasterKey(it) => it.run(config).await,
            Asked::Import(it) => it.run(config).await,
            Asked::Migrate(it) => it.run(config).await,
            Asked::Backup(it) => it.run(config).await,
            Asked::Restore(it) => it.run(config).await,
            Asked::Replay(it) => it.run(config).await,
            Asked::Rebuild(it) => it.run(config).await,
            Asked::StateHash(it) => it.run(config).await,
            Asked::Verify(it) => it.run(config).await,
            Asked::Checkpoints(it) => it.run(config).await,
            Asked::Config => progress::say(&toml::to_string_pretty(&config)?),
            Asked::Bench(it) => it.run(config).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<OutOfOrder>() => complain(&error, 3),
        Err(error) => complain(&error, 1),
    }
}

fn complain(error: &anyhow::Error, code: u8) -> ExitCode {
    use std::io::Write;
    // A closed standard error leaves the exit code.
    let _ = writeln!(std::io::stderr(), "parlance: {error:#}");
    ExitCode::from(code)
}

fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log_filter)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
