//! From the past into the present: sends what was missed, then goes live without a gap.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use futures_util::future::join_all;

use chat::Change;
use chat::conversations::ConversationId;
use chat::kernel::graphql::Viewer;
use chat::kernel::{Effect, Reader, StreamId};
use chat::receipts::Unread;
use chat::timeline::Timeline;
use ports::Error;
use ports::event_log::Position;

use crate::feed::{Seen, Stints, Walk};
use crate::frame::{Fill, Shown, Template};
use crate::hub::{Hub, Moment};
use crate::outbox::Outbox;
use crate::seats::{Start, Subscriber, SubscriberId};
use crate::selection::{Asked, Executed};

/// Events that a compacted walk looks at together.
const COMPACTED: usize = 1_000;

/// Events that a walk reads together.
const TOGETHER: usize = 64;

/// Longest last stretch that is sent while fan-out waits.
const LAST_STRETCH_MAX: u64 = 200;

/// Attempts to catch up with fan-out at the head of the line, each shorter than the one before.
const HURRIES_MAX: usize = 8;

/// Whether a walk waits for a slow reader. While fan-out waits for the walk it may not: it leaves
/// off where there is no room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Patient,
    Hurried,
}

/// How a walk has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Walked {
    /// All was sent.
    There,
    /// A part was sent.
    LeftOff,
    /// The socket is closing.
    Closing,
}

/// A subscription on its way into the present.
pub(crate) struct Subscription {
    pub(crate) hub: Arc<Hub>,
    pub(crate) viewer: Viewer,
    pub(crate) asked: Asked,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) head: Arc<str>,
}

impl Subscription {
    /// Sends what was missed and goes live; `None` when the socket closed meanwhile.
    pub(crate) async fn start(self) -> Result<Option<SubscriberId>, Error> {
        let Some(after) = self.asked.after.clone() else {
            // Whatever was answered before belongs to the past, also where fan-out is behind.
            self.pass_by(&self.hub.saved_position()).await?;
            let done = self.hub.turnstile.lock().await;
            let reader = self.hub.reader();
            let stints = Stints::load(&reader, self.viewer.account).await?;
            return Ok(Some(self.go_live(&stints, &done)));
        };
        self.pass_by(&after).await?;
        let mut place = after;
        loop {
            let target = self.hub.turnstile.lock().await.clone();
            if self.replay(&mut place, &target, Pace::Patient).await? == Walked::Closing {
                return Ok(None);
            }
            let _first = self.hub.line.lock().await;
            for _ in 0..HURRIES_MAX {
                // What has come meanwhile is sent before fan-out waits.
                let target = self.hub.turnstile.lock().await.clone();
                if self.replay(&mut place, &target, Pace::Hurried).await? != Walked::There {
                    break;
                }
                let done = self.hub.turnstile.lock().await;
                let left = done.iter().map(|(it, to)| to.saturating_sub(place.ordinal(it)));
                if left.sum::<u64>() > LAST_STRETCH_MAX {
                    continue;
                }
                if self.replay(&mut place, &done, Pace::Hurried).await? != Walked::There {
                    break;
                }
                let stints = Stints::load(&self.hub.reader(), self.viewer.account).await?;
                return Ok(Some(self.go_live(&stints, &done)));
            }
        }
    }

    async fn pass_by(&self, place: &Position) -> Result<(), Error> {
        let passed = self.hub.pass_by(place).await;
        passed.then_some(()).ok_or_else(|| Error::unavailable("documents", "the position is ahead"))
    }

