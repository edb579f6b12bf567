//! Fan-out: each event is executed once a selection and written to every socket that may see it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;
use uuid::Uuid;

use chat::accounts::AccountId;
use chat::kernel::ephemeral::Ephemeral;
use chat::kernel::graphql::{Asker, Viewer};
use chat::kernel::{Effect, Progress, Reader, StreamId};
use chat::receipts::Unread;
use chat::timeline::Timeline;
use ports::Error;
use ports::event_log::Position;

use crate::feed::{Seen, Stints};
use crate::frame::{Fill, Shown, Template};
use crate::listen::{Listener, REACH_TIMEOUT, Saved};
use crate::outbox::{Close, Outbox};
use crate::schema::{Parts, make_scope, shared};
use crate::seats::{Recipient, Seat, State, Subscriber};
use crate::selection::{Executed, Selection, Selections};

/// Events between listening and fan-out at most.
const QUEUE_MAX: usize = 4_096;

/// A subscription's number in this process.
pub(crate) type SubscriberId = u64;

/// One node's subscriptions.
pub struct Hub {
    pub(crate) parts: Parts,
    pub(crate) selections: Selections,
    saved: Arc<Saved>,
    state: Mutex<State>,
    /// Held while an event is fanned out; whoever goes live holds it too.
    pub(crate) turnstile: tokio::sync::Mutex<Position>,
    /// An event was fanned out.
    moved: tokio::sync::Notify,
}

impl Hub {
    /// Starts to listen and to fan out.
    ///
    /// # Errors
    /// When a port can't be reached.
    pub async fn start(parts: Parts) -> Result<Arc<Self>, Error> {
        let identity = parts.ports.event_log.identity();
        let saved = Arc::new(Saved::new(identity.partitions));
        let (sender, events) = mpsc::channel(QUEUE_MAX);
        let ports = parts.ports.clone();
        Listener { ports, saved: Arc::clone(&saved), events: sender }.start().await?;
        let hub = Arc::new(Self {
            selections: Selections::new(parts.ports.entropy.as_ref()),
            parts,
            turnstile: tokio::sync::Mutex::new(saved.position(Position::start(&identity))),
            saved,
            state: Mutex::default(),
            moved: tokio::sync::Notify::new(),
        });
        ports::spawn("fan-out", Arc::clone(&hub).run(events));
        Ok(hub)
    }

    async fn run(self: Arc<Self>, mut events: mpsc::Receiver<Shown>) {
        while let Some(shown) = events.recv().await {
            let mut done = self.turnstile.lock().await;
            match &shown {
                Shown::Event(event) => {
                    if event.ordinal > done.ordinal(event.partition) {
                        done.advance(event.partition, event.ordinal);
                        self.fan_out(event, &done).await;
                        drop(done);
                        self.moved.notify_waiters();
                    }
                }
                Shown::Passing(passing) => self.pass(passing, &done).await,
            }
        }
    }

    /// Waits until a place has been saved and fanned out here; `false` when it can't be reached.
    /// Documents are read before their events are fanned out: whoever goes live in between would
    /// hear again of what it has seen.
    pub(crate) async fn pass_by(&self, place: &Position) -> bool {
        if !self.saved.reach(place).await {
            return false;
        }
        let passed = async {
            loop {
                let moved = self.moved.notified();
                if self.turnstile.lock().await.covers(place) {
                    return;
                }
                moved.await;
            }
        };
        // What can't be read is saved but never fanned out: it is not waited for any longer.
        let _ = tokio::time::timeout(REACH_TIMEOUT, passed).await;
        true
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }

    pub(crate) fn reader(&self) -> Reader {
        let documents = Arc::clone(&self.parts.ports.documents);
        Reader::new(documents, Arc::clone(&self.parts.keyring))
    }

    /// Counts a socket, so that it closes when its session ends.
    pub(crate) fn attach(&self, session: Uuid, outbox: &Arc<Outbox>) -> u64 {
        let mut state = self.state();
        state.next += 1;
        let id = state.next;
        state.sockets.insert(id, (session, Arc::clone(outbox)));
        metrics::gauge!("parlance_sockets_open").set(state.sockets.len() as f64);
        id
    }

    pub(crate) fn detach(&self, socket: u64) {
        let mut state = self.state();
        state.sockets.remove(&socket);
        metrics::gauge!("parlance_sockets_open").set(state.sockets.len() as f64);
    }

    /// Closes every socket so that it comes back elsewhere.
    pub fn drain(&self) {
        self.state().sockets.values().for_each(|(_, it)| it.close(Close::RESTART));
    }

