//! The door where partitions are shared between nodes: a command goes to its owner, wherever it is.
//!
//! An owner that has gone, moved or lost its term is looked for again for a while, under the same
//! id: a command that did happen is then found and answered, not done twice.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use backon::{BackoffBuilder, ExponentialBuilder};
use uuid::Uuid;

use chat::kernel::graphql::Limits;
use chat::kernel::{Accepted, AnyCommand, Caller, Door, Failure, Keyring};
use ports::clock::Stopwatch;
use ports::event_log::Partition;
use ports::keys::crypto;
use ports::peers::{Answers, Peers};
use ports::roster::{self, Roster};
use ports::{Error, ErrorKind, Ports};

use crate::router::{Asked, Router};
use crate::wire::{self, Answer, Readers};

/// The nodes that own partitions.
pub const ROLE: &str = "command-api";

/// How long an owner is looked for.
const PATIENCE: Duration = Duration::from_secs(8);

/// Least pause before the second attempt; each later one is twice as long, up to the last.
const PAUSE_FIRST: Duration = Duration::from_millis(5);
const PAUSE_LAST: Duration = Duration::from_millis(250);

/// The door to all partitions of the instance.
pub struct Commands {
    router: Arc<Router>,
    ports: Ports,
    peers: Arc<dyn Peers>,
    me: String,
    /// Where each partition's owner was last.
    owners: Vec<Mutex<Option<Arc<str>>>>,
}

impl Commands {
    /// A door of a node that is reached at `me`; with a roster it owns what falls to it.
    ///
    /// # Errors
    /// When the client of the peers can't be made.
    pub fn start(
        ports: &Ports,
        keyring: &Arc<Keyring>,
        limits: &Limits,
        me: &str,
        roster: Option<&Arc<Roster>>,
    ) -> Result<Arc<Self>, Error> {
        let router = match roster {
            Some(roster) => Router::start_shared(ports, keyring, limits, roster),
            None => Router::without_partitions(ports, keyring, limits),
        };
        let partitions = ports.event_log.identity().partitions;
        Ok(Arc::new(Self {
            router,
            ports: ports.clone(),
            peers: ports::peers::open(&keyring.secret("peers"))?,
            me: me.to_owned(),
            owners: (0..partitions).map(|_| Mutex::new(None)).collect(),
        }))
    }

    fn desk(&self) -> Arc<dyn Answers> {
        let mut readers = Readers::default();
        chat::every_command(&mut readers);
        Arc::new(Desk { router: Arc::clone(&self.router), readers })
    }

    /// Tries once, here or where the owner is.
    async fn attempt(&self, partition: Partition, asked: &Asked) -> Result<Accepted, Failure> {
        if let Some(outcome) = self.router.carry_out(partition, asked.clone()).await {
            return outcome;
        }
        let owner = self.owner(partition).await.ok_or(Failure::Unavailable)?;
        let failure = match self.peers.ask(&owner, wire::question(asked)).await {
            Ok(answer) => match Answer::read(&answer).map(Answer::outcome) {
                Some(Some(outcome)) => return outcome,
                Some(None) => Failure::Unavailable,
                None => Failure::Unknown,
            },
            Err(error) if error.kind == ErrorKind::Unavailable => Failure::Unavailable,
            Err(_) => Failure::Unknown,
        };
        *self.known(partition) = None;
        Err(failure)
    }

    /// Who owns a partition, as was last known or as the roster says now.
    async fn owner(&self, partition: Partition) -> Option<Arc<str>> {
        if let Some(known) = self.known(partition).clone() {
            return Some(known);
        }
        let found = roster::owner(&*self.ports.cache, ROLE, partition).await;
        // This node's own lease may be ahead of its owner's start.
        let found: Arc<str> = found.ok()?.filter(|it| *it != self.me)?.into();
        *self.known(partition) = Some(Arc::clone(&found));
        Some(found)
    }

    fn known(&self, partition: Partition) -> std::sync::MutexGuard<'_, Option<Arc<str>>> {
        self.owners[usize::from(partition)].lock().expect("no holder of the lock panics")
    }

    /// Pauses that grow, spread out so that those who wait do not come back together.
    fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        let seed = u64::from_be_bytes(self.ports.entropy.bytes());
        let growing = ExponentialBuilder::new().with_min_delay(PAUSE_FIRST);
        let growing = growing.with_max_delay(PAUSE_LAST).without_max_times();
        growing.with_jitter().with_jitter_seed(seed).build()
    }
}

#[async_trait]
impl Door for Commands {
    async fn submit(
        &self,
        caller: Caller,
        client_id: Uuid,
        command: Box<dyn AnyCommand>,
    ) -> Result<Accepted, Failure> {
        let asked = Asked { caller: caller.into(), client_id, command: command.into() };
        let partition = self.router.partition(&asked)?;
        let started = Stopwatch::start();
        let mut happened = Failure::Unavailable;
        for pause in self.pauses() {
            match self.attempt(partition, &asked).await {
                Err(Failure::Unknown) => happened = Failure::Unknown,
                Err(Failure::Unavailable) => (),
                outcome => return outcome,
            }
            if started.seconds() > PATIENCE.as_secs_f64() {
                break;
            }
            metrics::counter!("parlance_commands_retried_total").increment(1);
            tokio::time::sleep(pause).await;
        }
        // Once an attempt may have happened, a later one that did not says nothing about it.
        Err(happened)
    }
}

/// Carries out commands that other nodes forward.
struct Desk {
    router: Arc<Router>,
    readers: Readers,
}

#[async_trait]
impl Answers for Desk {
    async fn answer(&self, question: Bytes) -> Bytes {
        let outcome = match wire::asked(&self.readers, &question) {
            None => Some(Err(Failure::Unavailable)),
            Some(asked) => match self.router.partition(&asked) {
                Ok(partition) => self.router.carry_out(partition, asked).await,
                Err(failure) => Some(Err(failure)),
            },
        };
        Answer::of(outcome).to_bytes()
    }
}

/// The route that peers ask at; whoever does not know the instance's secret gets 401.
pub fn peer_routes(commands: &Commands, keyring: &Keyring) -> axum::Router {
    let token = ports::peers::token(&keyring.secret("peers"));
    axum::Router::new()
        .route(ports::peers::PATH, post(answer))
        .layer(DefaultBodyLimit::max(ports::peers::BYTES_MAX))
        .with_state(Arc::new((commands.desk(), format!("Bearer {token}"))))
}

type Answering = Arc<(Arc<dyn Answers>, String)>;

async fn answer(State(it): State<Answering>, headers: HeaderMap, question: Bytes) -> Response {
    let shown = headers.get(header::AUTHORIZATION).map(|it| it.as_bytes()).unwrap_or_default();
    if !crypto::equal(shown, it.1.as_bytes()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    it.0.answer(question).await.into_response()
}
