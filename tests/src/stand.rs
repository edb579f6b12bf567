//! The product as processes on real servers, behind nginx: to be broken, or to be measured.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chat::conversations::ConversationId;
use chat::kernel::StreamId;
use ports::Address;
use tempfile::TempDir;

use crate::servers::free_port;
use crate::servers::kafka::Cluster;
use crate::servers::mongo::Mongo;
use crate::servers::redis::Redis;
use crate::servers::s3::S3;
use crate::{Authority, Program, Proxy, fresh_id};

/// Prefix of everything on the servers.
const PREFIX: &str = "stand";

/// Lines of each node's log that are shown when a test has failed.
const TOLD: usize = 40;

/// What is started, and where.
pub struct Plan {
    /// Where every server is, and nginx.
    pub host: IpAddr,
    /// Where the brokers are, and how many, at most three.
    pub brokers: (IpAddr, usize),
    /// The server for documents.
    pub documents: fn(IpAddr) -> Mongo,
    /// Partitions of the log.
    pub partitions: u16,
    /// The first of the nodes' ports, where nobody else has any: then nobody takes that of a node
    /// that is killed.
    pub ports: Option<u16>,
    pub nodes: Vec<Place>,
}

/// A node to be started.
#[derive(Clone, Copy)]
pub struct Place {
    pub role: &'static str,
    pub host: IpAddr,
    /// The words by way of which a program is started on that host.
    pub at: &'static [&'static str],
}

/// Everything, running.
pub struct Stand {
    pub brokers: Cluster,
    pub mongo: Mongo,
    pub redis: Redis,
    pub nodes: Vec<Node>,
    /// Where nginx is, if there are nodes.
    pub address: Option<SocketAddr>,
    /// Options of everything that joins.
    pub options: Vec<(&'static str, String)>,
    pub partitions: u16,
    cache: Address,
    folder: TempDir,
    _proxy: Option<Proxy>,
    _keys: Program,
    _authority: Authority,
    _blobs: S3,
}

/// One process of the product.
pub struct Node {
    place: Place,
    address: SocketAddr,
    /// Where its peers reach it.
    peers: SocketAddr,
    program: Option<Program>,
}

impl Stand {
    /// Starts everything on a fresh instance.
    pub fn start(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let host = plan.host;
        let brokers = Cluster::start(plan.brokers.0, plan.brokers.1);
        let (mongo, redis, blobs) = ((plan.documents)(host), Redis::start(host), S3::start(host));
        let authority = Authority::of(host);
        let (keys, keys_address) = keys(host, &authority, folder.path());
        let cache = redis.address(PREFIX);
        let shown = |it: &Address| it.secret_text().to_owned();
        let options = vec![
            ("PARLANCE_EVENT_LOG", shown(&brokers.address(PREFIX))),
            ("PARLANCE_DOCUMENTS", shown(&mongo.address(PREFIX))),
            ("PARLANCE_CACHE", shown(&cache)),
            ("PARLANCE_BUS", shown(&cache)),
            ("PARLANCE_BLOBS", shown(&blobs.address(PREFIX))),
            ("PARLANCE_KEYS", keys_address),
            ("PARLANCE_PARTITIONS", plan.partitions.to_string()),
            ("PARLANCE_LOG_FILTER", "info".to_owned()),
        ];
        let mut ports = plan.ports.into_iter().flat_map(|first| first..);
        let mut port = || ports.next().unwrap_or_else(|| free_port(host));
        let mut nodes: Vec<Node> =
            plan.nodes.iter().map(|it| Node::new(it, [port(), port()])).collect();
        nodes.iter_mut().for_each(|it| it.start(&options, &folder));
        let of = |role| nodes.iter().filter(move |it| it.place.role == role).map(|it| it.address);
        let (commands, queries): (Vec<_>, Vec<_>) =
            (of("command-api").collect(), of("query-api").collect());
        let proxy = (!nodes.is_empty()).then(|| Proxy::start(host, &commands, &queries));
        Self {
            brokers,
            mongo,
            redis,
            nodes,
            address: proxy.as_ref().map(Proxy::address),
            options,
            partitions: plan.partitions,
            cache,
            folder,
            _proxy: proxy,
            _keys: keys,
            _authority: authority,
            _blobs: blobs,
        }
    }

    /// Numbers of the nodes of a role.
    pub fn of(&self, role: &str) -> Vec<usize> {
        (0..self.nodes.len()).filter(|it| self.nodes[*it].place.role == role).collect()
    }

    /// Kills a node as the kernel does.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].program.take().expect("a running node").kill();
    }

