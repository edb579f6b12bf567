//! Which events a person may see, and the walk through those that were missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use chat::accounts::AccountId;
use chat::conversations::ConversationId;
use chat::kernel::document::Document;
use chat::kernel::{Reader, StreamId};
use chat::members::Stint;
use chat::timeline::Timeline;
use ports::Error;
use ports::documents::{Order, Scan};
use ports::event_log::Partition;

/// Stints of one person at most.
const STINTS_MAX: usize = 100_000;

/// Events of one stream read at once.
const PAGE: usize = 200;

/// Every stretch of membership of one person, by conversation, oldest first.
pub(crate) struct Stints(BTreeMap<ConversationId, Vec<Arc<Stint>>>);

/// How an event stands to a person who may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The `seq` before it that they may see.
    pub(crate) previous_seq: u64,
    /// The last `seq` of a membership that has ended.
    pub(crate) ended_at: Option<u64>,
}

impl Stints {
    pub(crate) async fn load(reader: &Reader, account: AccountId) -> Result<Self, Error> {
        let prefix = format!("{account}/");
        let name = Stint::COLLECTION.name;
        let scan = Scan::prefix(name, Some("by_account"), &prefix, Order::Ascending, STINTS_MAX);
        let mut stints: BTreeMap<ConversationId, Vec<Arc<Stint>>> = BTreeMap::new();
        for (_, stint) in reader.scan::<Stint>(scan).await? {
            stints.entry(stint.conversation_id).or_default().push(stint);
        }
        Ok(Self(stints))
    }

    pub(crate) fn conversations(&self) -> impl Iterator<Item = (ConversationId, &[Arc<Stint>])> {
        self.0.iter().map(|(id, stints)| (*id, stints.as_slice()))
    }

    /// Whether the event may be seen, and how.
    pub(crate) fn see(&self, stream: StreamId, seq: u64) -> Option<Seen> {
        let StreamId::Conversation(conversation) = stream else {
            return Some(Seen { previous_seq: seq - 1, ended_at: None });
        };
        let stints = self.0.get(&conversation)?;
        let at = stints.iter().rposition(|it| it.joined_seq <= seq)?;
        let stint = &stints[at];
        let ended_at = stint.left.map(|(left_seq, _)| left_seq);
        if ended_at.is_some_and(|it| it < seq) {
            return None;
        }
        let before = at.checked_sub(1).and_then(|it| stints[it].left);
        let previous_seq = match before {
            Some((left_seq, _)) if seq == stint.joined_seq => left_seq,
            _ => seq - 1,
        };
        Some(Seen { previous_seq, ended_at })
    }
}

/// A person's streams in one partition with what is left to read of each.
pub(crate) struct Walk<'a> {
    reader: &'a Reader,
    partition: Partition,
    pub(crate) to: u64,
    streams: Vec<Ahead>,
}

struct Ahead {
    stream: StreamId,
    next: u64,
    events: std::collections::VecDeque<Arc<Timeline>>,
    ended: bool,
}

impl<'a> Walk<'a> {
    /// A walk over the ordinals `from < ordinal <= to` of a partition.
    pub(crate) fn new(
        reader: &'a Reader,
        partition: Partition,
        streams: impl Iterator<Item = StreamId>,
        (from, to): (u64, u64),
    ) -> Self {
        let ahead = |stream| Ahead {
            stream,
            next: from + 1,
            events: std::collections::VecDeque::new(),
            ended: false,
        };
        Self { reader, partition, to, streams: streams.map(ahead).collect() }
    }

    /// The next event of any of the streams, by ordinal.
    pub(crate) async fn next(&mut self) -> Result<Option<Arc<Timeline>>, Error> {
        for stream in &mut self.streams {
            if stream.events.is_empty() && !stream.ended {
                stream.fill(self.reader, self.to).await?;
            }
        }
        let with_next = self.streams.iter_mut().filter(|it| !it.events.is_empty());
        let first = with_next.min_by_key(|it| it.events.front().map(|event| event.ordinal));
        let event = first.and_then(|it| it.events.pop_front());
        debug_assert!(event.as_ref().is_none_or(|it| it.partition == self.partition));
        Ok(event)
    }
}

impl Ahead {
    async fn fill(&mut self, reader: &Reader, to: u64) -> Result<(), Error> {
        let scan = Scan {
            collection: Timeline::COLLECTION.name,
            index: Some("by_stream"),
            from: Timeline::stream_key(self.stream, self.next),
            to: Timeline::stream_key(self.stream, to + 1),
            order: Order::Ascending,
            limit: PAGE,
        };
        let found = reader.scan::<Timeline>(scan).await?;
        self.ended = found.len() < PAGE;
        self.events.extend(found.into_iter().map(|(_, it)| it));
        if let Some(last) = self.events.back() {
            self.next = last.ordinal + 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::accounts::AccountId;

    fn id(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    fn stint(joined_seq: u64, left: Option<u64>) -> Arc<Stint> {
        Arc::new(Stint {
            conversation_id: ConversationId(id(1)),
            account_id: AccountId(id(2)),
            joined_seq,
            joined_ordinal: joined_seq,
            left: left.map(|it| (it, it)),
        })
    }

    #[test]
    fn what_one_person_sees_always_links() {
        let all = vec![stint(3, Some(5)), stint(8, Some(8)), stint(10, None)];
        let stints = Stints([(ConversationId(id(1)), all)].into());
        let stream = StreamId::Conversation(ConversationId(id(1)));
        let mut seen = Vec::new();
        for seq in 1..=12 {
            if let Some(it) = stints.see(stream, seq) {
                if let Some(last) = seen.last() {
                    assert_eq!(it.previous_seq, *last, "seq {seq}");
                }
                seen.push(seq);
            }
        }
        assert_eq!(seen, [3, 4, 5, 8, 10, 11, 12]);
        assert_eq!(stints.see(stream, 4).and_then(|it| it.ended_at), Some(5));
        assert_eq!(stints.see(stream, 11).and_then(|it| it.ended_at), None);
    }
}
