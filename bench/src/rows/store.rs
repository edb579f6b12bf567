//! B2: a small file costs the same in a store that holds very many as in an empty one.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::by_length;
use super::files::{OPTIONS, URL};
use crate::client::Person;
use crate::clock;
use crate::ledger::{Micros, micros};
use crate::parlance::Parlance;
use crate::report::Row;
use crate::rounds::Bench;
use crate::tus;

/// What a small file holds.
const BYTES: [u8; 4_096] = [7; 4_096];

/// Blobs that each of the others has: sizes and formats.
const EACH: usize = 10;

struct Store {
    parlance: Parlance,
    ann: Person,
}

impl Store {
    /// A server whose store holds blobs of so many files that nobody asks for.
    async fn open(bench: &Bench, name: &str, files: usize) -> Result<Self> {
        let data = bench.folder(name)?.join("parlance");
        let mut parlance = Parlance::start_with(bench.program()?, &data, OPTIONS).await?;
        plant(&data.join("blobs"), files)?;
        parlance.client.register(1).await?;
        let ann = parlance.client.people[0].clone();
        Ok(Self { parlance, ann })
    }

    async fn trip(&mut self, times: &mut [Micros; 3]) -> Result<()> {
        let client = &mut self.parlance.client;
        let start = clock::now();
        let id = tus::upload(&mut client.http, &self.ann, &BYTES).await?;
        times[0].saturating_record(start.elapsed().as_micros() as u64);
        let asked = client.ask(Some(&self.ann.access_token), URL, json!({ "f": id })).await?;
        let url = asked["file"]["url"].as_str().context("the file has no link")?.to_owned();
        let start = clock::now();
        let loaded = client.http.load(&url, |_| Ok(())).await?;
        times[1].saturating_record(start.elapsed().as_micros() as u64);
        ensure!(loaded == BYTES.len() as u64, "{loaded} bytes come back");
        let start = clock::now();
        tus::discard(&mut client.http, &self.ann, &id).await?;
        times[2].saturating_record(start.elapsed().as_micros() as u64);
        Ok(())
    }
}

/// Lays blobs where the server would have, each of one byte.
fn plant(blobs: &Path, files: usize) -> Result<()> {
    for _ in 0..files {
        let folder = blobs.join("media.").join(format!("{}.", clock::uuid_v7().replace('-', "")));
        std::fs::create_dir_all(&folder)?;
        for blob in 0..EACH {
            std::fs::write(folder.join(format!("{blob:016x}")), b"x")?;
        }
    }
    Ok(())
}

pub(crate) async fn beside(bench: &Bench) -> Result<Row> {
    const WHAT: [&str; 3] = ["4 KiB up, in two requests", "down by its link", "discarded"];
    let files = bench.pick(20_000, 500);
    let title = format!("a small file beside {} blobs, and beside none", files * EACH);
    let mut row = Row::new("B2", &title);
    let mut empty = Store::open(bench, "B2-short", 0).await?;
    let mut full = Store::open(bench, "B2-long", files).await?;
    let turns = bench.pick(100, 20);
    let rounds = bench
        .play(&mut row, async || {
            let mut times: [[Micros; 3]; 2] = std::array::from_fn(|_| [(); 3].map(|()| micros()));
            for _ in 0..turns {
                for (one, times) in [&mut empty, &mut full].into_iter().zip(&mut times) {
                    one.trip(times).await?;
                }
            }
            Ok(times)
        })
        .await?;
    by_length(&mut row, WHAT, &rounds);
    Ok(row)
}