    /// Asks a node to end and waits until it has.
    pub fn terminate(&mut self, node: usize) {
        self.nodes[node].program.take().expect("a running node").terminate();
    }

    /// Starts a node that was killed or has ended, where it was.
    pub fn start_again(&mut self, node: usize) {
        self.nodes[node].start(&self.options, &self.folder);
    }

    /// Sends a signal to a node.
    pub fn signal(&self, node: usize, name: &str) {
        self.nodes[node].program.as_ref().expect("a running node").signal(name);
    }

    /// The partition of a conversation.
    fn partition(&self, conversation: &str) -> u16 {
        let id: ConversationId = conversation.parse().expect("an id");
        StreamId::Conversation(id).partition(self.partitions)
    }

    /// The node that owns the partition of a conversation, as the roster says; none for a moment
    /// while it changes hands.
    pub fn owner(&self, conversation: &str) -> Option<usize> {
        let partition = self.partition(conversation);
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
    pub fn leader(&self, conversation: &str) -> usize {
        self.brokers.leader(&self.topic("log.v1"), self.partition(conversation))
    }

    /// The folder that every process of it is given.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a command of the program on the instance complains of when it is refused.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = Program::attempt(self.folder.path(), &self.options, arguments);
        assert!(!output.status.success(), "{arguments:?} is not refused");
        String::from_utf8(output.stderr).expect("it complains in text")
    }

    /// The full name of a topic.
    pub fn topic(&self, name: &str) -> String {
        format!("{PREFIX}.{name}")
    }

    /// Runs a command of the program on the instance; gives what it printed.
    pub fn asks(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.tells(arguments)).expect("it prints text")
    }

    /// The same for a command that prints bytes.
    pub fn tells(&self, arguments: &[&str]) -> Vec<u8> {
        Program::run_with(self.folder.path(), &self.options, arguments).stdout
    }

    /// What the nodes wrote that tells of a bug.
    pub fn panics(&self) -> Vec<String> {
        let logs = self.nodes.iter().map(|it| it.log(&self.folder));
        let lines = logs.flat_map(|it| {
            let text = std::fs::read_to_string(it).unwrap_or_default();
            text.lines().filter(|it| it.contains("panicked")).map(str::to_owned).collect::<Vec<_>>()
        });
        lines.collect()
    }
}

impl Drop for Stand {
    /// What the nodes said last tells why a test failed.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for node in &self.nodes {
            let text = std::fs::read_to_string(node.log(&self.folder)).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let last = &lines[lines.len().saturating_sub(TOLD)..];
            eprintln!("{} at {}:\n{}", node.role(), node.address, last.join("\n"));
        }
    }
}

impl Node {
    /// Whether it was started and not killed since.
    pub fn runs(&self) -> bool {
        self.program.is_some()
    }

    fn new(place: &Place, ports: [u16; 2]) -> Self {
        let [address, peers] = ports.map(|it| SocketAddr::from((place.host, it)));
        Self { place: *place, address, peers, program: None }
    }

    /// What it does.
    pub fn role(&self) -> &'static str {
        self.place.role
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.program.as_ref().map(Program::pid)
    }

    fn start(&mut self, options: &[(&'static str, String)], folder: &TempDir) {
        assert!(self.program.is_none(), "a running node is started");
        let mut options = options.to_vec();
        options.push(("PARLANCE_PEER_LISTEN", self.peers.to_string()));
        let (place, log) = ((self.place.role, self.address), self.log(folder));
        let at = self.place.at;
        self.program = Some(Program::start_at(at, place, folder.path(), &options, &log));
    }

    /// Where what it complains of is kept.
    fn log(&self, folder: &TempDir) -> PathBuf {
        folder.path().join(format!("{}-{}.log", self.place.role, self.address.port()))
    }
}

/// A `parlance keys` for all nodes, and its address.
fn keys(host: IpAddr, authority: &Authority, folder: &Path) -> (Program, String) {
    let token = fresh_id() + &fresh_id();
    let file = |name| authority.folder().join(name).display().to_string();
    let options = [
        ("PARLANCE_KEYS_TOKEN", token.clone()),
        ("PARLANCE_KEYS_TLS_CERT", file("certificate.pem")),
        ("PARLANCE_KEYS_TLS_KEY", file("key.pem")),
    ];
    let place = ("keys", SocketAddr::from((host, 0)));
    let keys = Program::start_at(&[], place, folder, &options, &folder.join("keys.log"));
    let address = format!("https://node:{token}@{}?ca={}", keys.address, file("ca.pem"));
    (keys, address)
}
