//! W2, W3: how long after its upload a file is shown, and what looking into a day's files takes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::Person;
use crate::clock;
use crate::contender::PARLANCE;
use crate::cpu;
use crate::dialect::{Dialect, Heard};
use crate::graphql_ws::{self, GraphqlWs};
use crate::http::Http;
use crate::ledger::{Micros, micros};
use crate::line::Dialogue;
use crate::parlance::Parlance;
use crate::report::{Gate, Row};
use crate::rounds::Bench;
use crate::stage::percentile_ms;
use crate::tus;
use crate::worker::{Bank, WORKS};

/// Clients that upload at the same time.
const CLIENTS: usize = 10;

const ALONE: &str = "one client";
const WORKERS: &str = "workers alone";

const SELECTION: &str = "eventName change { ... on File { id media { state } } }";
const SHOWN: &str = "query($f:ID!){file(id:$f){media{state variants{name url}}}}";

/// What a client loads first.
const FIRST: &str = "320.webp";

/// Somebody whose device uploads files and hears what becomes of them.
struct Device {
    person: Person,
    http: Http,
    feed: Dialogue,
}

impl Device {
    async fn of(parlance: &Parlance, person: &Person) -> Result<Self> {
        let address = parlance.client.address;
        let mut feed = graphql_ws::connect(address, &person.access_token).await?;
        graphql_ws::subscribe_for(&mut feed, SELECTION).await?;
        Ok(Self { person: person.clone(), http: Http::new(address), feed })
    }

    /// Uploads a file and waits until it was looked into; the time from the end of the upload.
    async fn looked_into(&mut self, bytes: &[u8]) -> Result<(String, Duration)> {
        let id = tus::upload(&mut self.http, &self.person, bytes).await?;
        let start = clock::now();
        let state = loop {
            let frame = self.feed.frame(&GraphqlWs).await?;
            match GraphqlWs.hear(&frame) {
                Heard::Refused(_, words) => anyhow::bail!("refused: {words}"),
                Heard::Ping(answer) => self.feed.say(&answer).await?,
                Heard::Delivery(_) | Heard::Accepted | Heard::Aside => (),
            }
            let frame: Value = serde_json::from_slice(&frame)?;
            let update = &frame["payload"]["data"]["updates"];
            let over = ["MediaProduced", "MediaFailed"].iter().any(|it| update["eventName"] == *it);
            if over && update["change"]["id"] == *id {
                break update["change"]["media"]["state"].clone();
            }
        };
        ensure!(state == "READY", "a file is {state} once it was looked into");
        Ok((id, start.elapsed()))
    }

    /// The same until its preview was loaded.
    async fn shown(&mut self, bytes: &[u8]) -> Result<Duration> {
        let (id, heard) = self.looked_into(bytes).await?;
        let start = clock::now();
        let body = json!({ "query": SHOWN, "variables": { "f": id } }).to_string();
        let token = Some(self.person.access_token.as_str());
        let answer = self.http.post("/graphql", token, &body).await?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let variants = answer["data"]["file"]["media"]["variants"].as_array();
        let first = variants.and_then(|it| it.iter().find(|it| it["name"] == FIRST));
        let url = first.and_then(|it| it["url"].as_str()).context("the file has no preview")?;
        let loaded = self.http.get(url).await?;
        ensure!(loaded.status == 200 && !loaded.body.is_empty(), "{}", loaded.status);
        let shown = heard + start.elapsed();
        tus::discard(&mut self.http, &self.person, &id).await?;
        Ok(shown)
    }
}

/// What one round has shown.
struct Round {
    many: Micros,
    wall: Duration,
    alone: Micros,
    workers: Duration,
}

pub(crate) async fn latency(bench: &Bench) -> Result<Row> {
    let each = bench.pick(5, 1);
    let title = format!("from the end of an upload to its preview, {CLIENTS} uploads at a time");
    let mut row = Row::new("W2", &title);
    let folder = bench.folder("W2")?;
    let bank = Bank::open(&folder.join("inputs"), bench.program()?).await?;
    let photo = WORKS.iter().find(|it| it.input == "photo.jpg").context("a photo is there")?;
    let bytes = bank.read(photo.input)?;
    let mut parlance = Parlance::start(bench.program()?, &folder.join("parlance")).await?;
    parlance.client.register(CLIENTS).await?;
    let mut devices = Vec::new();
    for person in &parlance.client.people {
        devices.push(Device::of(&parlance, person).await?);
    }
    devices[0].shown(&bytes).await?;
    let at_once = std::thread::available_parallelism()?.get();
    let rounds = bench
        .play_busy(&mut row, async || {
            let mut alone = micros();
            for _ in 0..each {
                record(&mut alone, devices[0].shown(&bytes).await?);
            }
            let (many, wall) = together(&mut devices, &bytes, each).await?;
            let workers = bank.by_workers(photo, CLIENTS * each, at_once).await?;
            Ok(Round { many, wall, alone, workers })
        })
        .await?;
    let figure = |of: &dyn Fn(&Round) -> f64| -> Vec<f64> { rounds.iter().map(of).collect() };
    let rate = |it: Duration| (CLIENTS * each) as f64 / it.as_secs_f64();
    let (all, alone) = (
        [
            ("p50 ms", figure(&|it| percentile_ms(&it.many, 50.0))),
            ("p99 ms", figure(&|it| percentile_ms(&it.many, 99.0))),
            ("photos/s", figure(&|it| rate(it.wall))),
        ],
        [
            ("p50 ms", figure(&|it| percentile_ms(&it.alone, 50.0))),
            ("p99 ms", figure(&|it| percentile_ms(&it.alone, 99.0))),
        ],
    );
    row.measure(PARLANCE, &all);
    row.measure(ALONE, &alone);
    row.measure(WORKERS, &[("photos/s", figure(&|it| rate(it.workers)))]);
    let share = row.ratio(PARLANCE, WORKERS, "photos/s").unwrap_or(f64::NAN);
    let kib = bytes.len() >> 10;
    row.note(format!("photos of 12 MP and {kib} KiB; {each} by each client, one after the other"));
    row.note(
        "from the answer to the last PATCH until 320.webp is loaded, upload and preview by HTTP",
    );
    row.note(format!("{share:.2} times what {at_once} workers at once do without a server"));
    Ok(row)
}