    /// Makes a subscription live; the caller holds the turnstile.
    pub(crate) fn go_live(&self, subscriber: Subscriber) -> SubscriberId {
        let mut state = self.state();
        state.next += 1;
        let id = state.next;
        for conversation in subscriber.seats.keys() {
            state.by_conversation.entry(*conversation).or_default().push(id);
        }
        state.by_account.entry(subscriber.viewer.account).or_default().push(id);
        state.subscribers.insert(id, subscriber);
        metrics::gauge!("parlance_subscriptions").set(state.subscribers.len() as f64);
        id
    }

    /// Ends a subscription.
    pub(crate) fn leave(&self, id: SubscriberId) {
        let mut state = self.state();
        let Some(subscriber) = state.subscribers.remove(&id) else { return };
        for conversation in subscriber.seats.keys() {
            state.unseat(*conversation, id);
        }
        let account = subscriber.viewer.account;
        if let Some(ids) = state.by_account.get_mut(&account) {
            ids.retain(|it| *it != id);
            if ids.is_empty() {
                state.by_account.remove(&account);
            }
        }
        metrics::gauge!("parlance_subscriptions").set(state.subscribers.len() as f64);
    }

    async fn fan_out(&self, event: &Arc<Timeline>, done: &Position) {
        if let Effect::Joined(accounts) = &event.effect {
            self.seat(event, accounts).await;
        }
        let recipients = self.recipients(event);
        if !recipients.is_empty() {
            let trace = event.command.as_ref().map(|it| it.client_id.simple());
            tracing::debug!(
                trace.id = trace.map(tracing::field::display),
                partition = event.partition,
                ordinal = event.ordinal,
                recipients = recipients.len(),
                "fanning out"
            );
            self.deliver(Shown::Event(Arc::clone(event)), recipients, done).await;
            let age_ms = self.parts.ports.clock.now_ms() - event.occurred_at.0;
            metrics::histogram!("parlance_fan_out_seconds").record(age_ms as f64 / 1_000.0);
        }
        self.state().after(event);
    }

    /// Gives those who join and listen here their seats.
    async fn seat(&self, event: &Timeline, accounts: &[AccountId]) {
        let StreamId::Conversation(conversation) = event.stream else { return };
        for account in accounts {
            let ids = self.state().by_account.get(account).cloned().unwrap_or_default();
            if ids.is_empty() {
                continue;
            }
            let stints = Stints::load(&self.reader(), *account).await.ok();
            let seen = stints.and_then(|it| it.see(event.stream, event.seq));
            let link = seen.map_or(event.seq - 1, |it| it.previous_seq);
            let mut state = self.state();
            for id in ids {
                if let Some(subscriber) = state.subscribers.get_mut(&id) {
                    let seat = Seat::new(event.seq, link);
                    if subscriber.seats.insert(conversation, seat).is_none() {
                        state.by_conversation.entry(conversation).or_default().push(id);
                    }
                }
            }
        }
    }

    fn recipients(&self, event: &Timeline) -> Vec<Recipient> {
        let mut state = self.state();
        let ids = match event.stream {
            StreamId::Conversation(it) => state.by_conversation.get(&it),
            StreamId::Account(it) => state.by_account.get(&it),
            StreamId::Name(_) => None,
        };
        let ids = ids.cloned().unwrap_or_default();
        let mut recipients = Vec::with_capacity(ids.len());
        for id in ids {
            let Some(subscriber) = state.subscribers.get_mut(&id) else { continue };
            let mut recipient = subscriber.recipient(id, event.seq - 1);
            if let StreamId::Conversation(conversation) = event.stream
                && let Some(seat) = subscriber.seats.get_mut(&conversation)
            {
                if event.seq < seat.joined_seq {
                    continue;
                }
                if event.seq == seat.joined_seq {
                    recipient.previous_seq = seat.link_seq;
                }
                seat.follow(event, subscriber.viewer.account);
                recipient.unread = seat.unread.map(|it| it.count);
            }
            recipients.push(recipient);
        }
        recipients
    }

    async fn pass(&self, passing: &Arc<Ephemeral>, done: &Position) {
        let recipients: Vec<Recipient> = {
            let state = self.state();
            let ids = state.by_conversation.get(&passing.conversation_id);
            let ids = ids.into_iter().flatten();
            let others = ids.filter_map(|id| state.subscribers.get(id).map(|it| (*id, it)));
            others
                .filter(|(_, it)| it.viewer.account != passing.account_id)
                .map(|(id, it)| it.recipient(id, 0))
                .collect()
        };
        if !recipients.is_empty() {
            self.deliver(Shown::Passing(Arc::clone(passing)), recipients, done).await;
        }
    }

