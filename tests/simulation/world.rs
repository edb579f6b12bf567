//! One run from beginning to end: nodes come and go, people talk, everything heals, all is checked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::kernel::graphql::Limits;
use chat::kernel::{Door, Keyring};
use chat::sessions::Tokens;
use ports::event_log::Identity;
use ports::{Ports, Tasks};
use query_api::{Api, Hub, Parts, SocketLimits};

use crate::check;
use crate::others::Stores;
use crate::people::{self, History};
use crate::readers::Readers;
use crate::sim::{Config, Mutant, Sim};
use crate::wire::{self, Wires};

/// How long, in virtual time, a healed system may take to be at rest.
const REST_MAX: Duration = Duration::from_secs(120);

/// What may be visible of a deleted text ends after this time.
const ERASED_AFTER: Duration = Duration::from_secs(61);

/// The node that only reads.
const READER: usize = 0;

/// A broken promise: its name and how it was seen.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) invariant: &'static str,
    pub(crate) seen: String,
}

pub(crate) type Checked = Result<(), Violation>;

/// Breaks off a run.
pub(crate) fn broken<T>(invariant: &'static str, seen: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { invariant, seen: seen.into() })
}

/// A node that runs.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) node: usize,
    pub(crate) tasks: Tasks,
    pub(crate) ports: Ports,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) door: Arc<dyn Door>,
    pub(crate) wires: Wires,
    hub: Arc<Hub>,
    progress: Arc<projectors::Progress>,
}

/// Everything of one run.
pub(crate) struct World {
    pub(crate) sim: Arc<Sim>,
    pub(crate) stores: Stores,
    pub(crate) history: History,
    /// Keys as a node holds them that only reads and whose clock is set back.
    pub(crate) reading: Keyring,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) readers: Readers,
    /// Tasks of the world around the nodes.
    pub(crate) outside: Tasks,
    running: Mutex<Vec<Running>>,
}

/// How a run ended.
pub(crate) struct Outcome {
    pub(crate) sim: Arc<Sim>,
    pub(crate) checked: Checked,
}

/// Runs one seed.
pub(crate) fn run(seed: u64, mutant: Mutant, verbose: bool) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let sim = Sim::new(seed, Config::drawn(seed, mutant), verbose);
        let stores = Stores::new(&sim);
        let (reader, _) = sim.enter();
        let reading = Keyring::new(&stores.ports(reader));
        let seed = reading.secret("access tokens");
        let world = Arc::new(World {
            sim: Arc::clone(&sim),
            tokens: Arc::new(Tokens::new("simulation", seed, reading.secret("refresh tokens"))),
            reading,
            readers: Readers::default(),
            outside: Tasks::default(),
            stores,
            history: History::default(),
            running: Mutex::default(),
        });
        let checked = Box::pin(world.play()).await;
        for it in world.running() {
            it.tasks.end();
        }
        Outcome { sim, checked }
    })
}

impl World {
    pub(crate) fn identity(&self) -> Identity {
        self.stores.log.identity()
    }

    pub(crate) fn running(&self) -> Vec<Running> {
        self.running.lock().expect("a lock").clone()
    }

    /// Any of the nodes that run.
    pub(crate) fn node(&self) -> Option<Running> {
        let running = self.running.lock().expect("a lock");
        self.sim.dice.one(&running).cloned()
    }

    async fn start_node(&self) -> Option<Running> {
        let (node, tasks) = self.sim.enter();
        self.sim.note(format_args!("node {node} starts"));
        let ports = self.stores.ports(node);
        let rules = self.sim.config.mutant.rules();
        let started = tasks.run(async {
            let keyring = Arc::new(Keyring::new(&ports));
            let progress = projectors::start_by(rules, &ports, &keyring).await.ok()?;
            let limits = Limits::default();
            let door: Arc<dyn Door> =
                command_api::Router::start_by(rules, &ports, &keyring, &limits);
            let acting = projectors::Acting {
                ports: ports.clone(),
                keyring: Arc::clone(&keyring),
                door: Arc::clone(&door),
                media: None,
            };
            acting.start_timers(&progress);
            let (hub, wires) = self.serve(&tasks, &ports, &keyring, &door).await.ok()?;
            Some((keyring, door, hub, wires, progress))
        });
        let Some((keyring, door, hub, wires, progress)) = started.await else {
            self.sim.kill(node);
            return None;
        };
        let running = Running { node, tasks, ports, keyring, door, wires, hub, progress };
        self.running.lock().expect("a lock").push(running.clone());
        Some(running)
    }

