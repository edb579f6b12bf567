//! Finds the owner of a command's partition and waits for its answer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument;
use uuid::Uuid;

use chat::kernel::graphql::Limits;
use chat::kernel::{Accepted, AnyCommand, Caller, Context, Door, Failure, Keyring, Timestamp, id};
use ports::Ports;
use ports::event_log::{Partition, Rules};
use ports::keys::Secret;
use ports::roster::Roster;

use crate::owner::Owner;

/// How far a client's clock may be ahead, in milliseconds.
const AHEAD_MS_MAX: i64 = 5 * 60 * 1_000;

/// Commands that wait for a partition's owner at most; more are refused.
const WAITING_MAX: usize = 4_096;

/// How often it is made sure that what falls to this node has an owner at work.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// A command and who sends it.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) caller: Arc<Caller>,
    pub(crate) client_id: Uuid,
    pub(crate) command: Arc<dyn AnyCommand>,
}

/// A command on its way to its owner.
pub(crate) struct Request {
    pub(crate) caller: Arc<Caller>,
    pub(crate) client_id: Uuid,
    pub(crate) command: Arc<dyn AnyCommand>,
    pub(crate) reply: Reply,
}

/// What every command is decided with.
#[derive(Clone)]
pub(crate) struct Known {
    names: Secret,
    conversation_bytes_max: u64,
}

impl Known {
    pub(crate) fn context<'a>(
        &'a self,
        caller: &'a Caller,
        client_id: Uuid,
        now: Timestamp,
    ) -> Context<'a> {
        let Self { names, conversation_bytes_max } = self;
        let (actor, origin) = (caller.account, &caller.origin);
        let conversation_bytes_max = *conversation_bytes_max;
        Context { actor, origin, client_id, now, names, conversation_bytes_max }
    }
}

/// Where the answer goes.
pub(crate) type Reply = oneshot::Sender<Result<Accepted, Failure>>;

/// The door to the partitions that this process owns.
pub struct Router {
    rules: Rules,
    owners: Vec<Mutex<Option<Running>>>,
    ports: Ports,
    keyring: Arc<Keyring>,
    known: Known,
}

/// An owner at work.
struct Running {
    inbox: mpsc::Sender<Request>,
    task: JoinHandle<()>,
}

impl Router {
    /// Starts an owner for every partition.
    pub fn start(ports: &Ports, keyring: &Arc<Keyring>, limits: &Limits) -> Arc<Self> {
        Self::start_by(Rules::STRICT, ports, keyring, limits)
    }

    /// Starts owners that follow given rules; anything but the strict ones is for the simulation.
    pub fn start_by(
        rules: Rules,
        ports: &Ports,
        keyring: &Arc<Keyring>,
        limits: &Limits,
    ) -> Arc<Self> {
        let router = Arc::new(Self::new(rules, ports, keyring, limits));
        for partition in 0..ports.event_log.identity().partitions {
            router.own(partition, None);
        }
        router
    }

    /// Starts and ends owners as partitions fall to this node and to others.
    pub(crate) fn start_shared(
        ports: &Ports,
        keyring: &Arc<Keyring>,
        limits: &Limits,
        roster: &Arc<Roster>,
    ) -> Arc<Self> {
        let router = Arc::new(Self::new(Rules::STRICT, ports, keyring, limits));
        ports::spawn("ownership", Arc::clone(&router).follow(Arc::clone(roster)));
        router
    }

    /// Owns nothing: every command is somebody else's.
    pub(crate) fn without_partitions(
        ports: &Ports,
        keyring: &Arc<Keyring>,
        limits: &Limits,
    ) -> Arc<Self> {
        Arc::new(Self::new(Rules::STRICT, ports, keyring, limits))
    }

    fn new(rules: Rules, ports: &Ports, keyring: &Arc<Keyring>, limits: &Limits) -> Self {
        let owners = (0..ports.event_log.identity().partitions).map(|_| Mutex::new(None)).collect();
        let conversation_bytes_max = limits.conversation_bytes;
        let known = Known { names: keyring.secret("names"), conversation_bytes_max };
        Self { rules, owners, ports: ports.clone(), keyring: Arc::clone(keyring), known }
    }

