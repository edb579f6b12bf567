//! Who listens to what on this node, and what each subscriber has not read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use chat::accounts::AccountId;
use chat::conversations::ConversationId;
use chat::kernel::graphql::Viewer;
use chat::kernel::{Effect, StreamId};
use chat::receipts::Unread;
use chat::timeline::Timeline;

use crate::coalesce::LeftOut;
use crate::outbox::{Close, Outbox};
use crate::selection::Selection;

/// A subscription's number in this process.
pub(crate) type SubscriberId = u64;

#[derive(Default)]
pub(crate) struct State {
    last: u64,
    subscribers: HashMap<SubscriberId, Live>,
    /// The seats of each conversation, in the order of their subscribers' ids.
    seats: HashMap<ConversationId, Vec<Seat>>,
    by_account: HashMap<AccountId, BTreeSet<SubscriberId>>,
    pub(crate) sockets: BTreeMap<u64, (Uuid, Arc<Outbox>)>,
}

/// A subscription that is live, and where it has seats.
struct Live {
    subscriber: Arc<Subscriber>,
    conversations: BTreeSet<ConversationId>,
}

/// What a subscription wants, and where it goes.
pub(crate) struct Subscriber {
    pub(crate) id: SubscriberId,
    pub(crate) viewer: Viewer,
    pub(crate) selection: Arc<Selection>,
    /// Whether a document that changes several times together may come once.
    pub(crate) compact: bool,
    pub(crate) outbox: Arc<Outbox>,
    /// What a message begins with: the client's id of the subscription.
    pub(crate) head: Arc<str>,
}

/// A subscriber's place in a conversation.
struct Seat {
    subscriber: Arc<Subscriber>,
    start: Start,
    left_out: LeftOut,
    unread: Option<Unread>,
}

/// From where on a conversation is heard.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) joined_seq: u64,
    /// The `seq` that the first frame links to.
    pub(crate) link_seq: u64,
}

/// Somebody who receives the event at hand.
pub(crate) struct Recipient {
    pub(crate) subscriber: Arc<Subscriber>,
    pub(crate) previous_seq: u64,
    pub(crate) unread: Option<u64>,
}

impl Seat {
    /// Whoever sits here, if the event is not from before, and not superseded for who wants it so.
    fn recipient(&mut self, event: &Timeline, superseded: bool) -> Option<Recipient> {
        let Start { joined_seq, link_seq } = self.start;
        if event.seq < joined_seq {
            return None;
        }
        self.follow(event);
        let previous_seq = if event.seq == joined_seq { link_seq } else { event.seq - 1 };
        let previous_seq =
            self.left_out.link(previous_seq, superseded && self.subscriber.compact)?;
        let unread = self.unread.map(|it| it.count);
        Some(Recipient { subscriber: Arc::clone(&self.subscriber), previous_seq, unread })
    }

    /// Keeps the unread count up with an event that it does not include yet.
    fn follow(&mut self, event: &Timeline) {
        let Some(unread) = self.unread.as_mut().filter(|it| it.seq < event.seq) else { return };
        let viewer = self.subscriber.viewer.account;
        unread.seq = event.seq;
        match &event.effect {
            // Of those that this person has sent so the documents know which were deleted.
            Effect::Sent { author, unseen: true, .. } if *author == viewer => {
                unread.hides_some = true;
            }
            Effect::Sent { number, author, .. } if *author == viewer => {
                unread.count = 0;
                unread.read_number = *number;
            }
            Effect::Sent { .. } => unread.count += 1,
            Effect::Deleted { number } if *number > unread.read_number => {
                // Whether this person had hidden it is known to the documents only.
                match unread.count.checked_sub(1).filter(|_| !unread.hides_some) {
                    Some(count) => unread.count = count,
                    None => self.unread = None,
                }
            }
            // Whether this person has read or hidden it is known to the documents only.
            Effect::Restored => self.unread = None,
            Effect::Deleted { .. }
            | Effect::InThread
            | Effect::Joined(_)
            | Effect::Left(_)
            | Effect::Read(_)
            | Effect::SessionEnded(_)
            | Effect::SessionsEnded(_)
            | Effect::Unattributed
            | Effect::None => (),
        }
    }
}

impl State {
    /// A number that no other subscription or socket of this process has.
    pub(crate) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Takes a subscription in, with its seats.
    pub(crate) fn enter(&mut self, subscriber: Subscriber, starts: Vec<(ConversationId, Start)>) {
        let subscriber = Arc::new(subscriber);
        self.by_account.entry(subscriber.viewer.account).or_default().insert(subscriber.id);
        let live = Live { subscriber: Arc::clone(&subscriber), conversations: BTreeSet::new() };
        self.subscribers.insert(subscriber.id, live);
        starts
            .into_iter()
            .for_each(|(conversation, it)| self.seat(conversation, subscriber.id, it));
        self.measure();
    }