    /// Starts the read side of a node.
    async fn serve(
        &self,
        tasks: &Tasks,
        ports: &Ports,
        keyring: &Arc<Keyring>,
        door: &Arc<dyn Door>,
    ) -> Result<(Arc<Hub>, Wires), ports::Error> {
        let queue_frames = self.sim.config.queue_frames;
        let parts = Parts {
            ports: ports.clone(),
            keyring: Arc::clone(keyring),
            door: Arc::clone(door),
            tokens: Arc::clone(&self.tokens),
            limits: Limits::default(),
            ways: Default::default(),
            socket: SocketLimits { queue_frames, ..SocketLimits::default() },
            origins: Arc::default(),
            open_applications: false,
            intake: Arc::default(),
        };
        let hub = Hub::start(parts.clone()).await?;
        let wires = wire::serve(tasks, Api::new(parts, Arc::clone(&hub)));
        Ok((hub, wires))
    }

    fn end_node(&self, node: usize) {
        self.sim.kill(node);
        self.running.lock().expect("a lock").retain(|it| it.node != node);
    }

    /// Nodes follow each other, each for a time beside the next; faults strike meanwhile.
    async fn lives(self: Arc<Self>) {
        let (sim, dice) = (&self.sim, &self.sim.dice);
        for _ in 0..sim.config.lives {
            let before = self.running();
            let Some(it) = self.start_node().await else { continue };
            let steps = dice.between(2, 20);
            if sim.config.crashes && dice.happens(6_000) {
                sim.crash_after(it.node, dice.below(600));
            }
            let overlap = if dice.happens(2_000) { dice.below(steps) } else { dice.below(4) };
            let drains = dice.happens(5_000);
            for step in 0..steps {
                if step + 1 == overlap && drains {
                    before.iter().for_each(|it| it.hub.drain());
                }
                if step == overlap {
                    before.iter().for_each(|it| self.end_node(it.node));
                }
                tokio::time::sleep(Duration::from_millis(dice.between(50, 400))).await;
                if sim.config.pauses && dice.happens(1_500) {
                    let node = dice.one(&self.running()).map_or(it.node, |it| it.node);
                    sim.pause(node, Duration::from_millis(dice.between(100, 8_000)));
                }
                if sim.config.clock_jumps && dice.happens(1_500) {
                    let by = i64::try_from(dice.below(7_200_000)).expect("it is small");
                    sim.jump(it.node, by - 3_600_000);
                }
                if it.tasks.ended() {
                    self.end_node(it.node);
                    break;
                }
            }
            before.iter().for_each(|it| self.end_node(it.node));
        }
    }

    async fn play(self: &Arc<Self>) -> Checked {
        let lives = Arc::clone(self).lives();
        let talk = people::talk(self);
        let both = async {
            let heal = async {
                lives.await;
                self.sim.note(format_args!("all heals"));
                self.sim.heal();
                self.running().iter().for_each(|it| self.end_node(it.node));
                self.start_node().await
            };
            tokio::join!(biased; heal, talk)
        };
        let limit = tokio::time::timeout(Duration::from_secs(900), both);
        let Ok((Some(last), _)) = Box::pin(limit).await else {
            return self.panicked().and(broken("liveness", "somebody never gets an answer"));
        };
        self.panicked()?;
        self.rest(&last).await?;
        people::probe(self).await?;
        self.rest(&last).await?;
        self.sim.jump(READER, -3_600_000);
        tokio::time::sleep(ERASED_AFTER).await;
        self.panicked()?;
        check::all(self, &last).await?;
        self.panicked()
    }

    fn panicked(&self) -> Checked {
        match self.sim.panicked().or_else(|| self.outside.panicked()) {
            Some(task) => broken("evolve_never_panics", format!("the task '{task}' panicked")),
            None => Ok(()),
        }
    }

    /// Waits until the documents have everything that the log has. A stored checkpoint does not
    /// tell: a late write of a node that is gone may have put an old one in its place.
    async fn rest(&self, last: &Running) -> Checked {
        let began = tokio::time::Instant::now();
        while began.elapsed() < REST_MAX {
            if last.progress.lag(&last.ports).await.is_ok_and(|it| it == 0) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        broken("liveness", "the documents do not catch up with the log")
    }
}