    async fn deliver(&self, shown: Shown, mut recipients: Vec<Recipient>, done: &Position) {
        let position = done.to_string();
        recipients.sort_by_key(|it| Arc::as_ptr(&it.selection) as usize);
        metrics::counter!("parlance_frames_total").increment(recipients.len() as u64);
        for group in recipients.chunk_by_mut(|one, two| Arc::ptr_eq(&one.selection, &two.selection))
        {
            let selection = Arc::clone(&group[0].selection);
            match self.execute(&selection, shown.clone()).await {
                Executed::Shared(template) => {
                    let others = self.withhold(&shown, &template, group, &position).await;
                    self.send_shared(&shown, &template, others, &position).await;
                }
                Executed::Differs => {
                    for recipient in group {
                        let own =
                            self.execute_for(&selection, shown.clone(), recipient.viewer, None);
                        let template = own.await;
                        let group = std::slice::from_mut(recipient);
                        let others = self.withhold(&shown, &template, group, &position).await;
                        self.send_shared(&shown, &template, others, &position).await;
                    }
                }
            }
        }
    }

    pub(crate) async fn send_shared(
        &self,
        shown: &Shown,
        template: &Template,
        group: &mut [Recipient],
        position: &str,
    ) {
        let mut rendered: HashMap<(u64, u64, usize), Bytes> = HashMap::new();
        for recipient in group {
            let known = if template.shows_unread { recipient.unread } else { Some(0) };
            let unread = match known {
                Some(_) => known,
                None => self.unread(shown, recipient).await,
            };
            let Some(unread) = unread else { continue };
            let key = (
                unread,
                recipient.previous_seq,
                Arc::as_ptr(&recipient.head) as *const u8 as usize,
            );
            let message = rendered.entry(key).or_insert_with(|| {
                let previous_seq = recipient.previous_seq;
                let fill = Fill { position, previous_seq, unread };
                message(&recipient.head, &template.render(&fill))
            });
            recipient.outbox.push(message.clone());
        }
    }

    /// The unread count of a recipient whose seat does not know it yet. Who can't be told is closed
    /// and resumes: a wrong count would stand until the next frame.
    async fn unread(&self, shown: &Shown, recipient: &Recipient) -> Option<u64> {
        let conversation = match shown {
            Shown::Event(it) => match (it.stream, &it.effect) {
                (StreamId::Conversation(id), _) => id,
                (_, Effect::Read(id)) => *id,
                _ => return Some(0),
            },
            Shown::Passing(it) => it.conversation_id,
        };
        let loaded = Unread::load(&self.reader(), recipient.viewer.account, conversation).await;
        let unread = loaded.inspect_err(|_| recipient.outbox.close(Close::UNAVAILABLE)).ok()?;
        let mut state = self.state();
        let subscriber = state.subscribers.get_mut(&recipient.id);
        if let Some(seat) = subscriber.and_then(|it| it.seats.get_mut(&conversation)) {
            seat.unread = Some(unread);
        }
        Some(unread.count)
    }

    /// Executes an event for everyone who may see it.
    pub(crate) async fn execute(&self, selection: &Selection, shown: Shown) -> Executed {
        let mut scope =
            make_scope(&self.parts, &self.progress(), shared(self.selections.holes.unread));
        scope.checked = true;
        self.selections.shared(selection, shown, scope).await
    }

    /// Executes an event for one person.
    pub(crate) async fn execute_for(
        &self,
        selection: &Selection,
        shown: Shown,
        viewer: Viewer,
        seen: Option<Seen>,
    ) -> Template {
        let asker = Asker::Viewer(viewer, String::new());
        let mut scope = make_scope(&self.parts, &self.progress(), asker);
        scope.checked = true;
        scope.ended_at = seen.and_then(|it| it.ended_at);
        self.selections.own(selection, shown, scope).await
    }

    fn progress(&self) -> Arc<dyn Progress> {
        Arc::new(Reached { saved: Arc::clone(&self.saved), start: self.start_position() })
    }

    fn start_position(&self) -> Position {
        Position::start(&self.parts.ports.event_log.identity())
    }
}

/// One message of a subscription: `{"id":…,"type":"next","payload":…}`.
pub(crate) fn message(head: &str, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(head.len() + payload.len() + 1);
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(payload);
    out.push(b'}');
    out.into()
}

/// How far this node's documents have come.
struct Reached {
    saved: Arc<Saved>,
    start: Position,
}

#[async_trait]
impl Progress for Reached {
    fn position(&self) -> Position {
        self.saved.position(self.start.clone())
    }

    async fn reach(&self, position: &Position) -> bool {
        self.saved.reach(position).await
    }
}

#[async_trait]
impl Progress for Hub {
    fn position(&self) -> Position {
        self.saved.position(self.start_position())
    }

    async fn reach(&self, position: &Position) -> bool {
        self.saved.reach(position).await
    }
}
