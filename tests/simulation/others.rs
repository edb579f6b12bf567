//! The other outside systems: a bus that loses and repeats, keys, a clock for each node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ports::blobs::Blobs;
use ports::bus::{Announcement, Bus, Subscription};
use ports::clock::Clock;
use ports::documents::packs::Packs;
use ports::entropy::Entropy;
use ports::keys::{Keys, Secret, Tree, TreeId};
use ports::{Error, Ports};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::documents::{DocumentStore, SimDocuments};
use crate::log::{LogStore, SimLog};
use crate::sim::{Sim, outside, unavailable, unknown};

type Heard = Option<Announcement>;

/// Who listens on the bus.
#[derive(Default)]
pub(crate) struct BusStore(Mutex<Vec<mpsc::UnboundedSender<(Instant, Heard)>>>);

/// The bus as one node reaches it.
struct SimBus {
    node: usize,
    sim: Arc<Sim>,
    store: Arc<BusStore>,
}

#[async_trait]
impl Bus for SimBus {
    async fn publish(&self, announcement: Announcement) -> Result<(), Error> {
        let sim = &self.sim;
        if sim.dice.happens(2_000) {
            sim.pass(self.node, "crash at publish").await;
        }
        let mut listeners = self.store.0.lock().expect("a lock");
        listeners.retain(|it| !it.is_closed());
        for listener in &*listeners {
            let at = Instant::now() + sim.latency();
            let lost = sim.strikes("announcement lost", sim.config.announcement_lost);
            let twice = sim.strikes("announcement twice", sim.config.announcement_lost);
            let heard = if lost { None } else { Some(announcement.clone()) };
            if sim.strikes("announcement reordered", sim.config.announcement_reordered) {
                let (listener, heard) = (listener.clone(), heard.clone());
                let late = at + sim.latency() * 5;
                outside(async move {
                    tokio::time::sleep_until(late).await;
                    let _ = listener.send((late, heard));
                });
            } else if !lost || sim.dice.happens(3_000) {
                // A listener that has gone is removed at the next announcement.
                let _ = listener.send((at, heard.clone()));
            }
            if twice {
                let _ = listener.send((at, heard));
            }
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.store.0.lock().expect("a lock").push(sender);
        Ok(Box::new(Listener { node: self.node, sim: Arc::clone(&self.sim), receiver }))
    }
}

struct Listener {
    node: usize,
    sim: Arc<Sim>,
    receiver: mpsc::UnboundedReceiver<(Instant, Heard)>,
}

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Option<Announcement> {
        let Some((at, heard)) = self.receiver.recv().await else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(at).await;
        if self.sim.dice.happens(1_000) {
            self.sim.pass(self.node, "crash at hearing").await;
        }
        heard
    }
}

/// All key trees.
#[derive(Default)]
pub(crate) struct KeyStore(Mutex<BTreeMap<TreeId, Arc<Tree>>>);

impl KeyStore {
    pub(crate) fn tree(&self, id: TreeId) -> Option<Arc<Tree>> {
        self.0.lock().expect("a lock").get(&id).cloned()
    }
}

/// The keys as one node reaches them.
struct SimKeys {
    node: usize,
    sim: Arc<Sim>,
    store: Arc<KeyStore>,
}

impl SimKeys {
    async fn reach(&self, call: &'static str) -> Result<(), Error> {
        self.sim.pass(self.node, call).await;
        match self.sim.strikes("keys refused", self.sim.config.keys_refused) {
            true => Err(unavailable("keys")),
            false => Ok(()),
        }
    }

    fn heard(&self) -> Result<(), Error> {
        match self.sim.strikes("keys unheard", self.sim.config.keys_refused) {
            true => Err(unknown("keys")),
            false => Ok(()),
        }
    }
}

/// Nobody copies keys here.
#[async_trait]
impl Keys for SimKeys {
    async fn load(&self, id: TreeId) -> Result<Option<Arc<Tree>>, Error> {
        self.reach("crash at load of keys").await?;
        let tree = self.store.tree(id);
        self.sim.pass(self.node, "crash at load of keys").await;
        Ok(tree)
    }

