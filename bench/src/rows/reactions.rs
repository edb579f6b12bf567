//! E1: thousands react to one message, and those who write beside them hardly notice.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Client, Person};
use crate::clock;
use crate::contender::PARLANCE;
use crate::drive::{self, Load};
use crate::graphql_ws::{self, GraphqlWs, SEND};
use crate::parlance::{self, Parlance};
use crate::report::{Gate, Row, median};
use crate::rounds::{Bench, sound};
use crate::stage::{Outcome, Route, SENDERS, Stage, percentile_ms};

const EMOJI: [&str; 5] = ["👍", "🔥", "🎉", "😁", "🤔"];
const ONLINE: usize = 100;
const PER_SECOND: f64 = 20.0;
/// Longest wait for the last frames.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);
/// Connections that react at the same time.
const AT_ONCE: usize = 16;

const REACT: &str = "mutation($c:ID!,$m:ID!,$e:String!){addReaction(input:{clientId:$c,\
    messageId:$m,emoji:$e}){position}}";
const TALLY: &str = "query($m:ID!){message(id:$m){reactions{emoji count}}}";

/// What one round has shown.
struct Round {
    idle_ms: f64,
    storm_ms: f64,
    /// Frames that one hearer got of each reaction.
    frames: f64,
    /// Reactions a second.
    rate: f64,
}

pub(crate) async fn storm(bench: &Bench) -> Result<Row> {
    let members = bench.pick(2_000, 200);
    let span = Duration::from_secs(bench.pick(20, 3));
    let reactions = members * EMOJI.len();
    let title = format!("{reactions} reactions by {members} members to one message");
    let mut row = Row::new("E1", &title);
    let folder = bench.folder("E1")?.join("parlance");
    let program = bench.program()?;
    let seeded = parlance::seed_signed_in(program, &folder, members).await?;
    let mut parlance = Parlance::start_seeded(program, &folder, &seeded).await?;
    let stage = compact_stage(&mut parlance.client).await?;
    stage.settle().await?;
    let rounds = bench
        .play(&mut row, async || round(&mut parlance.client, &stage, members, span).await)
        .await?;
    let figure = |part: fn(&Round) -> f64| -> Vec<f64> { rounds.iter().map(part).collect() };
    let slower = figure(|it| it.storm_ms / it.idle_ms);
    let frames = figure(|it| it.frames);
    let (slowed, told) = (median(&slower), median(&frames));
    row.measure(
        PARLANCE,
        &[
            ("p99 ms, idle", figure(|it| it.idle_ms)),
            ("p99 ms, in the storm", figure(|it| it.storm_ms)),
            ("times slower", slower),
            ("frames of a reaction", frames),
            ("reactions/s", figure(|it| it.rate)),
        ],
    );
    row.gates.push(Gate::at_most("p99 of sends, times that of idle", slowed, 1.5, None));
    row.gates.push(Gate::at_most("frames that a hearer gets of a reaction", told, 1.0, Some(0.5)));
    row.note("every tally was read afterwards and was exact");
    Ok(row)
}

/// A group whose hearers take what changed together as one.
async fn compact_stage(client: &mut Client) -> Result<Stage> {
    let mut stage = Stage::new(Rc::new(GraphqlWs), client.processes());
    let conversation = client.group().await?;
    let circle = stage.ledger.borrow_mut().add_circle();
    for person in &client.people[..ONLINE] {
        let mut dialogue = graphql_ws::connect(client.address, &person.access_token).await?;
        graphql_ws::subscribe_compact(&mut dialogue).await?;
        stage.attach(dialogue, Some(circle));
    }
    for person in &client.people[..SENDERS] {
        let sender = graphql_ws::connect(client.address, &person.access_token).await?;
        let line = stage.attach(sender, None);
        stage.routes.push(Route { line, conversation: conversation.clone(), circle });
    }
    Ok(stage)
}

async fn round(
    client: &mut Client,
    stage: &Stage,
    members: usize,
    span: Duration,
) -> Result<Round> {
    let load = Load::Open { per_second: PER_SECOND };
    let p99 = |it: &Outcome| percentile_ms(&it.each, 99.0);
    let warm = Duration::from_secs(1);
    let idle = sound(drive::round(stage, load, warm, span).await?, PARLANCE)?;
    let message = post(client).await?;
    let before = client.counter("parlance_frames_total").await?;
    let start = clock::now();
    let reacting = react(client, &message, members, span);
    let (storm, done) = tokio::join!(drive::round(stage, load, Duration::ZERO, span), reacting);
    let (storm, seconds) = (sound(storm?, PARLANCE)?, (done? - start).as_secs_f64());
    // Who hears this one has heard everything before it.
    stage.ledger.borrow_mut().begin();
    stage.send(&stage.routes[0], clock::now());
    ensure!(stage.drain(CATCH_UP_MAX).await, "not all have heard the end");
    let all = client.counter("parlance_frames_total").await? - before - ONLINE as f64;
    tally(client, &message, members).await?;
    let reactions = (members * EMOJI.len()) as f64;
    let frames = (all - storm.deliveries as f64) / ONLINE as f64 / reactions;
    let rate = reactions / seconds;
    Ok(Round { idle_ms: p99(&idle), storm_ms: p99(&storm), frames, rate })
}

/// A message to react to; one that nobody's ledger knows.
async fn post(client: &mut Client) -> Result<String> {
    let group = client.group().await?;
    let author = client.people[0].clone();
    let variables = json!({ "c": clock::uuid_v7(), "v": group, "t": "what do you think of it?" });
    let data = client.ask(Some(&author.access_token), SEND, variables).await?;
    let id = data["sendMessage"]["message"]["id"].as_str();
    Ok(id.context("the message has no id")?.to_owned())
}

/// Each member gives the message every emoji, by the clock; when the last was given.
async fn react(
    client: &Client,
    message: &str,
    members: usize,
    span: Duration,
) -> Result<std::time::Instant> {
    let people: Rc<[Person]> = client.people[..members].into();
    let total = members * EMOJI.len();
    let (next, start) = (Rc::new(Cell::new(0)), clock::now());
    let mut reacting = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (people, next) = (Rc::clone(&people), Rc::clone(&next));
        let (message, mut client) = (message.to_owned(), client.another());
        reacting.spawn_local(async move {
            loop {
                let n = next.replace(next.get() + 1);
                if n >= total {
                    return anyhow::Ok(());
                }
                let due = start + span.mul_f64(n as f64 / total as f64);
                tokio::time::sleep_until(due.into()).await;
                let (person, emoji) = (&people[n % people.len()], EMOJI[n / people.len()]);
                let variables = json!({ "c": clock::uuid_v7(), "m": message, "e": emoji });
                client.ask(Some(&person.access_token), REACT, variables).await?;
            }
        });
    }
    while let Some(done) = reacting.join_next().await {
        done.context("no task panics")??;
    }
    Ok(clock::now())
}

/// Reads what the message was given, which must be everything, once.
async fn tally(client: &mut Client, message: &str, members: usize) -> Result<()> {
    let reader = client.people[0].clone();
    let data = client.ask(Some(&reader.access_token), TALLY, json!({ "m": message })).await?;
    let expected: Vec<Value> =
        EMOJI.iter().map(|it| json!({ "emoji": it, "count": members })).collect();
    let found = &data["message"]["reactions"];
    ensure!(found == &Value::from(expected), "not what was given: {found}");
    Ok(())
}
