//! Pages of the messages of a line: by number, around one, from a date, at the first unread.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, Result};

use ports::documents::{Order, Scan};

use super::{HiddenNumbers, Message, MessageObject};
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::Timestamp;
use crate::kernel::document::{Document, padded};
use crate::kernel::graphql::{Page, invalid, outage, rejected, scope};
use crate::kernel::time::Long;
use crate::threads::Line;

/// What a page of messages is centred on, if on anything.
pub struct Messages {
    pub around: Option<Long>,
    pub around_date: Option<Timestamp>,
    /// Up to where the viewer has read, to begin at the first unread.
    pub read_number: Option<u64>,
}

/// Messages read at once on the way past those that are hidden from one person.
const PASSED_MAX: usize = 1_000;

fn number_cursor(cursor: &str) -> Result<u64> {
    let number = cursor.parse().ok().filter(|it| i64::try_from(*it).is_ok());
    number.ok_or_else(|| rejected(invalid("cursor is not one of this list")))
}

/// A page of the messages of a line that are not gone for the viewer, by number.
///
/// # Errors
/// When the page is malformed or the documents can't be reached.
pub async fn messages(
    window: &Window<'_>,
    page: Page,
    centre: Messages,
) -> Result<Connection<String, MessageObject>> {
    let mut low = page.after.as_deref().map(number_cursor).transpose()?.unwrap_or(0);
    let after_given = page.after.is_some();
    let mut high = match page.before.as_deref().map(number_cursor).transpose()? {
        Some(before) => before,
        None => window.last_number + 1,
    };
    let Some(pivot) = window.pivot(centre).await? else {
        let (found, more) = window.take(low, high, page.limit, page.backward).await?;
        let (previous, next) = match page.backward {
            true => (more, page.before.is_some()),
            false => (after_given, more),
        };
        return Ok(connected(found, previous, next));
    };
    low = low.min(pivot);
    high = high.max(low);
    let half = page.limit / 2;
    let (mut before, mut previous) = window.take(low, pivot, half, true).await?;
    let rest = page.limit - before.len();
    let (after, next) = window.take(pivot - 1, high, rest, false).await?;
    if previous && before.len() + after.len() < page.limit {
        // What the end leaves room for comes from before the centre.
        (before, previous) = window.take(low, pivot, page.limit - after.len(), true).await?;
    }
    before.extend(after);
    Ok(connected(before, previous, next))
}

fn connected(
    found: BTreeMap<u64, Arc<Message>>,
    previous: bool,
    next: bool,
) -> Connection<String, MessageObject> {
    let mut connection = Connection::new(previous, next);
    connection.edges.extend(
        found.into_iter().map(|(number, it)| Edge::new(number.to_string(), MessageObject::new(it))),
    );
    connection
}

/// The messages of a line, as somebody sees them.
pub struct Window<'a> {
    pub context: &'a Context<'a>,
    pub conversation: ConversationId,
    pub line: Line,
    /// The highest number of the line.
    pub last_number: u64,
}

impl<'a> Window<'a> {
    /// The messages of a conversation that are in no thread.
    pub fn of(context: &'a Context<'a>, conversation: &Conversation) -> Self {
        let (id, last_number) = (conversation.id, conversation.last_number);
        Self { context, conversation: id, line: Line::Conversation(id), last_number }
    }
}

impl Window<'_> {
    /// The first number of the later half of a centred page.
    async fn pivot(&self, centre: Messages) -> Result<Option<u64>> {
        let chosen =
            [centre.around.is_some(), centre.around_date.is_some(), centre.read_number.is_some()];
        if chosen.iter().filter(|it| **it).count() > 1 {
            return Err(rejected(invalid("a page has one centre")));
        }
        if let Some(number) = centre.around {
            return Ok(Some(number.0.clamp(1, self.last_number + 1)));
        }
        if let Some(read_number) = centre.read_number {
            return Ok(Some(read_number + 1));
        }
        let Some(date) = centre.around_date else { return Ok(None) };
        let prefix = format!("{}/", self.conversation);
        let time = padded(u64::try_from(date.0).unwrap_or(0));
        let scan = Scan {
            from: format!("{prefix}{time}"),
            ..Scan::prefix(Message::COLLECTION.name, Some("by_time"), &prefix, Order::Ascending, 1)
        };
        let found = scope(self.context).reader.scan::<Message>(scan).await.map_err(outage)?;
        let number = found.first().map_or(self.last_number + 1, |(_, it)| it.number);
        Ok(Some(number))
    }

    /// Messages with `low < number < high`, from one end; and whether there are more.
    async fn take(
        &self,
        low: u64,
        high: u64,
        limit: usize,
        backward: bool,
    ) -> Result<(BTreeMap<u64, Arc<Message>>, bool)> {
        let scope = scope(self.context);
        let viewer = scope.viewer()?.account;
        let (mut low, mut high) = (low, high);
        let mut kept = BTreeMap::new();
        let mut wanted = limit + 1;
        loop {
            let prefix = format!("{}/", self.line);
            let scan = Scan {
                collection: Message::COLLECTION.name,
                index: Some("by_number"),
                from: format!("{prefix}{}", padded(low + 1)),
                to: format!("{prefix}{}", padded(high)),
                order: if backward { Order::Descending } else { Order::Ascending },
                limit: wanted,
            };
            let found = scope.reader.scan::<Message>(scan).await.map_err(outage)?;
            let ended = found.len() < wanted;
            for (_, message) in found {
                if kept.len() > limit {
                    break;
                }
                let number = message.number;
                if backward {
                    high = number
                } else {
                    low = number
                }
                let hidden = HiddenNumbers::hides(&scope.reader, viewer, self.conversation, number);
                if !hidden.await.map_err(outage)? {
                    kept.insert(number, scope.within(&message));
                }
            }
            if ended || kept.len() > limit {
                break;
            }
            wanted = (wanted * 2).min(PASSED_MAX);
        }
        let more = kept.len() > limit;
        if more {
            if backward {
                kept.pop_first()
            } else {
                kept.pop_last()
            };
        }
        Ok((kept, more))
    }
}

/// The newest message of a line that is not gone for the viewer.
///
/// # Errors
/// When the documents can't be reached.
pub async fn last_live_message(window: &Window<'_>) -> Result<Option<MessageObject>> {
    if window.last_number == 0 {
        return Ok(None);
    }
    let (found, _) = window.take(0, window.last_number + 1, 1, true).await?;
    Ok(found.into_values().next().map(MessageObject::new))
}