    async fn create(&self, id: TreeId) -> Result<Arc<Tree>, Error> {
        self.reach("crash at creation of keys").await?;
        let tree = {
            let mut trees = self.store.0.lock().expect("a lock");
            let fresh = || Arc::new(Tree::new(self.sim.entropy_bytes()));
            Arc::clone(trees.entry(id).or_insert_with(fresh))
        };
        self.sim.pass(self.node, "crash at creation of keys").await;
        self.heard()?;
        Ok(tree)
    }

    async fn puncture(&self, id: TreeId, leaf: u64) -> Result<(), Error> {
        self.reach("crash before puncture").await?;
        {
            let mut trees = self.store.0.lock().expect("a lock");
            let tree = trees.get_mut(&id).ok_or_else(|| Error::corrupt("keys", "no such tree"))?;
            let mut punctured = (**tree).clone();
            punctured.puncture(leaf);
            *tree = Arc::new(punctured);
        }
        self.sim.count("puncture");
        self.sim.pass(self.node, "crash after puncture").await;
        self.heard()
    }

    fn root(&self) -> Secret {
        [9; 32]
    }

    async fn page(&self, _: Option<TreeId>) -> Result<Vec<(TreeId, Arc<Tree>)>, Error> {
        Err(unavailable("keys"))
    }

    async fn adopt(&self, _: Secret) -> Result<(), Error> {
        Err(unavailable("keys"))
    }

    async fn merge(&self, _: Vec<(TreeId, Arc<Tree>)>) -> Result<(), Error> {
        Err(unavailable("keys"))
    }
}

impl Sim {
    fn entropy_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

/// A node's own clock.
struct SimClock {
    node: usize,
    sim: Arc<Sim>,
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.sim.now_ms(self.node)
    }
}

/// Everything that outlives nodes.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) sim: Arc<Sim>,
    pub(crate) log: Arc<LogStore>,
    pub(crate) documents: Arc<DocumentStore>,
    pub(crate) keys: Arc<KeyStore>,
    pub(crate) bus: Arc<BusStore>,
    /// Nothing is decided by blobs, or by messages to people: they are real ones, in a folder.
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) folder: Arc<TempDir>,
}

impl Stores {
    pub(crate) fn new(sim: &Arc<Sim>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            blobs: ports::blobs::open(folder.path()).expect("opened blobs"),
            folder: Arc::new(folder),
            sim: Arc::clone(sim),
            log: LogStore::new(sim),
            documents: Arc::default(),
            keys: Arc::default(),
            bus: Arc::default(),
        }
    }

    /// The ports as a node reaches them.
    pub(crate) fn ports(&self, node: usize) -> Ports {
        let sim = || Arc::clone(&self.sim);
        let clock: Arc<dyn Clock> = Arc::new(SimClock { node, sim: sim() });
        let (documents, keys) = (Arc::clone(&self.documents), Arc::clone(&self.keys));
        let entropy: Arc<dyn Entropy> = Arc::clone(&self.sim.entropy) as _;
        let documents = Arc::new(SimDocuments { node, sim: sim(), store: documents });
        let packs = Packs::over(documents, &self.blobs, &clock, &entropy);
        Ports {
            event_log: Arc::new(SimLog::new(node, &self.sim, &self.log)),
            documents: Arc::clone(&packs) as _,
            packs,
            cache: ports::cache::open(Arc::clone(&clock)),
            bus: Arc::new(SimBus { node, sim: sim(), store: Arc::clone(&self.bus) }),
            keys: Arc::new(SimKeys { node, sim: sim(), store: keys }),
            blobs: Arc::clone(&self.blobs),
            mail: ports::outbound::mail_folder(self.folder.path()),
            sms: ports::outbound::sms_folder(self.folder.path()),
            breaches: ports::breaches::none(),
            places: ports::places::Places::default(),
            identity_providers: ports::identity_providers::none(),
            web_pages: ports::web_pages::none(),
            scanner: ports::scanner::none(),
            clock,
            entropy,
        }
    }
}
