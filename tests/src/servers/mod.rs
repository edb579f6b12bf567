//! Real servers for the tests, as `deploy/servers` installs them: started on loopback when first
//! asked for, ended with the handle.

pub mod clamd;
pub mod kafka;
pub mod mail;
pub mod mongo;
pub mod redis;
pub mod s3;

use std::ffi::OsStr;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(90);

/// The servers that a test shares, each started when it is first asked for.
#[derive(Default)]
pub struct Servers {
    kafka: OnceLock<kafka::Kafka>,
    mongo: OnceLock<mongo::Mongo>,
    fastest_mongo: OnceLock<mongo::Mongo>,
    redis: OnceLock<redis::Redis>,
    redis_cluster: OnceLock<redis::RedisCluster>,
    s3: OnceLock<s3::S3>,
}

impl Servers {
    /// One broker of Kafka.
    pub fn kafka(&self) -> &kafka::Kafka {
        self.kafka.get_or_init(kafka::Kafka::start)
    }

    /// A server that speaks MongoDB's protocol.
    pub fn mongo(&self) -> &mongo::Mongo {
        self.mongo.get_or_init(|| mongo::Mongo::named_or(mongo::Mongo::stand_in))
    }

    /// The fastest of them, for instances that do much.
    pub fn fastest_mongo(&self) -> &mongo::Mongo {
        self.fastest_mongo.get_or_init(|| mongo::Mongo::named_or(mongo::Mongo::fastest))
    }

    /// One Redis.
    pub fn redis(&self) -> &redis::Redis {
        self.redis.get_or_init(|| redis::Redis::start(LOOPBACK))
    }

    /// A Redis Cluster.
    pub fn redis_cluster(&self) -> &redis::RedisCluster {
        self.redis_cluster.get_or_init(redis::RedisCluster::start)
    }

    /// A server that speaks S3.
    pub fn s3(&self) -> &s3::S3 {
        self.s3.get_or_init(|| s3::S3::start(LOOPBACK))
    }
}

/// Where servers listen unless a test has hosts of its own.
pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A process that serves at an address, with a folder of its own.
pub struct Server {
    child: Option<Child>,
    address: SocketAddr,
    folder: TempDir,
}

impl Server {
    /// Starts a server on a free port of a host; `command` is given the address and the folder,
    /// and `ready` says whether it answers.
    pub fn start(
        host: IpAddr,
        command: impl Fn(SocketAddr, &Path) -> Command,
        ready: impl Fn(SocketAddr) -> bool,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = SocketAddr::from((host, free_port(host)));
        let mut server = Self { child: None, address, folder };
        server.start_again(command, ready);
        server
    }

    /// Starts it once more at the same address and on the same folder, after it was killed.
    pub fn start_again(
        &mut self,
        command: impl Fn(SocketAddr, &Path) -> Command,
        ready: impl Fn(SocketAddr) -> bool,
    ) {
        assert!(self.child.is_none(), "a server is started while it runs");
        let log = self.folder.path().join("server.log");
        let out = File::options().create(true).append(true).open(&log).expect("a log file");
        let mut command = guarded(&command(self.address, self.folder.path()));
        command.stdin(Stdio::piped()).stderr(out.try_clone().expect("a log file")).stdout(out);
        let mut child = command.spawn().unwrap_or_else(|it| panic!("{command:?}: {it}"));
        let started = ports::clock::Stopwatch::start();
        while !ready(self.address()) {
            let ended = child.try_wait().expect("a child can be waited for").is_some();
            let late = started.seconds() > START_MAX.as_secs_f64();
            let told = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(!ended && !late, "{command:?} does not answer: {}", told());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child = Some(child);
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it was started and not killed since.
    pub fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills it as the kernel does; its folder stays.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            child.wait().expect("a child can be waited for");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The same command under a shell that kills it and what it has started once nobody holds its input
/// any more, so that a server ends with the test, however that ends.
fn guarded(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    // Its group goes by its number; before it has one it is killed alone. A signal to this shell,
    // as a terminal sends it, ends the reading.
    let script = r#"trap : HUP INT TERM; setsid "$@" & pid=$!
        read -r _; kill -9 -$pid $pid 2>/dev/null; wait $pid"#;
    shell.args([OsStr::new("-c"), OsStr::new(script), OsStr::new("sh"), command.get_program()]);
    shell.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

/// Where `deploy/servers` has installed a server.
pub fn installed(name: &str) -> PathBuf {
    let cache = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache/parlance");
    let root = std::env::var_os("TEST_SERVERS").map_or_else(|| cache().join("servers"), Into::into);
    let place = root.join(name);
    assert!(place.exists(), "{} is absent: `make servers` installs it", place.display());
    place
}

/// Whether something listens there.
pub fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
}

/// Ports that the kernel gives to no connection of its own accord: whoever asks whether something
/// listens on one of those connects to itself at times.
const PORTS: Range<u32> = 10_000..32_000;

/// A port of a host that nobody has now, and that this process has not had before.
pub fn free_port(host: IpAddr) -> u16 {
    static TURN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Processes begin at different places.
        let first = std::process::id().wrapping_mul(101);
        let turn = first.wrapping_add(TURN.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + turn % (PORTS.end - PORTS.start);
        let port = u16::try_from(port).expect("ports are counted in two bytes");
        if TcpListener::bind((host, port)).is_ok() {
            return port;
        }
    }
}