    /// Ends a subscription.
    pub(crate) fn leave(&mut self, id: SubscriberId) {
        let Some(live) = self.subscribers.remove(&id) else { return };
        live.conversations.iter().for_each(|it| self.unseat(*it, id));
        let account = live.subscriber.viewer.account;
        if let Some(ids) = self.by_account.get_mut(&account) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_account.remove(&account);
            }
        }
        self.measure();
    }

    fn measure(&self) {
        metrics::gauge!("parlance_subscriptions").set(self.subscribers.len() as f64);
    }

    /// The subscriptions of an account.
    pub(crate) fn of(&self, account: AccountId) -> Vec<SubscriberId> {
        self.by_account.get(&account).into_iter().flatten().copied().collect()
    }

    /// Closes the sockets of subscriptions.
    pub(crate) fn close(&self, ids: &[SubscriberId], close: Close) {
        let live = ids.iter().filter_map(|it| self.subscribers.get(it));
        live.for_each(|it| it.subscriber.outbox.close(close));
    }

    /// Gives a subscription a seat, or a new one in place of the one that it had.
    pub(crate) fn seat(&mut self, conversation: ConversationId, id: SubscriberId, start: Start) {
        let Some(live) = self.subscribers.get_mut(&id) else { return };
        live.conversations.insert(conversation);
        let subscriber = Arc::clone(&live.subscriber);
        let seat = Seat { subscriber, start, left_out: LeftOut::default(), unread: None };
        let seats = self.seats.entry(conversation).or_default();
        match seats.binary_search_by_key(&id, |it| it.subscriber.id) {
            Ok(at) => seats[at] = seat,
            Err(at) => seats.insert(at, seat),
        }
    }

    fn unseat(&mut self, conversation: ConversationId, id: SubscriberId) {
        let Some(seats) = self.seats.get_mut(&conversation) else { return };
        if let Ok(at) = seats.binary_search_by_key(&id, |it| it.subscriber.id) {
            seats.remove(at);
        }
        if seats.is_empty() {
            self.seats.remove(&conversation);
        }
    }

    /// Notes what a subscriber has not read; nothing when that has to be counted again.
    pub(crate) fn note_unread(
        &mut self,
        conversation: ConversationId,
        id: SubscriberId,
        unread: Option<Unread>,
    ) {
        let Some(seats) = self.seats.get_mut(&conversation) else { return };
        if let Ok(at) = seats.binary_search_by_key(&id, |it| it.subscriber.id) {
            seats[at].unread = unread;
        }
    }

    /// Those who receive an event.
    pub(crate) fn recipients(&mut self, event: &Timeline, superseded: bool) -> Vec<Recipient> {
        match event.stream {
            StreamId::Conversation(it) => {
                let seats = self.seats.get_mut(&it).into_iter().flatten();
                seats.filter_map(|seat| seat.recipient(event, superseded)).collect()
            }
            StreamId::Account(account) => self.own(account, event.seq - 1),
            StreamId::Name(_) | StreamId::Instance => Vec::new(),
        }
    }

    /// The subscriptions of an account, to receive what is its own.
    pub(crate) fn own(&self, account: AccountId, previous_seq: u64) -> Vec<Recipient> {
        let own = self.of(account).into_iter();
        let own = own.map(|id| Arc::clone(&self.subscribers[&id].subscriber));
        own.map(|subscriber| Recipient { subscriber, previous_seq, unread: None }).collect()
    }

    /// Whether anybody here listens to a conversation.
    pub(crate) fn is_heard(&self, conversation: ConversationId) -> bool {
        self.seats.contains_key(&conversation)
    }

    /// Those who receive what somebody does in passing.
    pub(crate) fn others(&self, conversation: ConversationId, but: AccountId) -> Vec<Recipient> {
        let seats = self.seats.get(&conversation).into_iter().flatten();
        let others = seats.filter(|it| it.subscriber.viewer.account != but);
        let recipient = |it: &Seat| Recipient {
            subscriber: Arc::clone(&it.subscriber),
            previous_seq: 0,
            unread: it.unread.map(|it| it.count),
        };
        others.map(recipient).collect()
    }

    /// What an event changes for those who listen, once it has been delivered.
    pub(crate) fn after(&mut self, event: &Timeline) {
        match (&event.effect, event.stream) {
            (Effect::Left(account), StreamId::Conversation(conversation)) => {
                for id in self.of(*account) {
                    if let Some(live) = self.subscribers.get_mut(&id) {
                        live.conversations.remove(&conversation);
                    }
                    self.unseat(conversation, id);
                }
            }
            (Effect::Read(conversation), StreamId::Account(account)) => {
                self.of(account).into_iter().for_each(|it| {
                    self.note_unread(*conversation, it, None);
                });
            }
            (Effect::SessionEnded(session), _) => self.sign_out(&[*session]),
            (Effect::SessionsEnded(sessions), _) => self.sign_out(sessions),
            _ => (),
        }
    }

    fn sign_out(&self, sessions: &[Uuid]) {
        let ended = self.sockets.values().filter(|(it, _)| sessions.contains(it));
        ended.for_each(|(_, outbox)| outbox.close(Close::SIGNED_OUT));
    }
}
