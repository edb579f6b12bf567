//! Who listens to what on this node, and what each listener has not read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use chat::accounts::AccountId;
use chat::conversations::ConversationId;
use chat::kernel::graphql::Viewer;
use chat::kernel::{Effect, StreamId};
use chat::receipts::Unread;
use chat::timeline::Timeline;

use crate::hub::SubscriberId;
use crate::outbox::{Close, Outbox};
use crate::selection::Selection;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) next: SubscriberId,
    pub(crate) subscribers: HashMap<SubscriberId, Subscriber>,
    pub(crate) by_conversation: HashMap<ConversationId, Vec<SubscriberId>>,
    pub(crate) by_account: HashMap<AccountId, Vec<SubscriberId>>,
    pub(crate) sockets: BTreeMap<u64, (Uuid, Arc<Outbox>)>,
}

/// A subscription that is live.
pub(crate) struct Subscriber {
    pub(crate) viewer: Viewer,
    pub(crate) selection: Arc<Selection>,
    pub(crate) outbox: Arc<Outbox>,
    /// What a message begins with: the client's id of the subscription.
    pub(crate) head: Arc<str>,
    pub(crate) seats: HashMap<ConversationId, Seat>,
}

/// A subscriber's place in a conversation.
#[derive(Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) joined_seq: u64,
    /// The `seq` that the first frame links to.
    pub(crate) link_seq: u64,
    pub(crate) unread: Option<Unread>,
}

impl Seat {
    pub(crate) fn new(joined_seq: u64, link_seq: u64) -> Self {
        Self { joined_seq, link_seq, unread: None }
    }
}

/// Somebody who receives the event at hand.
pub(crate) struct Recipient {
    pub(crate) id: SubscriberId,
    pub(crate) viewer: Viewer,
    pub(crate) selection: Arc<Selection>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) head: Arc<str>,
    pub(crate) previous_seq: u64,
    pub(crate) unread: Option<u64>,
}

impl Subscriber {
    pub(crate) fn recipient(&self, id: SubscriberId, previous_seq: u64) -> Recipient {
        Recipient {
            id,
            viewer: self.viewer,
            selection: Arc::clone(&self.selection),
            outbox: Arc::clone(&self.outbox),
            head: Arc::clone(&self.head),
            previous_seq,
            unread: None,
        }
    }
}

impl Seat {
    /// Keeps the unread count up with an event that it does not include yet.
    pub(crate) fn follow(&mut self, event: &Timeline, viewer: AccountId) {
        let Some(unread) = self.unread.as_mut().filter(|it| it.seq < event.seq) else { return };
        unread.seq = event.seq;
        match &event.effect {
            Effect::Sent { number, author } if *author == viewer => {
                unread.count = 0;
                unread.read_number = *number;
            }
            Effect::Sent { .. } => unread.count += 1,
            Effect::Deleted { number } if *number > unread.read_number => {
                // Whether this person had hidden it is known to the documents only.
                if unread.hides_some { self.unread = None } else { unread.count -= 1 }
            }
            Effect::Deleted { .. }
            | Effect::Joined(_)
            | Effect::Left(_)
            | Effect::Read(_)
            | Effect::SessionEnded(_)
            | Effect::None => (),
        }
    }
}

impl State {
    pub(crate) fn unseat(&mut self, conversation: ConversationId, id: SubscriberId) {
        if let Some(ids) = self.by_conversation.get_mut(&conversation) {
            ids.retain(|it| *it != id);
            if ids.is_empty() {
                self.by_conversation.remove(&conversation);
            }
        }
    }

    /// What an event changes for those who listen, once it has been delivered.
    pub(crate) fn after(&mut self, event: &Timeline) {
        match (&event.effect, event.stream) {
            (Effect::Left(account), StreamId::Conversation(conversation)) => {
                for id in self.by_account.get(account).cloned().unwrap_or_default() {
                    if let Some(subscriber) = self.subscribers.get_mut(&id) {
                        subscriber.seats.remove(&conversation);
                    }
                    self.unseat(conversation, id);
                }
            }
            (Effect::Read(conversation), StreamId::Account(account)) => {
                for id in self.by_account.get(&account).cloned().unwrap_or_default() {
                    let subscriber = self.subscribers.get_mut(&id);
                    let seat = subscriber.and_then(|it| it.seats.get_mut(conversation));
                    if let Some(seat) = seat {
                        seat.unread = None;
                    }
                }
            }
            (Effect::SessionEnded(session), _) => {
                let ended = self.sockets.values().filter(|(it, _)| it == session);
                ended.for_each(|(_, outbox)| outbox.close(Close::SIGNED_OUT));
            }
            _ => (),
        }
    }
}
