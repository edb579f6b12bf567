//! Fan-out: each event is executed once a selection and written to every socket that may see it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use chat::accounts::AccountId;
use chat::conversations::ConversationId;
use chat::kernel::ephemeral::Ephemeral;
use chat::kernel::graphql::{Asker, Viewer};
use chat::kernel::{Effect, Progress, Reader, StreamId};
use chat::timeline::Timeline;
use ports::Error;
use ports::event_log::Position;

use crate::coalesce::superseded;
use crate::feed::{Seen, Stints};
use crate::frame::{Shown, Template};

use crate::listen::{Heard, Listener, REACH_TIMEOUT, Saved};
use crate::outbox::{Close, Outbox, Pace};
use crate::replayed::Replayed;
use crate::round::Round;
use crate::schema::{Parts, make_scope, shared};
use crate::seats::{Start, State, Subscriber, SubscriberId};
use crate::selection::{Executed, Selection, Selections};
use crate::withhold::Ahead;

/// Announcements between listening and fan-out at most.
const QUEUE_MAX: usize = 1_024;

/// Announcements fanned out together at most.
const TOGETHER_MAX: usize = 4;

/// How long fan-out waits for the sockets that it called last.
const PACE_MAX: Duration = Duration::from_millis(50);

/// How long it rests after that: timers are a millisecond coarse.
const REST_MIN: Duration = Duration::from_millis(1);
const REST_MAX: Duration = Duration::from_millis(5);

/// One node's subscriptions.
pub struct Hub {
    pub(crate) parts: Parts,
    pub(crate) selections: Selections,
    saved: Arc<Saved>,
    state: Mutex<State>,
    /// Held while an event is fanned out; whoever goes live holds it too.
    pub(crate) turnstile: tokio::sync::Mutex<Position>,
    /// Where those who want to go live stand in line, so that fan-out waits for one of them at a
    /// time: after a failure all sockets come back at once.
    pub(crate) line: tokio::sync::Mutex<()>,
    /// Events were fanned out.
    moved: tokio::sync::Notify,
    pub(crate) pace: Arc<Pace>,
    replayed: Replayed,
    pub(crate) ahead: Ahead,
}

impl Hub {
    /// Starts to listen and to fan out.
    ///
    /// # Errors
    /// When a port can't be reached.
    pub async fn start(parts: Parts) -> Result<Arc<Self>, Error> {
        let identity = parts.ports.event_log.identity();
        let saved = Arc::new(Saved::new(identity.partitions));
        let (sender, heard) = mpsc::channel(QUEUE_MAX);
        let ports = parts.ports.clone();
        Listener { ports, saved: Arc::clone(&saved), heard: sender }.start().await?;
        let hub = Arc::new(Self {
            selections: Selections::new(parts.ports.entropy.as_ref()),
            parts,
            turnstile: tokio::sync::Mutex::new(saved.position(Position::start(&identity))),
            line: tokio::sync::Mutex::default(),
            saved,
            state: Mutex::default(),
            moved: tokio::sync::Notify::new(),
            pace: Arc::default(),
            replayed: Replayed::default(),
            ahead: Ahead::default(),
        });
        ports::spawn("fan-out", Arc::clone(&hub).run(heard));
        Ok(hub)
    }

    async fn run(self: Arc<Self>, mut heard: mpsc::Receiver<Heard>) {
        let mut together = Vec::new();
        while heard.recv_many(&mut together, TOGETHER_MAX).await > 0 {
            let mut done = self.turnstile.lock().await;
            let mut round = Round::new(&self, superseded(&together, &done));
            for heard in together.drain(..) {
                match heard {
                    Heard::Shown(all) => {
                        for shown in all {
                            self.show(shown, &mut done, &mut round).await;
                        }
                    }
                    Heard::Over(partition, to) => done.advance(partition, to),
                }
            }
            drop(done);
            self.moved.notify_waiters();
            round.call();
            self.rest().await;
        }
    }

    async fn show(&self, shown: Shown, done: &mut Position, round: &mut Round<'_>) {
        match &shown {
            Shown::Event(event) if event.ordinal > done.ordinal(event.partition) => {
                done.advance(event.partition, event.ordinal);
                self.fan_out(event, done, round).await;
            }
            Shown::Event(_) => (),
            Shown::Passing(passing) => self.pass(passing, done, round).await,
        }
        round.make_room().await;
    }

    /// Waits for the sockets that were called, then half as long again: those who were waiting for
    /// these messages say more now, and it is joined with what has come meanwhile.
    async fn rest(&self) {
        let called = Instant::now();
        // Whoever does not come soon is not waited for.
        let _ = tokio::time::timeout(PACE_MAX, self.pace.quiet()).await;
        let rest = called.elapsed() / 2;
        if rest >= REST_MIN {
            tokio::time::sleep(rest.min(REST_MAX)).await;
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
        tokio::time::timeout(REACH_TIMEOUT, passed).await.is_ok()
    }

    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the lock panics")
    }

    pub(crate) fn reader(&self) -> Reader {
        let documents = Arc::clone(&self.parts.ports.documents);
        Reader::new(documents, Arc::clone(&self.parts.keyring))
    }

