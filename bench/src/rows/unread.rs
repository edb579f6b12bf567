//! U1: unread counts cost one operation to post, one to mark read, and no query for each chat.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::client::Person;
use crate::clock;
use crate::contender::PARLANCE;
use crate::dialect;
use crate::graphql_ws::SEND;
use crate::parlance::{self, Parlance};
use crate::report::{Gate, Row};
use crate::rounds::Bench;
use crate::rows::growth::Operations;

const MARK: &str = "mutation($c:ID!,$v:ID!,$n:Long!){markRead(input:{clientId:$c,\
    conversationId:$v,number:$n}){conversation{id unreadCount}}}";
const LIST: &str = "query($n:Int!){conversations(first:$n){edges{node{id unreadCount}}}}";

pub(crate) async fn unread(bench: &Bench) -> Result<Row> {
    let chats = bench.pick(1_000, 100);
    let mut row = Row::new("U1", &format!("unread counts: operations, among {chats} chats"));
    let folder = bench.folder("U1")?.join("parlance");
    let seeded = parlance::seed(bench.program()?, &folder, "--conversations", chats).await?;
    let mut parlance = Parlance::start(bench.program()?, &folder).await?;
    let reader = seeded.accounts.into_iter().next().context("the folder has no account")?;
    parlance.client.register(1).await?;
    let poster = parlance.client.people[0].clone();
    let group = parlance.client.create_group("unread", &[poster.clone(), reader.clone()]).await?;
    let count = bench.pick(50, 10);
    let mut number = 0;
    let rounds = bench
        .play(&mut row, async || {
            let before = calm(&mut parlance).await?;
            let mut last = 0;
            for _ in 0..count {
                last = post(&mut parlance, &poster, &group).await?;
            }
            let posted = calm(&mut parlance).await?;
            number = number.max(last - count);
            for _ in 0..count {
                number += 1;
                mark(&mut parlance, &reader, &group, number).await?;
            }
            let marked = calm(&mut parlance).await?;
            let few = listed(&mut parlance, &reader, 10).await?;
            let many = listed(&mut parlance, &reader, 50).await?;
            let count = count as f64;
            Ok((posted.since(before, count), marked.since(posted, count), few, many))
        })
        .await?;
    row.measure(
        PARLANCE,
        &[
            ("log appends to post", rounds.iter().map(|it| it.0.appends).collect()),
            ("log appends to mark read", rounds.iter().map(|it| it.1.appends).collect()),
            ("document writes to mark read", rounds.iter().map(|it| it.1.writes).collect()),
            ("document queries to list 10", rounds.iter().map(|it| it.2).collect()),
            ("document queries to list 50", rounds.iter().map(|it| it.3).collect()),
        ],
    );
    let figure = |name| row.median(PARLANCE, name).unwrap_or(f64::NAN);
    let grown = figure("document queries to list 50") - figure("document queries to list 10");
    row.gates = vec![
        Gate::at_most("operations to post", figure("log appends to post"), 1.0, None),
        Gate::at_most("operations to mark read", figure("log appends to mark read"), 1.0, None),
        Gate::at_most("more document queries for 40 more chats", grown, 0.0, None),
    ];
    row.note("one GraphQL query lists the chats with their unread counts");
    Ok(row)
}

/// The counters once projections have had time to follow.
async fn calm(parlance: &mut Parlance) -> Result<Operations> {
    tokio::time::sleep(Duration::from_millis(500)).await;
    Operations::so_far(parlance).await
}

/// Posts; the number of the message.
async fn post(parlance: &mut Parlance, poster: &Person, group: &str) -> Result<i64> {
    let text = dialect::body(0);
    let variables = json!({ "c": clock::uuid_v7(), "v": group, "t": text });
    let data = parlance.client.ask(Some(&poster.access_token), SEND, variables).await?;
    let number = data["sendMessage"]["message"]["number"].as_str().map(str::parse);
    Ok(number.context("the message has no number")??)
}

async fn mark(parlance: &mut Parlance, reader: &Person, group: &str, number: i64) -> Result<()> {
    let number = number.to_string();
    let variables = json!({ "c": clock::uuid_v7(), "v": group, "n": number });
    parlance.client.ask(Some(&reader.access_token), MARK, variables).await?;
    Ok(())
}

/// Document queries that a list of so many chats takes, on average.
async fn listed(parlance: &mut Parlance, reader: &Person, chats: usize) -> Result<f64> {
    const TIMES: usize = 20;
    let before = Operations::so_far(parlance).await?;
    for _ in 0..TIMES {
        parlance.client.ask(Some(&reader.access_token), LIST, json!({ "n": chats })).await?;
    }
    Ok(Operations::so_far(parlance).await?.since(before, TIMES as f64).queries)
}
