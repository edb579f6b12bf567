//! Which numbers are gone: for everyone, and for one person; counted at the same cost anywhere.

use serde::{Deserialize, Serialize};

use ports::Error;
use ports::documents::{Collection, Order, Scan};

use super::MessageEvent;
use crate::Event;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::numbers::{BLOCK, Block, block_of};
use crate::kernel::{Document, Reader, Recorded};

/// Messages of one block that are gone for everyone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeletedNumbers {
    numbers: Block,
}

/// Counts of 1,024 such blocks, so of a million messages.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DeletedCounts {
    counts: Vec<u16>,
}

/// Messages of one block that one person has hidden.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HiddenNumbers {
    block: u64,
    numbers: Block,
}

fn deleted(event: &Recorded) -> Option<(ConversationId, u64)> {
    let Event::MessageEvent(MessageEvent::MessageDeleted(it)) = &event.event else { return None };
    Some((it.conversation_id, it.number.0))
}

fn block_id(conversation: ConversationId, block: u64) -> String {
    format!("{conversation}/{}", padded(block))
}

impl Document for DeletedNumbers {
    const COLLECTION: Collection = Collection { name: "deleted_numbers", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let ids = deleted(event).map(|(it, number)| block_id(it, block_of(number)));
        ids.into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some((_, number)) = deleted(event) {
            document.get_or_insert_default().numbers.insert(number);
        }
    }
}

impl Document for DeletedCounts {
    const COLLECTION: Collection = Collection { name: "deleted_counts", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let ids = deleted(event).map(|(it, number)| block_id(it, block_of(number) / BLOCK));
        ids.into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some((_, number)) = deleted(event) {
            let at = (block_of(number) % BLOCK) as usize;
            let counts = &mut document.get_or_insert_default().counts;
            if counts.len() <= at {
                counts.resize(at + 1, 0);
            }
            counts[at] += 1;
        }
    }
}

impl HiddenNumbers {
    fn id(account: AccountId, conversation: ConversationId, block: u64) -> String {
        format!("{account}/{conversation}/{}", padded(block))
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
        let Event::MessageEvent(MessageEvent::MessageHidden(it)) = &event.event else {
            return Vec::new();
        };
        vec![Self::id(it.account_id, it.conversation_id, block_of(it.number.0))]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Event::MessageEvent(MessageEvent::MessageHidden(it)) = &event.event {
            let hidden = document.get_or_insert_default();
            hidden.block = block_of(it.number.0);
            hidden.numbers.insert(it.number.0);
        }
    }
}

/// How many messages above a number are gone for everyone.
///
/// # Errors
/// When the documents can't be reached.
pub async fn deleted_above(
    reader: &Reader,
    conversation: ConversationId,
    number: u64,
) -> Result<u64, Error> {
    let own_block = block_of(number);
    let id = block_id(conversation, own_block);
    let inside = reader.load::<DeletedNumbers>(id).await?;
    let mut count = inside.map_or(0, |it| it.numbers.count_above(number));
    let scan = Scan {
        collection: DeletedCounts::COLLECTION.name,
        index: None,
        from: block_id(conversation, own_block / BLOCK),
        to: format!("{conversation}/~"),
        order: Order::Ascending,
        limit: SUPERBLOCKS_MAX,
    };
    for (at, (id, counts)) in reader.scan::<DeletedCounts>(scan).await?.into_iter().enumerate() {
        let is_own = at == 0 && id == block_id(conversation, own_block / BLOCK);
        let skip = if is_own { (own_block % BLOCK) as usize + 1 } else { 0 };
        count += counts.counts.iter().skip(skip).map(|it| u64::from(*it)).sum::<u64>();
    }
    Ok(count)
}

/// Superblocks read at most: a billion messages.
const SUPERBLOCKS_MAX: usize = 1_000;

/// Blocks above the read number in which one person has hidden messages, at most.
const HIDDEN_BLOCKS_MAX: usize = 10_000;

/// How many messages above a number one person has hidden that are not gone for everyone.
///
/// # Errors
/// When the documents can't be reached.
pub async fn hidden_above(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
    number: u64,
) -> Result<u64, Error> {
    let scan = Scan {
        collection: HiddenNumbers::COLLECTION.name,
        index: None,
        from: HiddenNumbers::id(account, conversation, block_of(number)),
        to: format!("{account}/{conversation}/~"),
        order: Order::Ascending,
        limit: HIDDEN_BLOCKS_MAX,
    };
    let hidden = reader.scan::<HiddenNumbers>(scan).await?;
    let ids = hidden.iter().map(|(_, it)| block_id(conversation, it.block));
    let gone = reader.load_many::<DeletedNumbers>(ids).await?;
    let counts = hidden.iter().zip(gone).map(|((_, it), gone)| {
        let left = match gone {
            Some(gone) => it.numbers.without(&gone.numbers),
            None => it.numbers.clone(),
        };
        if it.block == block_of(number) { left.count_above(number) } else { left.count() }
    });
    Ok(counts.sum())
}