    async fn follow(self: Arc<Self>, roster: Arc<Roster>) {
        let mut held = roster.held();
        let mut before = BTreeSet::new();
        loop {
            let now = held.borrow_and_update().clone();
            for partition in before.difference(&now) {
                self.let_go(*partition, &roster);
            }
            for partition in &now {
                self.own(*partition, Some(&roster));
            }
            before = now;
            // An owner that was told to ask again may have ended although nothing has changed.
            if let Ok(Err(_)) = tokio::time::timeout(LOOK_AGAIN, held.changed()).await {
                return;
            }
        }
    }

    /// Starts an owner, unless one is at work.
    fn own(&self, partition: Partition, roster: Option<&Arc<Roster>>) {
        let mut owner = self.owner(partition);
        if owner.as_ref().is_some_and(|it| !it.inbox.is_closed()) {
            return;
        }
        let (inbox, requests) = mpsc::channel(WAITING_MAX);
        let (known, ports) = (self.known.clone(), self.ports.clone());
        let (rules, keyring, roster) = (self.rules, Arc::clone(&self.keyring), roster.cloned());
        let started = Owner::new((rules, known), partition, ports, keyring, requests, roster);
        let task = ports::spawn("partition owner", started.run());
        *owner = Some(Running { inbox, task });
    }

    /// Ends an owner once what is in flight has its verdict; then the next may begin.
    fn let_go(&self, partition: Partition, roster: &Arc<Roster>) {
        let Some(Running { inbox, task }) = self.owner(partition).take() else { return };
        drop(inbox);
        if !roster.is_fit() {
            // No verdict comes as long as the log can't be read. Who asked had better ask the next
            // owner, under the same id.
            task.abort();
        }
        let roster = Arc::clone(roster);
        ports::spawn("hand-over", async move {
            // It was told to end, or a panic in it has ended the process.
            let _ = task.await;
            roster.give_back(partition).await;
        });
    }

    fn owner(&self, partition: Partition) -> std::sync::MutexGuard<'_, Option<Running>> {
        let owner = &self.owners[usize::from(partition)];
        owner.lock().expect("no holder of the lock panics")
    }

    /// The partition that a command goes to.
    pub(crate) fn partition(&self, asked: &Asked) -> Result<Partition, Failure> {
        let now = Timestamp(self.ports.clock.now_ms());
        let Asked { caller, client_id, command } = asked;
        if client_id.get_version_num() != 7 || id::time_ms(*client_id) > now.0 + AHEAD_MS_MAX {
            return Err(Failure::ClientIdInvalid);
        }
        let context = self.known.context(caller, *client_id, now);
        let stream = command.stream(&context).map_err(Failure::Rejected)?;
        Ok(stream.partition(self.ports.event_log.identity().partitions))
    }

    /// Carries out a command; `None` when its partition is not owned here.
    pub(crate) async fn carry_out(
        &self,
        partition: Partition,
        asked: Asked,
    ) -> Option<Result<Accepted, Failure>> {
        let inbox = self.owner(partition).as_ref().map(|it| it.inbox.clone())?;
        let (reply, answer) = oneshot::channel();
        let Asked { caller, client_id, command } = asked;
        let name = command.name();
        match inbox.try_send(Request { caller, client_id, command, reply }) {
            Ok(()) => (),
            Err(mpsc::error::TrySendError::Closed(_)) => return None,
            Err(mpsc::error::TrySendError::Full(_)) => return Some(Err(Failure::Unavailable)),
        }
        drop(inbox);
        // The command's id is the trace's id: it stands in the log, so the projection and the
        // frames of its events continue the trace without being told.
        let trace = client_id.simple();
        let span =
            tracing::debug_span!("command", trace.id = %trace, command.name = name, partition);
        let started = ports::clock::Stopwatch::start();
        let outcome = answer.instrument(span).await.unwrap_or(Err(Failure::Unknown));
        metrics::histogram!("parlance_command_seconds").record(started.seconds());
        Some(outcome)
    }
}

#[async_trait]
impl Door for Router {
    async fn submit(
        &self,
        caller: Caller,
        client_id: Uuid,
        command: Box<dyn AnyCommand>,
    ) -> Result<Accepted, Failure> {
        let asked = Asked { caller: caller.into(), client_id, command: command.into() };
        let partition = self.partition(&asked)?;
        self.carry_out(partition, asked).await.unwrap_or(Err(Failure::Unavailable))
    }
}
