//! R1, R2: how fast the log is read again, for a rebuild and after a restart.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::client::Person;
use crate::clock;
use crate::contender::PARLANCE;
use crate::dialect::{self, Dialect, Heard};
use crate::graphql_ws::{self, GraphqlWs};
use crate::line::Dialogue;
use crate::parlance::{self, Parlance, Seeded};
use crate::report::{Gate, Row, log_log_slope, median};
use crate::rounds::Bench;

const BACK_MAX: Duration = Duration::from_secs(120);
const RETRY: Duration = Duration::from_millis(2);

/// R1: the whole program, from its start to its end.
pub(crate) async fn rebuild(bench: &Bench) -> Result<Row> {
    let messages = bench.pick(200_000, 20_000);
    let mut row = Row::new("R1", &format!("rebuild of all views from {messages} messages"));
    let folder = bench.folder("R1")?.join("parlance");
    parlance::seed(bench.program()?, &folder, "--messages", messages).await?;
    let rates = bench
        .play_busy(&mut row, async || {
            let cpu = parlance::rebuild(bench.program()?, &folder).await?;
            Ok(messages as f64 / cpu.as_secs_f64().max(0.01))
        })
        .await?;
    row.measure(PARLANCE, &[("events/CPU-s", rates)]);
    let rate = row.median(PARLANCE, "events/CPU-s").unwrap_or(f64::NAN);
    row.gates.push(Gate::at_least("events/CPU-s, embedded", rate, 50_000.0, Some(200_000.0)));
    row.note("only messages are counted; the log holds a few events more");
    Ok(row)
}

/// R2: from the start of the process to the first message that a subscriber hears.
pub(crate) async fn restart(bench: &Bench) -> Result<Row> {
    let mut row = Row::new("R2", "restart to the first delivered message");
    let folder = bench.folder("R2")?;
    let lengths = bench.pick(vec![10_000, 100_000, 1_000_000], vec![1_000, 10_000]);
    let mut servers = Vec::new();
    for length in &lengths {
        let own = folder.join(format!("log-{length}"));
        let seeded = parlance::seed(bench.program()?, &own, "--messages", *length).await?;
        let parlance = Parlance::start(bench.program()?, &own).await?;
        servers.push((parlance, seeded));
    }
    let mut token = 0;
    let rounds = bench
        .play(&mut row, async || {
            let mut times = Vec::new();
            for (parlance, seeded) in &mut servers {
                let mut pair = [0.0; 2];
                for (killed, time) in [false, true].into_iter().zip(&mut pair) {
                    token += 1_000;
                    *time = back(parlance, seeded, killed, token).await?;
                }
                times.push(pair);
            }
            Ok(times)
        })
        .await?;
    let mut points = Vec::new();
    let mut longest = [0.0; 2];
    for (index, length) in lengths.iter().enumerate() {
        let [clean, killed] =
            [0, 1].map(|end: usize| rounds.iter().map(|it| it[index][end]).collect::<Vec<_>>());
        longest = [median(&clean), median(&killed)];
        points.push((*length as f64, longest[0]));
        row.measure(&format!("{length} messages"), &[("clean s", clean), ("killed s", killed)]);
    }
    row.gates = vec![
        Gate::at_most("seconds after a clean end", longest[0], 2.0, Some(1.0)),
        Gate::at_most("seconds after a kill", longest[1], 5.0, Some(1.0)),
        Gate::at_most("log-log slope over the log's length", log_log_slope(&points), 0.1, None),
    ];
    Ok(row)
}

/// Ends the server, by asking or by force amid writes; seconds until it delivers again.
async fn back(parlance: &mut Parlance, seeded: &Seeded, killed: bool, token: u64) -> Result<f64> {
    let person = seeded.accounts.first().context("the folder has no account")?;
    let group = &seeded.conversation_id;
    let position = parlance.client.position(person).await?;
    if killed {
        let mut writer = graphql_ws::connect(parlance.client.address, &person.access_token).await?;
        for number in 1..200 {
            post(&mut writer, group, token + number).await?;
        }
        writer.until(&GraphqlWs, "sendMessage").await?;
        parlance.running.kill()?;
    } else {
        parlance.stop().await?;
    }
    let start = clock::now();
    parlance.respawn()?;
    first_delivery(parlance, person, group, &position, token, start).await?;
    let elapsed = start.elapsed().as_secs_f64();
    parlance.ready().await?;
    Ok(elapsed)
}

async fn first_delivery(
    parlance: &mut Parlance,
    person: &Person,
    group: &str,
    position: &str,
    token: u64,
    start: Instant,
) -> Result<()> {
    loop {
        let attempt = hear_own(parlance, person, group, position, token).await;
        let Err(error) = attempt else { return Ok(()) };
        parlance.running.check()?;
        ensure!(start.elapsed() < BACK_MAX, "not back after {BACK_MAX:?}: {error:#}");
        tokio::time::sleep(RETRY).await;
    }
}

/// Subscribes from before the end, posts, and hears what was posted.
async fn hear_own(
    parlance: &Parlance,
    person: &Person,
    group: &str,
    position: &str,
    token: u64,
) -> Result<()> {
    let mut dialogue = graphql_ws::connect(parlance.client.address, &person.access_token).await?;
    graphql_ws::subscribe(&mut dialogue, Some(position)).await?;
    post(&mut dialogue, group, token).await?;
    loop {
        let frame = dialogue.frame(&GraphqlWs).await?;
        match GraphqlWs.hear(&frame) {
            Heard::Delivery(heard) if heard == token => return Ok(()),
            Heard::Refused(_, words) => anyhow::bail!("refused: {words}"),
            Heard::Ping(answer) => dialogue.say(&answer).await?,
            Heard::Delivery(_) | Heard::Accepted | Heard::Aside => (),
        }
    }
}

async fn post(dialogue: &mut Dialogue, group: &str, token: u64) -> Result<()> {
    let mut bytes = Vec::new();
    GraphqlWs.send(group, token, &dialect::body(token), &mut bytes);
    dialogue.say(&bytes).await
}
