//! What is tested: three command nodes, two projectors and three query nodes as processes, behind
//! nginx, on three brokers, a Redis and a server for documents.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use chat::conversations::ConversationId;
use chat::kernel::StreamId;
use ports::Address;
use tempfile::TempDir;
use tests::servers::kafka::Cluster;
use tests::servers::mongo::Mongo;
use tests::servers::redis::Redis;
use tests::servers::s3::S3;
use tests::{Authority, Program, Proxy};

use crate::hosts::{AT_FAR, BROKERS, FAR, NEAR};

/// Partitions of the log.
const PARTITIONS: u16 = 16;

/// The roles of the nodes, and where each is.
const NODES: [(&str, IpAddr); 8] = [
    ("command-api", NEAR),
    ("command-api", NEAR),
    ("command-api", FAR),
    ("projectors", NEAR),
    ("projectors", NEAR),
    ("query-api", NEAR),
    ("query-api", NEAR),
    ("query-api", NEAR),
];

/// The node that can be cut off.
pub(crate) const FAR_NODE: usize = 2;

/// Everything that is tested.
pub(crate) struct Stand {
    pub(crate) brokers: Cluster,
    pub(crate) mongo: Mongo,
    pub(crate) redis: Redis,
    pub(crate) nodes: Vec<Node>,
    pub(crate) address: SocketAddr,
    /// Options of everything that joins.
    pub(crate) options: Vec<(&'static str, String)>,
    cache: Address,
    folder: TempDir,
    _proxy: Proxy,
    _keys: Program,
    _authority: Authority,
    _blobs: S3,
}

/// One process of the product.
pub(crate) struct Node {
    pub(crate) role: &'static str,
    address: SocketAddr,
    /// Where its peers reach it.
    peers: SocketAddr,
    program: Option<Program>,
}

impl Stand {
    /// Starts everything on a fresh instance.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let brokers = Cluster::start(BROKERS, 3);
        let (mongo, redis) = (Mongo::stand_in(NEAR), Redis::start(NEAR));
        let blobs = S3::start(NEAR);
        let token = tests::fresh_id() + &tests::fresh_id();
        let authority = Authority::of(NEAR);
        let file = |name| authority.folder().join(name).display().to_string();
        let admits = [
            ("PARLANCE_KEYS_TOKEN", token.clone()),
            ("PARLANCE_KEYS_TLS_CERT", file("certificate.pem")),
            ("PARLANCE_KEYS_TLS_KEY", file("key.pem")),
        ];
        let complaints = folder.path().join("keys.log");
        let place = SocketAddr::from((NEAR, 0));
        let keys = Program::start_at(&[], ("keys", place), folder.path(), &admits, &complaints);
        let cache = redis.address("faults");
        let shown = |it: &Address| it.secret_text().to_owned();
        let options = vec![
            ("PARLANCE_EVENT_LOG", shown(&brokers.address("faults"))),
            ("PARLANCE_DOCUMENTS", shown(&mongo.address("faults"))),
            ("PARLANCE_CACHE", shown(&cache)),
            ("PARLANCE_BUS", shown(&cache)),
            ("PARLANCE_BLOBS", shown(&blobs.address("faults"))),
            (
                "PARLANCE_KEYS",
                format!("https://node:{token}@{}?ca={}", keys.address, file("ca.pem")),
            ),
            ("PARLANCE_PARTITIONS", PARTITIONS.to_string()),
            ("PARLANCE_LOG_FILTER", "info".to_owned()),
        ];
        let mut nodes: Vec<Node> = (0..).zip(NODES).map(Node::new).collect();
        nodes.iter_mut().for_each(|it| it.start(&options, &folder));
        let of = |role| nodes.iter().filter(move |it| it.role == role).map(|it| it.address);
        let (commands, queries): (Vec<_>, Vec<_>) =
            (of("command-api").collect(), of("query-api").collect());
        let proxy = Proxy::start(NEAR, &commands, &queries);
        let address = proxy.address();
        Self {
            brokers,
            mongo,
            redis,
            nodes,
            address,
            options,
            cache,
            folder,
            _proxy: proxy,
            _keys: keys,
            _authority: authority,
            _blobs: blobs,
        }
    }

