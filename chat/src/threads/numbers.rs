//! Which numbers are in a thread, by blocks, so that counting costs the same at any backlog.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use ports::Error;
use ports::documents::Collection;

use super::events::{Turn, turns};
use crate::kernel::document::padded;
use crate::kernel::numbers::{BLOCK, Block, block_of};
use crate::kernel::{Document, Reader, Recorded};
use crate::messages::MessageId;

/// The messages of one block of the conversation's numbers that are in a thread and not gone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ThreadNumbers {
    pub(super) live: Block,
    /// Those of them that were sent to the conversation, and moved.
    #[serde(default, skip_serializing_if = "Block::is_empty")]
    pub(super) moved: Block,
}

/// Counts of 1,024 such blocks, so of a million numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ThreadCounts {
    live: Vec<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    moved: Vec<u16>,
}

impl ThreadNumbers {
    pub(super) fn id(thread: MessageId, block: u64) -> String {
        format!("{thread}/{}", padded(block))
    }
}

fn turn_of(id: &str, event: &Recorded, block: impl Fn(u64) -> u64) -> Option<Turn> {
    let here = |it: &Turn| ThreadNumbers::id(it.thread_id, block(it.number)) == id;
    turns(event).into_iter().find(here)
}

impl Document for ThreadNumbers {
    const COLLECTION: Collection = Collection { name: "thread_numbers", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        turns(event).iter().map(|it| Self::id(it.thread_id, block_of(it.number))).collect()
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let Some(turn) = turn_of(id, event, block_of) else { return };
        let numbers = document.get_or_insert_default();
        let sets = [Some(&mut numbers.live), turn.moved.then_some(&mut numbers.moved)];
        sets.into_iter().flatten().for_each(|it| match turn.comes {
            true => drop(it.insert(turn.number)),
            false => drop(it.remove(turn.number)),
        });
    }
}

fn superblock_of(number: u64) -> u64 {
    block_of(number) / BLOCK
}

impl Document for ThreadCounts {
    const COLLECTION: Collection = Collection { name: "thread_counts", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = |it: &Turn| ThreadNumbers::id(it.thread_id, superblock_of(it.number));
        turns(event).iter().map(id).collect()
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let Some(turn) = turn_of(id, event, superblock_of) else { return };
        let counts = document.get_or_insert_default();
        let at = (block_of(turn.number) % BLOCK) as usize;
        let lists = [Some(&mut counts.live), turn.moved.then_some(&mut counts.moved)];
        for list in lists.into_iter().flatten() {
            if list.len() <= at {
                list.resize(at + 1, 0);
            }
            list[at] = match turn.comes {
                true => list[at] + 1,
                false => list[at].saturating_sub(1),
            };
        }
    }
}

/// What a thread holds above one number, up to its last.
pub(super) struct Held {
    thread: MessageId,
    counts: BTreeMap<u64, Arc<ThreadCounts>>,
    /// The blocks that are looked into.
    blocks: BTreeMap<u64, Arc<ThreadNumbers>>,
}

/// A thread, and the numbers that are looked at.
pub(super) type Stretch = (MessageId, RangeInclusive<u64>);

impl Held {
    /// Reads the counts of several threads with one query.
    pub(super) async fn load(reader: &Reader, stretches: &[Stretch]) -> Result<Vec<Self>, Error> {
        let superblocks =
            |it: &RangeInclusive<u64>| superblock_of(*it.start())..=superblock_of(*it.end());
        let places = stretches.iter().enumerate();
        let places = places.flat_map(|(at, (_, it))| superblocks(it).map(move |it| (at, it)));
        let places: Vec<_> = places.collect();
        let ids = places.iter().map(|(at, it)| ThreadNumbers::id(stretches[*at].0, *it));
        let counts = reader.load_many::<ThreadCounts>(ids).await?;
        let new = |(thread, _): &Stretch| Self {
            thread: *thread,
            counts: BTreeMap::new(),
            blocks: BTreeMap::new(),
        };
        let mut all: Vec<_> = stretches.iter().map(new).collect();
        for ((at, superblock), counts) in places.into_iter().zip(counts) {
            all[at].counts.extend(counts.map(|it| (superblock, it)));
        }
        Ok(all)
    }

    /// Whether anything of a block is in the thread.
    pub(super) fn has(&self, block: u64) -> bool {
        let counts = self.counts.get(&(block / BLOCK)).map(|it| &it.live);
        counts.and_then(|it| it.get((block % BLOCK) as usize)).is_some_and(|it| *it > 0)
    }

    /// Whether anything in it was moved there.
    pub(super) fn has_moved(&self) -> bool {
        self.counts.values().any(|it| !it.moved.is_empty())
    }

    /// Reads blocks of several threads with one query.
    pub(super) async fn look(
        reader: &Reader,
        all: &mut [Self],
        blocks: impl IntoIterator<Item = (usize, u64)>,
    ) -> Result<(), Error> {
        let wanted = blocks.into_iter().filter(|(at, block)| all[*at].has(*block));
        let wanted: Vec<_> = wanted.collect();
        let ids = wanted.iter().map(|(at, block)| ThreadNumbers::id(all[*at].thread, *block));
        let found = reader.load_many::<ThreadNumbers>(ids.collect::<Vec<_>>()).await?;
        for ((at, block), numbers) in wanted.into_iter().zip(found) {
            all[at].blocks.extend(numbers.map(|it| (block, it)));
        }
        Ok(())
    }

    /// A block that was looked into.
    pub(super) fn block(&self, block: u64) -> Option<&ThreadNumbers> {
        self.blocks.get(&block).map(|it| &**it)
    }

    /// How many are in it above a number whose block was looked into.
    pub(super) fn live_above(&self, number: u64) -> u64 {
        let own = self.block(block_of(number)).map_or(0, |it| it.live.count_above(number));
        own + self.beyond(number, |it| &it.live)
    }

    /// Those of them that were moved there.
    pub(super) fn moved_above(&self, number: u64) -> u64 {
        let own = self.block(block_of(number)).map_or(0, |it| it.moved.count_above(number));
        own + self.beyond(number, |it| &it.moved)
    }

    /// The sum of the blocks after that of a number.
    fn beyond(&self, number: u64, list: impl Fn(&ThreadCounts) -> &Vec<u16>) -> u64 {
        let (first, block) = (superblock_of(number), block_of(number));
        let counts = self.counts.range(first..).flat_map(|(superblock, it)| {
            let skip = if *superblock == first { (block % BLOCK) as usize + 1 } else { 0 };
            list(it).iter().skip(skip)
        });
        counts.map(|it| u64::from(*it)).sum()
    }
}
