//! Which numbers a conversation's own line lacks: for everyone, since they are gone or in a thread,
//! and for one person; counted at the same cost anywhere.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use ports::Error;
use ports::documents::{Collection, Order, Scan};

use super::MessageEvent;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::numbers::{BLOCK, Block, block_of};
use crate::kernel::{Document, Reader, Recorded};
use crate::removals::RemovalEvent;
use crate::threads::ThreadEvent;

/// Messages of one block that are gone for everyone or in a thread.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AbsentNumbers {
    numbers: Block,
}

/// Counts of 1,024 such blocks, so of a million messages.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AbsentCounts {
    counts: Vec<u16>,
}

/// Messages of one block that one person has hidden.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HiddenNumbers {
    block: u64,
    numbers: Block,
}

/// Whether an event takes a message from the conversation's own line, or gives it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Goes,
    Comes,
}

/// The message that an event takes from its conversation's own line, or gives back. What goes and
/// comes inside a thread was never there; what is destroyed was counted when it was removed.
pub(crate) fn turn(event: &Recorded) -> Option<(ConversationId, u64, Turn)> {
    match MessageEvent::of(&event.event) {
        Some(MessageEvent::MessageSent(it)) => {
            return it.thread.map(|_| (it.conversation_id, it.number.0, Turn::Goes));
        }
        Some(MessageEvent::MessageDeleted(it)) => {
            let there = it.thread.is_none();
            return there.then_some((it.conversation_id, it.number.0, Turn::Goes));
        }
        Some(MessageEvent::MessageEdited(_) | MessageEvent::MessageHidden(_)) | None => (),
    }
    if let Some(it) = ThreadEvent::moved(event) {
        let turn = match (it.from_thread_id, it.to_thread_id) {
            (None, _) => Turn::Goes,
            (_, None) => Turn::Comes,
            (Some(_), Some(_)) => return None,
        };
        return Some((it.conversation_id, it.number.0, turn));
    }
    let (conversation, number, thread, turn) = match RemovalEvent::of(&event.event)? {
        RemovalEvent::MessageRemoved(it) => (it.conversation_id, it.number, it.thread, Turn::Goes),
        RemovalEvent::MessageRestored(it) => {
            (it.conversation_id, it.number, it.thread, Turn::Comes)
        }
        RemovalEvent::MessageDestroyed(_) => return None,
    };
    thread.is_none().then_some((conversation, number.0, turn))
}

fn block_id(conversation: ConversationId, block: u64) -> String {
    format!("{conversation}/{}", padded(block))
}

impl Document for AbsentNumbers {
    const COLLECTION: Collection = Collection { name: "absent_numbers", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let ids = turn(event).map(|(it, number, _)| block_id(it, block_of(number)));
        ids.into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some((_, number, turn)) = turn(event) else { return };
        let numbers = &mut document.get_or_insert_default().numbers;
        match turn {
            Turn::Goes => numbers.insert(number),
            Turn::Comes => numbers.remove(number),
        };
    }
}

impl Document for AbsentCounts {
    const COLLECTION: Collection = Collection { name: "absent_counts", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let ids = turn(event).map(|(it, number, _)| block_id(it, block_of(number) / BLOCK));
        ids.into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some((_, number, turn)) = turn(event) else { return };
        let at = (block_of(number) % BLOCK) as usize;
        let counts = &mut document.get_or_insert_default().counts;
        if counts.len() <= at {
            counts.resize(at + 1, 0);
        }
        counts[at] = match turn {
            Turn::Goes => counts[at] + 1,
            Turn::Comes => counts[at].saturating_sub(1),
        };
    }
}

impl HiddenNumbers {
    fn id(account: AccountId, conversation: ConversationId, block: u64) -> String {
        format!("{account}/{conversation}/{}", padded(block))
    }

    /// Which block it is, and the numbers of it.
    pub(crate) fn block(&self) -> (u64, &Block) {
        (self.block, &self.numbers)
    }

    /// Whether a person has hidden a message.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn hides(
        reader: &Reader,
        account: AccountId,
        conversation: ConversationId,
        number: u64,
    ) -> Result<bool, Error> {
        let id = Self::id(account, conversation, block_of(number));
        let hidden = reader.load::<Self>(id).await?;
        Ok(hidden.is_some_and(|it| it.numbers.contains(number)))
    }
}