    /// Numbers of the nodes of a role.
    pub(crate) fn of(&self, role: &str) -> Vec<usize> {
        (0..self.nodes.len()).filter(|it| self.nodes[*it].role == role).collect()
    }

    /// Kills a node as the kernel does.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].program.take().expect("a running node").kill();
    }

    /// Asks a node to end and waits until it has.
    pub(crate) fn terminate(&mut self, node: usize) {
        self.nodes[node].program.take().expect("a running node").terminate();
    }

    /// Starts a node that was killed or has ended, where it was.
    pub(crate) fn start_again(&mut self, node: usize) {
        self.nodes[node].start(&self.options, &self.folder);
    }

    /// Sends a signal to a node.
    pub(crate) fn signal(&self, node: usize, name: &str) {
        self.nodes[node].program.as_ref().expect("a running node").signal(name);
    }

    /// The partition of a conversation.
    pub(crate) fn partition(conversation: &str) -> u16 {
        let id: ConversationId = conversation.parse().expect("an id");
        StreamId::Conversation(id).partition(PARTITIONS)
    }

    /// The node that owns the partition of a conversation, as the roster says; none for a moment
    /// while it changes hands.
    pub(crate) fn owner(&self, conversation: &str) -> Option<usize> {
        let partition = Self::partition(conversation);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let owner = runtime.expect("a runtime").block_on(async {
            let clock = Arc::new(ports::clock::System);
            let cache = ports::cache::connect(&self.cache, clock).await.expect("a cache");
            ports::roster::owner(&*cache, command_api::ROLE, partition).await
        });
        let owner = owner.expect("a cache that answers")?;
        let is_it = |it: &usize| format!("http://{}", self.nodes[*it].peers) == owner;
        self.of("command-api").into_iter().find(is_it)
    }

    /// The broker that leads the partition of a conversation.
    pub(crate) fn leader(&self, conversation: &str) -> usize {
        self.brokers.leader("faults.log.v1", Self::partition(conversation))
    }

    /// Runs a command of the program on the instance; gives what it printed.
    pub(crate) fn asks(&self, arguments: &[&str]) -> String {
        let output = Program::run_with(self.folder.path(), &self.options, arguments);
        String::from_utf8(output.stdout).expect("it prints text")
    }

    /// What the nodes wrote that tells of a bug.
    pub(crate) fn panics(&self) -> Vec<String> {
        let logs = self.nodes.iter().map(|it| it.log(&self.folder));
        let lines = logs.flat_map(|it| {
            let text = std::fs::read_to_string(it).unwrap_or_default();
            text.lines().filter(|it| it.contains("panicked")).map(str::to_owned).collect::<Vec<_>>()
        });
        lines.collect()
    }
}

impl Node {
    /// Whether it was started and not killed since.
    pub(crate) fn runs(&self) -> bool {
        self.program.is_some()
    }

    /// Ports in a network of one's own are all free.
    fn new((number, (role, host)): (u16, (&'static str, IpAddr))) -> Self {
        let (address, peers) = ((host, 7_000 + number).into(), (host, 7_100 + number).into());
        Self { role, address, peers, program: None }
    }

    fn start(&mut self, options: &[(&'static str, String)], folder: &TempDir) {
        assert!(self.program.is_none(), "a running node is started");
        let mut options = options.to_vec();
        options.push(("PARLANCE_PEER_LISTEN", self.peers.to_string()));
        let at = if self.address.ip() == FAR { AT_FAR } else { &[] };
        let (place, log) = ((self.role, self.address), self.log(folder));
        self.program = Some(Program::start_at(at, place, folder.path(), &options, &log));
    }

    /// Where what it complains of is kept.
    fn log(&self, folder: &TempDir) -> PathBuf {
        folder.path().join(format!("{}-{}.log", self.role, self.address.port()))
    }
}
