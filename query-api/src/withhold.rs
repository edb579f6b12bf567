//! Documents may be ahead of the feed: what they say of a later time is withheld from those who
//! had left by then.

use std::collections::BTreeMap;

use chat::accounts::AccountId;
use chat::kernel::document::Document;
use chat::kernel::{Effect, StreamId};
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

impl Hub {
    /// Those who left a conversation after an ordinal and before a `seq`, with the last that each
    /// may see. It is read after the documents that are shown, and the timeline is written first:
    /// who left before them is in it.
    pub(crate) async fn left_between(
        &self,
        stream: StreamId,
        mut after: u64,
        before_seq: u64,
    ) -> Result<BTreeMap<AccountId, u64>, Error> {
        let mut left = BTreeMap::new();
        loop {
            let scan = Scan {
                collection: Timeline::COLLECTION.name,
                index: Some("by_stream"),
                from: Timeline::stream_key(stream, after + 1),
                to: Timeline::stream_key(stream, u64::MAX),
                order: Order::Ascending,
                limit: PAGE,
            };
            let found = self.reader().scan::<Timeline>(scan).await?;
            for (_, event) in &found {
                if let Effect::Left(account) = event.effect {
                    left.entry(account).or_insert(event.seq);
                }
                after = event.ordinal;
            }
            let reached = found.last().is_some_and(|(_, it)| it.seq >= before_seq);
            if reached || found.len() < PAGE {
                left.retain(|_, seq| *seq < before_seq);
                return Ok(left);
            }
        }
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
                let left = self.hub.left_between(event.stream, event.ordinal, template.shows_seq);
                left.await.ok()
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
