//! B1: a large file up in pieces and down by its link, beside a copy of the same bytes on the disk.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::client::Person;
use crate::clock;
use crate::contender::PARLANCE;
use crate::cpu;
use crate::parlance::Parlance;
use crate::report::{Gate, Row};
use crate::rounds::Bench;
use crate::tus::{self, Contents, PIECE};

const COPY: &str = "bare copy";
const DIGEST: &str = "openssl dgst -sha256";
const UP: &str = "up MB/s";
const DOWN: &str = "down MB/s";
const CPU: &str = "CPU s/GiB";
const GROWN: &str = "grown MiB";

/// How long what is over may be left.
const SWEPT_MAX: Duration = Duration::from_secs(60);

/// Nothing but files: what is in them is another row.
pub(super) const OPTIONS: &[(&str, &str)] = &[("PARLANCE_MEDIA", "false")];

pub(super) const URL: &str = "query($f:ID!){file(id:$f){url}}";

/// A way there and back, and what it cost.
#[derive(Debug, Default)]
struct Trip {
    up: Duration,
    down: Duration,
    cpu_up: Duration,
    cpu_down: Duration,
    grown_kib: u64,
}

pub(crate) async fn copies(bench: &Bench) -> Result<Row> {
    let mut contents = Contents::new(bench.pick(256, 8));
    let mib = contents.bytes() >> 20;
    let title = format!("{mib} MiB up by tus in pieces of 8 MiB, and down by the file's link");
    let mut row = Row::new("B1", &title);
    let folder = bench.folder("B1")?;
    let data = folder.join("parlance");
    let mut parlance = Parlance::start_with(bench.program()?, &data, OPTIONS).await?;
    parlance.client.register(1).await?;
    let ann = parlance.client.people[0].clone();
    // What a server takes that has done everything once is not what a large file costs.
    trip(&mut parlance, &ann, &mut Contents::new(2)).await?;
    let rounds = bench
        .play_busy(&mut row, async || {
            let bare = folder.join("bare");
            let copied = copy(&bare, &mut contents)?;
            let digest = digest(&bare)?;
            std::fs::remove_file(&bare)?;
            let trip = trip(&mut parlance, &ann, &mut contents).await?;
            at_rest(&data.join("blobs")).await?;
            Ok((copied, digest, trip))
        })
        .await?;
    tell(&mut row, &rounds, contents.bytes());
    Ok(row)
}

fn tell(row: &mut Row, rounds: &[(Trip, Duration, Trip)], bytes: u64) {
    let (mb, gib) = (bytes as f64 / 1e6, bytes as f64 / (1_u64 << 30) as f64);
    let each = |of: &dyn Fn(&(Trip, Duration, Trip)) -> f64| rounds.iter().map(of).collect();
    let rate = |it: Duration| mb / it.as_secs_f64();
    let cost = |it: Duration| it.as_secs_f64() / gib;
    row.measure(
        PARLANCE,
        &[
            (UP, each(&|it| rate(it.2.up))),
            (DOWN, each(&|it| rate(it.2.down))),
            (CPU, each(&|it| cost(it.2.cpu_up))),
            ("CPU s/GiB, down", each(&|it| cost(it.2.cpu_down))),
            (GROWN, each(&|it| it.2.grown_kib as f64 / 1_024.0)),
        ],
    );
    row.measure(COPY, &[(UP, each(&|it| rate(it.0.up))), (DOWN, each(&|it| rate(it.0.down)))]);
    row.measure(DIGEST, &[(CPU, each(&|it| cost(it.1)))]);
    let times = |figure| row.ratio(PARLANCE, COPY, figure).unwrap_or(f64::NAN);
    let words = format!(
        "times the bare copy, which is not sealed: {:.2} up, {:.2} down",
        times(UP),
        times(DOWN)
    );
    let digests = row.ratio(PARLANCE, DIGEST, CPU).unwrap_or(f64::NAN);
    let grown = row.median(PARLANCE, GROWN).unwrap_or(f64::NAN);
    row.gates = vec![
        Gate::at_most("memory grown by, MiB", grown, 64.0, Some(16.0)),
        Gate::at_most("CPU of the upload, times SHA-256 of the file", digests, 2.0, None),
    ];
    row.note(words);
    row.note("bare copy: written and synced once, and read; all reads are from the page cache");
    row.note("one client on one connection, whose own CPU is not counted");
}

