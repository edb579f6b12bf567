//! Documents may be ahead of the feed: what they say of a later time is withheld from those who
//! had left by then.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use lru::LruCache;

use chat::accounts::AccountId;
use chat::kernel::document::Document;
use chat::kernel::{Effect, Reader, StreamId};
use chat::timeline::Timeline;
use ports::Error;
use ports::documents::{Order, Scan};

use crate::feed::Seen;
use crate::frame::{Shown, Template};
use crate::hub::Hub;
use crate::outbox::Close;
use crate::round::Round;
use crate::seats::Recipient;

/// Events read at once.
const PAGE: usize = 200;

/// Conversations at most that it is known of who leaves them.
const AHEAD_MAX: usize = 256;

/// Who leaves conversations after the event that fan-out has come to. While it is behind the
/// documents it asks at each event, and what it has read for one it does not read again: otherwise
/// the further it is behind, the slower it would be.
pub(crate) struct Ahead(Mutex<LruCache<StreamId, Leaving>>);

impl Default for Ahead {
    fn default() -> Self {
        let size = NonZeroUsize::new(AHEAD_MAX).expect("the size is not zero");
        Self(Mutex::new(LruCache::new(size)))
    }
}

impl Ahead {
    fn kept(&self) -> std::sync::MutexGuard<'_, LruCache<StreamId, Leaving>> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

/// Who leaves a conversation after an ordinal, as far as that has been read.
struct Leaving {
    /// Nothing is known of what was before.
    after: u64,
    /// The last event that was read: its ordinal, and its `seq` once that is known.
    to: u64,
    seq: Option<u64>,
    /// Ordinal and `seq` of each leaving, in order.
    left: Vec<(u64, u64, AccountId)>,
}

impl Leaving {
    fn new(after: u64, seq: Option<u64>) -> Self {
        Self { after, to: after, seq, left: Vec::new() }
    }

    /// Reads on, up to a `seq`.
    async fn read(
        &mut self,
        reader: &Reader,
        stream: StreamId,
        before_seq: u64,
    ) -> Result<(), Error> {
        while self.seq.is_none_or(|it| it < before_seq) {
            let scan = Scan {
                collection: Timeline::COLLECTION.name,
                index: Some("by_stream"),
                from: Timeline::stream_key(stream, self.to + 1),
                to: Timeline::stream_key(stream, u64::MAX),
                order: Order::Ascending,
                limit: PAGE,
            };
            let found = reader.scan::<Timeline>(scan).await?;
            if !found.iter().all(|(_, it)| self.note(it)) || found.len() < PAGE {
                break;
            }
        }
        Ok(())
    }

    /// Takes the next event in; `false` when one is missing before it, which is being written.
    fn note(&mut self, event: &Arc<Timeline>) -> bool {
        if self.seq.is_some_and(|it| it + 1 != event.seq) {
            return false;
        }
        if let Effect::Left(account) = event.effect {
            self.left.push((event.ordinal, event.seq, account));
        }
        (self.to, self.seq) = (event.ordinal, Some(event.seq));
        true
    }

    /// Forgets what was up to an ordinal.
    fn forget(&mut self, after: u64) {
        self.after = after;
        self.left.retain(|(ordinal, ..)| *ordinal > after);
    }

    /// Those who left before a `seq`, with the last that each may see.
    fn before(&self, before_seq: u64) -> BTreeMap<AccountId, u64> {
        let mut left = BTreeMap::new();
        for (_, seq, account) in self.left.iter().filter(|(_, seq, _)| *seq < before_seq) {
            left.entry(*account).or_insert(*seq);
        }
        left
    }
}

impl Hub {
    /// Those who left a conversation after an ordinal and before a `seq`, with the last that each
    /// may see. It is read after the documents that are shown, and the timeline is written first:
    /// who left before them is in it.
    pub(crate) async fn left_between(
        &self,
        stream: StreamId,
        after: u64,
        before_seq: u64,
    ) -> Result<BTreeMap<AccountId, u64>, Error> {
        let mut leaving = Leaving::new(after, None);
        leaving.read(&self.reader(), stream, before_seq).await?;
        Ok(leaving.before(before_seq))
    }