    /// Counts a socket, so that it closes when its session ends.
    pub(crate) fn attach(&self, session: Uuid, outbox: &Arc<Outbox>) -> u64 {
        let mut state = self.state();
        let id = state.next();
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

    /// A number for a subscription.
    pub(crate) fn next(&self) -> SubscriberId {
        self.state().next()
    }

    /// Makes a subscription live; the caller holds the turnstile.
    pub(crate) fn go_live(
        &self,
        subscriber: Subscriber,
        starts: Vec<(ConversationId, Start)>,
    ) -> SubscriberId {
        let id = subscriber.id;
        self.state().enter(subscriber, starts);
        id
    }

    /// Ends a subscription.
    pub(crate) fn leave(&self, id: SubscriberId) {
        self.state().leave(id);
    }

    async fn fan_out(&self, event: &Arc<Timeline>, done: &Position, round: &mut Round<'_>) {
        if let Effect::Joined(accounts) = &event.effect {
            self.seat(event, accounts).await;
        }
        let superseded = round.superseded.contains(&(event.partition, event.ordinal));
        let recipients = self.state().recipients(event, superseded);
        if !recipients.is_empty() {
            let trace = event.command.as_ref().map(|it| it.client_id.simple());
            tracing::debug!(
                trace.id = trace.map(tracing::field::display),
                partition = event.partition,
                ordinal = event.ordinal,
                recipients = recipients.len(),
                "fanning out"
            );
            round.deliver(Shown::Event(Arc::clone(event)), recipients, done).await;
            let age_ms = self.parts.ports.clock.now_ms() - event.occurred_at.0;
            metrics::histogram!("parlance_fan_out_seconds").record(age_ms as f64 / 1_000.0);
        }
        self.state().after(event);
        self.tell_others(event, done, round).await;
    }

    /// Tells the others of a conversation what they hear of somebody's own event.
    async fn tell_others(&self, event: &Timeline, done: &Position, round: &mut Round<'_>) {
        let Effect::Read(conversation) = &event.effect else { return };
        if !self.state().is_heard(*conversation) {
            return;
        }
        // What passes is asked for again by who comes back: when it can't be read nobody is told.
        if let Ok(Some(passing)) = Ephemeral::of(event, &self.reader()).await {
            self.pass(&Arc::new(passing), done, round).await;
        }
    }

    /// Gives those who join and listen here their seats.
    async fn seat(&self, event: &Timeline, accounts: &[AccountId]) {
        let StreamId::Conversation(conversation) = event.stream else { return };
        for account in accounts {
            let ids = self.state().of(*account);
            if ids.is_empty() {
                continue;
            }
            let Ok(stints) = Stints::load(&self.reader(), *account).await else {
                // Without them the first frame would link to nothing: they come back and resume.
                self.state().close(&ids, Close::UNAVAILABLE);
                continue;
            };
            let seen = stints.see(event.stream, event.seq);
            let link_seq = seen.map_or(event.seq - 1, |it| it.previous_seq);
            let start = Start { joined_seq: event.seq, link_seq };
            let mut state = self.state();
            ids.into_iter().for_each(|id| state.seat(conversation, id, start));
        }
    }

    async fn pass(&self, passing: &Arc<Ephemeral>, done: &Position, round: &mut Round<'_>) {
        let who = passing.account_id;
        let mut recipients = match passing.conversation_id {
            Some(conversation) => self.state().others(conversation, who),
            None => self.state().own(who, 0),
        };
        // No scope reaches what a person keeps to themselves.
        let own = passing.conversation_id.is_none();
        recipients.retain(|it| !own || it.subscriber.viewer.scopes.is_none());
        let listeners = recipients.iter().map(|it| it.subscriber.viewer.account).collect();
        // What passes is told again or forgotten: who may hear it must be known, or nobody does.
        let heard_by = passing.heard_by(&self.reader(), listeners).await.unwrap_or_default();
        recipients.retain(|it| heard_by.contains(&it.subscriber.viewer.account));
        if !recipients.is_empty() {
            round.deliver(Shown::Passing(Arc::clone(passing)), recipients, done).await;
        }
    }

    /// Executes an event for everyone who may see it.
    pub(crate) async fn execute(&self, selection: &Selection, shown: Shown) -> Executed {
        self.execute_with(self.reader(), selection, shown).await
    }

    async fn execute_with(&self, reader: Reader, selection: &Selection, shown: Shown) -> Executed {
        let mut scope =
            make_scope(&self.parts, &self.progress(), shared(self.selections.holes.unread));
        scope.checked = true;
        scope.reader = reader;
        self.selections.shared(selection, shown, scope).await
    }

    /// The documents as they are now.
    pub(crate) fn moment(&self) -> Moment {
        let since_ms = self.parts.ports.clock.now_ms();
        Moment { version: self.saved.version(), since_ms, reader: self.reader() }
    }

    /// Executes an event of the past for everyone who may see it, or finds it executed.
    pub(crate) async fn replay(
        &self,
        at: &Moment,
        selection: &Arc<Selection>,
        event: &Arc<Timeline>,
    ) -> Executed {
        if let Some(executed) = self.replayed.get(selection, event, at.version, at.since_ms) {
            return executed;
        }
        let shown = Shown::Event(Arc::clone(event));
        let executed = self.execute_with(at.reader.clone(), selection, shown).await;
        if self.saved.version() == at.version {
            self.replayed.put(selection, event, at.version, at.since_ms, &executed);
        }
        executed
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

    /// The position that everything saved stands for.
    pub(crate) fn saved_position(&self) -> Position {
        self.saved.position(self.start_position())
    }

    fn start_position(&self) -> Position {
        Position::start(&self.parts.ports.event_log.identity())
    }
}

/// The documents at one time: frames that are executed together load what they show together.
pub(crate) struct Moment {
    reader: Reader,
    version: u64,
    since_ms: i64,
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
        self.saved_position()
    }

    async fn reach(&self, position: &Position) -> bool {
        self.saved.reach(position).await
    }
}
