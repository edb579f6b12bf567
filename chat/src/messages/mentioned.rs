//! Mentions of everyone, one document a message, and which mentions of a person lie above a number.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use ports::Error;
use ports::documents::{Collection, Order, Scan};

use super::{Mention, MessageEvent, hidden_among};
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Reader, Recorded};
use crate::removals::RemovalEvent;
use crate::threads::{Line, ThreadEvent};

/// Mentions counted at most.
pub const MENTIONS_COUNTED_MAX: usize = 1_000;

/// That a message mentions everyone, however many they are; it goes when the message no longer
/// does, or to another line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EveryoneMention {
    /// Whether the message was moved to the thread that it is in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
}

impl EveryoneMention {
    /// Ids of those of a line, by number.
    pub fn id(line: impl fmt::Display, number: u64) -> String {
        format!("{line}/{}", padded(number))
    }
}

/// Where an event says of a message that it mentions everyone, and whether it does from now on; and
/// by a message that was moved there.
fn told(event: &Recorded) -> Vec<(String, Option<bool>)> {
    let (conversation, number, thread, told, there) = match MessageEvent::of(&event.event) {
        Some(MessageEvent::MessageSent(it)) => {
            (it.conversation_id, it.number, it.thread, it.everyone, true)
        }
        Some(MessageEvent::MessageEdited(it)) => {
            (it.conversation_id, it.number, it.thread, it.everyone, it.everyone == Some(true))
        }
        Some(MessageEvent::MessageDeleted(it)) => {
            (it.conversation_id, it.number, it.thread, it.everyone, false)
        }
        Some(MessageEvent::MessageHidden(_)) => return Vec::new(),
        None => match RemovalEvent::of(&event.event) {
            Some(RemovalEvent::MessageRemoved(it)) => {
                (it.conversation_id, it.number, it.thread, it.everyone, false)
            }
            Some(RemovalEvent::MessageRestored(it)) => {
                (it.conversation_id, it.number, it.thread, it.everyone, true)
            }
            // It went when it was removed.
            Some(RemovalEvent::MessageDestroyed(_)) => return Vec::new(),
            None => return moved(event),
        },
    };
    if told.is_none() {
        return Vec::new();
    }
    let moved = thread.is_some_and(|it| it.moved);
    vec![(EveryoneMention::id(Line::of(conversation, thread), number.0), there.then_some(moved))]
}

fn moved(event: &Recorded) -> Vec<(String, Option<bool>)> {
    let Some(it) = ThreadEvent::moved(event).filter(|it| it.everyone.is_some()) else {
        return Vec::new();
    };
    let id = |thread| EveryoneMention::id(Line::through(it.conversation_id, thread), it.number.0);
    let to = it.to_thread_id;
    vec![(id(it.from_thread_id), None), (id(to), Some(to.is_some()))]
}

impl Document for EveryoneMention {
    const COLLECTION: Collection = Collection { name: "everyone_mentions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        told(event).into_iter().map(|it| it.0).collect()
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let told = told(event).into_iter().find(|it| it.0 == id);
        *document = told.and_then(|it| it.1).map(|moved| Self { moved });
    }
}

/// Numbers in a range of ids that end in them, with what each has.
async fn numbers<D: Document>(
    reader: &Reader,
    (from, to): (String, String),
    moved: impl Fn(&D) -> bool,
) -> Result<impl Iterator<Item = (u64, bool)>, Error> {
    let scan = Scan {
        collection: D::COLLECTION.name,
        index: None,
        from,
        to,
        order: Order::Ascending,
        limit: MENTIONS_COUNTED_MAX,
    };
    let found = reader.scan::<D>(scan).await?;
    let number = |id: &str| u64::from_str_radix(id.rsplit('/').next()?, 16).ok();
    Ok(found.into_iter().filter_map(move |(id, it)| Some((number(&id)?, moved(&it)))))
}

/// Numbers above one of the first messages of a line that mention a person, alone or with everyone;
/// and whether each was moved there.
///
/// # Errors
/// When the documents can't be reached.
pub async fn mentioned_above(
    reader: &Reader,
    account: AccountId,
    line: Line,
    above: u64,
) -> Result<Vec<(u64, bool)>, Error> {
    let own = |number| Mention::id(line, account, number);
    let every = |number| EveryoneMention::id(line, number);
    let own = (own(above + 1), own(u64::MAX));
    let own = numbers::<Mention>(reader, own, |it| it.moved).await?;
    let every = (every(above + 1), every(u64::MAX));
    let every = numbers::<EveryoneMention>(reader, every, |it| it.moved).await?;
    let both: BTreeSet<(u64, bool)> = own.chain(every).collect();
    Ok(both.into_iter().take(MENTIONS_COUNTED_MAX).collect())
}

/// Those of some messages that a person has neither hidden nor, as `own`, sent without being there.
///
/// # Errors
/// When the documents can't be reached.
pub async fn seen_of(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
    numbers: &[u64],
    own: &[u64],
) -> Result<Vec<u64>, Error> {
    let hidden = hidden_among(reader, account, conversation, numbers).await?;
    let left = numbers.iter().zip(hidden);
    let left = left.filter(|(number, hidden)| !hidden && !own.contains(number));
    Ok(left.map(|(number, _)| *number).collect())
}
