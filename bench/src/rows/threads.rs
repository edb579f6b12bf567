//! T1: a thread costs the same with very many replies as with few: what is unread of it from its
//! beginning on, its latest page, and another reply.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::by_length;
use crate::clock;
use crate::ledger::{Micros, micros};
use crate::parlance::{self, Parlance};
use crate::report::Row;
use crate::rounds::Bench;

/// Replies of a page.
const PAGE: usize = 50;

const REPLY: &str = "mutation($c:ID!,$v:ID!,$r:ID!){sendMessage(input:{clientId:$c,\
    conversationId:$v,threadId:$r,text:\"another reply\"}){message{id} position}}";
const UNREAD: &str = "query($r:ID!){message(id:$r){thread{replyCount unreadCount}}}";
const LATEST: &str = "query($r:ID!){message(id:$r){thread{messages(last:50){nodes{id number text \
    sender{displayName}}}}}}";

/// A server with one thread, a person who writes there and one who has read nothing of it.
struct Threaded {
    parlance: Parlance,
    conversation: String,
    root: String,
    writer: String,
    reader: String,
    replies: u64,
}

impl Threaded {
    async fn open(bench: &Bench, name: &str, replies: usize) -> Result<Self> {
        let folder = bench.folder(name)?.join("parlance");
        let seeded = parlance::seed(bench.program()?, &folder, "--replies", replies).await?;
        let parlance = Parlance::start(bench.program()?, &folder).await?;
        let (first, last) = (seeded.accounts.first(), seeded.accounts.last());
        let (first, last) = first.zip(last).context("the folder has no account")?;
        Ok(Self {
            parlance,
            conversation: seeded.conversation_id.clone(),
            root: seeded.thread_id.clone().context("the folder has no thread")?,
            writer: first.access_token.clone(),
            reader: last.access_token.clone(),
            replies: replies as u64,
        })
    }

    async fn ask(&mut self, token: &str, query: &str, variables: Value) -> Result<Value> {
        self.parlance.client.ask(Some(token), query, variables).await
    }

    async fn reply(&mut self, times: &mut Micros) -> Result<()> {
        let (id, token) = (clock::uuid_v7(), self.writer.clone());
        let start = clock::now();
        let variables = json!({ "c": id, "v": self.conversation, "r": self.root });
        self.ask(&token, REPLY, variables).await?;
        times.saturating_record(start.elapsed().as_micros() as u64);
        self.replies += 1;
        Ok(())
    }

    async fn unread(&mut self, times: &mut Micros) -> Result<()> {
        let (token, variables) = (self.reader.clone(), json!({ "r": self.root }));
        let start = clock::now();
        let data = self.ask(&token, UNREAD, variables).await?;
        times.saturating_record(start.elapsed().as_micros() as u64);
        let count = data["message"]["thread"]["unreadCount"].as_u64();
        ensure!(count == Some(self.replies), "{count:?} are unread of {}", self.replies);
        Ok(())
    }

    async fn latest(&mut self, times: &mut Micros) -> Result<()> {
        let (token, variables) = (self.reader.clone(), json!({ "r": self.root }));
        let start = clock::now();
        let data = self.ask(&token, LATEST, variables).await?;
        times.saturating_record(start.elapsed().as_micros() as u64);
        let nodes = data["message"]["thread"]["messages"]["nodes"].as_array();
        let count = nodes.map_or(0, Vec::len);
        ensure!(count == PAGE, "{count} replies come");
        Ok(())
    }
}

pub(crate) async fn beside(bench: &Bench) -> Result<Row> {
    const WHAT: [&str; 3] = ["unread of all of it", "its last 50", "another reply"];
    let (short, long) = (100, bench.pick(100_000, 5_000));
    let title = format!("threads: {long} replies beside {short}");
    let mut row = Row::new("T1", &title);
    let mut brief = Threaded::open(bench, "T1-short", short).await?;
    let mut deep = Threaded::open(bench, "T1-long", long).await?;
    let turns = bench.pick(100, 20);
    let rounds = bench
        .play(&mut row, async || {
            let mut times: [[Micros; 3]; 2] = std::array::from_fn(|_| [(); 3].map(|()| micros()));
            for _ in 0..turns {
                for (one, times) in [&mut brief, &mut deep].into_iter().zip(&mut times) {
                    one.unread(&mut times[0]).await?;
                    one.latest(&mut times[1]).await?;
                    one.reply(&mut times[2]).await?;
                }
            }
            Ok(times)
        })
        .await?;
    by_length(&mut row, WHAT, &rounds);
    Ok(row)
}