    /// Takes a seat in each conversation that the viewer still hears.
    fn go_live(&self, stints: &Stints, done: &Position) -> SubscriberId {
        let partitions = self.hub.parts.ports.event_log.identity().partitions;
        let mut starts = Vec::new();
        for (conversation, stints_there) in stints.conversations() {
            let stream = StreamId::Conversation(conversation);
            let heard = done.ordinal(stream.partition(partitions));
            // Fan-out may be behind the documents: an end that it has not reached still has to be
            // heard, and a beginning that it has not reached takes its seat when it is.
            let now = stints_there.iter().find(|it| {
                let goes_on = it.left.is_none_or(|(_, ordinal)| ordinal > heard);
                goes_on && it.joined_ordinal <= heard
            });
            if let Some(stint) = now {
                let link = stints.see(stream, stint.joined_seq);
                let link_seq = link.map_or(stint.joined_seq - 1, |it| it.previous_seq);
                starts.push((conversation, Start { joined_seq: stint.joined_seq, link_seq }));
            }
        }
        let subscriber = Subscriber {
            id: self.hub.next(),
            viewer: self.viewer,
            selection: Arc::clone(&self.asked.selection),
            compact: self.asked.compact,
            outbox: Arc::clone(&self.outbox),
            head: Arc::clone(&self.head),
        };
        self.hub.go_live(subscriber, starts)
    }

    /// Sends the events between two places.
    async fn replay(
        &self,
        place: &mut Position,
        target: &Position,
        pace: Pace,
    ) -> Result<Walked, Error> {
        let reader = self.hub.reader();
        let stints = Stints::load(&reader, self.viewer.account).await?;
        let partitions = self.hub.parts.ports.event_log.identity().partitions;
        let mut unread = HashMap::new();
        for (partition, to) in target.iter() {
            let from = place.ordinal(partition);
            if from >= to {
                continue;
            }
            let account = StreamId::Account(self.viewer.account);
            let conversations = stints.conversations().filter(|(_, stints)| {
                let ended = stints.last().and_then(|it| it.left);
                ended.is_none_or(|(_, ordinal)| ordinal > from)
            });
            let conversations = conversations.map(|(id, _)| StreamId::Conversation(id));
            let streams = conversations.chain([account]);
            let here = streams.filter(|it| it.partition(partitions) == partition);
            let mut walk = Walk::new(&reader, partition, here, (from, to));
            let walked = self.walk(&mut walk, &stints, place, &mut unread, pace).await?;
            if walked != Walked::There {
                return Ok(walked);
            }
            place.advance(partition, to);
        }
        Ok(Walked::There)
    }

    async fn walk(
        &self,
        walk: &mut Walk<'_>,
        stints: &Stints,
        place: &mut Position,
        unread: &mut HashMap<ConversationId, u64>,
        pace: Pace,
    ) -> Result<Walked, Error> {
        let at_once = if self.asked.compact { COMPACTED } else { TOGETHER };
        let mut last_sent: HashMap<StreamId, u64> = HashMap::new();
        loop {
            let mut batch: Vec<(Arc<Timeline>, Seen)> = Vec::new();
            let mut ended = true;
            while let Some(event) = walk.next().await? {
                if let Some(seen) = stints.see(event.stream, event.seq) {
                    batch.push((event, seen));
                }
                if batch.len() >= at_once {
                    ended = false;
                    break;
                }
            }
            if self.asked.compact {
                compact(&mut batch, &mut last_sent);
            }
            let mut sent = 0;
            while sent < batch.len() {
                match pace {
                    Pace::Patient if !self.outbox.room().await => return Ok(Walked::Closing),
                    Pace::Hurried if !self.outbox.has_room() => return Ok(Walked::LeftOff),
                    Pace::Patient | Pace::Hurried => (),
                }
                let chunk = &batch[sent..batch.len().min(sent + TOGETHER)];
                let at = self.hub.moment();
                let executed = chunk.iter().map(|(event, seen)| self.template(&at, event, *seen));
                let executed = join_all(executed).await;
                for ((event, seen), template) in chunk.iter().zip(executed) {
                    // What has to wait is executed anew: it may be deleted meanwhile.
                    if !self.outbox.has_room() {
                        break;
                    }
                    place.advance(event.partition, event.ordinal);
                    let at = (&*place, walk.to);
                    let frame = self.frame(event, *seen, template, at, unread).await?;
                    self.outbox.push(frame);
                    sent += 1;
                }
            }
            if ended {
                return Ok(Walked::There);
            }
        }
    }

