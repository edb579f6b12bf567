//! Documents may be ahead of the feed: what they say of a later time is withheld from those who
//! had left by then.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Mutex;

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
#[derive(Default)]
struct Leaving {
    /// Nothing is known of what was before.
    after: u64,
    /// The ordinal of the last event that was read.
    to: u64,
    /// All events of a lower `seq` have been read, but for those that can't be.
    before_seq: u64,
    /// Ordinal and account of each leaving, in order.
    queue: VecDeque<(u64, AccountId)>,
    /// The `seq` of each leaving of an account, in order.
    left: BTreeMap<AccountId, VecDeque<u64>>,
}

impl Leaving {
    fn new(after: u64) -> Self {
        Self { after, to: after, ..Self::default() }
    }

    /// Reads on, up to a `seq` that documents show: what was before it is in the timeline, which is
    /// written first. What is after it may be there in part.
    async fn read(
        &mut self,
        reader: &Reader,
        stream: StreamId,
        before_seq: u64,
    ) -> Result<(), Error> {
        while self.before_seq < before_seq {
            let scan = Scan {
                collection: Timeline::COLLECTION.name,
                index: Some("by_stream"),
                from: Timeline::stream_key(stream, self.to + 1),
                to: Timeline::stream_key(stream, u64::MAX),
                order: Order::Ascending,
                limit: PAGE,
            };
            let found = reader.scan::<Timeline>(scan).await?;
            let before = found.iter().take_while(|(_, it)| it.seq < before_seq);
            let read = before.map(|(_, it)| self.note(it)).count();
            if read < PAGE {
                self.before_seq = before_seq;
            }
        }
        Ok(())
    }

    fn note(&mut self, event: &Timeline) {
        if let Effect::Left(account) = event.effect {
            self.queue.push_back((event.ordinal, account));
            self.left.entry(account).or_default().push_back(event.seq);
        }
        self.to = event.ordinal;
    }

    /// Forgets what was up to an ordinal.
    fn forget(&mut self, after: u64) {
        (self.after, self.to) = (after, self.to.max(after));
        while let Some((_, account)) = self.queue.pop_front_if(|(ordinal, _)| *ordinal <= after) {
            let seqs = self.left.get_mut(&account).expect("it was put in both");
            seqs.pop_front();
            if seqs.is_empty() {
                self.left.remove(&account);
            }
        }
    }

    /// The last `seq` that somebody may see who left before another.
    fn of(&self, account: AccountId, before_seq: u64) -> Option<u64> {
        self.left.get(&account)?.front().copied().filter(|it| *it < before_seq)
    }
}

impl Hub {
    /// Those who left a conversation after an ordinal and before a `seq`, with the last that each
    /// may see. It is read after the documents that are shown.
    pub(crate) async fn left_between(
        &self,
        stream: StreamId,
        after: u64,
        before_seq: u64,
    ) -> Result<BTreeMap<AccountId, u64>, Error> {
        let mut leaving = Leaving::new(after);
        leaving.read(&self.reader(), stream, before_seq).await?;
        let all = leaving.left.keys().map(|it| Some((*it, leaving.of(*it, before_seq)?)));
        Ok(all.flatten().collect())
    }

    /// The same of an event that is fanned out, and of some accounts.
    async fn left_since(
        &self,
        event: &Timeline,
        before_seq: u64,
        accounts: impl Iterator<Item = AccountId>,
    ) -> Result<BTreeMap<AccountId, u64>, Error> {
        let kept = self.ahead.kept().pop(&event.stream);
        // After a rebuild fan-out may have come from further on.
        let kept = kept.filter(|it| it.after <= event.ordinal);
        let mut leaving = kept.unwrap_or_else(|| Leaving::new(event.ordinal));
        leaving.forget(event.ordinal);
        leaving.read(&self.reader(), event.stream, before_seq).await?;
        let left = accounts.filter_map(|it| Some((it, leaving.of(it, before_seq)?))).collect();
        if leaving.to > event.ordinal {
            self.ahead.kept().put(event.stream, leaving);
        }
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
            (false, true) => {
                let accounts = group.iter().map(|it| it.subscriber.viewer.account);
                self.hub.left_since(event, template.shows_seq, accounts).await.ok()
            }
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
    fn event(seq: u64, left: Option<u128>) -> Timeline {
        Timeline {
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
        }
    }

    #[test]
    fn who_left_is_known_from_wherever_fan_out_has_come_to() {
        let mut leaving = Leaving::new(2);
        let events = [(2, Some(7)), (3, None), (4, Some(8)), (5, Some(7)), (6, None)];
        events.iter().for_each(|(seq, left)| leaving.note(&event(*seq, *left)));
        let of =
            |leaving: &Leaving, before_seq| [7, 8].map(|it| leaving.of(account(it), before_seq));
        assert_eq!(of(&leaving, 2), [None, None]);
        assert_eq!(of(&leaving, 5), [Some(2), Some(4)]);
        leaving.forget(event(3, None).ordinal);
        assert_eq!(of(&leaving, 4), [None, None]);
        assert_eq!(of(&leaving, 6), [Some(5), Some(4)]);
        leaving.forget(event(5, None).ordinal);
        assert_eq!(of(&leaving, u64::MAX), [None, None]);
        assert!(leaving.left.is_empty() && leaving.queue.is_empty());
    }

    #[test]
    fn what_can_not_be_read_hides_nobody_who_left_after_it() {
        let mut leaving = Leaving::new(2);
        leaving.note(&event(2, None));
        leaving.note(&event(4, Some(8)));
        assert_eq!(leaving.of(account(8), 5), Some(4));
    }
}