impl Document for HiddenNumbers {
    const COLLECTION: Collection = Collection { name: "hidden_numbers", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match MessageEvent::of(&event.event) {
            Some(MessageEvent::MessageHidden(it)) => {
                vec![Self::id(it.account_id, it.conversation_id, block_of(it.number.0))]
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(MessageEvent::MessageHidden(it)) = MessageEvent::of(&event.event) {
            let hidden = document.get_or_insert_default();
            hidden.block = block_of(it.number.0);
            hidden.numbers.insert(it.number.0);
        }
    }
}

/// The messages of a conversation above one number, up to its last one.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    pub conversation: ConversationId,
    pub above: u64,
    pub last: u64,
}

impl Stretch {
    fn blocks(&self) -> std::ops::RangeInclusive<u64> {
        block_of(self.above)..=block_of(self.last)
    }
}

/// How many messages of each stretch are gone for everyone or in a thread; two queries for all.
///
/// # Errors
/// When the documents can't be reached.
pub async fn absent_in(reader: &Reader, stretches: &[Stretch]) -> Result<Vec<u64>, Error> {
    let own = stretches.iter().map(|it| block_id(it.conversation, block_of(it.above)));
    let own = reader.load_many::<AbsentNumbers>(own).await?;
    let superblocks = |it: &Stretch| it.blocks().start() / BLOCK..=it.blocks().end() / BLOCK;
    let ids = stretches
        .iter()
        .flat_map(|it| superblocks(it).map(|block| block_id(it.conversation, block)));
    let mut counts = reader.load_many::<AbsentCounts>(ids).await?.into_iter();
    let mut found = Vec::with_capacity(stretches.len());
    for (stretch, own) in stretches.iter().zip(own) {
        let mut count = own.map_or(0, |it| it.numbers.count_above(stretch.above));
        let mut skip = (stretch.blocks().start() % BLOCK) as usize + 1;
        for it in counts.by_ref().take(superblocks(stretch).count()) {
            let counts = it.iter().flat_map(|it| it.counts.iter().skip(skip));
            count += counts.map(|it| u64::from(*it)).sum::<u64>();
            skip = 0;
        }
        found.push(count);
    }
    Ok(found)
}

/// Blocks that are looked for one by one at most; a person who is further behind costs a query.
const BLOCKS_AT_ONCE: u64 = 64;

/// Blocks above the read number in which one person has hidden messages, at most.
const HIDDEN_BLOCKS_MAX: usize = 10_000;

/// How many messages of each stretch one person has hidden that are neither gone for everyone nor
/// in a thread; two queries for all, and one for each stretch that is very long.
///
/// # Errors
/// When the documents can't be reached.
pub async fn hidden_in(
    reader: &Reader,
    account: AccountId,
    stretches: &[Stretch],
) -> Result<Vec<u64>, Error> {
    let hidden = hidden_of(reader, account, stretches).await?;
    let absent = hidden.iter().map(|(at, it)| block_id(stretches[*at].conversation, it.block));
    let absent = reader.load_many::<AbsentNumbers>(absent).await?;
    let mut found = vec![0; stretches.len()];
    for ((at, it), absent) in hidden.iter().zip(absent) {
        let left = match absent {
            Some(absent) => it.numbers.without(&absent.numbers),
            None => it.numbers.clone(),
        };
        let above = stretches[*at].above;
        let own = it.block == block_of(above);
        found[*at] += if own { left.count_above(above) } else { left.count() };
    }
    Ok(found)
}

/// The blocks of each stretch in which one person has hidden messages.
async fn hidden_of(
    reader: &Reader,
    account: AccountId,
    stretches: &[Stretch],
) -> Result<Vec<(usize, Arc<HiddenNumbers>)>, Error> {
    let mut hidden: Vec<(usize, Arc<HiddenNumbers>)> = Vec::new();
    let mut ids = Vec::new();
    for (at, it) in stretches.iter().enumerate() {
        let id = |block| HiddenNumbers::id(account, it.conversation, block);
        let (first, last) = it.blocks().into_inner();
        if last - first < BLOCKS_AT_ONCE {
            ids.extend((first..=last).map(|block| (at, id(block))));
            continue;
        }
        let scan = Scan {
            collection: HiddenNumbers::COLLECTION.name,
            index: None,
            from: id(first),
            to: format!("{account}/{}/~", it.conversation),
            order: Order::Ascending,
            limit: HIDDEN_BLOCKS_MAX,
        };
        let found = reader.scan::<HiddenNumbers>(scan).await?;
        hidden.extend(found.into_iter().map(|(_, it)| (at, it)));
    }
    let loaded = reader.load_many::<HiddenNumbers>(ids.iter().map(|(_, id)| id.clone())).await?;
    hidden.extend(ids.iter().zip(loaded).filter_map(|((at, _), it)| Some((*at, it?))));
    Ok(hidden)
}

/// The blocks of a stretch in which one person has hidden messages, the block of its first number
/// as a whole.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn hidden_blocks(
    reader: &Reader,
    account: AccountId,
    stretch: Stretch,
) -> Result<Vec<Arc<HiddenNumbers>>, Error> {
    let found = hidden_of(reader, account, &[stretch]).await?;
    Ok(found.into_iter().map(|(_, it)| it).collect())
}

/// Whether one person has hidden each of some messages of a conversation; one query for all.
///
/// # Errors
/// When the documents can't be reached.
pub async fn hidden_among(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
    numbers: &[u64],
) -> Result<Vec<bool>, Error> {
    let blocks = numbers.iter().map(|it| HiddenNumbers::id(account, conversation, block_of(*it)));
    let blocks = reader.load_many::<HiddenNumbers>(blocks).await?;
    let hidden = numbers.iter().zip(blocks);
    Ok(hidden.map(|(it, block)| block.is_some_and(|block| block.numbers.contains(*it))).collect())
}