/// Uploads the file, loads it and has it discarded.
async fn trip(parlance: &mut Parlance, ann: &Person, contents: &mut Contents) -> Result<Trip> {
    let (pid, processes) = (parlance.running.pid(), parlance.client.processes());
    cpu::forget_peak(pid)?;
    let before = cpu::peak_kib(pid)?;
    let (start, cpu) = (clock::now(), processes.cpu()?);
    let id = tus::upload_all(&mut parlance.client.http, ann, contents).await?;
    let (up, cpu_up) = (start.elapsed(), processes.cpu()? - cpu);
    let asked = parlance.client.ask(Some(&ann.access_token), URL, json!({ "f": id })).await?;
    let url = asked["file"]["url"].as_str().context("the file has no link")?.to_owned();
    let (start, cpu, mut at) = (clock::now(), processes.cpu()?, 0);
    let loading = parlance.client.http.load(&url, |bytes| {
        ensure!(contents.holds(at, bytes), "other bytes come back after {at}");
        at += bytes.len() as u64;
        Ok(())
    });
    let loaded = loading.await?;
    let (down, cpu_down) = (start.elapsed(), processes.cpu()? - cpu);
    ensure!(loaded == contents.bytes(), "{loaded} bytes come back");
    let grown_kib = cpu::peak_kib(pid)?.saturating_sub(before);
    tus::discard(&mut parlance.client.http, ann, &id).await?;
    Ok(Trip { up, down, cpu_up, cpu_down, grown_kib })
}

/// Waits until what the round has left is deleted, and the disk has done all it was asked for: the
/// next probe is to tell of others.
async fn at_rest(blobs: &Path) -> Result<()> {
    let start = clock::now();
    // Other blobs are small.
    while held(blobs)? > PIECE as u64 / 4 {
        ensure!(start.elapsed() < SWEPT_MAX, "blobs are left in {}", blobs.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ended = tokio::process::Command::new("sync").arg("-f").arg(blobs).status().await;
    ensure!(ended.context("run sync")?.success(), "the disk can't be synced");
    Ok(())
}

/// Bytes of the files under a folder.
fn held(folder: &Path) -> Result<u64> {
    let (mut bytes, mut folders) = (0, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        // One may go meanwhile.
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let Ok((path, it)) = entry.and_then(|it| Ok((it.path(), it.metadata()?))) else {
                continue;
            };
            if it.is_dir() {
                folders.push(path);
            } else {
                bytes += it.len();
            }
        }
    }
    Ok(bytes)
}

/// Writes the same bytes to a file, syncs it and reads it again.
fn copy(path: &Path, contents: &mut Contents) -> Result<Trip> {
    let start = clock::now();
    let mut file = File::create(path)?;
    for number in 0..contents.pieces() {
        file.write_all(contents.piece(number))?;
    }
    file.sync_all()?;
    let up = start.elapsed();
    let (start, mut file) = (clock::now(), File::open(path)?);
    let mut piece = vec![0; PIECE];
    for number in 0..contents.pieces() {
        file.read_exact(&mut piece)?;
        ensure!(contents.piece(number) == piece, "other bytes come back");
    }
    Ok(Trip { up, down: start.elapsed(), ..Trip::default() })
}

/// CPU time of the digest of a file.
fn digest(path: &Path) -> Result<Duration> {
    let own = std::process::id();
    let before = cpu::cpu_of_gone(own)?;
    let mut command = Command::new("openssl");
    let ended = command.args(["dgst", "-sha256"]).arg(path).output().context("run openssl")?;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(cpu::cpu_of_gone(own)? - before)
}
