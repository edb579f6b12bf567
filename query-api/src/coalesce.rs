//! Which events need no frame of their own for those who want the feed compacted, because what is
//! fanned out with them says the same of the same document, as it is by then.

use std::collections::{HashMap, HashSet};

use chat::Change;
use chat::kernel::{Effect, StreamId};
use ports::event_log::{Partition, Position};

use crate::frame::Shown;
use crate::listen::Heard;

/// The events, by partition and ordinal, that are superseded by a later one fanned out with them.
///
/// Only what changed nothing but a document of a conversation is: never what somebody has to count.
/// Between the two nobody joins or leaves, so that whoever hears of one hears of the other.
pub(crate) fn superseded(together: &[Heard], done: &Position) -> HashSet<(Partition, u64)> {
    let mut done = done.clone();
    let mut newest: HashMap<StreamId, HashMap<Change, Option<u64>>> = HashMap::new();
    let mut found = HashSet::new();
    for heard in together {
        let all = match heard {
            Heard::Shown(all) => all,
            Heard::Over(partition, to) => {
                done.advance(*partition, *to);
                continue;
            }
        };
        for shown in all {
            let Shown::Event(event) = shown else { continue };
            // What is announced again is not fanned out again.
            if event.ordinal <= done.ordinal(event.partition) {
                continue;
            }
            done.advance(event.partition, event.ordinal);
            if matches!(event.effect, Effect::Joined(_) | Effect::Left(_)) {
                newest.remove(&event.stream);
            }
            let conversation = matches!(event.stream, StreamId::Conversation(_));
            if !conversation || event.change == Change::None {
                continue;
            }
            let passable = matches!(event.effect, Effect::None | Effect::Unattributed);
            let passable = passable.then_some(event.ordinal);
            let changes = newest.entry(event.stream).or_default();
            if let Some(Some(before)) = changes.insert(event.change, passable) {
                found.insert((event.partition, before));
            }
        }
    }
    found
}

/// What the first of the events that were left out at a seat would have linked to.
#[derive(Default)]
pub(crate) struct LeftOut(Option<u64>);

impl LeftOut {
    /// The `seq` that the frame of an event links to; nothing when it is left out too.
    pub(crate) fn link(&mut self, previous_seq: u64, leave_out: bool) -> Option<u64> {
        let link = self.0.take().unwrap_or(previous_seq);
        if leave_out {
            self.0 = Some(link);
            return None;
        }
        Some(link)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use chat::accounts::AccountId;
    use chat::conversations::ConversationId;
    use chat::kernel::Timestamp;
    use chat::messages::MessageId;
    use chat::timeline::Timeline;
    use ports::event_log::Identity;
    use uuid::Uuid;

    const GROUP: StreamId = StreamId::Conversation(ConversationId(Uuid::nil()));

    fn start() -> Position {
        let restores = Arc::new([]);
        Position::start(&Identity { log: [0; 16], epoch: 0, partitions: 64, restores })
    }

    fn reacted(message: u128) -> Change {
        Change::Reactions(MessageId(Uuid::from_u128(message)))
    }

    fn event(ordinal: u64, change: Change, effect: Effect) -> Shown {
        Shown::Event(Arc::new(Timeline {
            partition: 3,
            ordinal,
            stream: GROUP,
            seq: ordinal,
            event: String::new(),
            occurred_at: Timestamp(0),
            actor: None,
            change,
            effect,
            command: None,
        }))
    }

    fn of(shown: Vec<Shown>) -> Vec<u64> {
        let found = superseded(&[Heard::Shown(shown)], &start());
        let mut found: Vec<_> = found.into_iter().map(|(_, ordinal)| ordinal).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn the_last_change_of_each_document_is_kept() {
        let changes = [1, 2, 1, 1, 2].map(reacted);
        let all = (1..).zip(changes).map(|(at, it)| event(at, it, Effect::None)).collect();
        assert_eq!(of(all), [1, 2, 3]);
    }

    #[test]
    fn what_is_counted_and_what_changes_nothing_is_kept() {
        let (sent, author) = (Change::Message(MessageId(Uuid::nil())), AccountId(Uuid::nil()));
        let all = vec![
            event(1, sent, Effect::Sent { number: 1, author, unseen: false }),
            event(2, sent, Effect::None),
            event(3, sent, Effect::Deleted { number: 1 }),
            event(4, Change::None, Effect::None),
            event(5, Change::None, Effect::None),
        ];
        assert_eq!(of(all), [2]);
    }

    #[test]
    fn whoever_joins_or_leaves_in_between_hears_what_was_before() {
        for effect in [Effect::Left(AccountId(Uuid::nil())), Effect::Joined(Vec::new())] {
            let all = vec![
                event(1, reacted(1), Effect::None),
                event(2, Change::None, effect),
                event(3, reacted(1), Effect::None),
                event(4, reacted(1), Effect::None),
            ];
            assert_eq!(of(all), [3]);
        }
    }

    #[test]
    fn the_next_frame_links_to_what_was_before_all_that_was_left_out() {
        let mut left_out = LeftOut::default();
        let steps = [(4, false), (5, true), (6, true), (7, false), (8, false)];
        let links = steps.map(|(previous_seq, it)| left_out.link(previous_seq, it));
        assert_eq!(links, [Some(4), None, None, Some(5), Some(8)]);
    }

    #[test]
    fn what_is_announced_twice_supersedes_nothing() {
        let one = || event(1, reacted(1), Effect::None);
        assert!(of(vec![one(), one()]).is_empty());
        let mut done = start();
        done.advance(3, 1);
        let all = [Heard::Shown(vec![one(), event(2, reacted(1), Effect::None)])];
        assert!(superseded(&all, &done).is_empty());
    }
}
