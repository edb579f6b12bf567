//! H1, H2: how fast a page comes, of a long history and of a long chat list.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::clock;
use crate::contender::PARLANCE;
use crate::ledger::{Micros, micros};
use crate::parlance::{self, Parlance};
use crate::report::{Gate, Row};
use crate::rounds::Bench;
use crate::stage::percentile_ms;

const PAGE: usize = 50;
/// Cursors kept of a walk through a history, from new to old.
const CURSORS_MAX: usize = 300;

const WALK: &str = "query($c:ID!,$b:String){conversation(id:$c){messages(last:50,before:$b){\
    pageInfo{hasPreviousPage startCursor}}}}";
const HISTORY: &str = "query($c:ID!,$b:String){conversation(id:$c){messages(last:50,before:$b){\
    edges{cursor node{id number text sender{displayName}}} \
    pageInfo{hasPreviousPage startCursor}}}}";
const CHATS: &str = "query{conversations(first:50){edges{cursor node{id kind title unreadCount \
    lastMessage{number text} viewerReadNumber}} pageInfo{endCursor hasNextPage}}}";

/// A server with a history and cursors all over it.
struct Book {
    parlance: Parlance,
    conversation: String,
    token: String,
    cursors: Vec<Value>,
}

impl Book {
    async fn open(bench: &Bench, name: &str, messages: usize) -> Result<Self> {
        let folder = bench.folder(name)?.join("parlance");
        let seeded = parlance::seed(bench.program()?, &folder, "--messages", messages).await?;
        let parlance = Parlance::start(bench.program()?, &folder).await?;
        let token = seeded.accounts.first().context("the folder has no account")?;
        let mut book = Self {
            parlance,
            conversation: seeded.conversation_id.clone(),
            token: token.access_token.clone(),
            cursors: vec![Value::Null],
        };
        book.walk(messages).await?;
        // The walk has warmed the long history more than the short one.
        let mut unused = micros();
        for turn in 0..bench.pick(300, 30) {
            for third in 0..3 {
                book.time(third, turn, &mut unused).await?;
            }
        }
        Ok(book)
    }

    /// Turns all pages once: cursors are opaque, so the middle is found only by going there.
    async fn walk(&mut self, messages: usize) -> Result<()> {
        let every = (messages / PAGE).div_ceil(CURSORS_MAX).max(1);
        let mut cursor = Value::Null;
        for page in 1.. {
            let connection = self.page(WALK, &cursor).await?;
            if connection["pageInfo"]["hasPreviousPage"] != true {
                let expected = messages / PAGE;
                ensure!(page >= expected, "the history ends on page {page} of {expected}");
                return Ok(());
            }
            cursor = connection["pageInfo"]["startCursor"].clone();
            if page % every == 0 {
                self.cursors.push(cursor.clone());
            }
        }
        Ok(())
    }

    async fn page(&mut self, query: &str, before: &Value) -> Result<Value> {
        let variables = json!({ "c": self.conversation, "b": before });
        let mut data = self.parlance.client.ask(Some(&self.token), query, variables).await?;
        Ok(data["conversation"]["messages"].take())
    }

    /// Times one page out of that third of the history.
    async fn time(&mut self, third: usize, turn: usize, times: &mut Micros) -> Result<()> {
        let length = (self.cursors.len() / 3).max(1);
        // A stride that shares no factor with most lengths visits all of them.
        let at = (third * length + turn * 37 % length).min(self.cursors.len() - 1);
        let cursor = self.cursors[at].clone();
        let start = clock::now();
        let connection = self.page(HISTORY, &cursor).await?;
        times.saturating_record(start.elapsed().as_micros() as u64);
        let edges = connection["edges"].as_array().map_or(0, Vec::len);
        ensure!(edges > 0, "page {at} is empty");
        Ok(())
    }
}

/// H1: new, middle and old pages of a long history beside those of a short one.
pub(crate) async fn history(bench: &Bench) -> Result<Row> {
    const THIRDS: [&str; 3] = ["long history, newest third", "middle third", "oldest third"];
    let (short, long) = (1_000, bench.pick(1_000_000, 20_000));
    let title = format!("history page of {PAGE}: {long} messages beside {short}");
    let mut row = Row::new("H1", &title);
    let mut brief = Book::open(bench, "H1-short", short).await?;
    let mut deep = Book::open(bench, "H1-long", long).await?;
    let turns = bench.pick(200, 30);
    let rounds = bench
        .play(&mut row, async || {
            let mut times: [Micros; 4] = std::array::from_fn(|_| micros());
            for turn in 0..turns {
                for third in 0..3 {
                    deep.time(third, turn, &mut times[third]).await?;
                    brief.time(third, turn, &mut times[3]).await?;
                }
            }
            Ok(times)
        })
        .await?;
    let names = THIRDS.into_iter().chain(["short history"]);
    for (index, name) in names.enumerate() {
        let figures = [50.0, 99.0].map(|percentile| {
            rounds.iter().map(|times| percentile_ms(&times[index], percentile)).collect()
        });
        let [p50, p99] = figures;
        row.measure(name, &[("p50 ms", p50), ("p99 ms", p99)]);
    }
    let worst = |figure| {
        let medians = THIRDS.iter().map(|third| row.median(third, figure).unwrap_or(f64::NAN));
        medians.fold(0.0, f64::max)
    };
    let ratio = worst("p50 ms") / row.median("short history", "p50 ms").unwrap_or(f64::NAN);
    let p99 = worst("p99 ms");
    row.gates.push(Gate::at_most("p50, worst third, times the short", ratio, 1.3, Some(1.1)));
    row.gates.push(Gate::at_most("p99 ms, worst third", p99, 20.0, None));
    Ok(row)
}

/// H2: the first page of a long chat list.
pub(crate) async fn chat_list(bench: &Bench) -> Result<Row> {
    let chats = bench.pick(1_000, 100);
    let mut row = Row::new("H2", &format!("chat list of {PAGE} among {chats} conversations"));
    let folder = bench.folder("H2")?.join("parlance");
    let seeded = parlance::seed(bench.program()?, &folder, "--conversations", chats).await?;
    let mut parlance = Parlance::start(bench.program()?, &folder).await?;
    let viewer = seeded.accounts.first().context("the folder has no account")?;
    let turns = bench.pick(500, 50);
    let rounds = bench
        .play(&mut row, async || {
            let mut times = micros();
            for _ in 0..turns {
                let start = clock::now();
                let token = Some(viewer.access_token.as_str());
                let data = parlance.client.ask(token, CHATS, json!({})).await?;
                times.saturating_record(start.elapsed().as_micros() as u64);
                let edges = data["conversations"]["edges"].as_array().map_or(0, Vec::len);
                ensure!(edges == PAGE, "the list has {edges} chats");
            }
            Ok((percentile_ms(&times, 50.0), percentile_ms(&times, 99.0)))
        })
        .await?;
    let (p50, p99) = rounds.into_iter().unzip();
    row.measure(PARLANCE, &[("p50 ms", p50), ("p99 ms", p99)]);
    let p99 = row.median(PARLANCE, "p99 ms").unwrap_or(f64::NAN);
    row.gates.push(Gate::at_most("p99 ms", p99, 30.0, Some(10.0)));
    Ok(row)
}