fn record(times: &mut Micros, it: Duration) {
    times.saturating_record(it.as_micros() as u64);
}

/// All devices at the same time, each so many files after another.
async fn together(
    devices: &mut Vec<Device>,
    bytes: &[u8],
    each: usize,
) -> Result<(Micros, Duration)> {
    let start = clock::now();
    let mut running = JoinSet::new();
    for mut device in devices.drain(..) {
        let bytes = bytes.to_vec();
        running.spawn_local(async move {
            let mut took = Vec::new();
            for _ in 0..each {
                took.push(device.shown(&bytes).await?);
            }
            anyhow::Ok((device, took))
        });
    }
    let mut times = micros();
    while let Some(done) = running.join_next().await {
        let (device, took) = done.context("no task panics")??;
        took.into_iter().for_each(|it| record(&mut times, it));
        devices.push(device);
    }
    Ok((times, start.elapsed()))
}

/// What a day's files are, of a hundred: the input, and how many.
const MIX: [(&str, usize); 6] = [
    ("photo.jpg", 60),
    ("screen.png", 10),
    ("film.mp4", 8),
    ("voice.ogg", 12),
    ("song.mp3", 2),
    ("letter.pdf", 8),
];

const FILES_A_DAY: f64 = 10_000.0;
const DAY_S: f64 = 24.0 * 3_600.0;

/// One at a time, so that it is one worker of which this is a share.
const OPTIONS: &[(&str, &str)] = &[("PARLANCE_MEDIA_AT_ONCE", "1")];

pub(crate) async fn share(bench: &Bench) -> Result<Row> {
    let title = format!("looking into {FILES_A_DAY} files a day, of one worker");
    let mut row = Row::new("W3", &title);
    let folder = bench.folder("W3")?;
    let bank = Bank::open(&folder.join("inputs"), bench.program()?).await?;
    let mut files = Vec::new();
    for (input, count) in MIX {
        files.push((bank.read(input)?, bench.pick(count / 2, count / 20).max(1)));
    }
    let data = folder.join("parlance");
    let mut parlance = Parlance::start_with(bench.program()?, &data, OPTIONS).await?;
    parlance.client.register(1).await?;
    let (pid, processes) = (parlance.running.pid(), parlance.client.processes());
    let mut device = Device::of(&parlance, &parlance.client.people[0]).await?;
    device.looked_into(&files[0].0).await?;
    let rounds = bench
        .play_busy(&mut row, async || {
            let (gone, cpu, start) = (cpu::cpu_of_gone(pid)?, processes.cpu()?, clock::now());
            let mut count = 0;
            for (bytes, times) in &files {
                for _ in 0..*times {
                    let (id, _) = device.looked_into(bytes).await?;
                    tus::discard(&mut device.http, &device.person, &id).await?;
                    count += 1;
                }
            }
            // Workers are all that the server starts and sees the end of.
            let workers = cpu::cpu_of_gone(pid)? - gone;
            let server = processes.cpu()? - cpu - workers;
            Ok([workers, server, start.elapsed()].map(|it| it.as_secs_f64() / f64::from(count)))
        })
        .await?;
    let percent = |it: f64| it * FILES_A_DAY / DAY_S * 100.0;
    let of = |at: usize, to: &dyn Fn(f64) -> f64| rounds.iter().map(|it| to(it[at])).collect();
    let ms = |it: f64| it * 1e3;
    row.measure("worker", &[("CPU ms/file", of(0, &ms)), ("% of one core", of(0, &percent))]);
    row.measure("server", &[("CPU ms/file", of(1, &ms)), ("% of one core", of(1, &percent))]);
    row.measure(
        "upload to looked into",
        &[("wall ms/file", of(2, &ms)), ("% of one worker's day", of(2, &percent))],
    );
    let busy = row.median("worker", "% of one core").unwrap_or(f64::NAN);
    row.gates.push(Gate::at_most("% of one worker", busy, 10.0, None));
    let mix: Vec<_> = MIX.iter().map(|(input, count)| format!("{count} {input}")).collect();
    row.note(format!("of a hundred files: {}", mix.join(", ")));
    row.note("photos of 12 MP, screens of 1920x1080, films of 30 s in 1080p");
    row.note("30 s of voice, 3 min of song, letters of two pages");
    row.note("what the server asks for when a file comes: previews, no renditions");
    Ok(row)
}
