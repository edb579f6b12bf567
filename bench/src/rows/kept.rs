//! P1: what is kept beside messages costs the same in a long conversation as in a short one: the
//! list of pins, a message's earlier texts, and another edit of it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::by_length;
use crate::clock;
use crate::graphql_ws::SEND;
use crate::ledger::{Micros, micros};
use crate::parlance::{self, Parlance};
use crate::report::Row;
use crate::rounds::Bench;

/// As many as may be pinned.
const PINS: usize = 100;
/// As many earlier texts as come at once.
const EDITS: usize = 100;

const PIN: &str = "mutation($c:ID!,$m:ID!){pinMessage(input:{clientId:$c,messageId:$m}){position}}";
const EDIT: &str = "mutation($c:ID!,$m:ID!,$t:String!){editMessage(input:{clientId:$c,\
    messageId:$m,text:$t}){message{editedAt} position}}";
const PINNED: &str = "query($v:ID!){conversation(id:$v){pinnedMessages(first:100){nodes{pinnedAt \
    message{id text sender{displayName}}}}}}";
const VERSIONS: &str = "query($m:ID!){message(id:$m){versions{revision text at}}}";

/// A server with one conversation, in which much is pinned and one message edited often.
struct Kept {
    parlance: Parlance,
    conversation: String,
    token: String,
    edited: String,
}

impl Kept {
    async fn open(bench: &Bench, name: &str, messages: usize) -> Result<Self> {
        let folder = bench.folder(name)?.join("parlance");
        let seeded = parlance::seed(bench.program()?, &folder, "--messages", messages).await?;
        let parlance = Parlance::start(bench.program()?, &folder).await?;
        let person = seeded.accounts.first().context("the folder has no account")?;
        let mut kept = Self {
            parlance,
            conversation: seeded.conversation_id.clone(),
            token: person.access_token.clone(),
            edited: String::new(),
        };
        for _ in 0..PINS {
            kept.edited = kept.send().await?;
            let pin = json!({ "c": clock::uuid_v7(), "m": kept.edited });
            kept.ask(PIN, pin).await?;
        }
        for _ in 0..EDITS {
            kept.edit(&mut micros()).await?;
        }
        Ok(kept)
    }

    async fn ask(&mut self, query: &str, variables: Value) -> Result<Value> {
        self.parlance.client.ask(Some(&self.token), query, variables).await
    }

    async fn send(&mut self) -> Result<String> {
        let input = json!({ "c": clock::uuid_v7(), "v": self.conversation, "t": "to be kept" });
        let data = self.ask(SEND, input).await?;
        let id = data["sendMessage"]["message"]["id"].as_str();
        Ok(id.context("the message has no id")?.to_owned())
    }

    async fn edit(&mut self, times: &mut Micros) -> Result<()> {
        let input = json!({ "c": clock::uuid_v7(), "m": self.edited, "t": "once more" });
        let start = clock::now();
        self.ask(EDIT, input).await?;
        times.saturating_record(start.elapsed().as_micros() as u64);
        Ok(())
    }

    async fn pins(&mut self, times: &mut Micros) -> Result<()> {
        let start = clock::now();
        let variables = json!({ "v": self.conversation });
        let data = self.ask(PINNED, variables).await?;
        times.saturating_record(start.elapsed().as_micros() as u64);
        let count = data["conversation"]["pinnedMessages"]["nodes"].as_array().map_or(0, Vec::len);
        ensure!(count == PINS, "{count} are pinned");
        Ok(())
    }

    async fn versions(&mut self, times: &mut Micros) -> Result<()> {
        let start = clock::now();
        let variables = json!({ "m": self.edited });
        let data = self.ask(VERSIONS, variables).await?;
        times.saturating_record(start.elapsed().as_micros() as u64);
        let count = data["message"]["versions"].as_array().map_or(0, Vec::len);
        ensure!(count == EDITS, "{count} texts come");
        Ok(())
    }
}

pub(crate) async fn beside(bench: &Bench) -> Result<Row> {
    const WHAT: [&str; 3] = ["list of 100 pins", "100 earlier texts", "another edit"];
    let (short, long) = (1_000, bench.pick(100_000, 5_000));
    let title = format!("pins and edits: {long} messages beside {short}");
    let mut row = Row::new("P1", &title);
    let mut brief = Kept::open(bench, "P1-short", short).await?;
    let mut deep = Kept::open(bench, "P1-long", long).await?;
    let turns = bench.pick(100, 20);
    let rounds = bench
        .play(&mut row, async || {
            let mut times: [[Micros; 3]; 2] = std::array::from_fn(|_| [(); 3].map(|()| micros()));
            for _ in 0..turns {
                for (one, times) in [&mut brief, &mut deep].into_iter().zip(&mut times) {
                    one.pins(&mut times[0]).await?;
                    one.versions(&mut times[1]).await?;
                    one.edit(&mut times[2]).await?;
                }
            }
            Ok(times)
        })
        .await?;
    by_length(&mut row, WHAT, &rounds);
    Ok(row)
}