    /// What a frame shows to this viewer.
    async fn template(&self, at: &Moment, event: &Arc<Timeline>, seen: Seen) -> Arc<Template> {
        if seen.ended_at.is_none()
            && let Executed::Shared(template) =
                self.hub.replay(at, &self.asked.selection, event).await
        {
            return template;
        }
        Arc::new(self.own(event, seen).await)
    }

    async fn own(&self, event: &Arc<Timeline>, seen: Seen) -> Template {
        let shown = Shown::Event(Arc::clone(event));
        self.hub.execute_for(&self.asked.selection, shown, self.viewer, Some(seen)).await
    }

    async fn frame(
        &self,
        event: &Arc<Timeline>,
        seen: Seen,
        template: Arc<Template>,
        (place, to): (&Position, u64),
        unread: &mut HashMap<ConversationId, u64>,
    ) -> Result<Utf8Bytes, Error> {
        let template = match self.left_meanwhile(event, seen, &template, to).await? {
            Some(seen) => Arc::new(self.own(event, seen).await),
            None => template,
        };
        if template.failed {
            return Err(Error::unavailable("documents", "what a frame shows can't be read"));
        }
        let count = match template.shows_unread {
            true => self.unread(event, unread).await?,
            false => 0,
        };
        let position = place.to_string();
        let previous_seq = seen.previous_seq;
        let fill = Fill { position: &position, previous_seq, unread: count };
        Ok(template.render(&self.head, &fill))
    }

    /// How the event stands to a viewer who has left since the stints were read, if what a frame
    /// shows may be from after that. The stints have everything up to where the walk leads.
    async fn left_meanwhile(
        &self,
        event: &Timeline,
        seen: Seen,
        template: &Template,
        to: u64,
    ) -> Result<Option<Seen>, Error> {
        if seen.ended_at.is_some() || template.shows_seq <= event.seq {
            return Ok(None);
        }
        let left = self.hub.left_between(event.stream, to, template.shows_seq).await?;
        let ended_at = left.get(&self.viewer.account).copied();
        Ok(ended_at.map(|it| Seen { ended_at: Some(it), ..seen }))
    }

    /// The unread count as it is now; one read a conversation and walk.
    async fn unread(
        &self,
        event: &Timeline,
        known: &mut HashMap<ConversationId, u64>,
    ) -> Result<u64, Error> {
        let conversation = match (event.stream, &event.effect) {
            (StreamId::Conversation(id), _) => id,
            (_, Effect::Read(id)) => *id,
            _ => return Ok(0),
        };
        if let Some(count) = known.get(&conversation) {
            return Ok(*count);
        }
        let reader: Reader = self.hub.reader();
        let unread = Unread::load(&reader, self.viewer.account, conversation).await?;
        known.insert(conversation, unread.count);
        Ok(unread.count)
    }
}

/// Keeps the last event of each document and links what is left.
fn compact(batch: &mut Vec<(Arc<Timeline>, Seen)>, last_sent: &mut HashMap<StreamId, u64>) {
    let mut newest: HashMap<Change, u64> = HashMap::new();
    for (event, _) in batch.iter() {
        newest.insert(event.change, event.ordinal);
    }
    let mut skipped: HashMap<StreamId, u64> = HashMap::new();
    batch.retain_mut(|(event, seen)| {
        let kept = event.change == Change::None || newest[&event.change] == event.ordinal;
        if kept {
            if let Some(first_skipped_links_to) = skipped.remove(&event.stream) {
                seen.previous_seq =
                    last_sent.get(&event.stream).copied().unwrap_or(first_skipped_links_to);
            }
            last_sent.insert(event.stream, event.seq);
        } else {
            skipped.entry(event.stream).or_insert(seen.previous_seq);
        }
        kept
    });
}
