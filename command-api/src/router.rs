//! Finds the owner of a command's partition and waits for its answer.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument;
use uuid::Uuid;

use chat::accounts::AccountId;
use chat::kernel::{Accepted, AnyCommand, Context, Door, Failure, Keyring, Timestamp, id};
use ports::Ports;
use ports::event_log::Rules;
use ports::keys::Secret;

use crate::owner::Owner;

/// How far a client's clock may be ahead, in milliseconds.
const AHEAD_MS_MAX: i64 = 5 * 60 * 1_000;

/// Commands that wait for a partition's owner at most; more are refused.
const WAITING_MAX: usize = 4_096;

/// A command on its way to its owner.
pub(crate) struct Request {
    pub(crate) actor: AccountId,
    pub(crate) client_id: Uuid,
    pub(crate) command: Box<dyn AnyCommand>,
    pub(crate) reply: Reply,
}

/// Where the answer goes.
pub(crate) type Reply = oneshot::Sender<Result<Accepted, Failure>>;

/// The door to all partitions that this process owns.
pub struct Router {
    inboxes: Vec<mpsc::Sender<Request>>,
    ports: Ports,
    names: Secret,
}

impl Router {
    /// Starts an owner for every partition.
    pub fn start(ports: &Ports, keyring: &Arc<Keyring>) -> Arc<Self> {
        Self::start_by(Rules::STRICT, ports, keyring)
    }

    /// Starts owners that follow given rules; anything but the strict ones is for the simulation.
    pub fn start_by(rules: Rules, ports: &Ports, keyring: &Arc<Keyring>) -> Arc<Self> {
        let partitions = ports.event_log.identity().partitions;
        let start = |partition| {
            let (sender, inbox) = mpsc::channel(WAITING_MAX);
            let owner = Owner::new(rules, partition, ports.clone(), Arc::clone(keyring), inbox);
            ports::spawn("partition owner", owner.run());
            sender
        };
        let inboxes = (0..partitions).map(start).collect();
        let names = keyring.secret("names");
        Arc::new(Self { inboxes, ports: ports.clone(), names })
    }
}

#[async_trait]
impl Door for Router {
    async fn submit(
        &self,
        actor: AccountId,
        client_id: Uuid,
        command: Box<dyn AnyCommand>,
    ) -> Result<Accepted, Failure> {
        let now = Timestamp(self.ports.clock.now_ms());
        if client_id.get_version_num() != 7 || id::time_ms(client_id) > now.0 + AHEAD_MS_MAX {
            return Err(Failure::ClientIdInvalid);
        }
        let context = Context { actor, client_id, now, names: &self.names };
        let stream = command.stream(&context).map_err(Failure::Rejected)?;
        let partition = stream.partition(self.ports.event_log.identity().partitions);
        let (reply, answer) = oneshot::channel();
        let name = command.name();
        let request = Request { actor, client_id, command, reply };
        let inbox = &self.inboxes[usize::from(partition)];
        inbox.try_send(request).map_err(|_| Failure::Unavailable)?;
        // The command's id is the trace's id: it stands in the log, so the projection and the
        // frames of its events continue the trace without being told.
        let trace = client_id.simple();
        let span =
            tracing::debug_span!("command", trace.id = %trace, command.name = name, partition);
        let started = ports::clock::Stopwatch::start();
        let outcome = answer.instrument(span).await.unwrap_or(Err(Failure::Unknown));
        metrics::histogram!("parlance_command_seconds").record(started.seconds());
        outcome
    }
}
