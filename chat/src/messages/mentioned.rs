//! Mentions of everyone, one document a message, and which mentions of a person lie above a number.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use ports::Error;
use ports::documents::{Collection, Order, Scan};

use super::{Mention, MessageEvent, MessageId, gone_among};
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Reader, Recorded};
use crate::removals::RemovalEvent;

/// Mentions counted at most.
pub const MENTIONS_COUNTED_MAX: usize = 1_000;

/// That a message mentions everyone, however many they are; it goes when the message no longer
/// does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EveryoneMention {
    pub message_id: MessageId,
}

impl EveryoneMention {
    /// Ids of those of a conversation, by number.
    pub fn id(conversation: ConversationId, number: u64) -> String {
        format!("{conversation}/{}", padded(number))
    }
}

/// Which message an event is about that mentions everyone, or no longer does.
fn told(event: &Recorded) -> Option<(String, Option<MessageId>)> {
    let (conversation, number, message, before_or_now, now) = match MessageEvent::of(&event.event) {
        Some(MessageEvent::MessageSent(it)) => {
            (it.conversation_id, it.number, it.message_id, it.everyone, it.everyone)
        }
        Some(MessageEvent::MessageEdited(it)) => {
            (it.conversation_id, it.number, it.message_id, it.everyone, it.everyone)
        }
        Some(MessageEvent::MessageDeleted(it)) => {
            (it.conversation_id, it.number, it.message_id, it.everyone, None)
        }
        Some(MessageEvent::MessageHidden(_)) => return None,
        None => match RemovalEvent::of(&event.event)? {
            RemovalEvent::MessageRemoved(it) => {
                (it.conversation_id, it.number, it.message_id, it.everyone, None)
            }
            RemovalEvent::MessageRestored(it) => {
                (it.conversation_id, it.number, it.message_id, it.everyone, it.everyone)
            }
            // It went when it was removed.
            RemovalEvent::MessageDestroyed(_) => return None,
        },
    };
    before_or_now?;
    Some((EveryoneMention::id(conversation, number.0), (now == Some(true)).then_some(message)))
}

impl Document for EveryoneMention {
    const COLLECTION: Collection = Collection { name: "everyone_mentions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        told(event).map(|it| it.0).into_iter().collect()
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let message = told(event).and_then(|it| it.1);
        *document = message.map(|message_id| Self { message_id });
    }
}

/// Numbers in a range of ids that end in them.
async fn numbers<D: Document>(
    reader: &Reader,
    (from, to): (String, String),
) -> Result<impl Iterator<Item = u64>, Error> {
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
    Ok(found.into_iter().filter_map(move |(id, _)| number(&id)))
}

/// Numbers above one of the first messages that mention a person, alone or with everyone.
///
/// # Errors
/// When the documents can't be reached.
pub async fn mentioned_above(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
    above: u64,
) -> Result<Vec<u64>, Error> {
    let own = |number| Mention::id(conversation, account, number);
    let every = |number| EveryoneMention::id(conversation, number);
    let own = numbers::<Mention>(reader, (own(above + 1), own(u64::MAX))).await?;
    let every = (every(above + 1), every(u64::MAX));
    let every = numbers::<EveryoneMention>(reader, every).await?;
    let both: BTreeSet<u64> = own.chain(every).collect();
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
    let gone = gone_among(reader, account, conversation, numbers).await?;
    let left = numbers.iter().zip(gone).filter(|(number, gone)| !gone && !own.contains(number));
    Ok(left.map(|(number, _)| *number).collect())
}
