//! Redis, which keeps nothing when it ends: alone, and three as a cluster.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ports::Address;

use super::{LOOPBACK, START_MAX, Server, free_port, installed, listens};
use crate::Authority;

/// Servers of a cluster: as few as it takes.
const CLUSTER: usize = 3;

/// A server alone.
pub struct Redis(Server);

impl Redis {
    pub fn start(host: IpAddr) -> Self {
        installed("redis");
        Self(Server::start(host, command, answers))
    }

    /// Where it keeps what has names of this prefix.
    pub fn address(&self, prefix: &str) -> Address {
        format!("redis://{}/{prefix}", self.0.address()).as_str().into()
    }

    /// All that it holds, of every prefix: one file, uncompressed.
    pub fn dump(&self) -> Vec<u8> {
        for asked in ["CONFIG SET rdbcompression no", "SAVE"] {
            let answer = told(self.0.address(), asked);
            assert!(answer.as_ref().is_some_and(|it| it.starts_with("+OK")), "{answer:?}");
        }
        std::fs::read(self.0.folder().join("dump.rdb")).expect("a dump")
    }

    /// Kills it as the kernel does.
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Starts it once more, after it was killed.
    pub fn start_again(&mut self) {
        self.0.start_again(command, answers);
    }
}

fn command(address: SocketAddr, folder: &Path) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--save", "", "--appendonly", "no", "--protected-mode", "no"]);
    command.arg("--bind").arg(address.ip().to_string());
    command.arg("--port").arg(address.port().to_string()).arg("--dir").arg(folder);
    command
}

fn answers(address: SocketAddr) -> bool {
    told(address, "PING").is_some_and(|it| it.starts_with("+PONG"))
}

/// What a server answers, as far as it comes at once.
fn told(address: SocketAddr, asked: &str) -> Option<String> {
    let limit = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&address, limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream.write_all(format!("{asked}\r\n").as_bytes()).ok()?;
    let mut answer = [0; 4_096];
    let length = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}

/// A server that speaks nothing but TLS, and knows nobody but `ann`, whose password is given.
pub fn secure(authority: &Authority, password: &str) -> Server {
    installed("redis");
    let place = authority.folder();
    let command = |address: SocketAddr, folder: &Path| {
        let mut command = command(SocketAddr::new(LOOPBACK, 0), folder);
        command.args(["--tls-port", &address.port().to_string(), "--tls-auth-clients", "no"]);
        command.arg("--tls-cert-file").arg(place.join("certificate.pem"));
        command.arg("--tls-key-file").arg(place.join("key.pem"));
        command.arg("--tls-ca-cert-file").arg(place.join("ca.pem"));
        command.args(["--user", "default", "off"]);
        command.args(["--user", "ann", "on", &format!(">{password}"), "~*", "&*", "+@all"]);
        command
    };
    Server::start(LOOPBACK, command, listens)
}

/// A cluster whose servers share the slots.
pub struct RedisCluster(Vec<Server>);

impl RedisCluster {
    pub fn start() -> Self {
        installed("redis");
        let servers = (0..CLUSTER).map(|_| {
            let cluster_port = free_port(LOOPBACK).to_string();
            let command = |address, folder: &Path| {
                let mut command = command(address, folder);
                command.args(["--cluster-enabled", "yes", "--cluster-port", &cluster_port]);
                command
            };
            Server::start(LOOPBACK, command, answers)
        });
        let cluster = Self(servers.collect());
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(cluster.hosts()).arg("--cluster-yes");
        let created = create.output().expect("redis-cli comes with redis-server");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let started = ports::clock::Stopwatch::start();
        while !cluster.whole() {
            assert!(started.seconds() < START_MAX.as_secs_f64(), "the cluster is not whole");
            std::thread::sleep(Duration::from_millis(20));
        }
        cluster
    }

    fn hosts(&self) -> Vec<String> {
        self.0.iter().map(|it| it.address().to_string()).collect()
    }

    fn whole(&self) -> bool {
        self.0.iter().all(|it| {
            let state = told(it.address(), "CLUSTER INFO");
            state.is_some_and(|it| it.contains("cluster_state:ok"))
        })
    }

    /// Where it keeps what has names of this prefix.
    pub fn address(&self, prefix: &str) -> Address {
        format!("redis+cluster://{}/{prefix}", self.hosts().join(",")).as_str().into()
    }
}