    /// The same of an event that is fanned out.
    async fn left_since(
        &self,
        event: &Timeline,
        before_seq: u64,
    ) -> Result<BTreeMap<AccountId, u64>, Error> {
        let kept = self.ahead.kept().pop(&event.stream);
        let kept = kept.filter(|it| (it.after..=it.to).contains(&event.ordinal));
        let begun = || Leaving::new(event.ordinal, Some(event.seq));
        let mut leaving = kept.unwrap_or_else(begun);
        leaving.forget(event.ordinal);
        leaving.read(&self.reader(), event.stream, before_seq).await?;
        let left = leaving.before(before_seq);
        self.ahead.kept().put(event.stream, leaving);
        Ok(left)
    }
}

impl Round<'_> {
    /// Sends those who have left since the event a frame of their own; gives back the others.
    /// When something can't be read, nobody is told half of it: they are closed and resume.
    pub(crate) async fn withhold<'a>(
        &mut self,
        shown: &Shown,
        template: &Template,
        group: &'a mut [Recipient],
        position: &str,
    ) -> &'a mut [Recipient] {
        let Shown::Event(event) = shown else { return group };
        let left = match (template.failed, template.shows_seq > event.seq) {
            (true, _) => None,
            (false, false) => return group,
            (false, true) => self.hub.left_since(event, template.shows_seq).await.ok(),
        };
        let Some(left) = left else {
            group.iter().for_each(|it| it.subscriber.outbox.close(Close::UNAVAILABLE));
            return &mut [];
        };
        group.sort_by_key(|it| !left.contains_key(&it.subscriber.viewer.account));
        let gone = group.partition_point(|it| left.contains_key(&it.subscriber.viewer.account));
        let (gone, others) = group.split_at_mut(gone);
        for recipient in gone {
            let ended_at = left.get(&recipient.subscriber.viewer.account).copied();
            let seen = Some(Seen { previous_seq: recipient.previous_seq, ended_at });
            let (selection, viewer) =
                (&recipient.subscriber.selection, recipient.subscriber.viewer);
            let template = self.hub.execute_for(selection, shown.clone(), viewer, seen).await;
            if template.failed {
                recipient.subscriber.outbox.close(Close::UNAVAILABLE);
                continue;
            }
            self.send_shared(shown, &template, std::slice::from_mut(recipient), position).await;
        }
        others
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat::Change;
    use chat::conversations::ConversationId;
    use chat::kernel::Timestamp;

    fn account(n: u128) -> AccountId {
        AccountId(uuid::Uuid::from_u128(n))
    }

    /// An event of a conversation that shares its partition with another.
    fn event(seq: u64, left: Option<u128>) -> Arc<Timeline> {
        Arc::new(Timeline {
            partition: 0,
            ordinal: seq * 2,
            stream: StreamId::Conversation(ConversationId(uuid::Uuid::nil())),
            seq,
            event: String::new(),
            occurred_at: Timestamp(0),
            actor: None,
            change: Change::None,
            effect: left.map_or(Effect::None, |it| Effect::Left(account(it))),
            command: None,
        })
    }

    #[test]
    fn who_left_is_known_from_wherever_fan_out_has_come_to() {
        let mut leaving = Leaving::new(2, Some(1));
        let events = [(2, Some(7)), (3, None), (4, Some(8)), (5, Some(7)), (6, None)];
        assert!(events.iter().all(|(seq, left)| leaving.note(&event(*seq, *left))));
        assert_eq!(leaving.before(2), BTreeMap::new());
        assert_eq!(leaving.before(5), [(account(7), 2), (account(8), 4)].into());
        leaving.forget(event(3, None).ordinal);
        assert_eq!(leaving.before(4), BTreeMap::new());
        assert_eq!(leaving.before(6), [(account(7), 5), (account(8), 4)].into());
        leaving.forget(event(5, None).ordinal);
        assert_eq!(leaving.before(u64::MAX), BTreeMap::new());
    }

    #[test]
    fn what_is_being_written_is_read_again() {
        let mut leaving = Leaving::new(2, Some(1));
        assert!(leaving.note(&event(2, None)));
        assert!(!leaving.note(&event(4, Some(8))), "the one before it may be a leaving");
        assert_eq!((leaving.to, leaving.seq), (event(2, None).ordinal, Some(2)));
        assert!(leaving.note(&event(3, Some(7))) && leaving.note(&event(4, Some(8))));
        assert_eq!(leaving.before(5), [(account(7), 3), (account(8), 4)].into());
    }
}
